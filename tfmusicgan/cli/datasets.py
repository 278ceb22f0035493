"""tfmusicgan-datasets: lists and describes the datasets.

tfmusicgan-datasets
tfmusicgan-datasets --describe=bach_chorales
"""

import pathlib

from tfmusicgan.cli.app import Command

COMMAND = Command(
    "tfmusicgan-datasets",
    "Lists the datasets that tfmusicgan-convert takes, or describes one of them.",
    examples=("tfmusicgan-datasets", "tfmusicgan-datasets --describe=bach_chorales"),
)
_DESCRIBE = COMMAND.string(
    "describe", None, "Print source, licence, size and command of this dataset."
)
_WRITE_CARDS = COMMAND.string(
    "write_cards", None, "Write a Markdown card of every dataset into this folder."
)


def _execute() -> None:
    from tfmusicgan import datasets
    from tfmusicgan.datasets import cards

    if _DESCRIBE.value:
        print(cards.describe(datasets.get(_DESCRIBE.value)))
        return
    known = [datasets.get(name) for name in datasets.names()]
    if _WRITE_CARDS.value:
        folder = pathlib.Path(_WRITE_CARDS.value)
        for dataset in known:
            path = folder / f"{dataset.name}.md"
            path.write_text(cards.card(dataset), encoding="utf-8")
            print(path)
        return
    width = max(len(dataset.name) for dataset in known)
    for dataset in known:
        print(f"{dataset.name:<{width}}  {dataset.title}; {cards.size_text(dataset)}")


main = COMMAND.entry_point(_execute)
