"""One command for the few minutes when a GPU is at hand; `scripts/gpu_check.sh` runs it.

    ./scripts/gpu_check.sh --minutes=10 --output=gpu_check.json

Prints what this machine has, one training step of every generator recipe (preset `tiny`; baselines,
oracle and classifier are left out) in each precision with and without XLA against float32 on the
CPU, and what steps cost. Without a GPU the CPU takes its place, and the report begins with what is
missing. Ends with status 1 if a step differs or fails.
"""

import argparse
import sys
from collections.abc import Sequence

from gpu_check import report
from gpu_check.check import Check, Options


def parse(arguments: Sequence[str]) -> Options:
    """Reads the flags; a bad one ends the program with status 2."""
    parser = argparse.ArgumentParser(prog="gpu_check.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10, help="time for all of it (10)")
    parser.add_argument("--recipes", default="", help="only these, separated by commas")
    parser.add_argument("--forms", default="", help="only these, e.g. mixed_bfloat16,float32+xla")
    parser.add_argument(
        "--agreement_preset", default="tiny", help="sizes for the comparison with the CPU (tiny)"
    )
    parser.add_argument("--preset", help="sizes to time (paper on a GPU, tiny without)")
    parser.add_argument("--output", help="also write the results to this JSON file")
    parser.add_argument("--require_gpu", action="store_true", help="end with status 1 without one")
    flags = parser.parse_args(arguments)
    options = Options(
        minutes=flags.minutes,
        recipes=tuple(filter(None, flags.recipes.split(","))),
        forms=tuple(filter(None, flags.forms.split(","))),
        agreement_preset=flags.agreement_preset,
        preset=flags.preset,
        output=flags.output,
        require_gpu=flags.require_gpu,
    )
    problem = options.problem()
    if problem:
        parser.error(problem)
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the check.

    Args:
      arguments: Flags; the program's own by default.

    Returns:
      The exit status.
    """
    check = Check(parse(sys.argv[1:] if arguments is None else arguments))
    status = check.run()
    if check.options.output:
        report.write_json(check.options.output, check.results)
        print(f"Written: {check.options.output}")
    return status


if __name__ == "__main__":
    sys.exit(main())
