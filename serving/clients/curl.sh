#!/usr/bin/env bash
# Asks for one piece over REST with curl, and writes what comes: a serialised NoteSequence, or of a
# model of notes a WAV file. Works against the stock server and tfmusicgan-serve alike.
#
#   serving/clients/curl.sh chorales                          piece_1.notes
#   serving/clients/curl.sh chorales 7 http://host:8501       piece_7.notes
#
# tfmusicgan.note_sequences and note_seq read .notes: NoteSequence.FromString(open(path, "rb").read())
set -euo pipefail
if [ $# -lt 1 ]; then
  echo "usage: $0 MODEL [SEED] [SERVER]" >&2
  exit 2
fi
model=$1
seed=${2:-1}
server=${3:-http://127.0.0.1:8501}
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# Row form: one instance for each piece, here the value of the only input, `seed`.
curl --silent --show-error --max-time 60 --output "$answer" \
  --data "{\"instances\": [$seed]}" "$server/v1/models/$model:predict"

# TensorFlow Serving writes a string's bytes into the JSON as they are (base64 is for outputs whose
# names end in _bytes): read as Latin-1, each character is one of them.
python3 - "$answer" "$seed" <<'PYTHON'
import json
import sys

path, seed = sys.argv[1:]
with open(path, encoding="latin-1") as file:
    answer = json.load(file)
if "error" in answer:
    sys.exit(answer["error"])
piece = answer["predictions"][0].encode("latin-1")
name = f"piece_{seed}.{'wav' if piece[:4] == b'RIFF' else 'notes'}"
with open(name, "wb") as file:
    file.write(piece)
print(name)
PYTHON
