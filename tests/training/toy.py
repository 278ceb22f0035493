"""A model of one weight vector: everything that training needs, in milliseconds."""

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN


class ToyGAN(MusicGAN):
    """Adam on the sum of kernel * batch."""

    def __init__(self, size: int = 3, seed: int = 0):
        super().__init__(config=None, representation=None, seed=seed)
        self.kernel = self.add_weight(name="kernel", shape=(size,), initializer="ones")
        self.built = True

    def optimizers(self):
        return {"adam": self.adam} if self.compiled else {}

    def compile(self):
        self.adam = keras.optimizers.Adam(0.1, name="adam")
        self.adam.build([self.kernel])
        super().compile(optimizer=self.adam, jit_compile=False)

    def train_step(self, data):
        loss, _ = self.minimise(lambda: tf.reduce_sum(self.kernel * data), [self.kernel], self.adam)
        self.step.assign_add(1)
        return {"toy_loss": loss}


def trained(steps: int = 0, size: int = 3) -> ToyGAN:
    """A compiled model after some steps."""
    model = ToyGAN(size)
    model.compile()
    for step in range(steps):
        model.train_step(tf.fill([size], np.float32(step + 1)))
    return model
