"""A made-up miniature of NSynth, laid out as the archives are."""

import json
import pathlib
import wave

import numpy as np

from tests.made_up_audio import tone
from tfmusicgan.note_sequences.recorded_note import FAMILIES, SOURCES

RATE, SAMPLES = 16_000, 1_600
# (instrument, family, source, pitch, velocity) of the notes of each split.
NOTES = {
    "train": [
        (3, 4, 0, 60, 25),
        (3, 4, 0, 61, 127),
        (3, 4, 0, 23, 100),  # too low
        (3, 4, 0, 85, 50),  # too high
        (8, 0, 1, 40, 75),  # electronic
        (9, 10, 0, 84, 75),
        (9, 10, 0, 24, 75),
    ],
    "valid": [(20, 7, 0, 64, 75), (21, 9, 2, 64, 75)],
    "test": [(30, 1, 0, 72, 100), (30, 1, 0, 71, 100)],
}


def name_of(note: tuple[int, int, int, int, int]) -> str:
    """A note's name as NSynth writes it."""
    instrument, family, source, pitch, velocity = note
    return f"{FAMILIES[family]}_{SOURCES[source]}_{instrument:03d}-{pitch:03d}-{velocity:03d}"


def samples_of(note: tuple[int, int, int, int, int]) -> np.ndarray:
    """int16 [1600]."""
    wave_ = tone(note[3], SAMPLES, RATE, seed=note[0]) * note[4] / 127.0
    return np.rint(wave_ * 32767.0).astype("<i2")


def fields_of(note: tuple[int, int, int, int, int], number: int = 0) -> dict:
    """A note's labels as in `examples.json`."""
    instrument, family, source, pitch, velocity = note
    return {
        "note": number,
        "note_str": name_of(note),
        "instrument": instrument,
        "pitch": pitch,
        "velocity": velocity,
        "sample_rate": RATE,
        "qualities": [int(place == instrument % 10) for place in range(10)],
        "qualities_str": ["dark"],
        "instrument_family": family,
        "instrument_family_str": FAMILIES[family],
        "instrument_source": source,
        "instrument_source_str": SOURCES[source],
    }


def write_wav(path: pathlib.Path, samples: np.ndarray, rate: int = RATE) -> None:
    """Writes int16 [samples] or [samples, channels]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())


def write_archives(folder: pathlib.Path, splits: tuple[str, ...] = tuple(NOTES)) -> None:
    """Writes the JSON/WAV form of some splits."""
    for split in splits:
        audio = folder / f"nsynth-{split}" / "audio"
        audio.mkdir(parents=True)
        labels = {name_of(note): fields_of(note, n) for n, note in enumerate(NOTES[split])}
        (audio.parent / "examples.json").write_text(json.dumps(labels))
        for note in NOTES[split]:
            write_wav(audio / f"{name_of(note)}.wav", samples_of(note))


def write_records(path: pathlib.Path, split: str) -> None:
    """Writes the TFRecord form of a split by TensorFlow."""
    import tensorflow as tf

    def feature(value):
        values = value if isinstance(value, list) else [value]
        if isinstance(values[0], str):
            data = tf.train.BytesList(value=[text.encode() for text in values])
            return tf.train.Feature(bytes_list=data)
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))

    with tf.io.TFRecordWriter(str(path)) as writer:
        for number, note in enumerate(NOTES[split]):
            features = {key: feature(value) for key, value in fields_of(note, number).items()}
            floats = tf.train.FloatList(value=samples_of(note) / 32768.0)
            features["audio"] = tf.train.Feature(float_list=floats)
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
