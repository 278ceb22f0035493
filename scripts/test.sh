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
# So does that of min-tfs-client, which has a folder of its own: it brings a package `tensorflow` along.
min_tfs=$VENV/min_tfs_client
if [ ! -d "$min_tfs" ]; then
  pip install --quiet --disable-pip-version-check --no-deps --target="$min_tfs" \
    min-tfs-client==1.0.2 protobuf==3.20.3 || echo "min-tfs-client is not installed."
fi
ruff check .
ruff format --check .
python -m pytest "$@"
