#!/usr/bin/env bash
# C-RNN-GAN and C-RNN-GAN-3 on piano music beside their baseline: records, runs, tables side by side,
# exports, and pieces as MIDI, sound and pictures. Run again, it goes on where it was.
#
#   PIANO=folder ./scripts/reproduce/c_rnn_gan.sh
#
# Environment:
#   PIANO       folder with the dataset; without it it is downloaded
#   DATASET     of the pieces (default: piano_midi_de)
#   PRESET      small (default) or paper
#   SEEDS       of the runs (default: 0 1 2)
#   OPTIONS     settings of c_rnn_gan to compare, each by itself, with the first seed
#               (default: "feature_matching=means time_activation=linear freezing=decision")
#   PHRASES     of every row of an evaluation (default: 1024)
#   EVENTS      of the pieces that are written at the end (default: 240)
#   GIVEN       a file of piano music; the models go on after it as well
#   OUT         where everything goes (default: runs/reproduce-c_rnn_gan)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-c_rnn_gan}")
PIANO=${PIANO:+$(realpath -m "$PIANO")}
GIVEN=${GIVEN:+$(realpath -m "$GIVEN")}
cd "$ROOT"
DATASET=${DATASET:-piano_midi_de}
PRESET=${PRESET:-small}
SEEDS=${SEEDS:-0 1 2}
OPTIONS=${OPTIONS-feature_matching=means time_activation=linear freezing=decision}
PHRASES=${PHRASES:-1024}
EVENTS=${EVENTS:-240}
# `paper` keeps no averaged weights.
CHECKPOINT=$([ "$PRESET" = paper ] && echo latest || echo ema)
# The paper's measures as they are meant, its polyphony as coded, and what is copied.
FIGURES=event_polyphony/piece,event_scale_consistency/piece,event_repetitions/3
FIGURES+=,event_tone_span/piece,event_unique_tones/piece,event_intensity_span/piece
FIGURES+=,event_pitch_classes/piece,event_polyphony_as_published/piece
FIGURES+=,nearest_training_phrase,copied_8_grams,self_similarity,held_out_error

log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

# records RECIPE
records() {
  [ -f "$OUT/records/$1/manifest.json" ] ||
    tfmusicgan-convert --recipe="$1" --preset="$PRESET" --dataset="$DATASET" \
      --input="${PIANO:-$OUT/piano}" $([ -n "$PIANO" ] || echo --download) --workers=2 \
      --output="$OUT/records/$1"
}

# train RECIPE SEED FOLDER RECORDS [SETTING]
train() {
  tfmusicgan-train --recipe="$1" --preset="$PRESET" --records="$OUT/records/$4" --seed="$2" \
    --output="$OUT/$3" --checkpoint_every=1000 --collapse_patience=0 ${5:+--set=$5}
}

# evaluate FOLDER RECORDS
evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1" --records="$OUT/records/$2" --num_phrases="$PHRASES" \
    --checkpoint="$CHECKPOINT" --output="$OUT/$1/evaluation.json" --overwrite |
    tee "$OUT/$1/evaluation.txt"
}

# run RECIPE SEED RECORDS [SETTING]: in the folder of its records, whose tables are apart.
run() {
  local name=$1${4:++$4}-$2
  step "Train $name on $3" train "$1" "$2" "$3/$name" "$3" "${4:-}"
  step "Evaluate $name" evaluate "$3/$name" "$3"
}

# table RECORDS
table() {
  printf '\n%s, %s, records of %s\n\n' "$DATASET" "$PRESET" "$1"
  python scripts/reproduce/seed_table.py "$OUT/$1" --figures="$FIGURES"
}

# export_model RECORDS RECIPE NAME
export_model() {
  tfmusicgan-export --run="$OUT/$1/$2-${SEEDS%% *}" --output="$OUT/models" --name="$3" \
    --checkpoint="$CHECKPOINT" --model_version=1 --overwrite
}

# generate MODEL: four pieces, and four after the given music, as MIDI, sound and pictures.
generate() {
  tfmusicgan-generate --server="$address" --model="$1" --num=4 --control=length="$EVENTS" \
    --output="$OUT/music/$1" --overwrite
  [ -z "$GIVEN" ] ||
    tfmusicgan-generate --server="$address" --model="$1" --num=4 --continue="$GIVEN" \
      --output="$OUT/music/$1-continued" --overwrite
}

step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
for recipe in c_rnn_gan c_rnn_gan_3_tones; do
  step "Convert the pieces for $recipe" records "$recipe"
  for seed in $SEEDS; do
    run "$recipe" "$seed" "$recipe"
    run c_rnn_gan_baseline "$seed" "$recipe"
  done
done
for option in $OPTIONS; do
  run c_rnn_gan "${SEEDS%% *}" c_rnn_gan "$option"
done
for recipe in c_rnn_gan c_rnn_gan_3_tones; do
  step "The table of $recipe" table "$recipe"
  step "Export $recipe" export_model "$recipe" "$recipe" "$recipe"
  step "Export its baseline" export_model "$recipe" c_rnn_gan_baseline "${recipe}_baseline"
done
step "Start the server" serve --model_root="$OUT/models" --port=0
for model in c_rnn_gan c_rnn_gan_baseline c_rnn_gan_3_tones c_rnn_gan_3_tones_baseline; do
  step "Pieces of $model" generate "$model"
done
