"""Draws and plays generated notes beside recorded ones of the same pitches.

  python scripts/reproduce/note_pictures.py --run=RUN --records=RECORDS --output=FOLDER

Writes notes.png, log-mel spectra with a column for each pitch: held-out notes above, then notes of
the untrained and of the trained model, and each of the notes as a WAV file. In timbres.png and
timbres.wav one seed plays a scale in each row: the timbre is the seed's, the pitch is asked for.
"""

import argparse
import os
import pathlib

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from tfmusicgan.errors import MusicGanError
from tfmusicgan.metrics.note_metrics import FIELD, Notes
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.note_sequences.wav_file import wav_bytes
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.rendering.names import pitch_name
from tfmusicgan.training.fit import prepare_model
from tfmusicgan.training.note_monitor import as_notes
from tfmusicgan.training.note_pictures import draw_notes
from tfmusicgan.training.run import Run


def generate(model: MusicGAN, seeds: np.ndarray, pitches: np.ndarray) -> Notes:
    """Notes of given seeds and pitches."""
    seeds, pitches = tf.constant(seeds, tf.int64), tf.constant(pitches, tf.int32)
    sampled = model.sample_examples(seeds, pitches)
    examples = {name: sampled[name].numpy() for name in (FIELD, "pitch")}
    return as_notes(examples, model.representation)


def recorded(records: RecordSet, pitches: np.ndarray, seed: int) -> Notes:
    """A recorded note of each pitch, of instruments drawn by the seed.

    Raises:
      MusicGanError: If the records have no note of a pitch.
    """
    notes = as_notes(records.spread(records.num_examples), records.representation)
    random = np.random.default_rng(seed)
    chosen = []
    for pitch in pitches:
        places = np.flatnonzero(notes.pitch == pitch)
        if not len(places):
            raise MusicGanError(
                f"Expected a note of pitch {pitch} in {records.directory}, split {records.split}. "
                "Received: none. Name other --pitches."
            )
        chosen.append(random.choice(places))
    return notes[np.array(chosen)]


def choose_pitches(run: Run, text: str | None) -> np.ndarray:
    """The pitches that a flag names, by default five at even distances over the run's range."""
    if text is not None:
        pitches = text.split(",")
        if not all(pitch.strip().isdecimal() and int(pitch) < 128 for pitch in pitches):
            raise MusicGanError(
                "Expected --pitches of MIDI numbers from 0 to 127, with commas. Received: "
                f"{text!r}."
            )
        return np.array([int(pitch) for pitch in pitches])
    parameters = run.settings["representation"]["parameters"]
    return np.linspace(parameters["min_pitch"], parameters["max_pitch"], 5).astype(int)


def held_out(folder: pathlib.Path) -> RecordSet:
    """The test split, or the validation split where there is none."""
    manifest = RecordSet.open(folder, "train").manifest
    return RecordSet.open(folder, "test" if manifest.num_examples("test") else "validation")


def draw(
    run: Run,
    records: pathlib.Path,
    output: pathlib.Path,
    pitches: np.ndarray,
    seed: int,
    checkpoint: str,
) -> None:
    """Writes the pictures and the sounds.

    Args:
      run: Of a model that makes notes.
      records: The record set.
      output: The folder; it is made.
      pitches: MIDI pitches of the columns.
      seed: Of the recorded notes' choice, and the first of the generated ones'.
      checkpoint: As in tfmusicgan-evaluate.
    """
    model, info = run.load_model(checkpoint)
    untrained = run.build_model()
    prepare_model(untrained, RecordSet.open(records, "train"))
    untrained.begin_stage(max(info.step - 1, 0))
    seeds = seed + np.arange(len(pitches))
    rows = {
        "held-out": recorded(held_out(records), pitches, seed),
        "untrained": generate(untrained, seeds, pitches),
        "trained": generate(model, seeds, pitches),
    }
    output.mkdir(parents=True, exist_ok=True)
    draw_notes(rows, output / "notes.png")
    for name, notes in rows.items():
        for number, (pitch, audio) in enumerate(zip(notes.pitch, notes.audio, strict=True)):
            title = pitch_name(int(pitch)).replace("#", "sharp")
            wav = wav_bytes(audio, notes.sample_rate)
            (output / f"{name}-{number}-{title}.wav").write_bytes(wav)
    timbres = {f"seed {one}": generate(model, np.full(len(pitches), one), pitches) for one in seeds}
    draw_notes(timbres, output / "timbres.png")
    together = np.concatenate([notes.audio for notes in timbres.values()])
    wav = wav_bytes(np.ravel(together), model.representation.sample_rate)
    (output / "timbres.wav").write_bytes(wav)


def main() -> None:
    """Draws what the flags ask for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True, type=pathlib.Path, help="training run of notes")
    parser.add_argument("--records", required=True, type=pathlib.Path, help="record set")
    parser.add_argument("--output", required=True, type=pathlib.Path, help="folder to write")
    parser.add_argument("--pitches", help="MIDI pitches, with commas (default: five of the run's)")
    parser.add_argument("--seed", type=int, default=1, help="of what is drawn")
    parser.add_argument("--checkpoint", default="latest", help="latest, best, ema or a folder")
    flags = parser.parse_args()
    try:
        run = Run.open(flags.run)
        pitches = choose_pitches(run, flags.pitches)
        draw(run, flags.records, flags.output, pitches, flags.seed, flags.checkpoint)
    except ValueError as error:  # the suite's own errors are, too
        parser.exit(1, f"{parser.prog}: {error}\n")


if __name__ == "__main__":
    main()
