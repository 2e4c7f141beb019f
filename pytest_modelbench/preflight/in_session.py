"""When a session looks, and where it says what it found."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.collection import CaseItem
from pytest_modelbench.plugin_objects import recorder_of
from pytest_modelbench.preflight.findings import Finding, Findings, block
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.session_options import store_of

if TYPE_CHECKING:
    from pytest_modelbench.session import ModelbenchSession


def register_preflight(session: ModelbenchSession) -> None:
    """Let this session look first; with `--suite-preflight`, and do nothing else."""
    config = session.config
    option = config.option
    if option.suite_preflight:
        if hasattr(option, "dist"):  # there is nothing to distribute
            option.dist = "no"
        config.pluginmanager.register(PreflightOnly(session))
    elif not option.collectonly and not option.suite_dry_run:
        config.pluginmanager.register(Preflight(session))


class Preflight:
    """Says at the start of a session what will go wrong in it. It keeps nothing from running."""

    def __init__(self, session: ModelbenchSession) -> None:
        self._session = session
        self._config = session.config
        self._unsent: list[str] = []
        self._has_looked = False

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        return [printable(line) for line in block(self._look(_cases(items)))]

    # Under xdist the controller collects nothing: the report of the first item carries it there.

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Workers collect the same, and any of them may have nothing to do but whoever has this."""
        items = item.session.items
        if self._session.worker == "main" or item is not items[0] or self._has_looked:
            return
        self._has_looked = True
        if cases := _cases(items):
            with self._session.turns.busy():  # others may measure already
                self._unsent = list(block(self._look(cases)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, Any]:
        report: Any = yield
        if self._unsent:
            report.modelbench_preflight, self._unsent = self._unsent, []
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        lines: list[str] = getattr(report, "modelbench_preflight", [])
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if lines and terminal is not None and self._session.worker == "main":
            terminal.ensure_newline()
            for line in lines:
                terminal.write_line(printable(line))

    def _look(self, cases: Sequence[Case]) -> Findings:
        from pytest_modelbench.preflight.look import Look

        look = Look(cases, store_of(self._config), _workers(self._config))
        if cases:  # else pytest tells of faulty suites at once
            self._add_faulty_suites(look.findings)
        look.quickly()
        return look.findings

    def _add_faulty_suites(self, findings: Findings) -> None:
        """How many have no cases because of what is wrong with them, which pytest lists itself."""
        recorder = recorder_of(self._config)
        if recorder and (count := len(recorder.ledger.problems)):
            findings.add(
                Finding(
                    f"{counted(count, 'suite')} with mistakes, so nothing of "
                    f"{'it' if count == 1 else 'them'} is measured: what is wrong stands at the "
                    "end, under ERRORS"
                )
            )


class PreflightOnly(Preflight):
    """Looks closely, says what it found and what the run will take, and ends the session."""

    def __init__(self, session: ModelbenchSession) -> None:
        super().__init__(session)
        self._has_problems = False

    def pytest_report_collectionfinish(self, items: Sequence[pytest.Item]) -> list[str]:
        return []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        cases = _cases(session.items)
        lines = list(self._everything(cases, len(session.items) - len(cases)))
        terminal: Any = self._config.pluginmanager.get_plugin("terminalreporter")
        if terminal is not None:
            terminal.write_line("")
            for line in lines:
                terminal.write_line(printable(line))
        return True

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._has_problems and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _everything(self, cases: Sequence[Case], others: int) -> Generator[str, None, None]:
        from pytest_modelbench.preflight.estimate import History, space_lines, time_line
        from pytest_modelbench.preflight.look import Look

        parent = store_of(self._config)
        look = Look(cases, parent, _workers(self._config))
        self._add_faulty_suites(look.findings)
        look.quickly()
        with self._session.turns.busy():  # importing would disturb what others measure
            look.closely(self._session.extensions)
        findings = look.findings
        self._has_problems = findings.problem_count > 0
        what = f"in {counted(findings.case_count, 'case')}"
        problems = findings.lines(problems=True)
        number = counted(len(problems), "problem") if problems else "no problem"
        yield f"preflight: {number} {what}"
        yield from (f"  {line}" for line in problems)
        yield from (f"note: {line}" for line in findings.lines(problems=False))
        if others:
            yield f"note: {counted(others, 'test')} in Python: nobody can look into them"
        if cases:
            history = History(parent, look.subjects)
            yield time_line(history, look.subjects)
            yield from space_lines(history, parent, look.exports_bytes)


def _cases(items: Sequence[pytest.Item]) -> list[Case]:
    return [item.case for item in items if isinstance(item, CaseItem)]


def _workers(config: pytest.Config) -> int:
    """How many models may be loaded at once."""
    told = getattr(config, "workerinput", {}).get("workercount")
    return int(told or getattr(config.option, "numprocesses", None) or 1)
