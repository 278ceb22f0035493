"""The datasets by name. A new one is one module with a `DATASET`, and one entry here."""

from tfmusicgan.datasets import (
    audio_notes,
    bach_chorales,
    impro_visor,
    lakh,
    lead_sheets,
    lpd,
    maestro,
    midi,
    nottingham,
    nsynth,
    openewld,
    piano_midi_de,
    pop909,
    pop909_melody,
    seqgan_oracle,
    soundfont_notes,
)
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.errors import unknown_name

_DATASETS = {
    dataset.name: dataset
    for dataset in (
        audio_notes.DATASET,
        bach_chorales.DATASET,
        impro_visor.DATASET,
        *lakh.DATASETS,
        *lead_sheets.DATASETS,
        lpd.DATASET,
        maestro.DATASET,
        midi.DATASET,
        nottingham.DATASET,
        *nsynth.DATASETS,
        openewld.DATASET,
        piano_midi_de.DATASET,
        pop909.DATASET,
        pop909_melody.DATASET,
        seqgan_oracle.DATASET,
        soundfont_notes.DATASET,
    )
}


def names() -> list[str]:
    """The names of all datasets, sorted."""
    return sorted(_DATASETS)


def get(name: str) -> Dataset:
    """Looks a dataset up.

    Raises:
      ConfigError: If there is no such dataset.
    """
    if name not in _DATASETS:
        raise unknown_name("dataset", name, _DATASETS)
    return _DATASETS[name]
