"""Training steps to check and to time: models in each precision, batches, forms of running a step.

A form is a precision with or without XLA. On GPUs since Ampere, TensorFlow multiplies float32
matrices in TensorFloat-32 (10 bits) unless told otherwise, and so does training: there, `tf32` is
float32 as it is trained, and `float32` the same without.
"""

import collections
import contextlib
import dataclasses
import itertools
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf

from tfmusicgan import models, recipes, representations
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.representations.base import FieldSpec, Representation
from tfmusicgan.representations.jazz_phrases import JazzPhrases
from tfmusicgan.representations.jazz_phrases_rhythm import rhythm_tokens

SHARE_OF_NOTES = 0.05  # of the cells of a boolean array
LEVEL_OF_NOISE = 3_000  # of int16 samples of audio
NUM_WORDS = 3_215  # of a vocabulary; with the start symbol and the unknown word 3,217 tokens


@dataclasses.dataclass(frozen=True)
class Form:
    """One way to run a training step.

    Attributes:
      arithmetic: `"float32"`, `"tf32"`, `"mixed_bfloat16"` or `"mixed_float16"`.
      xla: Whether XLA compiles the step.
    """

    arithmetic: str
    xla: bool = False

    @property
    def name(self) -> str:
        """The name in tables and flags, e.g. `"mixed_bfloat16+xla"`."""
        return self.arithmetic + ("+xla" if self.xla else "")

    @property
    def precision(self) -> str:
        """The dtype policy, one of `options.PRECISIONS`."""
        return "float32" if self.arithmetic == "tf32" else self.arithmetic

    @property
    def compute_dtype(self) -> str:
        """What products are computed in."""
        return keras.DTypePolicy(self.precision).compute_dtype

    @contextlib.contextmanager
    def active(self) -> Iterator[None]:
        """Sets precision and TensorFloat-32 for the models built inside, and takes both back."""
        before = tf.config.experimental.tensor_float_32_execution_enabled()
        tf.config.experimental.enable_tensor_float_32_execution(self.arithmetic != "float32")
        policy = keras.config.dtype_policy()
        keras.config.set_dtype_policy(self.precision)
        try:
            yield
        finally:
            keras.config.set_dtype_policy(policy)
            tf.config.experimental.enable_tensor_float_32_execution(before)


REFERENCE = Form("float32")
# The form that training takes by default comes first, then those that are worth most to know.
GPU_FORMS = (
    Form("tf32", xla=True),
    Form("mixed_bfloat16", xla=True),
    Form("tf32"),
    Form("mixed_float16", xla=True),
    Form("float32"),
    Form("mixed_bfloat16"),
    Form("mixed_float16"),
    Form("float32", xla=True),
)
CPU_FORMS = (
    Form("float32"),
    Form("mixed_bfloat16"),
    Form("mixed_float16"),
    Form("float32", xla=True),
    Form("mixed_bfloat16", xla=True),
    Form("mixed_float16", xla=True),
)


def generators() -> list[str]:
    """The recipes of kind generator."""
    return [name for name in recipes.names() if recipes.get(name).kind == "generator"]


def in_order_of_value(
    names: Sequence[str], forms: Sequence[Form], compiled_last: bool = False
) -> list[tuple[str, Form]]:
    """Pairs of recipe and form, those first that tell most, for when the time is short.

    Each model's first recipe in the first form comes first, then its second recipe in the first
    form and its first in the second, and so on.

    Args:
      names: Recipes.
      forms: Forms, the most important ones first.
      compiled_last: Put what XLA compiles behind all others: it takes far longer.

    Returns:
      All pairs.
    """
    seen: collections.Counter[str] = collections.Counter()
    turns = {}
    for name in names:
        turns[name] = seen[recipes.get(name).model]
        seen[recipes.get(name).model] += 1

    def key(pair: tuple[str, Form]) -> tuple[bool, int]:
        name, form = pair
        return compiled_last and form.xla, turns[name] + forms.index(form)

    return sorted(itertools.product(names, forms), key=key)


def build_model(name: str, preset: str) -> MusicGAN:
    """A recipe's untrained model with its optimizers, in the precision that is set.

    Args:
      name: The recipe.
      preset: Its preset.

    Returns:
      The model, with made-up examples where it keeps some of the training data's.

    Raises:
      ConfigError: If recipe or preset are unknown.
    """
    recipe = recipes.get(name)
    chosen = recipe.preset(preset)
    representation = representations.get(recipe.representation)
    representation = _with_words(representation.from_parameters(chosen.representation))
    model = models.get(recipe.model)(chosen.config, representation, seed=0)
    model.compile()
    if model.num_preparation_examples:
        model.prepare(_examples(model, (model.num_preparation_examples,), seed=1))
    return model


def make_batch(model: MusicGAN, seed: int = 0) -> dict[str, tf.Tensor]:
    """Random examples in the shape of the reader's batches.

    Args:
      model: Names the rows of its stage, the examples per row and the representation's arrays.
      seed: Of the numbers.

    Returns:
      Field name to [rows, *shape], or [rows, examples_per_row, *shape] where a row has several
      examples.
    """
    rows, each = model.rows_per_step, model.examples_per_row
    leading = (rows, each) if each > 1 else (rows,)
    arrays = _examples(model, leading, seed)
    return {name: tf.constant(array) for name, array in arrays.items()}


def enter_stage(model: MusicGAN, stage: int) -> None:
    """Sets the step at which a stage of the training begins; 0 is the first."""
    start = (0, *model.stage_starts)[stage]
    model.step.assign(start)
    model.begin_stage(start)
    model.start_stage(start)


def distinct_stages(model: MusicGAN) -> dict[int, int]:
    """The stages of the training, of several that run the same steps the first.

    Args:
      model: It is left in its last stage.

    Returns:
      Number of the stage to the steps of all stages like it.
    """
    starts = (0, *model.stage_starts, model.model_config.training_steps)
    first: dict[str | int, int] = {}
    found: dict[int, int] = {}
    for stage, (start, end) in enumerate(itertools.pairwise(starts)):
        model.begin_stage(start)
        stage = first.setdefault(getattr(model, "phase", stage), stage)
        found[stage] = found.get(stage, 0) + end - start
    return found


def stage_label(name: str, model: MusicGAN) -> str:
    """The recipe's name, and which stage of its training the model is in if there are several."""
    if not model.stage_starts:
        return name
    return f"{name} {getattr(model, 'phase', f'stage {model.stage + 1}')}"


def _with_words(representation: Representation) -> Representation:
    """Gives one that takes its vocabulary from music as many words as polyphonic SeqGAN has."""
    if not getattr(representation, "needs_vocabulary", False):
        return representation
    words = tuple((steps, 0, 0, 0, 0, 0) for steps in range(1, NUM_WORDS + 1))
    return dataclasses.replace(representation, words=words)


def _examples(model: MusicGAN, leading: tuple[int, ...], seed: int) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    spec = model.representation.spec
    found = {name: _random(generator, leading, field) for name, field in spec.items()}
    pitches = getattr(model.representation, "pitches", None)
    if pitches is not None:
        found["pitch"] = generator.choice(np.array(pitches, np.int32), leading)
    if isinstance(model.representation, JazzPhrases):
        found |= _whole_phrases(generator, leading, model.representation)
    drawable = getattr(model.representation, "drawable", None)
    if drawable is None:
        return found
    first = np.int32(np.flatnonzero(drawable)[:2])  # tokens that no model draws are in no data
    return {name: first[array] for name, array in found.items()}


def _whole_phrases(
    generator: np.random.Generator, leading: tuple[int, ...], rep: JazzPhrases
) -> dict[str, np.ndarray]:
    """Counts of jazz phrases without padding, and a rhythm of notes of one step or two."""
    most = 1 if rep.longest == 1 else 2
    lengths = generator.integers(1, most + 1, (*leading, rep.max_notes))
    zeros = np.zeros(leading, np.int32)
    return {
        "rhythm": rhythm_tokens(lengths, zeros, rep.encoding).astype(np.int32),
        "first_step": zeros,
        "num_notes": zeros + np.int32(rep.max_notes),
        "num_steps": zeros + np.int32(rep.max_steps),
    }


def _random(
    generator: np.random.Generator, leading: tuple[int, ...], field: FieldSpec
) -> np.ndarray:
    """Sparse notes, normal numbers, noise of audio, or the integers 0 and 1, which counts have."""
    shape, dtype = (*leading, *field.shape), np.dtype(field.dtype)
    if dtype.kind == "b":
        return generator.random(shape, dtype=np.float32) < SHARE_OF_NOTES
    if dtype.kind == "f":
        return generator.standard_normal(shape, dtype=np.float32).astype(dtype)
    if dtype == np.int16:
        return (LEVEL_OF_NOISE * generator.standard_normal(shape, dtype=np.float32)).astype(dtype)
    return generator.integers(0, 2, shape).astype(dtype)
