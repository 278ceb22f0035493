#!/usr/bin/env bash
# What a GPU does with this suite, in a few minutes; without one it says what is missing, and the
# CPU takes its place.
#
#   ./scripts/gpu_check.sh --minutes=10 --output=gpu_check.json
#
# Flags go to the check; --help lists them. Where there is an NVIDIA driver, TensorFlow's CUDA
# libraries are installed with the package.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

extra=""
if command -v nvidia-smi >/dev/null || [ -e /proc/driver/nvidia/version ]; then extra=gpu; fi
install "$extra"
export PYTHONPATH="$ROOT/scripts${PYTHONPATH:+:$PYTHONPATH}"
exec "$VENV/bin/python" -m gpu_check "$@"
