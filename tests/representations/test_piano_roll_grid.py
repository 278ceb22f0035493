import numpy as np

from tfmusicgan.representations import piano_roll_grid as grid


def test_round_steps_halves_go_up_and_noise_does_not_matter():
    quarters = np.array([0.0, 0.124, 0.125, 0.125 - 1e-7, 0.375, -0.125, -0.13, 2.0])
    assert grid.round_steps(quarters, 4, 8).tolist() == [0, 0, 1, 1, 2, 0, -1, 8]


def test_round_steps_stays_near_the_grid():
    wild = grid.round_steps(np.array([-1e300, 1e300, 33.0]), 4, 8)
    assert wild.tolist() == [-128, 136, 132]


def test_separate():
    start, end, cell = (
        np.array([0, 2, 4, 0, 2, 5]),
        np.array([2, 4, 6, 2, 3, 6]),
        [3, 3, 3, 1, 0, 0],
    )
    cell = np.array(cell)
    assert grid.separate(start, end, cell, "repeats").tolist() == [1, 3, 6, 2, 3, 6]
    assert grid.separate(start, end, cell, "always").tolist() == [1, 3, 5, 1, 3, 6]
    assert grid.separate(start, end, cell, "never") is end
    none = np.zeros(0, np.int64)
    assert grid.separate(none, none, none, "repeats").tolist() == []


def test_draw_clips_and_merges():
    start = np.array([-3, 1, 0, 4, 9, 2])
    end = np.array([2, 3, 4, 99, 12, 2])
    cell = np.array([0, 0, 1, 1, 2, 2])
    drawn = grid.draw(start, end, cell, num_steps=6, num_cells=4)
    texts = ["".join(".x"[bit] for bit in column) for column in drawn.T]
    assert texts == ["xxx...", "xxxxxx", "......", "......"]


def test_draw_of_many_long_notes_is_bounded_by_the_grid():
    # 200,000 notes of 100,000 steps each: drawn one by one this would take minutes.
    notes = np.arange(200_000)
    drawn = grid.draw(notes % 50, notes % 50 + 100_000, notes % 2, 100_050, 2)
    assert np.count_nonzero(~drawn[:, 0]) == 50 - 48 + 0
    assert np.count_nonzero(~drawn[:, 1]) == 1 + 50 - 49


def test_find_runs_by_hand():
    texts = [["x.xx", "xx..", "xxx."], ["....", "...x", "...."]]
    grids = np.array(
        [[[c == "x" for c in row] for row in zip(*rows, strict=True)] for rows in texts]
    )
    runs = grid.find_runs(grids, hits=np.array([False, True, False]))
    found = list(zip(runs.row, runs.start, runs.cell, runs.end, strict=True))
    assert found == [
        *((0, 0, 0, 1), (0, 0, 1, 1), (0, 0, 2, 3), (0, 1, 1, 2), (0, 2, 0, 4)),
        (1, 3, 1, 4),
    ]
    assert grid.count_notes(grids[0], np.array([False, True, False])) == 5
    assert grid.count_notes(grids[1], np.array([False, True, False])) == 1
