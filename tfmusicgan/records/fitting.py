"""What a recipe's preset asks of its data, as far as a dataset's pieces can have it.

Presets are written for music as MIDI files hold it. A dataset without keys would lose every piece
to a choice of keys, and repeated notes that are apart already would be shortened once more.
"""

from collections.abc import Collection
from typing import Any

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.recipes.base import Preset


def fit_preset(
    preset: Preset, dataset: Dataset, given: Collection[str] = ()
) -> tuple[dict[str, Any], dict[str, Any], list[str]]:
    """Takes a preset's options for the conversion of a dataset.

    Args:
      preset: A recipe's.
      dataset: Tells what its pieces lack, and what its files have had done.
      given: Names of options that the user sets, which are left alone.

    Returns:
      The representation's parameters, the filters of whole pieces, and a sentence for each option
      that is not the preset's.
    """
    parameters, filters, changes = dict(preset.representation), dict(preset.filters), []
    keys = filters.get("keys")
    if keys and "keys" not in given and not dataset.names_keys:
        del filters["keys"]
        changes.append(
            f"Dataset {dataset.name} names no keys: pieces in any key are taken, in place of the "
            f"preset's {', '.join(keys)}."
        )
    always = parameters.get("separate_notes") == "always"
    if always and "separate_notes" not in given and dataset.separates_notes:
        # Not "never": where tracks are merged here, a note can begin where another one ends.
        parameters["separate_notes"] = "repeats"
        changes.append(
            f"Dataset {dataset.name} has repeated notes apart already: separate_notes=repeats, in "
            "place of the preset's always."
        )
    return parameters, filters, changes
