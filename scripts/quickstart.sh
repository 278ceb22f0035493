#!/usr/bin/env bash
# From Bach's chorales to music over gRPC: 444 s on two busy CPU cores, packages to install included.
#
#   ./scripts/quickstart.sh            run again, it reuses what is there
#
# Environment: STEPS (training steps), OUT (where the music goes), PORT (of the server; 0 picks one).
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
cd "$ROOT"

RECIPE=musegan_hybrid_chorales
PRESET=${PRESET:-small}
# A third of what the preset trains, enough to hear it; more steps go on from there.
if [ "$PRESET" = small ]; then STEPS=${STEPS:-2000}; fi
STEPS=${STEPS:-}
RECORDS=${RECORDS:-tfrecords/bach_chorales-$PRESET}
RUN=${RUN:-runs/quickstart-$PRESET}
MODELS=${MODELS:-serving/models}
MODEL=${MODEL:-chorales}
OUT=${OUT:-out/quickstart}
PORT=${PORT:-0}
log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

convert() {
  if [ -f "$RECORDS/manifest.json" ]; then
    echo "$RECORDS is there."
  else
    tfmusicgan-convert --recipe=$RECIPE --preset="$PRESET" --output="$RECORDS"
  fi
}

train() {
  tfmusicgan-train --recipe=$RECIPE --preset="$PRESET" --records="$RECORDS" --output="$RUN" \
    --checkpoint_every=250 --steps_per_epoch=100 ${STEPS:+--set=training_steps=$STEPS}
}

evaluate() {
  tfmusicgan-evaluate --run="$RUN" --records="$RECORDS" --output="$RUN/evaluation.json" \
    --overwrite --require_improvement
}

export_model() {
  # The same run is exported once: a version is made when the run has a newer checkpoint.
  local newest stamp=$MODELS/$MODEL/.exported
  newest=$(ls -d "$RUN"/checkpoints/step-* | tail -n 1)
  newest="$newest, written $(stat -c %y "$newest")"
  if [ "$(cat "$stamp" 2>/dev/null)" = "$newest" ]; then
    echo "$MODELS/$MODEL is up to date."
  else
    tfmusicgan-export --run="$RUN" --output="$MODELS" --name="$MODEL"
    echo "$newest" >"$stamp"
  fi
}

generate() {
  tfmusicgan-generate --server="$address" --model="$MODEL" --num=4 --seed=1 --output="$OUT" \
    --formats=midi,wav,png --overwrite
}

step "Install (once)" install
export PATH="$VENV/bin:$PATH"
step "Convert the Bach chorales to TFRecords" convert
step "Train MuseGAN ($RECIPE, $PRESET)" train
step "Evaluate" evaluate
step "Export a SavedModel" export_model
step "Start the server" serve --model_name="$MODEL" --model_base_path="$MODELS/$MODEL" \
  --port="$PORT"
cat "$log"
step "Ask for four pieces over gRPC" generate
printf '\nDone in %d s. The music:\n' "$SECONDS"
find "$OUT" -type f | sort
