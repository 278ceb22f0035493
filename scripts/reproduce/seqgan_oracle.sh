#!/usr/bin/env bash
# SeqGAN's synthetic experiment: records drawn from an oracle, SeqGAN and its baselines, the table
# and the curve of NLL under the oracle. Run again, it goes on where it was.
#
#   ORACLE=seqgan_oracle_params.npz PRESET=paper ./scripts/reproduce/seqgan_oracle.sh
#   PRESET=small SEEDS="0 1 2" ./scripts/reproduce/seqgan_oracle.sh
#
# Environment:
#   PRESET      paper (default: the published setting, a day on two CPU cores) or small
#   ORACLE      the oracle's parameters as .npz, see seqgan_oracle.md; without it one is drawn (of
#               5,000 tokens for paper, of 500 for small), whose figures are its own and not the
#               paper's
#   RECIPES     what to train (default: seqgan_oracle and its baselines)
#   SEEDS       of the runs (default: 0)
#   SETTINGS    further flags of every training, e.g. "--set=rounds=25" with RECIPES=seqgan_oracle;
#               those that make other runs, and not longer ones, are in the names of their folders
#   OUT         where everything goes (default: runs/reproduce-seqgan-PRESET)
#   LOG         the released log as a table with tabs, see seqgan_oracle.md, to lay the curve over
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
PRESET=${PRESET:-paper}
OUT=$(realpath -m "${OUT:-$ROOT/runs/reproduce-seqgan-$PRESET}")
ORACLE=${ORACLE:+$(realpath -m "$ORACLE")}
LOG=${LOG:+$(realpath -m "$LOG")}
cd "$ROOT"
SEEDS=${SEEDS:-0}
SETTINGS=${SETTINGS:-}
RECIPES=${RECIPES:-"seqgan_oracle_random seqgan_oracle_mle seqgan_oracle_scheduled_sampling
  seqgan_oracle_pg_bleu seqgan_oracle_random_rewards seqgan_oracle"}
SEQUENCES=9984 # that every evaluation draws, as the released code

# run_name RECIPE SEED
run_name() {
  local setting others=
  for setting in $SETTINGS; do
    case $1$setting in
      *--set=rounds=* | *_mle--set=likelihood_steps=*) ;;
      *--set=*) others+=+${setting#--set=} ;;
    esac
  done
  echo "$1$others-$2"
}

# Before a day of training.
check_settings() {
  case $PRESET in
    paper | small) ;;
    *) fail "Expected PRESET=paper or small. Received: $PRESET." ;;
  esac
  [ -z "$ORACLE" ] || [ -f "$ORACLE" ] ||
    fail "Expected ORACLE=FILE.npz, an oracle's parameters. Received: $ORACLE, which is no file." \
      "Leave ORACLE away to draw a new one."
  [ -z "$LOG" ] || [ "$PRESET" = paper ] ||
    fail "Expected PRESET=paper with LOG, which is a log of its phases. Received: $PRESET."
  [ -z "$LOG" ] || [ -f "$LOG" ] ||
    fail "Expected LOG=FILE.tsv, the released log. Received: $LOG, which is no file." \
      "Leave LOG away to draw the curve without it."
}

oracle() {
  if [ -z "$ORACLE" ]; then
    ORACLE=$OUT/oracle.npz
    [ -f "$ORACLE" ] || python scripts/reproduce/draw_oracle.py --output="$ORACLE" \
      --num_tokens="$([ "$PRESET" = small ] && echo 500 || echo 5000)"
  fi
}

records() {
  if [ -f "$OUT/records/oracle.npz" ]; then
    cmp -s "$ORACLE" "$OUT/records/oracle.npz" ||
      fail "$OUT holds runs of another oracle than $ORACLE. Name another OUT."
    return
  fi
  tfmusicgan-convert --recipe=seqgan_oracle --preset="$PRESET" --dataset=seqgan_oracle \
    --input="$ORACLE" --workers=2 --output="$OUT/records"
}

# Measured every five epochs of 156 steps, as the released log.
train() {
  tfmusicgan-train --recipe="$1" --preset="$PRESET" --records="$OUT/records" --seed="$2" \
    --output="$OUT/$(run_name "$1" "$2")" --checkpoint_every=780 --steps_per_epoch=780 --num_samples=1024 \
    --collapse_patience=0 $SETTINGS
}

evaluate() {
  tfmusicgan-evaluate --run="$OUT/$1" --records="$OUT/records" --num_phrases=$SEQUENCES \
    --output="$OUT/$1/evaluation.json" --overwrite | tee "$OUT/$1/evaluation.txt"
}

check_settings
step "Install (once)" install
export PATH="$VENV/bin:$PATH"
mkdir -p "$OUT"
oracle
step "Draw sequences from the oracle" records
for seed in $SEEDS; do
  for recipe in $RECIPES; do
    step "Train $recipe, seed $seed" train "$recipe" "$seed"
    step "Evaluate $recipe, seed $seed" evaluate "$(run_name "$recipe" "$seed")"
  done
done
step "Table and curve" python scripts/reproduce/oracle_curves.py "$OUT" \
  --output="$OUT/curve.png" ${LOG:+--log="$LOG"}
