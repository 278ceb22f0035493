#!/usr/bin/env bash
# JazzGAN on Impro-Visor's lead sheets: its three encodings of rhythm, likelihood alone, and C-RNN-GAN
# and SeqGAN on the same sheets, in one table with each model's corpus beside it; how often lines get
# back onto the beat, and phrases over a progression as MIDI, sound and pictures. Run again, it goes
# on where it was.
#
#   SHEETS=folder ./scripts/reproduce/jazzgan.sh
#
# Environment:
#   SHEETS      folder with Impro-Visor's sheets; without it they are downloaded
#   PRESET      small (default) or paper
#   SEEDS       of the runs (default: 0 1 2)
#   OTHERS      whether C-RNN-GAN and SeqGAN are trained as well (default: yes)
#   PHRASES     that are drawn of every run (default: 1024)
#   CHORDS      the progression of the pictures (default: "Dm7 G7 Cmaj7 Cmaj7")
#   SWING       of their eighths (default: 2)
#   OUT         where everything goes (default: runs/reproduce-jazzgan)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-jazzgan}")
SHEETS=${SHEETS:+$(realpath -m "$SHEETS")}
cd "$ROOT"
PRESET=${PRESET:-small}
SEEDS=${SEEDS:-0 1 2}
OTHERS=${OTHERS:-yes}
PHRASES=${PHRASES:-1024}
CHORDS=${CHORDS:-Dm7 G7 Cmaj7 Cmaj7}
SWING=${SWING:-2}
# Runs, their recipes and their records.
ENCODINGS="jazzgan jazzgan_duration jazzgan_time_step"
JAZZGANS="$ENCODINGS jazzgan_mle"
OF_JAZZGAN=${ENCODINGS// /,},jazzgan_mle@jazzgan
COLUMNS=$OF_JAZZGAN
# SeqGAN's tokens are sixteenths at the sheets' one tempo, three of twelve steps to a quarter note.
TOKEN_SECONDS=0.125
if [ "$OTHERS" = yes ]; then COLUMNS+=,c_rnn_gan,seqgan:3; fi
FIGURES=jazz_qualified_rhythm/melody,jazz_repetitions/2,jazz_repetitions/3,jazz_long_repetitions/24
FIGURES+=,jazz_tone_spans/12,jazz_pitch_variations/melody,jazz_rhythm_variations/melody
FIGURES+=,jazz_length/entries,jazz_length/quarters
FIGURES+=,jazz_harmony/chord_tone,jazz_harmony/approach,jazz_harmony/neither
FIGURES+=,jazz_harmony/own_chord,jazz_harmony/next_chord
FIGURES+=,jazz_note_colours/black,jazz_note_colours/green,jazz_note_colours/blue
FIGURES+=,jazz_note_colours/red
for length in 3 4 5 6; do
  FIGURES+=,jazz_memorisation/$length,jazz_memorisation_with_durations/$length
  FIGURES+=,jazz_memorisation_in_any_key/$length
done
FIGURES+=,jazz_chord_degrees/melody,jazz_intervals/melody,jazz_durations/melody

log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT

# sheets: the flags that name them, which the first conversion may have to fetch.
sheets() {
  echo "--dataset=impro_visor --input=${SHEETS:-$OUT/sheets}" $([ -n "$SHEETS" ] || echo --download)
}

# records RECIPE FOLDER FLAGS...
records() {
  local recipe=$1 folder=$OUT/records/$2
  shift 2
  [ -f "$folder/manifest.json" ] ||
    tfmusicgan-convert --recipe="$recipe" --preset="$PRESET" --workers=2 --output="$folder" "$@"
}

one_tempo() {
  [ -f "$OUT/one_tempo.tfrecord" ] ||
    python scripts/reproduce/jazz_music.py one_tempo --input="${SHEETS:-$OUT/sheets}" \
      --output="$OUT/one_tempo.tfrecord"
}

# train RECIPE NAME SEED RECORDS
train() {
  tfmusicgan-train --recipe="$1" --preset="$PRESET" --records="$OUT/records/$4" --seed="$3" \
    --output="$OUT/$2-$3" --checkpoint_every=500 --collapse_patience=0
}

# checkpoint NAME: C-RNN-GAN averages its weights, but for `paper`.
checkpoint() {
  if [ "$1" = c_rnn_gan ] && [ "$PRESET" != paper ]; then echo ema; else echo latest; fi
}

# evaluate NAME SEED RECORDS
evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1-$2" --records="$OUT/records/$3" --num_phrases="$PHRASES" \
    --checkpoint="$(checkpoint "$1")" --output="$OUT/$1-$2/evaluation.json" --overwrite |
    tee "$OUT/$1-$2/evaluation.txt"
}

# export_model NAME RUN FOLDER
export_model() {
  tfmusicgan-export --run="$OUT/$2" --output="$3" --name="$1" --model_version=1 \
    --checkpoint="$(checkpoint "${2%-*}")" --overwrite
}

# draw NAME SEED
draw() {
  export_model "$1-$2" "$1-$2" "$OUT/models"
  tfmusicgan-sample --model="$OUT/models/$1-$2" --num="$PHRASES" --output="$OUT/samples/$1-$2" \
    --overwrite
}

# shift_off NAME SEED: lines that go on for three bars after a primer which is off the beat.
shift_off() {
  tfmusicgan-sample --model="$OUT/models/$1-$2" --continue="$OUT/late.tfrecord" --num=1 \
    --control=num_bars=3 --output="$OUT/late/$1-$2" --overwrite
}

# run RECIPE NAME SEED RECORDS
run() {
  step "Train $2-$3" train "$1" "$2" "$3" "$4"
  step "Evaluate $2-$3" evaluate "$2" "$3" "$4"
  step "Draw from $2-$3" draw "$2" "$3"
}

late() {
  python scripts/reproduce/jazz_music.py primers --records="$OUT/records/jazzgan" --shift=7 \
    --num="$PHRASES" --output="$OUT/late.tfrecord"
}

table() {
  printf '\nImpro-Visor, %s\n\n' "$PRESET"
  python scripts/reproduce/jazz_table.py "$OUT" --columns="$COLUMNS" --figures="$FIGURES"
}

late_table() {
  printf '\nAfter primers that are 7 steps off the beat; in brackets phrases as they are\n\n'
  python scripts/reproduce/jazz_table.py "$OUT" --samples=late --given=4 --columns="$OF_JAZZGAN" \
    --figures=jazz_off_beat_recovery/melody,jazz_off_beat_recovery_as_published/melody
}

# generate NAME: four phrases over the progression, swung.
generate() {
  tfmusicgan-generate --server="$address" --model="$1" --chords="$CHORDS" --num=4 --swing="$SWING" \
    --control=sound_chords=true --output="$OUT/music/$1" --overwrite
}

step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
for recipe in $ENCODINGS; do
  step "Convert the sheets for $recipe" records "$recipe" "$recipe" $(sheets)
done
if [ "$OTHERS" = yes ]; then
  step "Convert the sheets for c_rnn_gan" records c_rnn_gan c_rnn_gan $(sheets)
  step "Bring the sheets to one tempo" one_tempo
  step "Convert the sheets for seqgan" records seqgan_nottingham seqgan --dataset=midi \
    --input="$OUT/one_tempo.tfrecord" --set=seconds_per_token="$TOKEN_SECONDS"
fi
step "Move primers off the beat" late
for seed in $SEEDS; do
  for recipe in $JAZZGANS; do
    run "$recipe" "$recipe" "$seed" "${recipe/%_mle/}"
    step "Go on off the beat with $recipe-$seed" shift_off "$recipe" "$seed"
  done
  if [ "$OTHERS" = yes ]; then
    run c_rnn_gan c_rnn_gan "$seed" c_rnn_gan
    run seqgan_nottingham seqgan "$seed" seqgan
  fi
done
step "The table" table
step "Off-beat recovery" late_table
for recipe in $ENCODINGS; do
  step "Export $recipe to be served" export_model "$recipe" "$recipe-${SEEDS%% *}" "$OUT/served"
done
step "Start the server" serve --model_root="$OUT/served" --port=0
for recipe in $ENCODINGS; do
  step "Phrases of $recipe over $CHORDS" generate "$recipe"
done
