#!/usr/bin/env bash
# Sets up .venv and runs the checks and the tests. Arguments go to pytest.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ROOT"
install dev
export PATH="$VENV/bin:$PATH"
# The test of the Node client skips where there is no Node, or its packages cannot be had.
node=serving/clients/node
if command -v npm >/dev/null && [ ! -d $node/node_modules ]; then
  npm ci --silent --no-audit --no-fund --prefix $node || echo "Node's packages are not installed."
fi
ruff check .
ruff format --check .
python -m pytest "$@"
