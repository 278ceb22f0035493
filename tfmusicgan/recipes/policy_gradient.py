"""Training constants of the models trained by policy gradient, and the order of their phases."""

import dataclasses
from collections.abc import Iterator
from typing import ClassVar

from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes.wasserstein import (
    DECAYS,
    check_choice,
    check_not_negative,
    check_positive,
    check_shares,
)

LIKELIHOOD, DISCRIMINATOR, POLICY = "likelihood", "discriminator", "policy"
BASELINES = ("none", "batch_mean")
HOTTEST = 10.0  # as in requests; logits that keep symbols from being drawn are divided by it, too
# The changes of a row that learns by likelihood alone. Rounds that somebody asks for are then
# refused, since there are no sets from which their rewards could be learned.
MLE_ONLY = {"discriminator_sets": 0, "rounds": 0, "sets_per_round": 0}
# Of the samples of a check, 128 by default: a policy that repeats itself, in one place or another.
# So many of Nottingham's melodies have 0.59, of its words 0.95, of the oracle's sequences 1.
COLLAPSE_BELOW = {"distinct_ngrams/4": 0.05}


@dataclasses.dataclass(frozen=True)
class PolicyGradientConfig:
    """Phases, losses and optimizers; the defaults are SeqGAN's (arXiv 1609.05473, released code).

    A training step is one update of one network. The generator first learns by likelihood, then the
    discriminator learns from sets of fresh samples, several epochs from each; then come rounds of
    some generator updates by policy gradient and some more sets.
    """

    # Whether rewards are a discriminator's.
    needs_discriminator: ClassVar[bool] = True

    batch_size: int = 64
    discriminator_batch_size: int | None = None  # real ones and samples; by default batch_size
    likelihood_steps: int = 18_720  # 120 epochs of 156 batches
    likelihood_epoch_steps: int = 156
    scheduled_sampling_decay: float = (
        0.0  # of the chance of a true token, an epoch; baseline: 0.002
    )
    discriminator_sets: int = 50  # before the first round
    rounds: int = 200
    generator_updates: int = 1  # g-steps of a round
    sets_per_round: int = 5  # d-steps of a round
    epochs_per_set: int = 3  # k
    negatives: int = 9_984  # samples in a set: 156 batches
    roll_outs: int = 16
    roll_out_lag: float = 0.0  # share that the roll-out policy keeps of itself after each update
    likelihood_learning_rate: float = 1e-2
    likelihood_learning_rate_decay: str = "none"  # or linear: to 0 over the phase
    policy_learning_rate: float = 1e-2
    discriminator_learning_rate: float = 1e-4
    gradient_clip_norm: float = 5.0  # of the generator, over all its weights
    discriminator_dropout: float = 0.25  # released: 0.75 are kept
    # Times half the squared weights and bias of the last layer. Released: 0.2 on two outputs, which
    # is 0.1 on the one logit that is their difference, where they are each other's negative.
    discriminator_l2: float = 0.1
    # Against rewards that are all alike and policies that lose variety; not in the papers.
    reward_baseline: str = "none"  # or batch_mean, of each position, which values then lack
    entropy_bonus: float = 0.0  # times the policy's entropy at each token, in nats
    sequence_level_reward: bool = False  # each token gets its whole sequence's: no roll-outs
    sampling_temperature: float = 1.0  # of the policy: its samples, roll-outs, and the loss on them

    def __post_init__(self):
        """Checks ranges.

        Raises:
          ConfigError: If a value is out of its range, or `negatives` makes no whole batches.
        """
        check_choice(self, "reward_baseline", BASELINES)
        check_choice(self, "likelihood_learning_rate_decay", DECAYS)
        names = ("batch_size", "epochs_per_set", "negatives", "roll_outs", "gradient_clip_norm")
        names += ("likelihood_learning_rate", "policy_learning_rate", "discriminator_learning_rate")
        names += ("likelihood_epoch_steps",)
        check_positive(self, (*names, "sampling_temperature"))
        if self.sampling_temperature > HOTTEST:
            raise ConfigError(
                f"Expected sampling_temperature of at most {HOTTEST:g}, as in requests. Received: "
                f"{self.sampling_temperature:g}."
            )
        names = ("likelihood_steps", "discriminator_sets", "rounds", "generator_updates")
        check_not_negative(self, (*names, "sets_per_round", "discriminator_l2", "entropy_bonus"))
        check_shares(self, ("discriminator_dropout", "roll_out_lag", "scheduled_sampling_decay"))
        name = "batch_size" if self.discriminator_batch_size is None else "discriminator_batch_size"
        rows = getattr(self, name)
        if rows < 1 or rows % 2 or 2 * self.negatives % rows:
            raise ConfigError(
                f"Expected an even {name} that divides twice the negatives: batches of the "
                f"discriminator are half samples. Received: {rows} and {self.negatives}."
            )
        updates, sets = self.rounds * self.generator_updates, self.rounds * self.sets_per_round
        if updates and self.needs_discriminator and not self.discriminator_sets + sets:
            raise ConfigError(
                "Expected sets for the discriminator, whose rewards the rounds need. Received: "
                "discriminator_sets=0 and sets_per_round=0. Raise one, or set rounds=0."
            )
        if self.training_steps < 1:
            raise ConfigError("Expected a phase with a step. Received: none.")

    @property
    def samples_per_step(self) -> int:
        """Samples in a batch of the discriminator, and as many real sequences."""
        return (self.discriminator_batch_size or self.batch_size) // 2

    @property
    def set_steps(self) -> int:
        """Discriminator updates on one set of samples."""
        return self.epochs_per_set * self.negatives // self.samples_per_step

    @property
    def training_steps(self) -> int:
        """Updates of all phases."""
        return sum(steps for _, steps in self.phases())

    def phases(self) -> Iterator[tuple[str, int]]:
        """(phase, steps) in order: each set of samples is one; rounds without sets are one."""
        if self.likelihood_steps:
            yield LIKELIHOOD, self.likelihood_steps
        for _ in range(self.discriminator_sets):
            yield DISCRIMINATOR, self.set_steps
        if self.rounds and self.generator_updates and not self.sets_per_round:
            yield POLICY, self.rounds * self.generator_updates
            return
        for _ in range(self.rounds):
            if self.generator_updates:
                yield POLICY, self.generator_updates
            for _ in range(self.sets_per_round):
                yield DISCRIMINATOR, self.set_steps
