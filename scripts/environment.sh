# Sourced by the other scripts: finds Python, makes .venv, installs the package with constraints.txt,
# and says what each step of a script takes.
# Set PYTHON to use a certain interpreter, VENV for another folder than .venv.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
VENV=${VENV:-$ROOT/.venv}
export TF_CPP_MIN_LOG_LEVEL=${TF_CPP_MIN_LOG_LEVEL:-3}
export PYTHONWARNINGS=${PYTHONWARNINGS:-ignore}

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

python_version() {
  "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null
}

find_python() {
  local candidate version
  if [ -n "${PYTHON:-}" ]; then
    version=$(python_version "$PYTHON") || fail "PYTHON=$PYTHON does not run."
    case $version in
      3.11 | 3.12) echo "$PYTHON" && return ;;
    esac
    fail "Expected Python 3.12 or 3.11. Received: PYTHON=$PYTHON, which is $version. Unset PYTHON," \
      "or install one: apt-get install python3.11 python3.11-venv (Debian 12), python3.12-venv" \
      "(Ubuntu 24.04)."
  fi
  # A name on the PATH may be a shim that does not run: each candidate is asked for its version.
  for candidate in python3.12 python3.11 python3 python; do
    case $(python_version "$candidate") in
      3.11 | 3.12) command -v "$candidate" && return ;;
    esac
  done
  fail "Expected Python 3.12 or 3.11 on the PATH. Received: $(python3 --version 2>&1 || true)." \
    "Install one: apt-get install python3.11 python3.11-venv (Debian 12), python3.12-venv" \
    "(Ubuntu 24.04)."
}

# install [EXTRA]: makes the environment once, and again when what it is made from has changed.
install() {
  local extra=${1:-} python stamp wanted
  stamp=$VENV/.installed${extra:+-$extra}
  wanted=$(cd "$ROOT" && cat setup.py constraints.txt | cksum)
  if [ -x "$VENV/bin/python" ]; then
    case $(python_version "$VENV/bin/python") in
      3.11 | 3.12) ;;
      *) fail "Expected Python 3.12 or 3.11 in $VENV. Delete it, and run again." ;;
    esac
    # An environment with an extra has everything that one without it needs.
    if grep -qsxF "$wanted" "$stamp" || { [ -z "$extra" ] && grep -qsxF "$wanted" "$stamp"-*; }; then
      return
    fi
  fi
  if [ ! -x "$VENV/bin/pip" ]; then
    python=$(find_python) || exit 1
    "$python" -m venv "$VENV" || fail "$python has no venv module: apt-get install python3-venv."
  fi
  "$VENV/bin/pip" install --quiet --disable-pip-version-check \
    --constraint "$ROOT/constraints.txt" --editable "$ROOT${extra:+[$extra]}" ||
    fail "The packages could not be installed; the lines above say why. Run again to go on."
  echo "$wanted" >"$stamp"
}

# step TITLE COMMAND...: runs a command under a title, and prints its seconds.
step() {
  local title=$1 began=$SECONDS
  shift
  printf '\n== %s\n' "$title"
  "$@"
  printf -- '-- %s: %d s\n' "$title" $((SECONDS - began))
}

# serve FLAG...: starts a server, whose address is then $address and process $server. What it says
# goes to $log, which the script makes.
serve() {
  tfmusicgan-serve "$@" >"$log" 2>&1 &
  server=$!
  for _ in $(seq 180); do
    address=$(sed -n 's/.* on \([0-9.]*:[0-9]*\).*/\1/p' "$log" | tail -n 1)
    [ -z "$address" ] || return 0
    kill -0 "$server" 2>/dev/null || fail "The server stopped: $(tail -n 3 "$log")"
    sleep 1
  done
  fail "The server did not become ready: $(tail -n 3 "$log")"
}
