#!/usr/bin/env bash
# MuseGAN's three models on Bach's chorales, and the hybrid one on five-track music: records, runs,
# tables, pictures and sounds. Run again, it goes on where it was.
#
#   ./scripts/reproduce/musegan.sh
#
# Environment:
#   BAND        folder of multi-track MIDI files for the five-track run; without it there is none
#   STEPS       training steps of each run (default: the preset's, more where it pays)
#   OUT         where runs, tables and music go (default: runs/reproduce-musegan); a folder of its
#               own for each PRESET
#   PRESET      of all recipes, one that averages its weights (default: small)
#   PHRASES     that each evaluation compares (default: 1024)
#   BAND_LICENCE, BAND_ATTRIBUTION   of the five-track files; they travel with records and models
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
BAND=${BAND:+$(realpath -m "$BAND")}
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-musegan}")
cd "$ROOT"

PRESET=${PRESET:-small}
STEPS=${STEPS:-}
PHRASES=${PHRASES:-1024}
FROM_SCRATCH="musegan_hybrid_chorales musegan_jamming_chorales musegan_composer_chorales"
ACCOMPANIMENT=musegan_hybrid_chorales_accompaniment
# Jamming once more, on the chorales transposed to C major and A minor.
ONE_KEY=musegan_jamming_chorales_one_key
log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

recipe() {
  echo "${1%_one_key}"
}

records() {
  case $1 in
    *_one_key) echo "$OUT/records/chorales_one_key" ;;
    *chorales*) echo "$OUT/records/chorales" ;;
    *) echo "$OUT/records/band" ;;
  esac
}

convert_chorales() {
  [ -f "$OUT/records/chorales/manifest.json" ] ||
    tfmusicgan-convert --recipe=musegan_hybrid_chorales --preset="$PRESET" \
      --output="$OUT/records/chorales"
}

convert_one_key() {
  [ -f "$OUT/records/chorales_one_key/manifest.json" ] ||
    tfmusicgan-convert --recipe="$(recipe "$ONE_KEY")" --preset="$PRESET" --transpose=tonic \
      --output="$OUT/records/chorales_one_key"
}

# Fewer tracks than the paper asks for: a hundred pieces are not the Lakh dataset.
convert_band() {
  [ -f "$OUT/records/band/manifest.json" ] ||
    tfmusicgan-convert --recipe=musegan_hybrid --preset="$PRESET" --dataset=midi --input="$BAND" \
      --min_piece_tracks=4 --min_active_tracks=3 --min_notes=16 --split=0.75,0.15,0.1 \
      --licence="${BAND_LICENCE:-}" --attribution="${BAND_ATTRIBUTION:-}" \
      --output="$OUT/records/band"
}

# More steps than the preset's where it pays.
steps() {
  case $1 in
    musegan_hybrid) echo "${STEPS:-18000}" ;;
    musegan_jamming_chorales*) echo "${STEPS:-10000}" ;;
    *) echo "$STEPS" ;;
  esac
}

train() {
  local steps
  steps=$(steps "$1")
  tfmusicgan-train --recipe="$(recipe "$1")" --preset="$PRESET" --records="$(records "$1")" \
    --output="$OUT/$1" --checkpoint_every=1000 --steps_per_epoch=500 \
    ${steps:+--set=training_steps=$steps}
}

evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1" --records="$(records "$1")" --checkpoint=ema \
    --num_phrases="$PHRASES" --output="$OUT/$1/evaluation.json" --overwrite |
    tee "$OUT/$1/evaluation.txt"
}

# The same table for samples of other seeds: how much of a figure is the draw.
evaluate_other_seeds() {
  local seed
  for seed in 1 2; do
    tfmusicgan-evaluate --run="$OUT/$1" --records="$(records "$1")" --checkpoint=ema \
      --num_phrases="$PHRASES" --seed=$seed --output="$OUT/$1/evaluation-$seed.json" --overwrite \
      >"$OUT/$1/evaluation-$seed.txt"
  done
}

# How near to the data tracks can come that are generated apart, as jamming's are.
shuffle_tracks() {
  local records recipe
  for records in chorales chorales_one_key ${BAND:+band}; do
    recipe=musegan_jamming_chorales
    [ "$records" != band ] || recipe=musegan_hybrid
    python scripts/reproduce/shuffled_tracks.py --recipe=$recipe \
      --records="$OUT/records/$records" --num_phrases="$PHRASES" |
      tee "$OUT/shuffled_tracks-$records.md"
  done
}

export_model() {
  tfmusicgan-export --run="$OUT/$1" --output="$OUT/models" --name="$1" --checkpoint=ema \
    --model_version=1 --overwrite
}

# Two pieces of four phrases for each model.
generate() {
  local model
  for model in "$@"; do
    tfmusicgan-generate --server="$address" --model="$model" --num=2 --seed=1 \
      --control=num_phrases=4 --output="$OUT/music/$model" --overwrite
  done
}

models="$FROM_SCRATCH $ONE_KEY $ACCOMPANIMENT"
step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
step "Convert the Bach chorales" convert_chorales
step "Convert the Bach chorales in one key" convert_one_key
if [ -n "$BAND" ]; then
  step "Convert the five-track music" convert_band
  models="$models musegan_hybrid"
fi
for model in $models; do
  step "Train $model" train "$model"
  step "Evaluate $model" evaluate "$model"
  step "Evaluate $model with other seeds" evaluate_other_seeds "$model"
  step "Export $model" export_model "$model"
done
step "Tracks that know nothing of each other" shuffle_tracks
step "Start the server" serve --model_root="$OUT/models" --port=0
step "Music of every model" generate $models
printf '\nTables: %s/*/evaluation.txt\nMusic: %s/music\n' "$OUT" "$OUT"
