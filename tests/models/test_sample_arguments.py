"""Names of controls: a misspelt one is refused, not left aside."""

import pytest
import tensorflow as tf

from tfmusicgan import models
from tfmusicgan.models.base import MusicGAN

GENERATORS = [name for name in models.names() if models.get(name).sample is not MusicGAN.sample]


@pytest.mark.parametrize("name", GENERATORS)
def test_unknown_controls_are_refused(name):
    with pytest.raises(TypeError, match="unexpected keyword argument 'temprature'"):
        models.get(name).sample(None, tf.constant([1], tf.int64), temprature=1.0)
