"""GANSynth's rows: whatever the size, the kind of image is the row's."""

import pytest

from tfmusicgan import recipes

KINDS = {
    "gansynth": "if_mel",
    "gansynth_if": "if",
    "gansynth_if_standard": "if",
    "gansynth_mel_standard": "if_mel",
    "gansynth_phase": "phase",
    "gansynth_phase_standard": "phase",
    "gansynth_soundfont": "if",
    "gansynth_waveform": "waveform",
}


def test_every_row_is_here():
    assert set(KINDS) == {name for name in recipes.names() if name.startswith("gansynth")}


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_size_of_a_row_is_of_its_kind(name):
    configs = {size: preset.config for size, preset in recipes.get(name).presets.items()}
    # The tests' runs of notes of a soundfont have images of the first row, which are theirs, too.
    expected = {"paper": KINDS[name], "small": KINDS[name], "tiny": KINDS[name]}
    if name == "gansynth_soundfont":
        expected["tiny"] = KINDS["gansynth"]
    assert {size: config.kind for size, config in configs.items()} == expected
    assert configs["small"].normaliser == configs["tiny"].normaliser == "measured"
