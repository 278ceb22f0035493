"""The check itself: what is there, whether steps agree, what they cost."""

import dataclasses
import functools
import gc
import pathlib
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from gpu_check import agreement, devices, report, speed, steps
from gpu_check.steps import CPU_FORMS, GPU_FORMS, REFERENCE, Form
from tfmusicgan import recipes

AGREEMENT_SHARE = 0.5  # of the minutes; the rest is the timing's
_AGREEMENT = {"recipe": 40, "form": 19, "values": 7, "gradients": 9, "descent": 7, "": 7}
_SPEED = {"recipe": 40, "form": 19, "s/step": 7, "steps/s": 7, "FLOP": 6, "FLOP/s": 6}
_SPEED |= {"product": 7, "MB": 7, "steps": 7, "hours": 7, "first s": 7}


@dataclasses.dataclass(frozen=True)
class Options:
    """What to check; see the flags."""

    minutes: float = 10
    recipes: tuple[str, ...] = ()
    forms: tuple[str, ...] = ()
    agreement_preset: str = "tiny"
    preset: str | None = None
    output: str | None = None
    require_gpu: bool = False

    def problem(self) -> str | None:
        """What is wrong with them, in one line; None if nothing is."""
        known = steps.generators()
        presets = {name for recipe in known for name in recipes.get(recipe).presets}
        forms = [form.name for form in GPU_FORMS]
        asked = (
            ("recipes", self.recipes, known),
            ("forms", self.forms, forms),
            ("agreement_preset", (self.agreement_preset,), presets),
            ("preset", (self.preset,) if self.preset else (), presets),
        )
        for flag, values, choices in asked:
            for value in values:
                if value not in choices:
                    return f"--{flag}: expected {', '.join(sorted(choices))}. Received: {value!r}."
        if self.output and not pathlib.Path(self.output).absolute().parent.is_dir():
            return f"--output: expected a file in a folder that exists. Received: {self.output}."
        if not self.minutes > 0:
            return f"--minutes: expected a number above 0. Received: {self.minutes}."
        return None


class Check:
    """Runs the sections one after the other and keeps what they find.

    Args:
      options: What to check.

    Attributes:
      results: JSON-able: `machine`, `missing`, `agreement` and `speed` with their rows, and the
        rows that the time was too short for.
    """

    def __init__(self, options: Options):
        self.options = options
        self.results: dict[str, Any] = {"minutes": options.minutes}

    def run(self) -> int:
        """Runs all sections.

        Returns:
          The exit status: 1 if a step differs or fails, or a GPU is asked for and missing.
        """
        gpus = devices.prepare()
        missing = self._show_machine()
        if self.options.require_gpu and not gpus:
            print("Expected a GPU (--require_gpu).")
            return 1
        forms = [f for f in (GPU_FORMS if gpus else CPU_FORMS) if self._wants(f)]
        names = [n for n in steps.generators() if n in (self.options.recipes or [n])]
        is_bad = self._compare(names, [f for f in forms if gpus or f != REFERENCE])
        self._save()
        is_bad |= self._time(names, forms, self.options.preset or ("paper" if gpus else "tiny"))
        verdict = (
            "Something differs, failed or was not compared."
            if is_bad
            else "Everything that ran agrees."
        )
        print(f"\n{verdict} {'' if not missing else 'On the CPU: there was no GPU.'}".rstrip())
        return int(is_bad)

    def _show_machine(self) -> list[str]:
        report.heading("Machine")
        rows, missing = devices.describe(), devices.missing()
        for what, value in rows:
            print(f"{what:24}  {value}")
        for line in missing:
            print(f"missing: {line}")
        if missing:
            print("The CPU takes the GPU's place below.", flush=True)
        self.results |= {"machine": dict(rows), "missing": missing}
        return missing

    def _compare(self, names: list[str], forms: list[Form]) -> bool:
        preset = self.options.agreement_preset
        report.heading(f"One step against float32 on the CPU, preset {preset}")
        table, rows, late = report.Table(_AGREEMENT), [], []
        is_over = self._clock(AGREEMENT_SHARE)
        references = functools.cache(lambda name: reference_steps(name, preset))
        for name, form in steps.in_order_of_value(names, forms, compiled_last=True):
            if is_over():
                late.append([name, form.name])
                continue
            pairs = guarded(lambda n=name, f=form: compared_stages(n, preset, f, references(n)))
            for row in ({"case": name, "form": form.name, **pair} for pair in pairs):
                rows.append(row)
                table.row(*_agreement_cells(row))
                self.results["agreement"] = rows
                self._save()
        report.not_reached(late, len(names))
        self.results |= {"agreement": rows, "agreement_not_reached": late}
        if not rows:
            print("Nothing was compared: choose other --forms, or more --minutes.")
        return not rows or any(row["verdict"] != "ok" for row in rows)

    def _time(self, names: list[str], forms: list[Form], preset: str) -> bool:
        report.heading(f"What a step costs, preset {preset}")
        if preset != "paper" and not self.options.preset:
            print("Published sizes take many seconds a step on a CPU: --preset=paper times them.")
        table, rows, late = report.Table(_SPEED), [], []
        is_over = self._clock(1 - AGREEMENT_SHARE)
        for name, form in steps.in_order_of_value(names, forms):
            if is_over():
                late.append([name, form.name])
                continue
            found = guarded(lambda n=name, f=form: speed.time_stages(n, preset, f))
            for row in ({"case": name, "form": form.name, **found_row} for found_row in found):
                rows.append(row)
                table.row(*_speed_cells(row))
                self.results["speed"] = rows
                self._save()
        report.not_reached(late, len(names))
        self.results |= {"preset": preset, "speed": rows, "speed_not_reached": late}
        return any("error" in row for row in rows)

    def _wants(self, form: Form) -> bool:
        return not self.options.forms or form.name in self.options.forms

    def _clock(self, share: float) -> Callable[[], bool]:
        """Whether a section's share of the minutes is over, from now on.

        A row that has begun is finished: each section counts from its own beginning, so that a long
        compilation in the first leaves time for the second.
        """
        end = time.monotonic() + self.options.minutes * 60 * share
        return lambda: time.monotonic() > end

    def _save(self) -> None:
        # After every row: a crash inside the driver leaves what was known.
        if self.options.output:
            report.write_json(self.options.output, self.results)


References = dict[int, tuple[list[np.ndarray], agreement.StepRecord]]


def reference_steps(name: str, preset: str) -> References:
    """A float32 step on the CPU in each stage of a recipe's training.

    Args:
      name: The recipe.
      preset: Its preset.

    Returns:
      Stage to the weights before the step, and what the step did.
    """
    found = {}
    with tf.device("/CPU:0"), REFERENCE.active():
        for stage in steps.distinct_stages(steps.build_model(name, preset)):
            model = steps.build_model(name, preset)
            steps.enter_stage(model, stage)
            weights = [weight.numpy() for weight in model.weights]
            found[stage] = (weights, agreement.take_step(model, steps.make_batch(model)))
    return found


def compared_stages(
    name: str, preset: str, form: Form, references: References
) -> Iterator[dict[str, Any]]:
    """Takes a step on the device in each stage, and compares it with the reference.

    Args:
      name: The recipe.
      preset: Its preset.
      form: How the step runs on the device.
      references: From `reference_steps`.

    Yields:
      A row per stage: `case`, the three numbers of the comparison, `worst` and `verdict`.
    """
    tolerance = agreement.TOLERANCES[form.arithmetic]
    for stage, (weights, reference) in references.items():
        with form.active():
            model = steps.build_model(name, preset)
            steps.enter_stage(model, stage)
            batch = steps.make_batch(model)
            taken = agreement.take_step(model, batch, weights, form.xla, reference.drawn)
        found = agreement.compare(reference, taken)
        verdict = "ok" if found.within(tolerance) else "DIFFERS"
        label = steps.stage_label(name, model)
        yield {"case": label, **dataclasses.asdict(found), "verdict": verdict}


def guarded(rows: Callable[[], Iterator[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    """The rows of one recipe; whatever goes wrong becomes the last one, with `error`."""
    try:
        yield from rows()
    except Exception as error:  # out of memory, no kernel, no compiler: each is a finding
        yield {"verdict": "FAILED", "error": report.one_line(error)}
    gc.collect()  # the model's memory, before the next one is built


def _agreement_cells(row: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [row["case"], row["form"], "", "", "", row["verdict"], row["error"]]
    numbers = [f"{row['values']:.4f}", f"{row['gradients']:.5f}", f"{row['descent']:.4f}"]
    note = [] if row["verdict"] == "ok" else [f"largest: {row['worst']}"]
    return [row["case"], row["form"], *numbers, row["verdict"], *note]


def _speed_cells(row: dict[str, Any]) -> list[str]:
    if "error" in row:
        return [row["case"], row["form"], *[""] * 9, row["error"]]
    flops, seconds, peak = row["flops"], row["seconds"], row["peak_megabytes"]
    share = row["product_share"]
    return [
        row["case"],
        row["form"],
        f"{seconds:.4g}",
        f"{1 / seconds:.3g}",
        report.short(flops),
        report.short(flops and flops / seconds),
        "" if share is None else f"{share:.0%}",
        "" if peak is None else f"{peak:,.0f}",
        f"{row['steps']:,}",
        f"{row['hours']:.3g}",
        f"{row['first_seconds']:.1f}",
        *([row["note"]] if row["note"] else []),
    ]
