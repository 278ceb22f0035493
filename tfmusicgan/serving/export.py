"""Checkpoints to SavedModels of core TensorFlow ops, published whole by a rename.

<root>/<model name>/<version>/
    saved_model.pb, variables/, fingerprint.pb
    assets.extra/tfmusicgan.json                    recipe, representation, data, versions
    assets.extra/model_card.md                      the same for people
    assets.extra/tf_serving_warmup_requests         run by the server before it says it is ready
"""

import contextlib
import json
import pathlib
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf

from tfmusicgan import __version__, representations
from tfmusicgan.errors import ConfigError, ExportError, OutputExistsError
from tfmusicgan.files import locked, partial_name, replace_folder, room_advice, why_not_written
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.models.signature import Signature
from tfmusicgan.serving import warmup
from tfmusicgan.serving.defaults import REQUIRED, write_defaults
from tfmusicgan.serving.model_card import model_card
from tfmusicgan.serving.versions import MAX_VERSION
from tfmusicgan.training.run import Run

FORMAT_VERSION = 1
MANIFEST = "tfmusicgan.json"
EXTRA = "assets.extra"


class _Servable(tf.Module):
    """The sampled networks with their signatures; the critic and the optimizers stay behind."""

    def __init__(self, model: MusicGAN):
        super().__init__()
        self._signatures = model.signatures()
        self.functions = {
            name: tf.function(_named(signature), autograph=False).get_concrete_function(
                **_named_specs(signature)
            )
            for name, signature in self._signatures.items()
        }
        # Holding the captured variables, and nothing else, is what saves them. A graph lists them
        # in another order in every process; in the model's, equal checkpoints give equal bytes.
        captured = {id(v): v for f in self.functions.values() for v in f.graph.variables}
        order = {id(weight.value): index for index, weight in enumerate(model.weights)}
        self.weights = sorted(captured.values(), key=lambda v: order.get(id(v), len(order)))


def export_run(
    run: Run,
    root: str | pathlib.Path,
    name: str | None = None,
    version: int | None = None,
    checkpoint: str = "latest",
    overwrite: bool = False,
) -> pathlib.Path:
    """Exports a run's checkpoint as a servable model.

    Args:
      run: The training run.
      root: The model root, e.g. `serving/models`.
      name: The model's name in requests; the recipe's by default.
      version: The version folder; one more than the highest there by default.
      checkpoint: `latest`, `best`, `ema`, or a checkpoint folder's path.
      overwrite: Replace the version if it is there.

    Returns:
      The version's folder.

    Raises:
      CheckpointError: If there is no such checkpoint, or it does not fit.
      OutputExistsError: If the version is there and `overwrite` is not set, or is no export.
      ConfigError: If the name or the version cannot be a folder's.
      ExportError: If the recipe makes no music, the model uses an op that the stock server lacks,
        another process of this machine exports the model to the same root, or nothing can be
        written.
    """
    _check_makes_music(run)
    name = name or run.recipe.name
    if not name.replace("_", "").replace("-", "").isalnum():
        raise ConfigError(f"Expected a model name of letters, digits, - and _. Received: {name!r}.")
    folder = pathlib.Path(root) / name
    if version is not None:
        if not 0 <= version <= MAX_VERSION:
            raise ConfigError(f"Expected a version from 0 to {MAX_VERSION}. Received: {version}.")
        _check_free(folder / str(version), overwrite)  # before the work
    model, info = run.load_model(checkpoint)
    manifest = _manifest(run, model, info.step, checkpoint)
    with _alone_in(folder):
        final = folder / str(_next_version(folder) if version is None else version)
        _check_free(final, overwrite)
        # Beside the model's folder's versions, under a name that no server takes for one.
        partial = partial_name(final)
        shutil.rmtree(partial, ignore_errors=True)
        try:
            _write(model, partial, name, manifest)
            replace_folder(partial, final)
        except (OSError, tf.errors.OpError) as error:
            raise _not_written(folder, error) from error
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return final


@contextlib.contextmanager
def _alone_in(folder: pathlib.Path) -> Iterator[None]:
    """Makes a model's folder and keeps other exports out of it; without a version it goes again.

    The lock is the folder's own: a file would be one more thing in the model root.

    Raises:
      ExportError: If another process exports there, or the folder cannot be made.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locked(folder))
        except (BlockingIOError, FileNotFoundError):  # or it ended just now, and took it away
            raise ExportError(
                f"Another process exports to {folder}. Wait for it, or name another --output or "
                "--name."
            ) from None
        except OSError as error:
            raise _not_written(folder, error) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # not empty
                folder.rmdir()


def _not_written(folder: pathlib.Path, error: Exception) -> ExportError:
    advice = room_advice(error, "Make room there and run the same command again.")
    return ExportError(
        f"The export could not be written to {folder}: {why_not_written(error)}.{advice}"
    )


def _check_free(final: pathlib.Path, overwrite: bool) -> None:
    """Refuses a version that is there, unless it is an export that is to be replaced."""
    if final.exists() and not overwrite:
        raise OutputExistsError(
            f"Expected a new version. Received: {final}, which is there. Leave --model_version out "
            "for the next one, or pass --overwrite."
        )
    if final.exists() and not (final / "saved_model.pb").is_file():
        raise OutputExistsError(
            f"Expected an export in {final}. Received: something else, which is not replaced. Name "
            "another --output or --model_version."
        )


def _check_makes_music(run: Run) -> None:
    """Refuses runs of what is of no use alone, such as an oracle's tokens."""
    recipe = run.recipe
    sounds = getattr(representations.get(recipe.representation), "sounds", True)
    if recipe.kind not in ("generator", "baseline", "classifier") or not sounds:
        raise ExportError(
            f"Expected a run of a generator of music. Received: {run.folder}, of the recipe "
            f"{recipe.name}, which is of kind {recipe.kind}. There is nothing to export."
        )


def read_manifest(version_folder: str | pathlib.Path) -> dict[str, Any]:
    """Reads what an export says of itself.

    Args:
      version_folder: `<root>/<model name>/<version>`.

    Raises:
      ExportError: If it is not an export of the suite, or of another format version.
    """
    path = pathlib.Path(version_folder) / EXTRA / MANIFEST
    try:
        manifest = json.loads(path.read_text())
    except (OSError, ValueError):
        raise ExportError(
            f"Expected an export with {EXTRA}/{MANIFEST}. Received: {version_folder}. Export with "
            "tfmusicgan-export, and name ROOT/NAME/VERSION."
        ) from None
    found = manifest.get("format") if isinstance(manifest, dict) else None
    if found != FORMAT_VERSION:
        raise ExportError(
            f"Expected export format {FORMAT_VERSION}. Received: format {found} at "
            f"{version_folder}. Export the run again with this release."
        )
    return manifest


def _write(model: MusicGAN, folder: pathlib.Path, name: str, manifest: dict[str, Any]) -> None:
    servable = _Servable(model)
    for signature, function in servable.functions.items():
        _check_ops(signature, function)
    tf.saved_model.save(servable, str(folder), signatures=servable.functions)
    write_defaults(folder, model.signatures())
    extra = folder / EXTRA
    extra.mkdir()
    (extra / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    (extra / "model_card.md").write_text(model_card(name, manifest))
    outputs = {key: function.structured_outputs for key, function in servable.functions.items()}
    warmup.write_requests(extra, name, model.signatures(), outputs)


def _named(signature: Signature):
    def serve(**inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(inputs[next(iter(signature.inputs))])[0]
        for name, value in inputs.items():
            # One row counts for all, as that of a default; other numbers of rows are an error.
            shape = tf.concat([[rows], tf.shape(value)[1:]], axis=0)
            inputs[name] = tf.ensure_shape(tf.broadcast_to(value, shape), value.shape)
        for name, (low, high) in signature.ranges.items():
            value = inputs[name]
            if value.dtype.is_floating:
                default = tf.cast(signature.defaults[name], value.dtype)
                value = tf.where(tf.math.is_nan(value), default, value)
            inputs[name] = tf.clip_by_value(value, low, high)
        return signature.function(**inputs)

    return serve


def _named_specs(signature: Signature) -> dict[str, tf.TensorSpec]:
    return {
        name: tf.TensorSpec(spec.shape, spec.dtype, name=name)
        for name, spec in signature.inputs.items()
    }


def _check_ops(signature: str, function: tf.types.experimental.ConcreteFunction) -> None:
    graph = function.graph.as_graph_def()
    nodes = list(graph.node) + [node for f in graph.library.function for node in f.node_def]
    ops = {node.op for node in nodes}
    foreign = sorted(op for op in ops if op.startswith(("IO>", "PyFunc", "EagerPyFunc")))
    if foreign:
        raise ExportError(
            f"Expected core TensorFlow ops in signature {signature!r}. Received: "
            f"{', '.join(foreign)}, which the stock server lacks."
        )


def _next_version(folder: pathlib.Path) -> int:
    """One more than the highest one that servers look at.

    Raises:
      ConfigError: If that is the highest possible.
    """
    numbers = [int(path.name) for path in folder.glob("*") if path.name.isdecimal()]
    version = max((number for number in numbers if number <= MAX_VERSION), default=0) + 1
    if version > MAX_VERSION:
        raise ConfigError(
            f"Expected a version after the highest of {folder}. Received: {MAX_VERSION}, which no "
            "version can follow. Name another --model_version."
        )
    return version


def _manifest(run: Run, model: MusicGAN, step: int, checkpoint: str) -> dict[str, Any]:
    settings = run.settings
    kind = checkpoint if checkpoint in ("latest", "best", "ema") else "path"
    return {
        "format": FORMAT_VERSION,
        "recipe": settings["recipe"],
        "preset": settings["preset"],
        "config": settings["config"],
        "representation": settings["representation"],
        "records": settings["records"],
        "seed": settings["seed"],
        "checkpoint": {"kind": kind, "step": step},
        "signatures": {name: _describe(s) for name, s in model.signatures().items()},
        "versions": {"tfmusicgan": __version__, "tensorflow": tf.__version__},
    }


def _describe(signature: Signature) -> dict[str, Mapping[str, Any]]:
    inputs = {}
    for name, spec in signature.inputs.items():
        inputs[name] = {"dtype": spec.dtype.name}
        if spec.shape.rank > 1:
            inputs[name]["shape"] = spec.shape.as_list()[1:]
        if name not in REQUIRED:
            default = signature.defaults[name]
            inputs[name]["default"] = default.decode() if isinstance(default, bytes) else default
        if name in signature.ranges:
            inputs[name]["range"] = list(signature.ranges[name])
    return {"inputs": inputs}
