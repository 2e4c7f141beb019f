"""One line about what is measured just now, behind what pytest has written of its own line.

Only on a terminal, and only where pytest captures what tests print: otherwise both would write to
the same place.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from pytest_modelbench.recording.keeping import Keeping
from pytest_modelbench.redaction import printable
from pytest_modelbench.runs.live import LiveState, live_states

REDRAW_SECONDS = 0.5
LONGEST_NAME = 30
_SAVE, _RESTORE, _ERASE, _DIM, _PLAIN = "\x1b7", "\x1b8", "\x1b[K", "\x1b[2m", "\x1b[22m"


def progress_line(config: pytest.Config, keeping: Keeping) -> ProgressLine | None:
    """The line, where there is a terminal for it."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    is_captured = config.getoption("capture", "no") != "no"
    if reporter is None or not is_captured or not getattr(reporter, "isatty", False):
        return None
    if config.getoption("verbose", 0) < 0 or os.environ.get("TERM", "dumb") == "dumb":
        return None
    return ProgressLine(reporter, keeping)


class ProgressLine:
    """Drawn by a thread of the controlling process, which only reads what the others leave."""

    def __init__(self, reporter: Any, keeping: Keeping) -> None:
        self._reporter = reporter
        self._keeping = keeping
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._is_drawn = False
        self._thread: threading.Thread | None = None
        # While a test runs, the usual one leads to where pytest captures what it prints.
        self._terminal = os.dup(reporter._tw._file.fileno())

    def pytest_runtestloop(self) -> None:
        """The first item is about to begin."""
        self._thread = threading.Thread(target=self._run, name="modelbench-progress", daemon=True)
        self._thread.start()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logstart(self) -> Generator[None, object, object]:
        with self._hidden():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logreport(self) -> Generator[None, object, object]:
        with self._hidden():
            return (yield)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_logfinish(self) -> Generator[None, object, object]:
        with self._hidden():
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        self.close()

    def close(self) -> None:
        """Nothing is drawn any more."""
        self._is_over.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None
        with self._hidden():
            if self._terminal >= 0:
                os.close(self._terminal)
                self._terminal = -1

    @contextmanager
    def _hidden(self) -> Iterator[None]:
        """While somebody else writes."""
        with self._lock:
            if self._is_drawn:
                self._write(_ERASE)
                self._is_drawn = False
            yield

    def _run(self) -> None:
        while not self._is_over.wait(REDRAW_SECONDS):
            with self._lock:
                self._draw()

    def _draw(self) -> None:
        folder = self._keeping.folder
        column = int(self._reporter._tw.width_of_current_line)
        room = shutil.get_terminal_size().columns - column - 3
        text = "" if folder is None else state_in_words(list(live_states(folder.live)))
        if room < 20 or not text:
            return
        self._write(f"{_SAVE}  {_DIM}{printable(text)[:room]}{_PLAIN}{_ERASE}{_RESTORE}")
        self._is_drawn = True

    def _write(self, text: str) -> None:
        with suppress(OSError):
            os.write(self._terminal, text.encode("utf-8", "replace"))


def state_in_words(states: list[LiveState], now_s: float | None = None) -> str:
    """What all processes do, in one line.

    >>> state = LiveState("main", "s::b[tiny-CPU]", "timing", 12, 30, 0, 0.0, 4.0, 10.0)
    >>> state_in_words([state], now_s=10.0)
    'b[tiny-CPU]: timing 12 of 30 samples, 2/s, 9 s left'
    """
    now_s = time.monotonic() if now_s is None else now_s
    if len(states) == 1:
        return _one_in_words(states[0], now_s)
    return "; ".join(f"{one.worker} {_one_in_words(one, now_s)}" for one in states)


def _one_in_words(state: LiveState, now_s: float) -> str:
    name = state.case_id.partition("::")[2] or state.case_id
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 3] + "..."
    text = f"{name}: {state.phase}"
    if state.phase == "timing" and (state.total or state.beside):
        if state.total is None or state.done < state.total:
            text += f" {state.done} of {state.total or '?'} {state.what}"
            text += f" ({state.beside})" if state.beside else ""
            rate, left = state.rate_per_second, state.seconds_left
            if rate is not None and left is not None:
                left = max(0.0, left - (now_s - state.updated_s))
                return f"{text}, {rate:.2g}/s, {_short(left)} left"
        else:
            text += f" {state.total} {state.what}"
            text += "" if state.beside else ", again and again"
    return f"{text}, {_short(now_s - state.phase_since_s)}"


def _short(seconds: float) -> str:
    """A time nobody wants to the tenth.

    >>> _short(9.4), _short(200), _short(10_000)
    ('9 s', '3:20 min', '2:46 h')
    """
    whole = round(max(0.0, seconds))
    if whole < 100:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 100:
        return f"{minutes}:{rest:02} min"
    return f"{minutes // 60}:{minutes % 60:02} h"
