"""The table of recipes, and hyperparameters from texts and from saved runs."""

import dataclasses
import subprocess
import sys

import pytest

from tfmusicgan import datasets, metrics, models, recipes, representations
from tfmusicgan.errors import ConfigError
from tfmusicgan.recipes import base
from tfmusicgan.recipes.musegan import MuseGANConfig


@dataclasses.dataclass(frozen=True)
class Toy:
    """One field of each kind."""

    size: int = 3
    rate: float = 0.5
    fast: bool = False
    name: str = "a"
    strides: tuple[int, ...] = (1, 2)
    decay: float | None = None


MLE_ONLY = {"discriminator_sets", "rounds", "sets_per_round"}
MUSIC = {"windows", "filters", "negatives", "likelihood_steps", "likelihood_epoch_steps"}
LITTLE_JAZZ = {
    *("hidden_size", "discriminator_hidden_size", "discriminator_pitch_embedding_size"),
    *("discriminator_rhythm_embedding_size", "discriminator_root_embedding_size"),
}
# What a row changes of its config's defaults, which are another row's.
ROWS_OWN = {
    "c_rnn_gan_baseline": {"adversarial", "training_steps"},
    "jazzgan": set(),
    "jazzgan_duration": LITTLE_JAZZ,
    "jazzgan_mle": {"adversarial", "training_steps"},
    "jazzgan_time_step": LITTLE_JAZZ,
    "midinet_creative": set(),
    "midinet_melody": {
        *("chord_condition", "first_units", "filters", "conditioner_filters"),
        *("bar_matching_weight", "feature_matching_weight"),
    },
    "midinet_stable": {"previous_bar_layers"},
    "polyphonic_seqgan": set(),
    "polyphonic_seqgan_mle": MLE_ONLY,
    "seqgan_nottingham": MUSIC,
    "seqgan_nottingham_mle": MUSIC | MLE_ONLY,
    "seqgan_nottingham_pg_bleu": {"likelihood_steps", "likelihood_epoch_steps", "num_references"},
    "seqgan_nottingham_random": {"training_steps"},
    "seqgan_nottingham_scheduled_sampling": {
        *("scheduled_sampling_decay", "likelihood_learning_rate"),
        *(MUSIC | MLE_ONLY),
    },
    "seqgan_oracle": set(),
    "seqgan_oracle_mle": MLE_ONLY,
    "seqgan_oracle_pg_bleu": set(),
    "seqgan_oracle_random": set(),
    "seqgan_oracle_random_rewards": set(),
    "seqgan_oracle_scheduled_sampling": {
        *("likelihood_steps", "scheduled_sampling_decay", "likelihood_learning_rate"),
        *MLE_ONLY,
    },
}

# Of a kind of spectrogram.
NOTE_KINDS = {"kind", "normaliser", "frames", "bins", "first_frames", "first_bins"}
NOTE_KINDS |= {"frames_growth", "bins_growth", "frames_kernel", "bins_kernel"}


@pytest.mark.parametrize("preset", ["paper", "small"])
@pytest.mark.parametrize("name", [name for name, own in ROWS_OWN.items() if own >= MLE_ONLY])
def test_a_row_of_likelihood_alone_stays_one(name, preset):
    with pytest.raises(ConfigError, match="sets for the discriminator, whose rewards the rounds"):
        base.override(recipes.get(name).preset(preset).config, ["rounds=25"])


@pytest.mark.parametrize("name", recipes.names())
def test_every_row_names_things_that_are(name):
    recipe = recipes.get(name)
    assert recipe.name == name
    assert recipe.kind in base.KINDS
    assert recipe.model in models.names()
    assert recipe.dataset in datasets.names()
    assert recipe.summary.endswith(".") and "http" in recipe.paper
    assert recipe.metrics and set(recipe.metrics) <= set(metrics.names())
    limits = {*recipe.collapse, *recipe.collapse_below}
    assert {name.split("/")[0] for name in limits} <= set(recipe.metrics)
    assert list(recipe.presets) == ["paper", "small", "tiny"]
    cls = representations.get(recipe.representation)
    for preset in recipe.presets.values():
        representation = cls.from_parameters(preset.representation)
        assert cls.from_parameters(representation.to_parameters()) == representation
    # Defaults are written once: the paper's are the config's own, but for what makes the row.
    paper = dataclasses.asdict(recipe.preset("paper").config)
    plain = dataclasses.asdict(type(recipe.preset("paper").config)())
    own = {key for key, value in paper.items() if plain[key] != value}
    if recipe.model == "gansynth":
        assert own <= NOTE_KINDS
    elif name in ROWS_OWN:
        assert own == ROWS_OWN[name]
    else:
        assert own <= {"condition_track", "private_critics"}


def test_names_are_in_order_and_unique():
    assert recipes.names() == sorted(set(recipes.names()))


def test_unknown_names():
    with pytest.raises(ConfigError, match=r"Unknown recipe 'musegan'. Known: binary_musegan, "):
        recipes.get("musegan")
    with pytest.raises(ConfigError, match=r"no preset 'huge'. Known: paper, small, tiny"):
        recipes.get("musegan_hybrid").preset("huge")
    with pytest.raises(ConfigError, match=r"kind among generator, oracle, .* Received: 'gan'"):
        dataclasses.replace(recipes.get("musegan_hybrid"), kind="gan")


def test_describing_recipes_imports_no_tensorflow():
    code = (
        "import sys; from tfmusicgan import recipes; [recipes.get(n) for n in recipes.names()];"
        "print([n for n in ('tensorflow', 'keras', 'numpy') if n in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_values_are_read_as_their_fields_want_them():
    texts = ["size=7", "rate=1e-3", "fast=True", "name=b=c", "strides=3,4,5", "decay=0.9"]
    assert base.override(Toy(), texts) == Toy(7, 0.001, True, "b=c", (3, 4, 5), 0.9)
    assert base.override(Toy(decay=0.5, fast=True), ["decay=None", "fast=false"]) == Toy()
    assert base.override(Toy(), ["strides="]).strides == ()
    assert base.override(Toy(), ["size=1", "size=2"]).size == 2
    assert base.override(Toy(), []) == Toy()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size", "Expected --set=name=value. Received: 'size'"),
        ("sise=3", "'sise'. Did you mean 'size'? Known: decay, fast, name, rate, size, strides"),
        ("zzzzzz=3", "'zzzzzz'. Known: decay"),
        ("size=3.5", "'size': expected a value of type int. Received: '3.5'"),
        ("rate=fast", "'rate': expected a value of type float. Received: 'fast'"),
        ("fast=yes", "'fast': expected a value of type bool. Received: 'yes'"),
        ("strides=1,x", "'strides': expected a value of type tuple"),
        ("decay=x", "'decay': expected a value of type float. Received: 'x'"),
        ("size=none", "'size': expected a value of type int. Received: 'none'"),
        ("size=__import__('os')", "'size': expected a value of type int"),
    ],
)
def test_values_that_do_not_parse(text, message):
    with pytest.raises(ConfigError) as error:
        base.override(Toy(), [text])
    assert message in str(error.value)


def test_saved_configs_come_back():
    config = base.override(Toy(), ["size=9", "strides=5"])
    assert base.rebuild(Toy, dataclasses.asdict(config)) == config
    assert base.rebuild(Toy, {"size": 4}) == Toy(size=4)  # saved before `rate` was there
    with pytest.raises(ConfigError, match=r"saved config: warp, weft. Known: .*Use the release"):
        base.rebuild(Toy, {"size": 4, "weft": 1, "warp": 2})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate above 0. Received: 0.0"),
        ({"batch_size": -1}, "batch_size above 0. Received: -1"),
        ({"qpm": float("nan")}, "qpm above 0. Received: nan"),
        ({"learning_rate": float("inf")}, "learning_rate above 0. Received: inf"),
        ({"gradient_penalty_weight": -1.0}, "gradient_penalty_weight of at least 0. Received: -1"),
        ({"leaky_relu_slope": float("nan")}, "leaky_relu_slope of at least 0. Received: nan"),
        ({"pitch_filters": (0,)}, r"pitch_filters of 1 and more. Received: \(0,\)"),
        ({"adam_beta_1": 1.0}, r"adam_beta_1 in \[0, 1\). Received: 1.0"),
        ({"ema_decay": -0.1}, r"ema_decay in \[0, 1\). Received: -0.1"),
        ({"critic_bursts": True, "critic_updates": 3}, "critic_updates to divide 100"),
        ({"time_kernels": (2, 2)}, "tuples of one length. Received: .*'time_filters': 5"),
        ({"critic_time_strides": (2,)}, "tuples of one length"),
        ({"pitch_filters": ()}, "one more of pitch_kernels.*Received: 2 and 0"),
        ({"critic_bar_filters": (8,)}, r"two critic_bar_filters. Received: \(8,\)"),
    ],
)
def test_ranges_of_musegan(changes, message):
    with pytest.raises(ConfigError, match=message):
        MuseGANConfig(**changes)


STAGED = {"refiner": "stochastic", "training_steps": 9, "first_stage_steps": 3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"critic_constraint": "hope"}, "gradient_penalty, weight_clipping. Received: 'hope'"),
        ({"optimizer": "sgd"}, "optimizer among adam, rmsprop. Received: 'sgd'"),
        ({"learning_rate_decay": "slow"}, "learning_rate_decay among none, linear. .*'slow'"),
        ({"clip_value": 0.0}, "clip_value above 0. Received: 0.0"),
        ({"refiner": "soft"}, "refiner among none, deterministic, stochastic. Rec.* 'soft'"),
        ({"refiner_training": "x"}, "refiner_training among two_stage, joint, end_to_end"),
        ({"slope_growth": 0.0}, "slope_growth above 0"),
        ({"slope_epoch_steps": 0}, "slope_epoch_steps above 0"),
        ({"batch_norm_decay": 1.0}, r"batch_norm_decay in \[0, 1\)"),
        ({"first_stage_steps": 5}, "first_stage_steps=0 without refiner. Rec.* 5. Choose --set="),
        ({**STAGED, "first_stage_steps": 0}, r"between 0 and training_steps \(9\) .*two_stage"),
        ({**STAGED, "first_stage_steps": 9}, "between 0 and .*Received: 9. Set it, or use"),
        (
            {**STAGED, "refiner_training": "joint", "first_stage_steps": 10},
            "refiner_training=joint. Received: 10",
        ),
        (
            {**STAGED, "refiner_training": "end_to_end"},
            "first_stage_steps=0 with refiner_training=end_to_end. Received: 3",
        ),
    ],
)
def test_training_that_cannot_be(changes, message):
    with pytest.raises(ConfigError, match=message):
        MuseGANConfig(**changes)


@pytest.mark.parametrize(
    ("text", "came"), [("condition_track=piano", "piano and False"), ("private_critics=true", "")]
)
def test_binary_musegan_plays_all_tracks_for_one_critic(text, came):
    config = recipes.get("binary_musegan").preset("tiny").config
    with pytest.raises(ConfigError, match=rf"plays all tracks, .*Received: {came}.*musegan_\*"):
        base.override(config, [text])


def test_training_in_stages():
    for training, first in (("two_stage", 3), ("joint", 8), ("end_to_end", 0)):
        changes = {**STAGED, "refiner_training": training, "first_stage_steps": first}
        assert MuseGANConfig(**changes).refiner == "stochastic"
    assert MuseGANConfig(refiner_training="joint").first_stage_steps == 0  # no refiner, not read


@pytest.mark.parametrize("name", recipes.names())
def test_tiny_presets_are_quick(name):
    recipe = recipes.get(name)
    config = recipe.preset("tiny").config
    assert (config.training_steps, config.batch_size) == (4, 4)
    if recipe.representation == "multitrack_piano_roll":
        assert config.critic_updates == 2
        assert config.ema_decay is not None  # sampled from averages too
    elif recipe.model == "gansynth":
        stages = [(stage.blocks, stage.num_steps) for stage in config.stages]
        assert stages == [(1, 1), (2, 2), (2, 1)]
    elif recipe.model == "midinet":
        assert config.generator_updates == 2 and config.ema_decay is not None
    elif recipe.model == "c_rnn_gan":
        stages = list(config.stages(8))
        if config.adversarial:
            assert stages == [(0, "pretraining", 3), (1, "adversarial", 6), (2, "adversarial", 8)]
        else:
            assert stages == [(e, "pretraining", n) for e, n in enumerate((3, 6, 8))]
    elif recipe.model == "jazzgan":
        phases = [(0, "likelihood"), (2, "policy")]
        assert config.phases() == (phases if config.adversarial else phases[:1])
        assert config.generator_updates == 2
    elif recipe.kind in ("generator", "oracle"):  # one step of each phase, the second set as well
        phases = [phase for phase, _ in config.phases()]
        assert phases == ["likelihood", "discriminator", "policy", "discriminator"]
