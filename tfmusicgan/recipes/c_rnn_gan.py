"""C-RNN-GAN's recipes (Mogren, NIPS workshop on constructive machine learning 2016).

"code" in the comments is the released code, github.com/olofmogren/c-rnn-gan: e75e541 as used for
the paper, a8bce9b with its settings, 9edafc0 the newest; "P" is the paper.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.wasserstein import (
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
)

PAPER = (
    "Mogren: C-RNN-GAN: Continuous recurrent neural networks with adversarial training. "
    "Constructive Machine Learning Workshop at NIPS 2016. https://arxiv.org/abs/1611.09904"
)

PRETRAINING, ADVERSARIAL = "pretraining", "adversarial"
"""Phases of a training."""

MATCHINGS = ("pairs", "means", "none")
FREEZINGS = ("decision", "sum", "none")
OPTIMIZERS = ("sgd", "adam")
ACTIVATIONS = ("linear", "rectified")
PRETRAININGS = ("true_events", "own_events")


@dataclasses.dataclass(frozen=True)
class CRNNGANConfig:
    """Sizes, phases, losses and optimizers; the defaults are the paper's."""

    # Networks.
    hidden_size: int = 350  # of every layer: P; code 9edafc0: 100
    dense_stddev: float = 1.0  # of the dense layers' initial weights: code
    dropout: float = 0.5  # of every LSTM's output and the discriminator's input: code
    # Of an event's time: code; or rectified, which can be 0 exactly, as in chords.
    time_activation: str = "linear"
    # Phases; a generator that is not adversarial, the baseline, is pretrained throughout.
    adversarial: bool = True
    training_steps: int = 15_360  # 120 epochs, as the paper's curves have them
    epoch_steps: int = 128  # batches of the training files in the released snapshot: code
    pretraining_epochs: int = 6  # P
    # What the generator reads as the event before: code 9edafc0; e75e541: own_events.
    pretraining_input: str = "true_events"
    # Of a squared error, in the order time, length, frequency, intensity; e75e541: 100, 100, 1, 4.
    pretraining_weights: tuple[int, ...] = (1, 1, 1, 1)
    curriculum_events: int = 4  # by which sequences grow in an epoch, from as many; 0: never: P
    curriculum_goes_on: bool = True  # after pretraining, until they are whole: code; P: no
    # Losses.
    feature_matching: str = "pairs"  # the generator's loss: P; or means, or none
    feature_matching_weight: float = 1.0
    adversarial_weight: float = 0.0  # of its own loss beside that; published 0, without matching 1
    saturating: bool = False  # its own loss is log(1 - D(G(z))): P; -log D(G(z)): code
    l2_weight: float = 0.1  # times half the squared weights of each network: code
    freezing: str = "decision"  # what is compared of the discriminator's loss; sum as written in P
    freezing_share: float = 0.7  # of the other's loss, below which a network stands still: P
    # Optimizers.
    batch_size: int = 20  # P
    optimizer: str = "sgd"  # code; or adam, without a mean of gradients
    generator_learning_rate: float = 0.1  # code
    discriminator_learning_rate: float = 0.05  # code
    gradient_clip_norm: float = 5.0  # of each network: code
    ema_decay: float | None = None  # moving average of the generator's weights
    # Generation.
    qpm: float = 113.0  # the median of piano-midi.de's first tempos; code: 45

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or the generator would have no loss.
        """
        names = ("hidden_size", "dense_stddev", "training_steps", "epoch_steps", "batch_size")
        names += ("generator_learning_rate", "discriminator_learning_rate", "gradient_clip_norm")
        check_positive(self, (*names, "qpm", "feature_matching_weight"))
        names = ("pretraining_epochs", "curriculum_events", "adversarial_weight", "l2_weight")
        check_not_negative(self, names)
        check_shares(self, ("dropout", "freezing_share", "ema_decay"))
        check_choice(self, "feature_matching", MATCHINGS)
        check_choice(self, "freezing", FREEZINGS)
        check_choice(self, "optimizer", OPTIMIZERS)
        check_choice(self, "time_activation", ACTIVATIONS)
        check_choice(self, "pretraining_input", PRETRAININGS)
        weights = self.pretraining_weights
        if len(weights) != 4 or min(weights) < 0 or not any(weights):
            raise ConfigError(
                "Expected four pretraining_weights, of time, length, frequency and intensity, none "
                f"below 0 and one above. Received: {', '.join(map(str, weights))}."
            )
        if self.adversarial and self.feature_matching == "none" and not self.adversarial_weight:
            raise ConfigError(
                "Expected a loss of the generator. Received: feature_matching=none and "
                "adversarial_weight=0. Set adversarial_weight=1."
            )
        pretraining = self.pretraining_epochs * self.epoch_steps
        if self.adversarial and self.training_steps <= pretraining:
            raise ConfigError(
                f"Expected training_steps above the {pretraining} of pretraining_epochs "
                f"({self.pretraining_epochs}) of epoch_steps ({self.epoch_steps}), or "
                f"adversarial=false. Received: {self.training_steps}."
            )

    def stages(self, length: int) -> Iterator[tuple[int, str, int]]:
        """Stages of a training.

        Args:
          length: Events of a whole sequence.

        Yields:
          (first step, phase, events of the sequences that it trains on), each another than the
          one before it.
        """
        before = None
        for epoch, step in enumerate(range(0, self.training_steps, self.epoch_steps)):
            pretrains = not self.adversarial or epoch < self.pretraining_epochs
            grows = self.curriculum_events > 0 and (pretrains or self.curriculum_goes_on)
            events = min(self.curriculum_events * (epoch + 1), length) if grows else length
            stage = (PRETRAINING if pretrains else ADVERSARIAL, events)
            if stage != before:
                yield step, *stage
            before = stage


# The newest code's size. The generator's own loss alone: of the sum over events and units that
# matching adds up, most is what any two batches differ by. No dropout, which would be a noise that
# sampling lacks; a weaker penalty; Adam; times that can be 0; averaged weights, since those of
# single steps swing; 30 events: at 60, reached in small steps, the discriminator ran away; and no
# freezing, but an end before the discriminator runs away: nearer to the data than with it.
# How it was found: scripts/reproduce/c_rnn_gan.md.
_SMALL = {
    "hidden_size": 100,
    "dense_stddev": 0.1,
    "dropout": 0.0,
    "time_activation": "rectified",
    "training_steps": 2_500,
    "epoch_steps": 100,
    "pretraining_epochs": 3,
    "curriculum_events": 15,
    "feature_matching": "none",
    "adversarial_weight": 1.0,
    "freezing": "none",
    "l2_weight": 1e-5,
    "optimizer": "adam",
    "generator_learning_rate": 5e-4,
    "discriminator_learning_rate": 5e-4,
    "ema_decay": 0.99,
}

# Every code path in seconds; for tests only.
_TINY = CRNNGANConfig(
    hidden_size=6,
    dense_stddev=2.0,  # untrained, its pieces differ already
    training_steps=4,
    epoch_steps=1,
    pretraining_epochs=1,
    curriculum_events=3,
    freezing_share=0.1,  # both learn in every step
    ema_decay=0.9,
    batch_size=4,
)

_REPRESENTATIONS = {
    "paper": {},
    "small": {"length": 30, "hop": 15},
    "tiny": {"length": 8, "hop": 4},
}

METRICS = (
    "event_polyphony",
    "event_scale_consistency",
    "event_repetitions",
    "event_tone_span",
    "event_unique_tones",
    "event_intensity_span",
    "event_pitch_classes",
    "event_polyphony_as_published",
    "event_scale_consistency_as_published",
    "event_repetitions_as_published",
)


def _row(
    name: str, kind: str, summary: str, representation: dict[str, Any], **changes: Any
) -> Recipe:
    configs = {
        "paper": CRNNGANConfig(**changes),
        "small": CRNNGANConfig(**{**changes, **_SMALL}),
        "tiny": dataclasses.replace(_TINY, **{**changes, "training_steps": 4}),
    }
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model="c_rnn_gan",
        representation="note_events",
        dataset="piano_midi_de",
        presets={
            preset: Preset({**_REPRESENTATIONS[preset], **representation}, config)
            for preset, config in configs.items()
        },
        metrics=METRICS,
    )


RECIPES = (
    _row(
        "c_rnn_gan",
        "generator",
        "Piano music as events of real numbers, each of length, frequency, intensity and time.",
        {},
    ),
    _row(
        "c_rnn_gan_3_tones",
        "generator",
        "The same with up to three tones to an event, which makes chords easier (C-RNN-GAN-3).",
        {"tones": 3},
    ),
    _row(
        "c_rnn_gan_baseline",
        "baseline",
        "The same generator, trained only to say the next event.",
        {},
        adversarial=False,
        training_steps=2_048,  # 16 epochs: P; `small` as many as the others
    ),
)
