#!/usr/bin/env bash
# Kills conversion, training, export and bulk sampling at 100 random moments: all end bit-equal.
#
#   ./scripts/soak/soak.sh [--kills=100] [--seed=0] [--workers=2]
#
# Environment: OUT (a new folder for everything; out/soak).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
cd "$ROOT"

install
"$VENV/bin/python" scripts/soak/soak.py --output="${OUT:-out/soak}" "$@"
