"""When a progressive GAN grows: stages by the images that were shown. Imports no TensorFlow."""

import dataclasses
from collections.abc import Sequence


@dataclasses.dataclass(frozen=True)
class Stage:
    """A stretch of the training with one set of blocks.

    Attributes:
      blocks: How many are trained.
      fading: Whether the last of them is faded in.
      first_step: Training steps before it.
      num_steps: Its training steps.
      batch_size: Rows of each.
      first_image: Images shown before it.
      fade_start: Images shown where the share of the last block is 0.
      fade_images: Images until it is 1; 0 where nothing is faded in.
    """

    blocks: int
    fading: bool
    first_step: int
    num_steps: int
    batch_size: int
    first_image: int
    fade_start: int = 0
    fade_images: int = 0


def grow(
    blocks: int, stable_images: int, fade_images: int, total_images: int, batches: Sequence[int]
) -> tuple[Stage, ...]:
    """The stages in order: the first block alone, then each next one faded in, then as it is.

    Stages end where as many images were shown as the schedule says; a step over the end is part of
    the stage (Progressive GAN's schedule, as in GANSynth's released code).

    Args:
      blocks: Blocks at the end.
      stable_images: Images between two fades.
      fade_images: Images of a fade.
      total_images: Images of the whole training; the last stage has what is left.
      batches: Batch sizes by block; a list that is too short begins with its first several times.

    Returns:
      2 * blocks - 1 stages.
    """
    batches = [batches[0]] * (blocks - len(batches)) + list(batches)
    stages, step, images = [], 0, 0
    for number in range(2 * blocks - 1):
        fades, stables = (number + 1) // 2, number // 2 + 1
        end = stables * stable_images + fades * fade_images
        if number == 2 * blocks - 2:
            end = total_images
        fading, size = number % 2 == 1, batches[fades]
        num_steps = max(1, -(-(end - images) // size))
        start = end - fade_images if fading else 0
        spans = (start, fade_images) if fading else (0, 0)
        stages.append(Stage(fades + 1, fading, step, num_steps, size, images, *spans))
        step, images = step + num_steps, images + num_steps * size
    return tuple(stages)


def all_at_once(blocks: int, total_images: int, batch_size: int) -> tuple[Stage, ...]:
    """One stage with all blocks from the first step on."""
    return (Stage(blocks, False, 0, -(-total_images // batch_size), batch_size, 0),)
