"""What ends a session before all of its cases are measured, because its user said so beforehand."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.collection import CaseItem
from pytest_modelbench.plugin_objects import recorder_of, session_of


def set_limits(config: pytest.Config) -> None:
    """Register what holds `--suite-maxfail-ratio` and `--suite-timeout`, where they are given.

    In every process that collects or runs cases. Raises `ModelbenchError` for values that are none.
    """
    option = config.option
    if option.collectonly or option.suite_preflight:
        return
    limits: list[Any] = []
    if option.suite_maxfail_ratio is not None:
        from pytest_modelbench.session_limits.failures import Failures

        limits.append(Failures(config, option.suite_maxfail_ratio))
    if option.suite_timeout is not None:
        from pytest_modelbench.session_limits.session_time import SessionTime

        limits.append(SessionTime(config, option.suite_timeout))
    for limit in limits:
        config.pluginmanager.register(limit)


def is_case(item: pytest.Item) -> bool:
    """Whether it gives a case of the run: one of a suite, or a test that measures."""
    return isinstance(item, CaseItem) or "modelbench" in getattr(item, "fixturenames", ())


def tell_recorder(config: pytest.Config, reason: str) -> None:
    """Why cases that have no result have none; in the controlling process only."""
    recorder, session = recorder_of(config), session_of(config)
    if recorder is not None and session is not None:
        recorder.ledger.ended_because = reason
        recorder.ledger.add(session.unsent())
