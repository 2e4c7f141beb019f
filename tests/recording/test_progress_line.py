"""What is measured just now stands on a terminal, and nowhere else."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_modelbench.recording.progress_line import state_in_words
from pytest_modelbench.runs.live import LiveState

sys.path.insert(0, str(Path(__file__).parents[1] / "plugin"))
from slow_teller import COMMAND, Tale


def state(worker: str = "main", phase: str = "timing", done: int = 0, total: int | None = 20):
    return LiveState(worker, f"s::b[{worker}-CPU]", phase, done, total, 0, 0.0, 10.0, 20.0)  # type: ignore[arg-type]


def test_words_say_how_far_each_process_is() -> None:
    assert state_in_words([state(done=5)], 20) == (
        "b[main-CPU]: timing 5 of 20 samples, 0.5/s, 30 s left"
    )
    assert state_in_words([state(done=20)], 25) == (
        "b[main-CPU]: timing 20 samples, again and again, 15 s"
    )
    assert state_in_words([state(total=None)], 25) == "b[main-CPU]: timing, 15 s"
    both = [state("gw0", "loading"), state("gw1", done=5)]
    assert state_in_words(both, 20) == (
        "gw0 b[gw0-CPU]: loading, 10 s; gw1 b[gw1-CPU]: timing 5 of 20 samples, 0.5/s, 30 s left"
    )
    assert state_in_words([]) == ""


def on_terminal(folder: Path, *more: str) -> str:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "110"}
    process = subprocess.Popen(
        [*COMMAND, *more], cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    )
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert process.wait(300) == 0, seen.decode()
    return seen.decode()


DRAWN = re.compile(r"\x1b7  \x1b\[2m(.*?)\x1b\[22m\x1b\[K\x1b8")


@pytest.mark.slow
@pytest.mark.parametrize("more", [(), ("-v",), ("-n", "2")], ids=str)
def test_on_a_terminal_the_line_shows_samples_and_leaves_no_trace(
    tmp_path: Path, more: tuple[str, ...]
) -> None:
    if "-n" in more:
        pytest.importorskip("xdist")
    Tale(tmp_path, models=2, samples=60, seconds=0.04)
    seen = on_terminal(tmp_path, *more)
    drawn = DRAWN.findall(seen)
    assert any(
        re.search(r"tell\[m\d-CPU\]: timing \d+ of 32 samples, [\d.]+/s", one) for one in drawn
    )
    # Whatever was drawn is erased before pytest writes on.
    last = seen.rindex("\x1b8") + len("\x1b8")
    assert seen[last:].startswith("\x1b[K")
    left = DRAWN.sub("", seen)
    assert "samples," not in left.replace("samples, again", "")
    assert "2 passed" in left


@pytest.mark.slow
def test_where_there_is_no_terminal_nothing_is_drawn(tmp_path: Path) -> None:
    tale = Tale(tmp_path, models=1, samples=40, seconds=0.04)
    assert tale.start().wait(300) == 0
    out = (tmp_path / "out.txt").read_text()
    assert "1 passed" in out
    assert "\x1b7" not in out
    assert "of 40 samples" not in out
