"""Single notes as sound: what is kept, what is brought into form, and what is refused."""

import json

import numpy as np
import pytest

from tests.made_up_audio import hertz, recorded_note, tone
from tests.validity import assert_valid
from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, ConversionError, PieceError, ReadError
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import Audio, RecordedNote, one_note
from tfmusicgan.representations.note_audio import NoteAudio, audio_of

REP = NoteAudio(sample_rate=8000, num_samples=1000, min_pitch=48, max_pitch=72)


def _note(samples, rate=8000, pitch=50, velocity=90, **labels):
    sequence = one_note("a note", pitch, velocity)
    return RecordedNote(sequence, lambda *_: Audio(np.asarray(samples, float), rate), **labels)


def _encode(*arguments, **labels):
    (example,) = REP.encode(_note(*arguments, **labels))
    return example


def _wave(num=1000, rate=8000, pitch=57.0):
    return tone(pitch, num, rate, seed=4).astype(float)


def test_defaults_are_nsynths_clip_and_gansynths_pitches():
    rep = NoteAudio()
    assert (rep.sample_rate, rep.num_samples, rep.clip_seconds) == (16000, 64000, 4.0)
    assert rep.num_pitches == len(rep.pitches) == 61
    assert rep.pitches[0] == 24 and rep.pitches[-1] == 84
    assert {name: (field.shape, field.dtype) for name, field in rep.spec.items()} == {
        "audio": ((64000,), "int16"),
        "pitch": ((), "int32"),
        "velocity": ((), "int32"),
        "instrument": ((), "int32"),
        "instrument_family": ((), "int32"),
        "instrument_source": ((), "int32"),
        "qualities": ((10,), "bool"),
    }


def test_samples_and_labels():
    qualities = (False, True) + (False,) * 7 + (True,)
    wave = np.zeros(1000)
    wave[:5] = [0.5, -1.0, 3.4 / 32768, -3.6 / 32768, 0.999999]
    labels = {"instrument": 7, "instrument_family": 4, "instrument_source": 1}
    example = _encode(wave, pitch=72, velocity=31, qualities=qualities, **labels)
    assert example["audio"][:6].tolist() == [16384, -32768, 3, -4, 32767, 0]
    assert {name: int(example[name]) for name in labels} == labels
    assert int(example["pitch"]) == 72 and int(example["velocity"]) == 31
    assert example["qualities"].tolist() == list(qualities)
    for name, field in REP.spec.items():
        assert example[name].dtype == field.dtype and example[name].shape == field.shape, name
    assert audio_of(example)[:2].tolist() == [0.5, -1.0]
    assert audio_of(example).dtype == np.float32


def test_labels_that_nobody_named_are_minus_one():
    example = _encode(_wave())
    assert [int(example[n]) for n in ("instrument", "instrument_family", "instrument_source")] == [
        -1
    ] * 3
    assert not example["qualities"].any()


def test_loud_samples_are_clipped():
    wave = np.zeros(1000)
    wave[:3] = [1.5, -2.0, 1.0]
    assert _encode(wave)["audio"][:3].tolist() == [32767, -32768, 32767]


def test_longer_clips_are_cut_and_shorter_ones_filled_up():
    wave = _wave(1700)
    expected = np.rint(wave * 32768)
    np.testing.assert_array_equal(_encode(wave)["audio"], expected[:1000])
    short = _encode(wave[:300])["audio"]
    np.testing.assert_array_equal(short[:300], expected[:300])
    assert not short[300:].any()


def test_channels_are_averaged():
    left, right = _wave(), _wave(pitch=64)
    got = _encode(np.stack([left, right], axis=1))["audio"]
    np.testing.assert_allclose(got, (left + right) / 2 * 32768, atol=0.51)


@pytest.mark.parametrize("rate", [16000, 44100, 6000])
def test_another_rate_is_resampled(rate):
    seconds = np.arange(rate) / rate  # a second, of which an eighth is kept
    got = audio_of(_encode(0.5 * np.sin(2 * np.pi * 700 * seconds), rate))
    expected = 0.5 * np.sin(2 * np.pi * 700 * np.arange(1000) / 8000)
    assert got.shape == (1000,)
    np.testing.assert_allclose(got[60:], expected[60:], atol=1e-3)


def test_only_what_is_kept_is_resampled():
    """NaN beyond the clip is not read."""
    wave = np.append(_wave(3000, 16000), [np.nan])
    assert _encode(wave, 16000)["audio"].any()
    with pytest.raises(ReadError, match="NaN"):
        _encode(wave[2000:], 16000)


@pytest.mark.parametrize(
    ("samples", "rate", "reason", "message"),
    [
        ([], 8000, "empty_audio", r"no samples in 'a note'"),
        (np.zeros(900), 8000, "silent_audio", r"a peak of 0 of full scale in the 0.125 s"),
        (np.full(900, 2.0**-13), 8000, "silent_audio", r"a peak of 0.0001 of"),
        (np.append(np.zeros(1000), _wave()), 8000, "silent_audio", "that sounds"),
        ([0.5, np.nan, 0.5], 8000, "not_finite", r"NaN or infinity in 'a note'"),
        ([0.5, -np.inf], 16000, "not_finite", "finite samples"),
        (np.ones((4, 3, 2)), 8000, "bad_shape", r"float64 \[4, 3, 2\]"),
        (np.ones((4, 65)), 8000, "bad_shape", r"1-64 channels"),
        (_wave(), 999, "bad_sample_rate", r"within 1000-384000 Hz. Received: 999"),
    ],
)
def test_audio_that_is_refused(samples, rate, reason, message):
    with pytest.raises(ReadError, match=message) as error:
        _encode(samples, rate)
    assert error.value.reason == reason


def test_whole_numbers_are_no_samples():
    note = RecordedNote(one_note("x", 50, 90), lambda *_: Audio(np.ones(5, np.int16), 8000))
    with pytest.raises(ReadError, match=r"Expected float .* int16"):
        REP.encode(note)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"pitch": 47}, "pitch_out_of_range"),
        ({"pitch": 73}, "pitch_out_of_range"),
        ({"velocity": 79}, "velocity_out_of_range"),
    ],
)
def test_what_is_out_of_range_is_never_read(change, reason):
    def never(*_):
        raise AssertionError("read")

    rep = NoteAudio(8000, 1000, 48, 72, min_velocity=80)
    note = RecordedNote(one_note("x", **{"pitch": 60, "velocity": 80, **change}), never)
    with pytest.raises(ConversionError) as error:
        rep.encode(note)
    assert error.value.reason == reason
    with pytest.raises(AssertionError, match="read"):
        rep.encode(RecordedNote(one_note("x", 60, 80), never))


def test_pieces_that_are_no_recorded_note():
    with pytest.raises(ConversionError, match=r"notes alone. Use --dataset=nsynth") as error:
        REP.encode(NoteSequence(id="song"))
    assert error.value.reason == "no_audio"
    two = one_note("x", 60, 80)
    two.notes.add(pitch=61, velocity=80, end_time=1.0)
    with pytest.raises(ConversionError, match=r"Expected one note. Received: 2") as error:
        REP.encode(RecordedNote(two, lambda *_: Audio(_wave(), 8000)))
    assert error.value.reason == "not_one_note"


@pytest.mark.parametrize(
    "labels",
    [
        {"instrument": -2},
        {"instrument": 2**31},
        {"instrument_family": 11},
        {"instrument_source": 3},
        {"instrument_source": True},
        {"qualities": (True,) * 9},
        {"qualities": (2,) * 10},
    ],
)
def test_labels_out_of_range(labels):
    with pytest.raises(ReadError) as error:
        _note([0.5], **labels)
    assert error.value.reason == "bad_label"


@pytest.mark.parametrize(("pitch", "velocity"), [(128, 90), (-1, 90), (60, 0), (60, 128)])
def test_notes_out_of_range(pitch, velocity):
    with pytest.raises(PieceError, match=r"within \d+ to 127. Received: .* in 'x'"):
        one_note("x", pitch, velocity)


@pytest.mark.parametrize("number", range(12))
def test_decoding_gives_the_note_back(number):
    note = recorded_note(number, REP.pitches, 8000, 1000)
    (example,) = REP.encode(note)
    decoded = REP.decode(example)
    assert_valid(decoded)
    expected = NoteSequence()
    expected.CopyFrom(note.sequence)
    expected.ClearField("id")  # as lost
    assert decoded == expected
    assert decoded.notes[0].end_time == 0.09375 and decoded.total_time == 0.125


def test_decoding_what_a_model_made():
    decoded = REP.decode({"audio": np.zeros(1000, np.int16), "pitch": np.int32(61)})
    assert_valid(decoded)
    (note,) = decoded.notes
    assert (note.pitch, note.velocity, note.program) == (61, 100, 0)
    with pytest.raises(ConversionError, match=r"pitch within 0 to 127. Received: 128"):
        REP.decode({"pitch": 128})


def test_encoding_changes_nothing():
    note = recorded_note(5, REP.pitches, 8000, 1000)
    before = note.sequence.SerializeToString(deterministic=True)
    first, second = REP.encode(note), REP.encode(note)
    assert note.sequence.SerializeToString(deterministic=True) == before
    np.testing.assert_array_equal(first[0]["audio"], second[0]["audio"])


def test_made_up_tones_have_their_pitch():
    """The strongest frequency of the first harmonics' spectrum is the pitch's."""
    for pitch in (48, 55, 61, 72):
        wave = tone(pitch, 8000, 8000, seed=pitch)
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(8000)))
        assert abs(np.argmax(spectrum) - hertz(pitch)) < 1.0  # a bin is 1 Hz
        assert 0.5 < np.abs(wave).max() <= 0.9
        # Lopsided: most of its energy comes early.
        assert np.sum(wave[:4000] ** 2) > 1.5 * np.sum(wave[4000:] ** 2)


def test_parameters():
    assert representations.get("note_audio") is NoteAudio
    entry = json.loads(json.dumps(representations.to_manifest(REP)))
    assert representations.from_manifest(entry) == REP
    with pytest.raises(ConfigError, match=r"min_pitch <= max_pitch. Received: 60 and 59"):
        NoteAudio(min_pitch=60, max_pitch=59)
    with pytest.raises(ConfigError, match=r"sample_rate: .* within 4000-48000"):
        NoteAudio(sample_rate=3999)
    with pytest.raises(ConfigError, match=r"parameter of note_audio 'rate'. Known: .*num_samples"):
        NoteAudio.from_parameters({"rate": 8000})
