"""The progress bar, on a terminal and in a log."""

import io

import pytest

from tfmusicgan import progress
from tfmusicgan.progress import ProgressBar


class _Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass when the test says so."""
    now = [1000.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_a_terminal_line_is_redrawn(clock):
    stream = _Terminal()
    with ProgressBar("Reading", 10, "files", stream) as bar:
        bar.update(1)  # too soon to be drawn
        clock[0] += 30
        bar.update(3)
        clock[0] += 0.1
        bar.update(4)
        clock[0] += 40
        bar.update(10, "almost")
    lines = stream.getvalue().split("\r\x1b[K")[1:]
    assert lines == [
        "Reading  [#########.....................]  3/10 files  0:30  1:10 left",
        "Reading  [##############################]  10/10 files  1:10  almost",
        "Reading  [##############################]  10/10 files  1:10\n",
    ]


def test_a_log_has_few_lines(clock):
    stream = io.StringIO()
    with ProgressBar("Reading", None, "bytes", stream) as bar:
        for done in range(40):
            clock[0] += 1
            bar.update(done * 1000)
        clock[0] += 3600
    assert stream.getvalue().splitlines() == [
        "Reading  14,000 bytes  0:15",
        "Reading  29,000 bytes  0:30",
        "Reading  39,000 bytes  1:00:40",
    ]


def test_an_error_is_not_shown_as_the_end(clock):
    stream = io.StringIO()
    with pytest.raises(KeyError), ProgressBar("Reading", 2, stream=stream):
        raise KeyError
    assert stream.getvalue() == "Reading  [..............................]  0/2  0:00  stopped\n"
