"""JazzGAN's measures of the sheets that were released with its code, as they were measured there.

These are the 300 phrases over ii-V-I, which Impro-Visor has, too. The other figures that are known
cannot be had again: which 46 transcriptions, of 66 in an older branch, could be parsed is not
known, and the MIDI samples are the authors' own.
"""

import dataclasses
import zipfile

import numpy as np
import pytest

from tfmusicgan.metrics import harmonic_consistency as harmony
from tfmusicgan.metrics import jazz_metrics as meant
from tfmusicgan.metrics import jazz_metrics_as_published as coded
from tfmusicgan.metrics.jazz_lines import read_line
from tfmusicgan.note_sequences.impro_visor import read_impro_visor
from tfmusicgan.representations.jazz_phrases_chords import chord_numbers, to_bits

FOLDER = "training/combination/rbmprovisor-ii-V-I/"


@pytest.fixture(scope="module")
def corpus(test_data):
    with zipfile.ZipFile(test_data / "impro_visor_leadsheets/impro_visor_leadsheets.zip") as file:
        names = sorted(n for n in file.namelist() if FOLDER in n and n.endswith(".ls"))
        return [read_line(read_impro_visor(file.read(name), name)) for name in names]


def pooled(measure, lines, *arguments):
    few, every = np.sum([measure(line, *arguments) for line in lines], axis=0)
    return few / every


def mean(measure, lines):
    return np.mean([few / every for few, every in (measure(line) for line in lines)])


def test_sizes(corpus):
    pitches = np.concatenate([line.pitches for line in corpus])
    lengths = np.concatenate([line.durations for line in corpus])
    assert len(corpus) == 300
    assert len(pitches) == 5_877
    assert int(lengths.sum()) // 48 == 1_142
    assert (pitches == 73).mean() == pytest.approx(0.035, abs=5e-4)
    assert (lengths == 6).mean() == pytest.approx(0.78, abs=5e-3)
    notes = pitches[pitches != 73] + 36
    assert (notes.min(), notes.max()) == (55, 89)


def test_coded_figures(corpus):
    assert pooled(meant.qualified_rhythm, corpus) == pytest.approx(0.997, abs=5e-4)
    repeated = coded.pitch_repetitions_as_published
    assert pooled(repeated, corpus, 2) == pytest.approx(0.0020, abs=5e-5)
    assert pooled(repeated, corpus, 3) == 0
    long_ones = pooled(coded.long_repetitions_as_published, corpus)
    assert long_ones == pytest.approx(0.0003, abs=5e-5)
    assert pooled(coded.tone_spans_as_published, corpus) == pytest.approx(0.0011, abs=5e-5)
    varied = mean(coded.pitch_variations_as_published, corpus)
    assert varied == pytest.approx(0.595, abs=5e-4)
    assert mean(meant.rhythm_variations, corpus) == pytest.approx(0.171, abs=5e-4)


def test_harmony(corpus):
    # Measured without the eleventh of thirteenth chords, which note_seq's reading has.
    thirteenth = to_bits(np.array(chord_numbers("C13")[1]))
    plain = []
    for line in corpus:
        tones = line.chord_tones.copy()
        tones[(tones == thirteenth).all(axis=1), 5] = 0
        plain.append(dataclasses.replace(line, chord_tones=tones))
    fit = np.sum([harmony.chord_fit(line) for line in plain], axis=0)
    assert (fit / fit.sum()).tolist() == pytest.approx([0.739, 0.066, 0.195], abs=5e-4)
    assert fit.sum() == sum(line.is_note.sum() for line in corpus)
    right = np.sum([harmony.chord_fit(line) for line in corpus], axis=0)
    assert right[0] > fit[0]
    # Over other chords of the same key far fewer notes fit.
    own, other, notes = np.sum([harmony.exchanged_chords(line) for line in corpus], axis=0)
    assert other / notes < 0.65 < 0.7 < own / notes
    colours = np.sum([harmony.note_colours(line) for line in corpus], axis=0)
    assert colours[0] == right[0]


def test_nothing_is_quite_new(corpus):
    hits, every = meant.rote_memorisation(corpus[:40], corpus[40:], 3)
    free, _ = meant.rote_memorisation(corpus[:40], corpus[40:], 3, any_key=True)
    strict, _ = meant.rote_memorisation(corpus[:40], corpus[40:], 3, with_durations=True)
    assert 0 < strict.sum() <= hits.sum() <= free.sum() < every.sum()
