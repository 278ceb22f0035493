"""What a GPU does with this suite, in a few minutes: `scripts/gpu_check.sh` runs it."""
