"""Keep libraries from saying, in a user's session, what the user did not cause and cannot mend."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """While libraries are imported, export or load: no warnings, log records or progress bars.

    What matters arrives as an exception. Their deprecations of their own internals do not, and a
    user's `filterwarnings = error` would turn one into a failed load. For the whole process, so
    never around a timed call.
    """
    disabled = logging.root.manager.disable
    # A call such as `logging.error` installs a handler for the whole process.
    handlers = list(logging.root.handlers)
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), _no_progress_bars():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)
        logging.root.handlers[:] = handlers


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    """Those of transformers, once it is imported: tqdm reads its own switch at import only."""
    bars = sys.modules.get("transformers.utils.logging")
    if bars is None or not bars.is_progress_bar_enabled():
        yield
        return
    bars.disable_progress_bar()
    try:
        yield
    finally:
        bars.enable_progress_bar()


def drop_log_records(logger: str, start: str) -> None:
    """Drop from now on what `logger` says that begins with `start`; asking twice changes nothing.

    For a remark repeated at every timed call, where `quiet_libraries` must not be.
    """
    dropped = _Starting(start)
    filters = logging.getLogger(logger).filters
    if dropped not in filters:
        filters.append(dropped)


@dataclass(frozen=True)
class _Starting:
    """A log filter, equal to another for the same words."""

    start: str

    def filter(self, record: logging.LogRecord) -> bool:
        return not str(record.msg).startswith(self.start)
