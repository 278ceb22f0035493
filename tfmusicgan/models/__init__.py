"""The models by name; a model is imported when it is asked for."""

import importlib

from tfmusicgan.errors import unknown_name

_MODELS = {
    "binary_musegan": ("tfmusicgan.models.binary_musegan.model", "BinaryMuseGAN"),
    "c_rnn_gan": ("tfmusicgan.models.c_rnn_gan.model", "CRNNGAN"),
    "gansynth": ("tfmusicgan.models.gansynth.model", "GANSynth"),
    "jazzgan": ("tfmusicgan.models.jazzgan.model", "JazzGAN"),
    "midinet": ("tfmusicgan.models.midinet.model", "MidiNet"),
    "musegan_composer": ("tfmusicgan.models.musegan.model", "MuseGANComposer"),
    "musegan_hybrid": ("tfmusicgan.models.musegan.model", "MuseGANHybrid"),
    "musegan_jamming": ("tfmusicgan.models.musegan.model", "MuseGANJamming"),
    "pg_bleu": ("tfmusicgan.models.pg_bleu", "PGBleu"),
    "pitch_classifier": ("tfmusicgan.models.pitch_classifier", "PitchClassifier"),
    "polyphonic_seqgan": ("tfmusicgan.models.polyphonic_seqgan", "PolyphonicSeqGAN"),
    "random_rewards": ("tfmusicgan.models.random_rewards", "RandomRewards"),
    "seqgan": ("tfmusicgan.models.seqgan", "SeqGAN"),
    "token_unigram": ("tfmusicgan.models.token_unigram", "TokenUnigram"),
}


def names() -> list[str]:
    """The models' names in order."""
    return sorted(_MODELS)


def get(name: str) -> type:
    """Looks a model class up.

    Args:
      name: A name from `names()`.

    Returns:
      A subclass of `models.base.MusicGAN`.

    Raises:
      ConfigError: If there is no such model.
    """
    if name not in _MODELS:
        raise unknown_name("model", name, _MODELS)
    module, attribute = _MODELS[name]
    return getattr(importlib.import_module(module), attribute)
