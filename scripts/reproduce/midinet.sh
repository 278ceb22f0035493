#!/usr/bin/env bash
# MidiNet's three models on lead sheets: records, runs, tables side by side, losses, the effect of onsets,
# chord tones over the right and over other chords, and pictures of eight bars over a progression.
# Run again, it goes on where it was.
#
#   SHEETS=folder ./scripts/reproduce/midinet.sh
#
# Environment:
#   SHEETS      folder with the dataset; without it it is downloaded
#   DATASET     of the lead sheets (default: openewld)
#   PRESET      small (default) or paper
#   SEEDS       of the runs (default: 0 1 2)
#   OPTIONS     settings of the representation to compare, each by itself (default: onsets=true)
#   PHRASES     of every row of an evaluation (default: 1024)
#   CHORDS      the progression of the pictures (default: "C Am F G")
#   OUT         where everything goes (default: runs/reproduce-midinet)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-midinet}")
SHEETS=${SHEETS:+$(realpath -m "$SHEETS")}
cd "$ROOT"
DATASET=${DATASET:-openewld}
PRESET=${PRESET:-small}
SEEDS=${SEEDS:-0 1 2}
OPTIONS=${OPTIONS-onsets=true}
PHRASES=${PHRASES:-1024}
CHORDS=${CHORDS:-C Am F G}
MODELS="midinet_melody midinet_stable midinet_creative"
# `paper` keeps no averaged weights.
CHECKPOINT=$([ "$PRESET" = paper ] && echo latest || echo ema)
FIGURES=chord_tones_in_bar/melody,chord_tones_in_bar/next_chord,pitches_in_range/melody
FIGURES+=,bar_repeats/melody,bar_similarity/melody,bar_pitches/melody,bar_onsets/melody
FIGURES+=,bar_note_steps/melody,nearest_training_bar,copied_bars,self_similarity

log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

# records RECIPE FOLDER [SETTING]
records() {
  [ -f "$OUT/records/$2/manifest.json" ] ||
    tfmusicgan-convert --recipe="$1" --preset="$PRESET" --dataset="$DATASET" \
      --input="${SHEETS:-$OUT/sheets}" $([ -n "$SHEETS" ] || echo --download) --workers=2 \
      --output="$OUT/records/$2" ${3:+--set=$3}
}

# train RECIPE SEED FOLDER RECORDS
train() {
  tfmusicgan-train --recipe="$1" --preset="$PRESET" --records="$OUT/records/$4" --seed="$2" \
    --output="$OUT/$3" --checkpoint_every=1000
}

# evaluate FOLDER RECORDS
evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1" --records="$OUT/records/$2" --num_phrases="$PHRASES" \
    --checkpoint="$CHECKPOINT" \
    --output="$OUT/$1/evaluation.json" --overwrite | tee "$OUT/$1/evaluation.txt"
}

# run RECIPE SEED RECORDS NAME
run() {
  step "Train $4-$2" train "$1" "$2" "$4-$2" "$3"
  step "Evaluate $4-$2" evaluate "$4-$2" "$3"
}

export_model() {
  tfmusicgan-export --run="$OUT/$1-${SEEDS%% *}" --output="$OUT/models" --name="$1" \
    --checkpoint="$CHECKPOINT" --model_version=1 --overwrite
}

# generate RECIPE: four melodies over the progression, as MIDI, sound and pictures.
generate() {
  tfmusicgan-generate --server="$address" --model="$1" --chords="$CHORDS" --num=4 \
    --control=sound_chords=true --output="$OUT/music/$1" --overwrite
}

table() {
  printf '\n%s, %s\n\n' "$DATASET" "$PRESET"
  python scripts/reproduce/seed_table.py "$OUT" --recipe=midinet --figures="$FIGURES"
}

# Where the released code's curve has been read.
loss_table() {
  python scripts/reproduce/loss_table.py "$OUT"/midinet_*-[0-9]* \
    --steps=100,700,1000,3000,6000,8000,10000,14000
}

step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
for recipe in $MODELS; do
  step "Convert the sheets for $recipe" records "$recipe" "$recipe"
  for seed in $SEEDS; do
    run "$recipe" "$seed" "$recipe" "$recipe"
  done
done
for option in $OPTIONS; do
  step "Convert the sheets with $option" records midinet_creative "midinet_creative+$option" "$option"
  run midinet_creative "${SEEDS%% *}" "midinet_creative+$option" "midinet_creative+$option"
done
step "The table" table
step "The generator's loss" loss_table
for recipe in midinet_stable midinet_creative; do
  step "Export $recipe" export_model "$recipe"
done
step "Start the server" serve --model_root="$OUT/models" --port=0
for recipe in midinet_stable midinet_creative; do
  step "Melodies of $recipe over $CHORDS" generate "$recipe"
done
