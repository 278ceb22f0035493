#!/usr/bin/env bash
# GANSynth on notes rendered from the General MIDI soundfont: records, the pitch classifier that
# scores notes, the GAN, tables, pictures and sounds. No download. Run again, it goes on where it was.
#
#   ./scripts/reproduce/gansynth.sh
#
# Environment:
#   IMAGES                    that the GAN is shown (default: the preset's)
#   CLASSIFIER_STEPS          training steps of the classifier (default: the preset's)
#   OUT                       where runs, tables, pictures and music go
#                             (default: runs/reproduce-gansynth); a folder of its own for each PRESET
#   PRESET                    of both recipes (default: small)
#   NOTES                     that each evaluation compares (default: 1024)
#   RECIPE                    of the GAN (default: gansynth_soundfont)
#   SEEDS                     of the notes that are evaluated, the first in the main table
#                             (default: "0 1 2")
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-gansynth}")
cd "$ROOT"

PRESET=${PRESET:-small}
RECIPE=${RECIPE:-gansynth_soundfont}
IMAGES=${IMAGES:-}
CLASSIFIER_STEPS=${CLASSIFIER_STEPS:-}
NOTES=${NOTES:-1024}
SEEDS=${SEEDS:-0 1 2}

convert() {
  [ -f "$OUT/records/manifest.json" ] ||
    tfmusicgan-convert --recipe="$RECIPE" --preset="$PRESET" --dataset=soundfont_notes \
      --shards=16 --workers=2 --output="$OUT/records"
}

train_classifier() {
  tfmusicgan-train --recipe=pitch_classifier --preset="$PRESET" --records="$OUT/records" \
    --output="$OUT/classifier" --checkpoint_every=500 --steps_per_epoch=250 \
    ${CLASSIFIER_STEPS:+--set=training_steps=$CLASSIFIER_STEPS}
}

evaluate_classifier() {
  tfmusicgan-evaluate --run="$OUT/classifier" --records="$OUT/records" --num_phrases="$NOTES" \
    --output="$OUT/classifier/evaluation.json" --overwrite | tee "$OUT/classifier/evaluation.txt"
}

# Growth is one command: the stages follow from the step.
train() {
  tfmusicgan-train --recipe="$RECIPE" --preset="$PRESET" --records="$OUT/records" \
    --output="$OUT/$RECIPE" --checkpoint_every=1000 --steps_per_epoch=500 \
    ${IMAGES:+--set=total_images=$IMAGES}
}

evaluate() {
  local seed number=0 suffix=""
  for seed in $SEEDS; do
    tfmusicgan-evaluate --run="$OUT/$RECIPE" --records="$OUT/records" \
      --classifier="$OUT/classifier" --num_phrases="$NOTES" --seed="$seed" \
      --output="$OUT/$RECIPE/evaluation$suffix.json" --overwrite |
      tee "$OUT/$RECIPE/evaluation$suffix.txt"
    number=$((number + 1))
    suffix=-$number
  done
}

pictures() {
  python scripts/reproduce/note_pictures.py --run="$OUT/$RECIPE" --records="$OUT/records" \
    --output="$OUT/notes"
}

export_models() {
  local run
  for run in "$RECIPE" classifier; do
    tfmusicgan-export --run="$OUT/$run" --output="$OUT/models" --name="$run" --model_version=1 \
      --overwrite
  done
}

step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
step "Render notes from the soundfont" convert
step "Train the pitch classifier" train_classifier
step "What the classifier hears" evaluate_classifier
step "Train $RECIPE" train
step "Evaluate $RECIPE" evaluate
step "Pictures and sounds" pictures
step "Export" export_models
printf '\nTables: %s/*/evaluation.txt\nPictures and sounds: %s/notes\n' "$OUT" "$OUT"
