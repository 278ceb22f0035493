"""Settings that no training can follow: refused when the model is built, before a run is begun."""

import pytest

from tests.devices import mirrored
from tests.models.tiny import make_model
from tfmusicgan.errors import ConfigError


def test_bursts_want_one_device():
    with mirrored().scope():
        model = make_model("musegan_hybrid_chorales", critic_bursts=True)
        with pytest.raises(ConfigError, match=r"one device with critic_bursts.*: 2. Use --strat"):
            model.compile()


def test_a_bass_to_thin():
    piano = [{"name": "piano", "program": 0, "programs": [0]}]
    grid = {"tracks": piano, "min_piece_tracks": 1}
    message = r"a track named bass with monophonic_bass. Received: piano. Use --set=mono.*=false"
    with pytest.raises(ConfigError, match=message):
        make_model("musegan_composer", grid=grid, monophonic_bass=True)
    assert make_model("musegan_composer_chorales", monophonic_bass=True).is_bass[3]
