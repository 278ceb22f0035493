"""The table of recipes: one row per published experiment. Imports no TensorFlow."""

from tfmusicgan.errors import unknown_name
from tfmusicgan.recipes import (
    binary_musegan,
    c_rnn_gan,
    gansynth,
    jazzgan,
    midinet,
    musegan,
    pitch_classifier,
    polyphonic_seqgan,
    seqgan_nottingham,
    seqgan_oracle,
)
from tfmusicgan.recipes.base import Preset, Recipe, override, rebuild

_FAMILIES = (
    musegan,
    binary_musegan,
    seqgan_nottingham,
    seqgan_oracle,
    polyphonic_seqgan,
    gansynth,
    midinet,
    c_rnn_gan,
    jazzgan,
    pitch_classifier,
)
_RECIPES = {recipe.name: recipe for family in _FAMILIES for recipe in family.RECIPES}

__all__ = ["Preset", "Recipe", "get", "names", "override", "rebuild"]


def names() -> list[str]:
    """The recipes' names in order."""
    return sorted(_RECIPES)


def get(name: str) -> Recipe:
    """Looks a recipe up.

    Raises:
      ConfigError: If there is no such recipe.
    """
    if name not in _RECIPES:
        raise unknown_name("recipe", name, _RECIPES)
    return _RECIPES[name]
