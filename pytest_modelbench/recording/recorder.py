"""The controller's part: gather results, write one run, show it."""

from __future__ import annotations

import signal
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import file_to_write
from pytest_modelbench.recording.markdown_files import MarkdownFiles

if TYPE_CHECKING:
    from pytest_modelbench.results.run import BenchmarkRun


class Recorder:
    """Registered where there is no `workerinput`; imports the results code when one arrives."""

    def __init__(self, config: pytest.Config) -> None:
        from pytest_modelbench.recording.ledger import Ledger

        self.config = config
        self.ledger = Ledger()
        self.output = file_to_write(
            "--suite-output", config.option.suite_output, config.invocation_params.dir
        )
        self.markdown = MarkdownFiles(config)
        self.run: BenchmarkRun | None = None
        self.written: Path | None = None
        self.trouble: str | None = None
        self._until_finish = ExitStack()
        config.add_cleanup(self._until_finish.close)  # of a session that never began

    def catch_termination(self) -> None:
        """A termination, as of a CI job that is cancelled, ends the session like an interrupt.

        Until the session's end; a session may begin to record at any time.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # signals belong to the main thread
        before = signal.signal(signal.SIGTERM, _interrupt)
        if before is not None:  # of C code that Python does not know: nothing to go back to
            self._until_finish.callback(signal.signal, signal.SIGTERM, before)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and report.nodeid.endswith(".json"):
            self.ledger.problems.append(report.longreprtext)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        parcel: Any = getattr(report, "modelbench", None)
        if parcel:
            self.ledger.add(parcel)
        # xdist's word for an item whose worker died while running it.
        if str(report.when) == "???":
            self.ledger.add_death(report.nodeid, " ".join(str(report.longrepr).split()))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        with self._until_finish:
            if self.ledger.manifests:
                self._write(session, exitstatus)
            if self._compared_nothing():
                given = self.config.option.suite_against
                self.trouble = (
                    f"--suite-against {given!r}: no case of a suite was measured beside it"
                )
                _fail(session)

    def _compared_nothing(self) -> bool:
        """Of parallel workers none can stop the session that compares nothing."""
        option = self.config.option
        is_asked = option.suite_against is not None and not option.collectonly
        is_parallel = getattr(option, "dist", "no") != "no"
        return is_asked and is_parallel and not any(self.ledger.comparisons())

    def _write(self, session: pytest.Session, exitstatus: int) -> None:
        from pytest_modelbench.recording.assemble import assemble_run
        from pytest_modelbench.recording.provenance import run_metadata, system_info
        from pytest_modelbench.results.store import runs_folder
        from pytest_modelbench.session_options import command_line

        metadata = run_metadata(
            command_line(self.config),
            self.config.rootpath,
            dry_run=self.config.option.suite_dry_run,
        ).model_copy(update={"exit_status": int(exitstatus)})
        self.run = assemble_run(
            metadata,
            system_info(),
            self.ledger.suites(),
            self.ledger.problems,
            comparisons=self.ledger.comparisons(),
        )
        target = self.output or runs_folder() / f"{metadata.run_id}.json"
        try:
            self.written = self.run.save(target)
        except ModelbenchError as error:
            self._save_elsewhere(error)
            _fail(session)
        if self.written:
            if not self.markdown.write(self.run):
                _fail(session)
            self.config.hook.pytest_modelbench_run_written(
                run=self.run, path=self.written, config=self.config
            )

    def _save_elsewhere(self, error: ModelbenchError) -> None:
        """A run that was measured is not lost because its file could not be written."""
        assert self.run is not None
        self.trouble = str(error)
        spare = Path(tempfile.gettempdir()) / f"{self.run.metadata.run_id}.json"
        try:
            self.written = self.run.save(spare)
        except ModelbenchError as second:
            self.trouble += f"; nor {second}"

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from pytest_modelbench.redaction import printable

        if self.run is not None:
            from pytest_modelbench.report.terminal import show_run

            show_run(terminalreporter, self.run)
        if self.trouble:
            terminalreporter.write_line(printable(self.trouble), red=True)
        if self.written:
            terminalreporter.write_line(f"run written to {self.written}")
        for line in self.markdown.lines:
            terminalreporter.write_line(printable(line))


def _fail(session: pytest.Session) -> None:
    """Not all that was asked for was written."""
    session.exitstatus = max(int(session.exitstatus), int(pytest.ExitCode.TESTS_FAILED))


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)
