"""What the laws of serving ask for: rows of one batch size, within which output bits are equal."""

import numpy as np

ROWS = 16
SEEDS = (np.int64(3) << 32) + np.arange(ROWS)
