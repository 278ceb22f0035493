"""Evaluation of events: how new pieces are, and how well held-out ones are foreseen."""

import numpy as np
import pytest

from tfmusicgan import recipes
from tfmusicgan.evaluation import HELD_OUT, TRAINED, TRAINING, UNTRAINED, note_events
from tfmusicgan.models.c_rnn_gan.model import CRNNGAN
from tfmusicgan.records.reader import RecordSet

RECIPE = recipes.get("c_rnn_gan")


def test_copies_and_new_pieces_are_told_apart(tiny_records):
    train = RecordSet.open(tiny_records["c_rnn_gan"])
    models = {
        row: CRNNGAN(RECIPE.preset("tiny").config, train.representation, seed)
        for seed, row in enumerate((UNTRAINED, TRAINED))
    }
    data = train.spread(24)["note_events"]
    moved = data + np.array([0, 0, 1 / 12, 0], np.float32)  # a semitone up
    silent = np.array(data)
    silent[..., 3] = -3
    phrases = {TRAINING: data, HELD_OUT: data, UNTRAINED: silent, TRAINED: moved}
    found = note_events.measure(RECIPE, phrases, models, train)
    held_out, trained = found["memorisation"][HELD_OUT], found["memorisation"][TRAINED]
    assert held_out["nearest_training_phrase"] == 0 and held_out["copied_8_grams"] == 1
    assert trained["nearest_training_phrase"] > 0.5 and trained["copied_8_grams"] == 0
    assert trained["self_similarity"] == held_out["self_similarity"] < 0.2
    errors = [models[row].next_event_error(data).numpy() for row in (UNTRAINED, TRAINED)]
    for row, error in zip((UNTRAINED, TRAINED), errors, strict=True):
        found_error = found["memorisation"][row]["held_out_error"]
        assert error.shape == (24,) and found_error == pytest.approx(error.mean(), rel=1e-5)
    assert found["rows"][TRAINED]["event_tone_span/piece"] == pytest.approx(
        found["rows"][TRAINING]["event_tone_span/piece"]
    )
    assert np.isnan(found["rows"][UNTRAINED]["event_tone_span/piece"])
    assert found["rows"][TRAINED]["event_pitch_classes/piece"] < 1
