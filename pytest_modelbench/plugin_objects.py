"""Our objects among a session's plugins, by the names they are registered with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_modelbench.recording.recorder import Recorder
    from pytest_modelbench.session import ModelbenchSession

SESSION, RECORDER, CHECKER = "modelbench-run", "modelbench-recorder", "modelbench-checker"


def session_of(config: pytest.Config) -> ModelbenchSession | None:
    """What a process that collects or runs cases remembers; None where none does."""
    session: ModelbenchSession | None = config.pluginmanager.get_plugin(SESSION)
    return session


def recorder_of(config: pytest.Config) -> Recorder | None:
    """Where results arrive; None in a parallel worker."""
    recorder: Recorder | None = config.pluginmanager.get_plugin(RECORDER)
    return recorder
