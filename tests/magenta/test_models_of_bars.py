"""MidiNet and JazzGAN go on with music for Magenta's programs, by their own signatures."""

import numpy as np
import pytest
import tensorflow as tf

from tests.magenta.made_up_models import ROWS, generator_of, notes_of, section
from tests.models import jazz, test_midinet
from tests.representations.lead_sheets import lead_sheet
from tfmusicgan.client.controls import control_rows
from tfmusicgan.note_sequences.proto import NoteSequence


class Untrained:
    """A model in this process, asked by its signatures without an export."""

    def __init__(self, name, model):
        self.name = name
        self._signatures = model.signatures()
        self.asked, self.answers = [], []

    def signatures(self):
        return {name: self._described(one) for name, one in self._signatures.items()}

    def ask(self, signature, seed, controls, outputs):
        self.asked.append((signature, controls["num_bars"]))
        entry = self.signatures()[signature]
        rows = control_rows(entry["inputs"], controls, 1, entry["defaults"])
        given = {"seed": np.int64([seed]), **rows}
        tensors = {name: tf.constant(row) for name, row in given.items()}
        found = self._signatures[signature].function(**tensors)
        self.answers.append(found["note_sequence"].numpy()[0])
        return {name: found[name].numpy()[0] for name in outputs}

    def _described(self, signature):
        inputs, defaults = {}, {}
        for name, spec in signature.inputs.items():
            dtype = {"float32": "float"}.get(spec.dtype.name, spec.dtype.name)
            inputs[name] = (dtype, (-1,) * spec.shape.rank)
            defaults[name] = np.array([signature.defaults[name]], spec.dtype.as_numpy_dtype)
        return {
            "inputs": inputs,
            "outputs": {"note_sequence": ("string", ROWS)},
            "defaults": {name: defaults[name] for name in set(inputs) - {"seed", "note_sequence"}},
        }


def _midinet():
    return test_midinet.build("midinet_creative")


def _jazzgan():
    model = jazz.make_model("jazzgan")
    model.prepare(jazz.make_phrases(model.representation, 20, seed=4))
    return model


@pytest.mark.slow
@pytest.mark.parametrize("build", [_midinet, _jazzgan])
def test_a_tune_is_gone_on_with_by_whole_bars(build):
    model = Untrained("tunes", build())
    # A pick-up of half a second, a whole bar of two, and half a bar.
    sheet = lead_sheet([(60, 0, 1), (62, 1, 4), (64, 5, 2)], [(1, "Am"), (5, "F")], numerator=1)
    sheet.time_signatures.add(numerator=4, denominator=4, time=0.5)
    piece = generator_of(model).generate(sheet, section(4.5, 9.5, seed=3))
    assert model.asked == [("continue", 1), ("continue", 2), ("continue", 3)]
    assert notes_of(piece)[:3] == notes_of(sheet)
    answer = NoteSequence.FromString(model.answers[-1])
    # The pick-up's bar and the last are whole ones, which the third new bar ends 12 s after.
    assert answer.total_time == pytest.approx(12.0)
    expected = [
        (max(note.start_time, 6.0) - 1.5, min(note.end_time, 11.0) - 1.5, note.pitch)
        for note in answer.notes
        if note.end_time > 6.0 + 1e-6 and note.start_time < 11.0 - 1e-6
    ]
    found = notes_of(piece)[3:]
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found, expected, atol=1e-5)
    symbols = [(text.time, text.text) for text in answer.text_annotations]
    assert symbols[:2] == [(pytest.approx(2.0), "Am"), (pytest.approx(4.0), "F")]
