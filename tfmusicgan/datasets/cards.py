"""Dataset cards and descriptions, generated from the datasets' own facts."""

from tfmusicgan.datasets.base import Dataset
from tfmusicgan.datasets.download import Download


def facts(dataset: Dataset) -> list[tuple[str, str]]:
    """The rows of a dataset's table: (what, value)."""
    unknown = "see above" if dataset.downloads else "depends on your files"
    pieces = unknown if dataset.num_pieces is None else f"{dataset.num_pieces:,}"
    rows = [
        ("Name", dataset.name),
        ("Source", dataset.source_url),
        ("Licence", dataset.licence),
        ("Attribution", dataset.attribution),
        ("Pieces", pieces),
        ("Size", size_text(dataset)),
        ("Download", _download_text(dataset)),
    ]
    return [*rows, ("Command", dataset.command)]


def size_text(dataset: Dataset) -> str:
    """A dataset's size for a person."""
    if dataset.size_bytes is not None:
        return f"{dataset.size_bytes / 1e6:,.1f} MB"
    sizes = [download.size_bytes for download in dataset.downloads]
    if not sizes or None in sizes:
        return "depends on your files"
    return f"{sum(sizes) / 1e6:,.1f} MB to download"


def describe(dataset: Dataset) -> str:
    """A dataset's description for a terminal."""
    width = max(len(what) for what, _ in facts(dataset))
    lines = [dataset.title, "", dataset.description, ""]
    return "\n".join([*lines, *(f"{what:<{width}}  {value}" for what, value in facts(dataset))])


def card(dataset: Dataset) -> str:
    """A dataset's card in Markdown, as it lies in `tfrecords/<name>.md`."""
    rows = [
        f"| {what} | {f'`{value}`' if what in ('Name', 'Command') else value} |"
        for what, value in facts(dataset)
    ]
    lines = [
        f"# {dataset.title}",
        "",
        dataset.description,
        "",
        "| | |",
        "|---|---|",
        *rows,
        "",
        "Written by `tfmusicgan-datasets --write_cards=tfrecords` from the dataset's module.",
    ]
    return "\n".join(lines) + "\n"


def _download_text(dataset: Dataset) -> str:
    if not dataset.downloads:
        return f"by hand: {dataset.by_hand}" if dataset.by_hand else "none needed"
    files = [
        f"{download.url} ({_size(download)}{_checksum(download.sha256, download.md5)})"
        for download in dataset.downloads
    ]
    return ", ".join(files)


def _size(download: Download) -> str:
    return "" if download.size_bytes is None else f"{download.size_bytes:,} bytes, "


def _checksum(sha256: str | None, md5: str | None) -> str:
    if sha256:
        return f"SHA-256 {sha256}"
    return f"MD5 {md5}" if md5 else "no checksum published"
