"""What a conversion says in the end: the manifest, the report file, and the tables for a person."""

import dataclasses
import importlib.metadata
import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tfmusicgan import __version__
from tfmusicgan.datasets.base import Dataset
from tfmusicgan.records.convert_shard import ShardStats
from tfmusicgan.records.manifest import SPLITS, Drop, Manifest, Shard
from tfmusicgan.records.options import ConvertOptions
from tfmusicgan.records.plan import DroppedPiece, Plan
from tfmusicgan.records.schema import stored_bytes

REPORT_NAME = "report.json"
_NAMES_IN_MANIFEST = 10
_MANY = 20
# Only what the bytes depend on: the suite, the readers, the array and compression code.
_PACKAGES = ("music21", "note-seq", "numpy", "scipy", "symusic", "tensorflow-io")


def package_versions() -> dict[str, str]:
    """Versions of the suite and of the packages that the bytes of a record set depend on."""
    versions = {name: importlib.metadata.version(name) for name in _PACKAGES}
    return {"tfmusicgan": __version__, **versions}


def make_manifest(
    dataset: Dataset,
    options: ConvertOptions,
    plan: Plan,
    stats: Sequence[ShardStats],
    licence: str = "",
    attribution: str = "",
    files: Mapping[str, str] = MappingProxyType({}),
) -> Manifest:
    """Puts a manifest together.

    Args:
      dataset: Where the music came from.
      options: How it was converted.
      plan: Which pieces went where.
      stats: The counts of every shard, in the plan's order.
      licence: Instead of the dataset's, if not empty.
      attribution: Instead of the dataset's, if not empty.
      files: Name -> SHA-256 of what lies beside the shards.
    """
    described = options.to_json()
    representation = described.pop("representation")
    shards: dict[str, list[Shard]] = {split: [] for split in SPLITS}
    for task, one in zip(plan.tasks, stats, strict=True):
        fields = {field.name: getattr(one, field.name) for field in dataclasses.fields(Shard)}
        shards[task.split].append(Shard(**fields))
    return Manifest(
        dataset={
            "name": dataset.name,
            "title": dataset.title,
            "source_url": dataset.source_url,
            "licence": licence or dataset.licence,
            "attribution": attribution or dataset.attribution,
        },
        representation=representation,
        fields=_describe_fields(options),
        options=described,
        shards={split: tuple(members) for split, members in shards.items()},
        drops=_count_drops(all_dropped(plan, stats), stats),
        sources={
            "num_listed": plan.num_listed,
            "num_read": plan.num_sources,
            "sha256": plan.sources_digest(),
        },
        versions=package_versions(),
        files=dict(files),
        lost=_count_lost(stats),
    )


def all_dropped(plan: Plan, stats: Sequence[ShardStats]) -> list[DroppedPiece]:
    """Every piece that was left out, sorted by name."""
    dropped = [*plan.dropped, *(drop for one in stats for drop in one.dropped)]
    return sorted(dropped, key=lambda drop: (drop.name, drop.reason))


def make_report(plan: Plan, stats: Sequence[ShardStats]) -> str:
    """The report file: every source with its digest and shard, every piece left out and why."""
    sources = {
        source.name: {"sha256": source.digest, "shard": task.file}
        for task in plan.tasks
        for _, source in task.sources
    }
    dropped = [dataclasses.asdict(drop) for drop in all_dropped(plan, stats)]
    content = {"sources": dict(sorted(sources.items())), "dropped": dropped}
    return json.dumps(content, indent=1) + "\n"


def describe(manifest: Manifest) -> str:
    """A finished set's manifest as tables."""
    representation = manifest.representation
    lines = [
        f"Dataset         {manifest.dataset['title']}",
        f"Source          {manifest.dataset['source_url']}",
        f"Licence         {manifest.dataset['licence']}",
        f"Attribution     {manifest.dataset['attribution']}",
        f"Representation  {representation['name']} (version {representation['version']})",
    ]
    lines += [f"  {name} = {_plain(value)}" for name, value in representation["parameters"].items()]
    lines += [
        f"Field           {name}: {field['dtype']}{field['shape']}, {field['meaning']}"
        for name, field in manifest.fields.items()
    ]
    options = {**manifest.options, **manifest.options["filters"]}
    options.pop("filters")
    lines += ["Options"]
    lines += [f"  {name} = {_plain(value)}" for name, value in options.items() if value]
    versions = ", ".join(f"{name} {version}" for name, version in manifest.versions.items())
    return "\n".join([*lines, f"Versions        {versions}", "", counts_table(manifest)])


def counts_table(manifest: Manifest) -> str:
    """Counts of a set (or of a dry run) by split, and drops by reason, as tables."""
    header = ("split", "pieces", "phrases", "notes", "shards", "MB")
    rows = []
    for split in SPLITS:
        shards = manifest.shards[split]
        notes = sum(shard.num_notes for shard in shards)
        megabytes = sum(shard.num_bytes for shard in shards) / 1e6
        counts = (manifest.num_pieces(split), manifest.num_examples(split), notes, len(shards))
        rows.append((split, *(f"{count:,}" for count in counts), f"{megabytes:.1f}"))
    listed = manifest.sources["num_listed"]
    lines = [f"{listed:,} pieces found, {manifest.sources['num_read']:,} read", ""]
    lines += _table(header, rows)
    if manifest.drops:
        drops = sorted(manifest.drops.items(), key=lambda item: (-item[1].num_pieces, item[0]))
        rows = [
            (reason, f"{drop.num_pieces:,}", f"{drop.num_phrases:,}", ", ".join(drop.names[:3]))
            for reason, drop in drops
        ]
        lines += ["", *_table(("left out because", "pieces", "phrases", "such as"), rows)]
    if manifest.lost:
        rows = [(name, f"{count:,}") for name, count in manifest.lost.items()]
        lines += ["", *_table(("lost of kept pieces", "number"), rows)]
    return "\n".join(lines)


def _count_drops(dropped: Sequence[DroppedPiece], stats: Sequence[ShardStats]) -> dict[str, Drop]:
    names = defaultdict(list)
    for drop in dropped:
        names[drop.reason].append(drop.name)
    phrases = defaultdict(int)
    for one in stats:
        for reason, count in one.dropped_phrases.items():
            phrases[reason] += count
    return {
        reason: Drop(len(names[reason]), phrases[reason], tuple(names[reason][:_NAMES_IN_MANIFEST]))
        for reason in sorted({*names, *phrases})
    }


def _count_lost(stats: Sequence[ShardStats]) -> dict[str, int]:
    lost = Counter()
    for one in stats:
        lost.update(one.lost)
    return dict(sorted(lost.items()))


def _describe_fields(options: ConvertOptions) -> dict[str, dict]:
    return {
        name: {
            "shape": list(field.shape),
            "dtype": field.dtype,
            "stored": "packed bits" if field.dtype == "bool" else "little-endian bytes",
            "stored_bytes": stored_bytes(field),
            "meaning": field.meaning,
        }
        for name, field in options.representation.spec.items()
    }


def _plain(value: object) -> str:
    """A parameter for a person: lists of tracks by their names, of many things the first few."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return ", ".join(str(item.get("name", item)) for item in value)
    if not isinstance(value, list):
        return str(value)
    more = f", ... ({len(value):,} in all)" if len(value) > _MANY else ""
    return ", ".join(map(str, value[:_MANY])) + more


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines with aligned columns: numbers to the right, the first and `such as` to the left."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        aligned = [
            cell.ljust(width) if header[column] in (header[0], "such as") else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return "  ".join(aligned).rstrip()

    return [line(header), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]
