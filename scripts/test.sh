#!/usr/bin/env bash
# Sets up .venv and runs the checks and the tests. Arguments go to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ROOT"
install dev
export PATH="$VENV/bin:$PATH"
ruff check .
ruff format --check .
python -m pytest "$@"
