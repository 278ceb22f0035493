"""Lists and describes the recipes.

tfmusicgan-recipes
tfmusicgan-recipes --describe=musegan_hybrid --preset=paper
"""

import dataclasses

from tfmusicgan import recipes
from tfmusicgan.cli.app import Command

COMMAND = Command(
    "tfmusicgan-recipes",
    "lists the recipes, or describes one: paper, records, every hyperparameter.",
    ["tfmusicgan-recipes", "tfmusicgan-recipes --describe=musegan_hybrid --preset=paper"],
)
_DESCRIBE = COMMAND.string("describe", None, "The recipe to describe.")
_PRESET = COMMAND.string("preset", "paper", "Whose values to show: paper, small or tiny.")


def _execute() -> None:
    if _DESCRIBE.value:
        print(describe(_DESCRIBE.value, _PRESET.value))
        return
    width = max(len(name) for name in recipes.names())
    for name in recipes.names():
        recipe = recipes.get(name)
        print(f"{name:{width}}  {recipe.kind:10} {recipe.summary}")


def describe(name: str, preset: str) -> str:
    """Describes a recipe.

    Args:
      name: The recipe's name.
      preset: The preset whose values to show.

    Returns:
      Text of several lines.

    Raises:
      ConfigError: If the recipe or the preset is unknown.
    """
    recipe = recipes.get(name)
    chosen = recipe.preset(preset)
    lines = [
        f"{recipe.name} ({recipe.kind}): {recipe.summary}",
        f"Paper: {recipe.paper}",
        f"Model: {recipe.model}",
        f"Dataset: {recipe.dataset}",
        f"Presets: {', '.join(recipe.presets)}",
        "",
        f"Records ({recipe.representation}), preset {preset}:",
    ]
    lines += [f"  {key} = {value}" for key, value in chosen.representation.items()]
    lines += ["", f"Hyperparameters, preset {preset} (--set=name=value):"]
    for field in dataclasses.fields(chosen.config):
        value = getattr(chosen.config, field.name)
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        lines.append(f"  {field.name} = {text}")
    return "\n".join(lines)


main = COMMAND.entry_point(_execute)
