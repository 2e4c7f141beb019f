"""`--suite-timeout`: what a session may take in all."""

from __future__ import annotations

import re
import signal
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.session_limits import is_case, tell_recorder

OPTION = "--suite-timeout"
SECONDS_LEFT = "modelbench_seconds_left"
"""What a parallel worker is told when it is started. Its clock may be another machine's."""
_TEXT = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*")
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST_SECONDS = 30 * 86_400.0
_BELL: int | None = getattr(signal, "SIGRTMIN", None) or getattr(signal, "SIGUSR2", None)
"""None of SIGALRM and the like: plugins that limit single tests use those."""


def seconds_from(text: str) -> float | None:
    """The seconds that `text` says; None for anything else.

    >>> seconds_from("90"), seconds_from("30m"), seconds_from("1.5h"), seconds_from("soon")
    (90.0, 1800.0, 5400.0, None)
    """
    found = _TEXT.fullmatch(text)
    return None if found is None else float(found[1]) * _UNITS[found[2]]


class SessionTime:
    """Once its time is over a session begins no further case, and ends the one under way.

    That is done in the process that runs it, as a timeout of a single test would be: an exception
    is raised in whatever the main thread does or waits for, and engines end their processes then.
    The session ends like one that was interrupted (exit status 2): not all of it was measured,
    and what was measured is neither better nor worse for it.
    """

    def __init__(self, config: pytest.Config, given: str) -> None:
        seconds = seconds_from(given)
        if not seconds or seconds > _LONGEST_SECONDS:
            raise ModelbenchError(
                f"{OPTION} {given!r} should be seconds, or such as 90s, 30m or 2h; more than 0 "
                "and at most 30 days"
            )
        left: float = getattr(config, "workerinput", {}).get(SECONDS_LEFT, seconds)
        self._config = config
        self._end_s = time.monotonic() + left
        self._reason = f"{OPTION} {given}: the time of the session is over"
        self._session: pytest.Session | None = None
        self._words = ""
        """What becomes of the case under way if it is ended now; empty when it must not be."""

    @property
    def seconds_left(self) -> float:
        return self._end_s - time.monotonic()

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist's, before it starts a worker."""
        node.workerinput[SECONDS_LEFT] = self.seconds_left

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, Any, Any]:
        with self._ringing():
            return (yield)

    # Around the phase alone, within what other plugins do before and after it.

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, Any, Any]:
        with self._may_be_ended(item, "not run"):
            return (yield)

    @pytest.hookimpl(wrapper=True, trylast=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        with self._may_be_ended(item, "unfinished"):
            return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        if self.seconds_left <= 0:
            tell_recorder(self._config, self._reason)

    @contextmanager
    def _may_be_ended(self, item: pytest.Item, words: str) -> Iterator[None]:
        self._words = words if is_case(item) else ""
        try:
            if self._words and self.seconds_left <= 0:
                self._end_case()
            yield
        finally:
            self._words = ""

    def _end_case(self) -> None:
        words, self._words = self._words, ""  # once is enough: what it ends may take a moment
        if self._session is not None:
            self._session.shouldstop = self._reason
        # No `Exception`, so that neither the case nor what measures it takes it for its own.
        pytest.skip(f"{words}: {self._reason}")

    @contextmanager
    def _ringing(self) -> Iterator[None]:
        """When the time is over, a signal wakes the main thread from whatever it waits for."""
        main = threading.main_thread()
        if _BELL is None or threading.current_thread() is not main or main.ident is None:
            yield  # what is under way goes on to its end
            return
        before = signal.signal(_BELL, self._hear)
        left = max(0.0, min(self.seconds_left, threading.TIMEOUT_MAX))
        bell = threading.Timer(left, signal.pthread_kill, (main.ident, _BELL))
        bell.daemon = True
        bell.start()
        try:
            yield
        finally:
            bell.cancel()
            bell.join()  # it has rung or never will: not once the handler is gone
            signal.signal(_BELL, before if before is not None else signal.SIG_DFL)

    def _hear(self, number: int, frame: object) -> None:
        if self._words:
            self._end_case()
