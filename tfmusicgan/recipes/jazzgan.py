"""JazzGAN's recipes (Trieu and Keller, MuMe 2018).

"code" in the comments is the released code, github.com/Impro-Visor/sequence_gan at 8a8f626, its
beat-position files unless another is named; the paper's body is not to be had.
"""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.base import Preset, Recipe
from tfmusicgan.recipes.wasserstein import check_choice, check_positive, check_shares

PAPER = (
    "Trieu, Keller: JazzGAN: Improvising with Generative Adversarial Networks. 6th International "
    "Workshop on Musical Metacreation, MuMe 2018. "
    "https://github.com/Impro-Visor/sequence_gan/tree/master/mume2018"
)

LIKELIHOOD, POLICY = "likelihood", "policy"
"""Phases of a training."""

PEEPHOLES = "peepholes"
CELLS = (PEEPHOLES, "plain")
ABOVE_ROOT, PITCH_CLASSES = CHORD_TONES = ("above_root", "pitch_classes")
READS = ("note", "note_before")
EXAMPLES = ("both", "coin")
OPTIMIZERS = ("adam", "sgd")


@dataclasses.dataclass(frozen=True)
class JazzGANConfig:
    """Sizes, phases and optimizers; sizes are the released code's, the training is batched."""

    # Networks.
    hidden_size: int = 400  # code; with durations and time steps 300
    pitch_embedding_size: int = 72  # code
    rhythm_embedding_size: int = 96  # of places or durations: code
    root_embedding_size: int = 24  # code
    discriminator_hidden_size: int = 400  # code; with durations and time steps 30
    discriminator_pitch_embedding_size: int = 72  # code; there 9
    discriminator_rhythm_embedding_size: int = 96  # code; there 12
    discriminator_root_embedding_size: int = 24  # code; there 3
    cell: str = PEEPHOLES  # code; or plain
    rest_class: bool = True  # tells a rest from the chord's root; code: false
    chord_tones: str = ABOVE_ROOT  # what networks are told of them: code; or pitch_classes
    discriminator_reads: str = "note"  # before it scores it; code: note_before
    initial_stddev: float = 0.1  # of all matrices: code
    # Phases; a generator that is not adversarial, the baseline, learns by likelihood throughout.
    adversarial: bool = True
    # As many phrases as in the code's 100,000 iterations of one; there with durations 10,000 at
    # most.
    likelihood_steps: int = 1_600
    training_steps: int = 31_200  # as many as in 20,000 epochs, of the deployed checkpoint: code
    generator_updates: int = 7  # in a step, before one of the discriminator: code
    discriminator_examples: str = "both"  # real and generated ones; code: coin, one of them
    reward_discount: float = 0.9  # gamma: code
    transpose_keys: int = 12  # keys that phrases are moved to at random; code has all copies
    # Optimizers. The code has sgd with one rate for all, 0.032, and with time steps 0.001.
    batch_size: int = 64  # phrases; code: 1
    optimizer: str = "adam"  # code: sgd
    likelihood_learning_rate: float = 1e-3
    policy_learning_rate: float = 1e-4
    discriminator_learning_rate: float = 1e-4
    baseline_learning_rate: float = 0.032  # of sgd always: code; with time steps as well
    gradient_clip_norm: float | None = None  # of each network: code has none
    # Generation.
    qpm: float = 160.0  # of most of Impro-Visor's lead sheets

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or no step is left to the adversarial phase
            of a training that has one.
        """
        networks = ("hidden_size", "pitch_embedding_size", "rhythm_embedding_size")
        networks += ("root_embedding_size",)
        sizes = (*networks, *(f"discriminator_{name}" for name in networks), "initial_stddev")
        sizes += ("training_steps", "generator_updates", "batch_size", "qpm")
        rates = ("likelihood_learning_rate", "policy_learning_rate", "baseline_learning_rate")
        check_positive(self, (*sizes, *rates, "discriminator_learning_rate"))
        if self.gradient_clip_norm is not None:
            check_positive(self, ("gradient_clip_norm",))
        check_shares(self, ("reward_discount",))
        check_choice(self, "cell", CELLS)
        check_choice(self, "chord_tones", CHORD_TONES)
        check_choice(self, "discriminator_reads", READS)
        check_choice(self, "discriminator_examples", EXAMPLES)
        check_choice(self, "optimizer", OPTIMIZERS)
        if not 1 <= self.transpose_keys <= 12:
            raise ConfigError(
                f"Expected transpose_keys within 1-12. Received: {self.transpose_keys}."
            )
        if self.likelihood_steps < 0:
            raise ConfigError(
                f"Expected likelihood_steps of at least 0. Received: {self.likelihood_steps}."
            )
        if self.adversarial and self.training_steps <= self.likelihood_steps:
            raise ConfigError(
                f"Expected training_steps above the {self.likelihood_steps} of likelihood_steps, "
                f"or adversarial=false. Received: {self.training_steps}."
            )

    def phases(self) -> list[tuple[int, str]]:
        """(first step, phase) of all phases that have steps."""
        if not self.adversarial:
            return [(0, LIKELIHOOD)]
        found = [(0, LIKELIHOOD)] if self.likelihood_steps else []
        return [*found, (self.likelihood_steps, POLICY)]


# Something that one processor core trains in about 10 minutes. As published it does not learn in
# this time that notes go with chords: tones above the root are nothing that a pitch can be said by.
# Held-out notes get less likely again soon after these steps; see scripts/reproduce/jazzgan.md.
_SMALL_LIKELIHOOD_STEPS = 225
_SMALL = {
    "hidden_size": 128,
    "pitch_embedding_size": 24,
    "rhythm_embedding_size": 24,
    "root_embedding_size": 8,
    "discriminator_hidden_size": 64,
    "discriminator_pitch_embedding_size": 12,
    "discriminator_rhythm_embedding_size": 12,
    "discriminator_root_embedding_size": 4,
    "chord_tones": PITCH_CLASSES,
    "likelihood_steps": _SMALL_LIKELIHOOD_STEPS,
    "training_steps": 800,
    "likelihood_learning_rate": 3e-3,
    "gradient_clip_norm": 5.0,
}

# Every code path in seconds; for tests only.
_TINY = JazzGANConfig(
    hidden_size=10,
    pitch_embedding_size=6,
    rhythm_embedding_size=5,
    root_embedding_size=3,
    discriminator_hidden_size=6,
    discriminator_pitch_embedding_size=4,
    discriminator_rhythm_embedding_size=3,
    discriminator_root_embedding_size=2,
    initial_stddev=0.5,  # untrained, its phrases differ already
    likelihood_steps=2,
    training_steps=4,
    generator_updates=2,
    batch_size=4,
    policy_learning_rate=1e-3,
    discriminator_learning_rate=1e-3,
)

# Sizes of the files for durations and for time steps.
_LITTLE = {
    "hidden_size": 300,
    "discriminator_hidden_size": 30,
    "discriminator_pitch_embedding_size": 9,
    "discriminator_rhythm_embedding_size": 12,
    "discriminator_root_embedding_size": 3,
}

_TINY_PHRASES = {"max_steps": 96, "max_notes": 16}

METRICS = (
    "jazz_qualified_rhythm",
    "jazz_repetitions",
    "jazz_long_repetitions",
    "jazz_tone_spans",
    "jazz_off_beat_recovery",
    "jazz_pitch_variations",
    "jazz_rhythm_variations",
    "jazz_length",
    "jazz_harmony",
    "jazz_note_colours",
    "jazz_memorisation",
    "jazz_memorisation_with_durations",
    "jazz_memorisation_in_any_key",
    "jazz_chord_degrees",
    "jazz_intervals",
    "jazz_durations",
)


def _row(
    name: str,
    kind: str,
    summary: str,
    representation: dict[str, Any],
    sizes: dict[str, int],
    tiny: dict[str, Any] = _TINY_PHRASES,
    small: Mapping[str, Any] = MappingProxyType({}),
    **changes: Any,
) -> Recipe:
    configs = {
        "paper": JazzGANConfig(**{**sizes, **changes}),
        "small": JazzGANConfig(**{**_SMALL, **changes, **small}),
        "tiny": dataclasses.replace(_TINY, **{**changes, "training_steps": 4}),
    }
    return Recipe(
        name=name,
        kind=kind,
        summary=summary,
        paper=PAPER,
        model="jazzgan",
        representation="jazz_phrases",
        dataset="impro_visor",
        presets={
            preset: Preset({**representation, **(tiny if preset == "tiny" else {})}, config)
            for preset, config in configs.items()
        },
        metrics=METRICS,
        # What a strong discriminator drives a policy to: two or three pitches for ever, or one that
        # is held. Impro-Visor's phrases have variations of 0.72 and more, 6.5 notes and more.
        collapse={"jazz_repetitions": 0.5},
        collapse_below={"jazz_pitch_variations/melody": 0.25, "jazz_length/entries": 2.0},
    )


RECIPES = (
    _row(
        "jazzgan",
        "generator",
        "Jazz melodies over chords, each note with the place in the bar where it ends.",
        {},
        {},
    ),
    _row(
        "jazzgan_duration",
        "generator",
        "The same, each note with its duration.",
        {"encoding": "duration"},
        _LITTLE,
    ),
    _row(
        "jazzgan_time_step",
        "generator",
        "The same as a pitch for each twelfth of a quarter note, one bar long.",
        {"encoding": "time_step", "max_steps": 48, "max_notes": 48},
        _LITTLE,
        {"max_steps": 24, "max_notes": 24},
    ),
    _row(
        "jazzgan_mle",
        "baseline",
        "JazzGAN's generator, trained by likelihood only.",
        {},
        {},
        small={"training_steps": _SMALL_LIKELIHOOD_STEPS},
        adversarial=False,
        training_steps=1_600,  # the first phase of the others
    ),
)
