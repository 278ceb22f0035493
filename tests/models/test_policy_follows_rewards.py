"""A policy that is rewarded for what can be counted comes to do it: the whole of a policy's update.

The reward is the share of tokens that are one more than the token before them. Chance is 1 in 10.
"""

import pytest
import tensorflow as tf

from tfmusicgan.models.seqgan import SeqGAN
from tfmusicgan.recipes.policy_gradient import POLICY
from tfmusicgan.recipes.seqgan import SeqGANConfig
from tfmusicgan.representations.melody_tokens import MelodyTokens

LENGTH, KEYS, UPDATES = 6, 9, 60


def _climbing(tokens):
    return tf.reduce_mean(tf.cast(tokens[..., 1:] == tokens[..., :-1] + 1, tf.float32), axis=-1)


class _Climber(SeqGAN):
    """SeqGAN with a reward in the discriminator's place."""

    def reward(self, tokens):
        return _climbing(tokens)

    def completion_rewards(self, sequences, completed):
        return _climbing(completed)


def _trained(baseline):
    config = SeqGANConfig(
        likelihood_steps=0,
        discriminator_sets=0,
        rounds=UPDATES,
        sets_per_round=1,
        epochs_per_set=1,
        negatives=64,
        roll_outs=4,
        embedding_size=6,
        hidden_size=12,
        discriminator_embedding_size=2,
        windows=(1,),
        filters=(2,),
        policy_learning_rate=0.03,
        reward_baseline=baseline,
    )
    model = _Climber(config, MelodyTokens(length=LENGTH, lowest_pitch=60, num_pitches=KEYS), seed=4)
    model.compile()
    none = {"tokens": tf.zeros([config.batch_size, LENGTH], tf.int32)}
    update = tf.function(lambda: model.updates()[POLICY](none["tokens"]), autograph=False)
    for step in range(UPDATES):
        model.step.assign(step)
        update()
    return model


def _share(model):
    return float(tf.reduce_mean(_climbing(model.sample(tf.range(500, dtype=tf.int64))["tokens"])))


@pytest.mark.parametrize("baseline", ["none", "batch_mean"])
def test_a_policy_comes_to_do_what_is_rewarded(baseline):
    assert _share(_trained(baseline)) > 0.3
