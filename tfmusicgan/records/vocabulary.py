"""Vocabularies, which some representations take from the training pieces before any is encoded.

Such a representation has `needs_vocabulary`, true as long as it has none, and
`with_vocabulary(sequences)`, which gives one that has. Its vocabulary is a parameter like others:
it is in the plan, so that an interrupted conversion goes on with the same one, and in the manifest.
"""

import dataclasses
from collections.abc import Callable, Iterator

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import PieceError
from tfmusicgan.note_sequences import transforms
from tfmusicgan.note_sequences.proto import NoteSequence
from tfmusicgan.note_sequences.recorded_note import notes_of
from tfmusicgan.progress import ProgressBar
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import Plan


def complete(dataset: Dataset, plan: Plan, options: ConvertOptions) -> tuple[Plan, ConvertOptions]:
    """Gives a conversion's representation its vocabulary, if it needs one.

    The training pieces are read once more than others, one after the other in this process: nothing
    depends on workers.

    Args:
      dataset: Reads the pieces.
      plan: Which of them train.
      options: What they are encoded into, filters and transposed copies.

    Returns:
      The plan and the options with the representation that shards are encoded into.
    """
    if not getattr(options.representation, "needs_vocabulary", False):
        return plan, options
    num = sum(len(task.sources) for task in plan.tasks if task.split == "train")
    with ProgressBar("Finding words", num, "pieces") as bar:
        pieces = training_sequences(dataset, plan, options, bar.update)
        representation = options.representation.with_vocabulary(pieces)
    options = dataclasses.replace(options, representation=representation)
    described = options.to_json()
    tasks = tuple(dataclasses.replace(task, options=described) for task in plan.tasks)
    return dataclasses.replace(plan, tasks=tasks, options=described), options


def training_sequences(
    dataset: Dataset, plan: Plan, options: ConvertOptions, progress: Callable[[int], None]
) -> Iterator[NoteSequence]:
    """Yields the pieces of the training split as they will be encoded.

    Args:
      dataset: Reads them.
      plan: Which they are.
      options: Filters and transposed copies.
      progress: Called with the number of sources done.

    Yields:
      Sequences. What cannot be read or is filtered out is passed over: the shards count it.
    """
    sources = (source for task in plan.tasks if task.split == "train" for _, source in task.sources)
    for done, source in enumerate(sources, 1):
        try:
            sequence = notes_of(dataset.read_source(source))
            options.filters.check(sequence, source.name)
            copies = options.filters.shifts(sequence, source.name, is_training=True)
        except PieceError:
            copies = []
        for _, semitones in copies:
            try:
                yield transforms.transpose(sequence, semitones) if semitones else sequence
            except PieceError:
                continue
        progress(done)
