"""Training as one function: records in, a run's folder with checkpoints and logs out."""

import contextlib
import dataclasses
import functools
import pathlib
import sys
from collections.abc import Sequence

import tensorflow as tf

from tfmusicgan import representations
from tfmusicgan.errors import ConfigError, RecordsError
from tfmusicgan.models.base import MusicGAN
from tfmusicgan.recipes.base import Recipe
from tfmusicgan.records import checks
from tfmusicgan.records.reader import RecordSet
from tfmusicgan.training import interrupt
from tfmusicgan.training import strategy as devices
from tfmusicgan.training.callbacks import StopOnNonFinite
from tfmusicgan.training.options import TrainingOptions
from tfmusicgan.training.run import Run
from tfmusicgan.training.watching import make_callbacks, plain_log_errors


def train(
    recipe: Recipe,
    preset: str,
    records_folder: pathlib.Path,
    output: pathlib.Path,
    assignments: Sequence[str] = (),
    seed: int = 0,
    overwrite: bool = False,
    options: TrainingOptions | None = None,
    file_groups: int | None = None,
) -> Run:
    """Trains a recipe on a record set, or goes on with a run of the same settings.

    The weights after step n are a function of settings, records and seed: a run that was killed
    goes on as if it had not been.

    Args:
      recipe: What to train.
      preset: The recipe's preset.
      records_folder: A finished record set; its `train` split is read.
      output: The run's folder.
      assignments: `name=value` hyperparameters.
      seed: Of weights, noise and data order.
      overwrite: Delete an earlier run in `output` first.
      options: How to run; the defaults suit minutes to an hour on a CPU.
      file_groups: Groups of the records' shards, of which each worker reads its own; a run on any
        number of workers that divides it trains the same weights. By default the run's own, or one
        group for each worker of a new run.

    Returns:
      The finished run.

    Raises:
      RecordsError: If the records are damaged or of another representation.
      CheckpointError: If a checkpoint does not load (the message says what to remove), or cannot
        be written.
      OutputExistsError: If `output` holds another run.
      ConfigError: If a hyperparameter or the strategy is unknown or does not fit the records.
      TrainingError: If a loss is not finite, the samples collapse, a worker no longer answers, or
        the logs cannot be written.
      InterruptedRunError: If SIGINT or SIGTERM came; a checkpoint is written. A second signal ends
        the process at once.
    """
    options = options or TrainingOptions()
    records = RecordSet.open(records_folder, "train")
    _check_representation(records, recipe)
    facts = {
        "dataset": records.manifest.dataset,
        "sources": records.manifest.sources,
        "num_examples": records.num_examples,
    }
    entry = representations.to_manifest(records.representation)
    strategy = devices.make_strategy(options.strategy)
    if file_groups is None:
        file_groups = None if overwrite else Run.file_groups_at(output)
        file_groups = file_groups or devices.num_workers(strategy)
    run = Run.plan(output, recipe, preset, assignments, facts, entry, seed, file_groups)
    with (
        devices.plain_errors(strategy, run.store().latest_in_words),
        contextlib.ExitStack() as stack,
    ):
        with strategy.scope(), run.store().naming_what_to_remove():
            model = _begin(run, records, options, strategy, overwrite, stack)
        with plain_log_errors(run), interrupt.stop_request() as request:
            _fit(model, run, records, options, strategy, request)
    return run


def _begin(
    run: Run,
    records: RecordSet,
    options: TrainingOptions,
    strategy: tf.distribute.Strategy,
    overwrite: bool,
    stack: contextlib.ExitStack,
) -> MusicGAN:
    """The run's model, as new or as its latest checkpoint has it; the chief makes the folder.

    It keeps other processes out of the folder until `stack` is closed.
    """
    model = run.build_model()
    num_groups = run.settings["file_groups"]
    _check_groups(num_groups, devices.num_workers(strategy))
    for rows in sorted(model.rows_of_steps, reverse=True):
        _check_rows(rows, strategy.num_replicas_in_sync)
        checks.check_groups(records.directory, records.shards, rows, num_groups)
    model.compile(jit_compile=devices.decide_xla(options.jit_compile, strategy))
    if devices.is_chief(strategy) and (overwrite or run.store().latest() is None):
        _check_profile(options.profile_steps, model.model_config.training_steps)
    # All that can be wrong with the settings is known by now: nothing is deleted before.
    if devices.is_chief(strategy):
        stack.enter_context(run.taken_up(overwrite))
        run.store(options.keep_latest, options.keep_every).tidy()
    devices.any_worker(strategy)(True)  # the others wait for the folder
    latest = run.store().latest()
    if latest is None:
        prepare_model(model, records)
    else:
        run.store().restore(model, latest)
    return model


def prepare_model(model: MusicGAN, records: RecordSet) -> None:
    """Gives an untrained model what it keeps of the training data, if it keeps anything.

    Args:
      model: Before its first step.
      records: The training split; examples are taken at even distances, counted fields of all.
    """
    if model.num_preparation_examples:
        examples = records.spread(model.num_preparation_examples)
        model.prepare({**examples, **records.whole(model.counted_fields)})


def _check_representation(records: RecordSet, recipe: Recipe) -> None:
    came = records.manifest.representation["name"]
    if came != recipe.representation:
        raise RecordsError(
            f"Expected records of representation {recipe.representation!r}, as recipe "
            f"{recipe.name!r} learns. Received: {came!r} at {records.directory}. Name another "
            "--records, or convert the data for this recipe."
        )


def _check_rows(rows: int, replicas: int) -> None:
    if rows % replicas:
        raise ConfigError(
            f"Expected batches whose rows divide by {replicas} devices. Received: {rows} rows. "
            "Change batch_size with --set=batch_size=NUMBER, or use --strategy=none."
        )


def _check_groups(file_groups: int, workers: int) -> None:
    if file_groups % workers:
        raise ConfigError(
            f"Expected a multiple of {workers} workers as the run's file_groups. Received: "
            f"{file_groups}. Train with a number of workers that divides it; a new run may be "
            f"given --file_groups={workers}."
        )


def _check_profile(profile_steps: tuple[int, int] | None, total: int) -> None:
    if profile_steps and profile_steps[1] > total:
        raise ConfigError(
            f"Expected --profile within the run's {total} training steps. Received: "
            f"{profile_steps[0]},{profile_steps[1]}."
        )


def _without_late_profile(options: TrainingOptions, left: int) -> TrainingOptions:
    """For a run that goes on with the same flags: no profile of steps that it no longer has."""
    profile_steps = options.profile_steps
    if profile_steps is None or profile_steps[1] <= left:
        return options
    print(
        f"Without the profile of steps {profile_steps[0]} to {profile_steps[1]}: of this run only "
        f"{left} are left."
    )
    return dataclasses.replace(options, profile_steps=None)


def _fit(
    model: MusicGAN,
    run: Run,
    records: RecordSet,
    options: TrainingOptions,
    strategy: tf.distribute.Strategy,
    request: interrupt.StopRequest,
) -> None:
    config = model.model_config
    step = int(model.step.numpy())
    if step >= config.training_steps:
        return
    callbacks, save, verbose = [StopOnNonFinite(run.store())], _save_nothing, 0
    if devices.is_chief(strategy):
        options = _without_late_profile(options, config.training_steps - step)
        callbacks, saver = make_callbacks(model, run, records, options)
        save, verbose = saver.save, 1 if sys.stdout.isatty() else 2
    any_worker = devices.any_worker(strategy)
    where = run.store().latest_in_words
    callbacks.append(interrupt.StopOnSignal(request, save, where, any_worker))
    segments = _segments(step, config.training_steps, options.steps_per_epoch, model.stage_starts)
    said = ""
    for first, last, steps in segments:
        model.begin_stage(int(model.step.numpy()))
        stage = model.describe_stage()
        if stage != said and devices.is_chief(strategy):
            print(stage, flush=True)
        said = stage
        with strategy.scope():
            model.start_stage(int(model.step.numpy()))
        # Each segment starts at its own step: an iterator reads ahead, and forgets what it read.
        dataset = devices.distribute(strategy, functools.partial(_batches, model, run, records))
        with records.plain_errors():
            model.fit(
                dataset,
                initial_epoch=first,
                epochs=last,
                steps_per_epoch=steps,
                callbacks=callbacks,
                shuffle=False,  # the reader's order is a function of (seed, step)
                verbose=verbose,
            )
    save()
    any_worker(True)  # the others wait for the last checkpoint


def _save_nothing() -> None:
    """What workers save that are not the chief."""


def _batches(
    model: MusicGAN, run: Run, records: RecordSet, worker: int, workers: int
) -> tf.data.Dataset:
    """A worker's rows of the batches from the model's step on."""
    num_groups = run.settings["file_groups"]
    share = num_groups // workers
    return records.batches(
        model.rows_per_step,
        seed=run.settings["seed"],
        start_step=int(model.step.numpy()),
        examples_per_row=model.examples_per_row,
        num_groups=num_groups,
        groups=range(worker * share, (worker + 1) * share),
    )


def _segments(
    step: int, total: int, per_epoch: int, stage_starts: Sequence[int] = ()
) -> list[tuple[int, int, int]]:
    """(first epoch, last epoch, steps each) of the calls of `fit` that lead from `step` to `total`.

    A call ends where a stage of the training does; within it, an epoch is cut short only at the
    call's beginning or end.
    """
    segments = []
    for end in [start for start in stage_starts if step < start < total] + [total]:
        epoch = step // per_epoch
        if step % per_epoch:
            steps = min(per_epoch - step % per_epoch, end - step)
            segments.append((epoch, epoch + 1, steps))
            step, epoch = step + steps, epoch + 1
        whole = (end - step) // per_epoch
        if whole > 0:
            segments.append((epoch, epoch + whole, per_epoch))
        rest = (end - step) % per_epoch
        if rest:
            segments.append((epoch + max(whole, 0), epoch + max(whole, 0) + 1, rest))
        step = end
    return segments
