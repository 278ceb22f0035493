"""The variables of a training by name, as checkpoints hold them."""

import keras
import tensorflow as tf

from tfmusicgan.models.base import MusicGAN

_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"  # what TensorFlow's checkpoints add to a variable's name


class MisfitError(ValueError):
    """A checkpoint is whole, and of other variables than the model's."""


def state(model: MusicGAN) -> dict[str, dict[str, tf.Variable]]:
    """The state by name: weights in order of creation, then each optimizer's variables.

    Args:
      model: Compiled, or its optimizers are left out.
    """
    groups = {"weights": model.weights}
    for name, optimizer in model.optimizers().items():
        groups[name] = optimizer.variables
    return {
        group: {f"{index:04d}_{_key(item)}": item.value for index, item in enumerate(items)}
        for group, items in groups.items()
    }


def _key(variable: keras.Variable) -> str:
    return variable.path.replace("/", ".")


def check_fit(model: MusicGAN, path: str, expect_training: bool) -> None:
    """Compares names and shapes: TensorFlow would load a part, then warn of every other variable.

    Args:
      model: What the checkpoint is for.
      path: TensorFlow's checkpoint, without the files' suffixes.
      expect_training: The checkpoint may hold nothing else.

    Raises:
      MisfitError: If they differ; the message names the first difference.
    """
    shapes = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    saved = {  # TensorFlow doubles the points of a name
        key.removesuffix(_VALUE).replace("..", "."): shape
        for key, shape in shapes.items()
        if key.endswith(_VALUE)
    }
    wanted = {
        f"{group}/{name}": variable.shape.as_list()
        for group, variables in state(model).items()
        for name, variable in variables.items()
    }
    for name, shape in wanted.items():
        if saved.get(name) != shape:
            raise MisfitError(f"{name} is {saved.get(name, 'not there')}, expected {shape}")
    others = sorted(saved.keys() - wanted.keys() - {"save_counter"})
    if expect_training and others:
        raise MisfitError(f"{others[0]} is there, which the model lacks")
