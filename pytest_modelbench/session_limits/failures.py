"""`--suite-maxfail-ratio`: what is left is not worth its time when too many cases have failed."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.session_limits import is_case, tell_recorder
from pytest_modelbench.shares import share_from

OPTION = "--suite-maxfail-ratio"
STOP_FILE = "modelbench_stop_file"
"""What a parallel worker is told: where it will find the reason to stop, if there is one."""
_NOISE = 1e-9
"""3 of 10 are 30 %, whatever floating point makes of 0.3."""


class Failures:
    """The controlling process counts and decides. Parallel workers, which hold cases in a queue
    of their own, see by a file that it has."""

    def __init__(self, config: pytest.Config, given: str) -> None:
        share = share_from(given)
        if share is None:
            raise ModelbenchError(
                f"{OPTION} {given!r} should be a share of the cases, such as 0.2 or 20%"
            )
        self._config, self._given, self._most = config, given, share
        told: str | None = getattr(config, "workerinput", {}).get(STOP_FILE)
        self._is_worker = hasattr(config, "workerinput")
        name = f"modelbench-stop-{secrets.token_hex(8)}"
        self._file = Path(told) if told else Path(tempfile.gettempdir()) / name
        if not self._is_worker:
            config.add_cleanup(lambda: self._file.unlink(missing_ok=True))
        self._session: pytest.Session | None = None
        self._selected = 0
        self._failed: set[str] = set()
        self._reason = ""

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        self._session = session

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist's, before it starts a worker."""
        node.workerinput[STOP_FILE] = str(self._file)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._selected = sum(map(is_case, session.items))

    # In the process that runs cases

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self._is_worker and is_case(item) and self._file.exists():
            with suppress(OSError):
                self._reason = self._file.read_text(encoding="utf-8")
            item.session.shouldstop = self._reason or OPTION
            pytest.skip(f"not run: {self._reason or OPTION}")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        report: Any = yield
        if is_case(item):
            # Under xdist the controller collects nothing: reports say of how many they are one.
            report.modelbench_selected = self._selected
        return report

    # In the controlling process

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if self._is_worker or self._reason:
            return
        self._selected = getattr(report, "modelbench_selected", self._selected)
        if report.failed and self._is_of_a_case(report):
            self._failed.add(report.nodeid)
        if self._selected and len(self._failed) / self._selected > self._most + _NOISE:
            self._stop()

    def _is_of_a_case(self, report: pytest.TestReport) -> bool:
        """The word that a worker died while running an item comes from xdist, which marks none."""
        if hasattr(report, "modelbench_selected"):
            return True
        is_of_suite = report.nodeid.partition("::")[0].endswith(".json")
        return str(report.when) == "???" and is_of_suite

    def _stop(self) -> None:
        count = f"{len(self._failed)} of {self._selected} cases"
        have = "has" if len(self._failed) == 1 else "have"
        self._reason = f"{count} {have} failed, more than {OPTION} {self._given} allows"
        tell_recorder(self._config, self._reason)
        parallel: Any = self._config.pluginmanager.get_plugin("dsession")
        if parallel is not None:
            with suppress(OSError):
                self._file.write_text(self._reason, encoding="utf-8")
            parallel.shouldstop = self._reason
        elif self._session is not None:
            self._session.shouldfail = f"stopping: {self._reason}"
