#!/usr/bin/env bash
# SeqGAN and polyphonic SeqGAN on the Nottingham tunes: records, runs over several seeds beside
# their baselines, what is set against collapse, the tables, and tunes to hear. Run again, it goes on
# where it was.
#
#   TUNES=folder ./scripts/reproduce/nottingham.sh
#
# Environment:
#   TUNES       folder with the Nottingham tunes; without it they are downloaded
#   PRESET      small (default) or paper
#   SEEDS       of the runs (default: 0 1 2)
#   OPTIONS     settings of polyphonic SeqGAN to compare, each by itself
#   OPTION_SEEDS  of those (default: 0)
#   SEQUENCES   that every evaluation draws (default: 1024)
#   OUT         where everything goes (default: runs/reproduce-nottingham-PRESET)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
PRESET=${PRESET:-small}
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-nottingham-$PRESET}")
TUNES=${TUNES:+$(realpath -m "$TUNES")}
cd "$ROOT"
SEEDS=${SEEDS:-0 1 2}
SEQUENCES=${SEQUENCES:-1024}
OPTIONS=${OPTIONS-"reward_baseline=batch_mean entropy_bonus=0.01 entropy_bonus=0.05 sampling_temperature=1.2
  sequence_level_reward=true discriminator_loss=wasserstein"}
OPTION_SEEDS=${OPTION_SEEDS:-0}
read -r first_seed _ <<<"$SEEDS"
FIGURES=self_bleu/4,distinct_ngrams/1,distinct_ngrams/4,held_out_nll
COPYING=nearest_training_phrase,self_similarity,longest_copied_run,copied_10_grams
MELODY_FIGURES=bleu/4,nearest_mse/melody
WORD_FIGURES=smoothed_bleu/4

records() {
  [ -f "$OUT/records/$1/manifest.json" ] ||
    tfmusicgan-convert --recipe="$1" --preset="$PRESET" --dataset=nottingham \
      --input="${TUNES:-$OUT/tunes}" $([ -n "$TUNES" ] || echo --download) --workers=2 \
      --output="$OUT/records/$1"
}

# Beside likelihood alone.
baselines() {
  [ "$1" != seqgan_nottingham ] || echo random scheduled_sampling pg_bleu
}

# train RECIPE SEED FOLDER RECORDS [SETTING]
train() {
  tfmusicgan-train --recipe="$1" --preset="$PRESET" --records="$OUT/records/$4" --seed="$2" \
    --output="$OUT/$3" --checkpoint_every=1000 --collapse_patience=0 ${5:+--set=$5}
}

evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1" --records="$OUT/records/$2" --num_phrases="$SEQUENCES" \
    --output="$OUT/$1/evaluation.json" --overwrite | tee "$OUT/$1/evaluation.txt"
}

# run RECIPE SEED RECORDS [SETTING]
run() {
  local name=$1${4:++$4}-$2
  step "Train $name" train "$1" "$2" "$name" "$3" "${4:-}"
  step "Evaluate $name" evaluate "$name" "$3"
}

# tables RECIPE FIGURES [MORE]: of the runs, of sequences that are known, of what has been copied
tables() {
  printf '\n%s, %s\n\n' "$1" "$PRESET"
  python scripts/reproduce/seed_table.py "$OUT" --recipe="$1" --figures="$2,$FIGURES${3:+,$3}"
  echo
  python scripts/reproduce/token_anchors.py --recipe="$1" --records="$OUT/records/$1" \
    --figures="$2,self_bleu/4,distinct_ngrams/4"
  echo
  python scripts/reproduce/seed_table.py "$OUT" --recipe="$1" --figures=$COPYING
}

# Four tunes of every model of the first seed, as MIDI, sound and pictures.
export_model() {
  tfmusicgan-export --run="$OUT/$1-$first_seed" --output="$OUT/models" --name="$1" \
    --model_version=1 --overwrite
}

generate() {
  tfmusicgan-generate --server="$address" --model="$1" --num=4 --seed=1 --output="$OUT/music/$1" \
    --overwrite
}

log=$(mktemp)
server=""
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -f "$log"' EXIT
step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
for recipe in seqgan_nottingham polyphonic_seqgan; do
  step "Convert the tunes for $recipe" records "$recipe"
  for seed in $SEEDS; do
    for baseline in mle $(baselines "$recipe"); do
      run "${recipe}_$baseline" "$seed" "$recipe"
    done
    run "$recipe" "$seed" "$recipe"
  done
done
for option in $OPTIONS; do
  for seed in $OPTION_SEEDS; do
    run polyphonic_seqgan "$seed" polyphonic_seqgan "$option"
  done
done
step "Melodies" tables seqgan_nottingham $MELODY_FIGURES
step "Melodies with chords" tables polyphonic_seqgan $WORD_FIGURES \
  chord_tones/melody,chord_tones/next_chord
models="seqgan_nottingham_mle seqgan_nottingham polyphonic_seqgan_mle polyphonic_seqgan"
for model in $models; do
  step "Export $model" export_model "$model"
done
step "Start the server" serve --model_root="$OUT/models" --port=0
for model in $models; do
  step "Tunes of $model" generate "$model"
done
printf '\nMusic: %s/music\n' "$OUT"
