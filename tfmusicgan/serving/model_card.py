"""The model card of an export, for people."""

from collections.abc import Mapping
from typing import Any

from tfmusicgan import recipes


def model_card(name: str, manifest: Mapping[str, Any]) -> str:
    """Writes a model card in Markdown from an export's manifest.

    Args:
      name: The model's name in requests.
      manifest: What `assets.extra/tfmusicgan.json` holds.

    Returns:
      The card's text.
    """
    recipe = recipes.get(manifest["recipe"])
    dataset = manifest["records"]["dataset"]
    checkpoint = manifest["checkpoint"]
    lines = [
        f"# {name}",
        "",
        recipe.summary,
        "",
        f"* Recipe: `{recipe.name}`, preset `{manifest['preset']}`. {recipe.paper}",
        f"* Checkpoint: step {checkpoint['step']} ({checkpoint['kind']}), seed {manifest['seed']}.",
        f"* Representation: `{manifest['representation']['name']}`, version "
        f"{manifest['representation']['version']}.",
        f"* Trained on: {dataset['title']} ({manifest['records']['num_examples']} examples).",
        f"* Licence of the training data: {dataset['licence']}",
        f"* Attribution: {dataset['attribution']}",
        f"* Source: {dataset['source_url']}",
        "* Versions: "
        + ", ".join(f"{package} {version}" for package, version in manifest["versions"].items()),
        "",
        "| signature | input | type | default | range |",
        "|---|---|---|---|---|",
    ]
    for signature, description in manifest["signatures"].items():
        for key, value in description["inputs"].items():
            bounds = value.get("range")
            text = f"{bounds[0]:g} to {bounds[1]:g}" if bounds else ""
            default = str(value.get("default", "needed"))
            shape = ["any" if size is None else str(size) for size in value.get("shape", [])]
            sizes = ", ".join(["batch", *shape])
            cells = f"`{signature}`", f"`{key}`", f"{value['dtype']} [{sizes}]", default
            lines.append(f"| {' | '.join(cells)} | {text} |")
    lines += [
        "",
        _answers(recipe.kind, manifest["representation"]),
        "",
    ]
    return "\n".join(lines)


def _answers(kind: str, representation: Mapping[str, Any]) -> str:
    """What goes in and out, for the reader of the table."""
    form, parameters = (
        "A `note_sequence` is a serialised NoteSequence.",
        representation["parameters"],
    )
    if "sample_rate" in parameters:
        seconds = parameters["num_samples"] / parameters["sample_rate"]
        form = (
            f"A `wav` is a WAV file of 16 bits, {seconds:g} s at {parameters['sample_rate']} Hz, "
            "an `audio` the same as float32 within -1 to 1, a `pitch` a MIDI pitch."
        )
    if kind == "classifier":
        return f"{form} Each answer has the pitch that was heard, and the logits of all classes."
    return (
        f"{form} A value outside its range counts as the nearer bound. Equal seeds give equal "
        "music. The music resembles the training data; it was not checked for copies of it beyond "
        "what the recipe's evaluation prints."
    )
