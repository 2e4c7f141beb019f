"""The controller's part: gather results, write one run, show it."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.paths import file_to_write
from pytest_modelbench.plugin_objects import session_of
from pytest_modelbench.recording.html_file import HtmlFile
from pytest_modelbench.recording.keeping import Keeping
from pytest_modelbench.recording.ledger import Ledger
from pytest_modelbench.recording.markdown_files import MarkdownFiles
from pytest_modelbench.recording.own_part import CONTROLLER, EARLIER_RUN, RUN_FOLDER

if TYPE_CHECKING:
    from pytest_modelbench.results.run import BenchmarkRun


class Recorder:
    """Registered where there is no `workerinput`."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.ledger = Ledger()
        self.output = file_to_write(
            "--suite-output", config.option.suite_output, config.invocation_params.dir
        )
        self.keeping = Keeping(config)
        self.markdown = MarkdownFiles(config)
        self.html = HtmlFile(config)
        self.run: BenchmarkRun | None = None
        self.written: Path | None = None
        self.trouble: list[str] = []
        self._lost: dict[str, None] = {}
        """What the baseline has and the suites have no longer: each worker says the same."""
        self._until_finish = ExitStack()
        config.add_cleanup(self._until_finish.close)  # of a session that never began
        config.add_cleanup(self.keeping.close)

    def catch_termination(self) -> None:
        """A termination, as of a CI job that is cancelled, ends the session like an interrupt.

        Until the session's end; a session may begin to record at any time.
        """
        if threading.current_thread() is not threading.main_thread():
            return  # signals belong to the main thread
        before = signal.signal(signal.SIGTERM, _interrupt)
        if before is not None:  # of C code that Python does not know: nothing to go back to
            self._until_finish.callback(signal.signal, signal.SIGTERM, before)

    def pytest_sessionstart(self) -> None:
        """On a terminal, which pytest has opened by now: what is measured just now."""
        from pytest_modelbench.recording.progress_line import progress_line

        line = progress_line(self.config, self.keeping)
        if line is not None:
            self.config.pluginmanager.register(line, "modelbench-progress")
            self.config.add_cleanup(line.close)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """xdist's, before it starts a worker."""
        self._open()
        node.workerinput[CONTROLLER] = os.getpid()
        if self.keeping.folder is not None:
            node.workerinput[RUN_FOLDER] = str(self.keeping.folder.path)
        session = session_of(self.config)
        if session is not None and session.take_over is not None:
            node.workerinput[EARLIER_RUN] = str(session.take_over.earlier.path)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and report.nodeid.endswith(".json"):
            text = encodable(report.longreprtext)  # of a file that may be called anything
            self.ledger.problems.append(text)
            if not self.config.option.suite_preflight:  # which keeps nothing
                self._open()
                self.keeping.note({"event": "problem", "text": text})

    def _open(self) -> None:
        """The directory of the run: where it cannot be there is no session."""
        try:
            self.keeping.open()
        except ModelbenchError as error:
            raise pytest.UsageError(str(error)) from None

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.ledger.add_start(nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        parcel: Any = getattr(report, "modelbench", None)
        if parcel:
            self.ledger.add(parcel)
            self._lost |= dict.fromkeys(parcel.get("lost", ()))
            if not parcel.get("is_kept"):
                self.keeping.note({"event": "parcel", **parcel})
        # xdist's word for an item whose worker died while running it.
        if str(report.when) == "???":
            cause = " ".join(str(report.longrepr).split())
            self.ledger.add_death(report.nodeid, cause)
            self.keeping.note({"event": "died", "nodeid": report.nodeid, "cause": cause})

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        with self._until_finish:
            self._add_unsent(exitstatus)
            if self.ledger.manifests:
                self._write(session, exitstatus)
                self.keeping.close()
            else:
                self.keeping.discard()
            if self._compared_nothing():
                given = self.config.option.suite_against
                self.trouble.append(
                    f"--suite-against {given!r}: no case of a suite was measured beside it"
                )
                _fail(session)

    def _add_unsent(self, exitstatus: int) -> None:
        """What was selected when the session ended before a report could say so."""
        if exitstatus == pytest.ExitCode.USAGE_ERROR:
            return
        session = session_of(self.config)
        if session is not None:
            self.ledger.add(session.unsent())
        if not self.ledger.manifests or exitstatus == pytest.ExitCode.INTERRUPTED:
            self.ledger.add_unsent(self.keeping.events())  # of parallel workers

    def _compared_nothing(self) -> bool:
        """Of parallel workers none can stop the session that compares nothing."""
        option = self.config.option
        is_asked = option.suite_against is not None and not option.collectonly
        is_parallel = getattr(option, "dist", "no") != "no"
        return is_asked and is_parallel and not self.ledger.has_sides

    def _write(self, session: pytest.Session, exitstatus: int) -> None:
        from pytest_modelbench.recording.assemble import assemble_run

        self.keeping.open()
        if self.ledger.has_unfinished:
            self.ledger.add_what_came_of(self.keeping.events())
        self.run = assemble_run(
            self.keeping.metadata.model_copy(update={"exit_status": int(exitstatus)}),
            self.keeping.system,
            self.ledger.suites(),
            self.ledger.problems,
            comparisons=self.ledger.comparisons(),
        )
        if not self._save():
            _fail(session)
        if self.written:
            are_written = [self.markdown.write(self.run), self.html.write(self.run)]
            if not all(are_written):
                _fail(session)
            self.config.hook.pytest_modelbench_run_written(
                run=self.run, path=self.written, config=self.config
            )

    def _save(self) -> bool:
        """Whether the run is where it was asked for; it is somewhere, if at all possible."""
        assert self.run is not None
        self.written = self.keeping.save(self.run)
        is_well = self.written is not None and not self.keeping.trouble
        if self.keeping.trouble:
            self.trouble.append(self.keeping.trouble)
        if self.output is not None:
            is_well = is_well or self.keeping.asked is None
            try:
                self.written = self.run.save(self.output)
            except ModelbenchError as error:
                self.trouble.append(str(error))
                is_well = False
        if self.written is None:
            self._save_elsewhere()
        return is_well

    def _save_elsewhere(self) -> None:
        """A run that was measured is not lost because its file could not be written."""
        assert self.run is not None
        spare = Path(tempfile.gettempdir()) / f"{self.run.metadata.run_id}.json"
        try:
            self.written = self.run.save(spare)
        except ModelbenchError as error:
            self.trouble.append(f"nor {error}")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        from pytest_modelbench.redaction import printable

        if self.run is not None:
            from pytest_modelbench.report.terminal import show_run

            show_run(terminalreporter, self.run)
        for line in self._lost:
            terminalreporter.write_line(printable(line), yellow=True)
        for line in self.trouble:
            terminalreporter.write_line(printable(line), red=True)
        if self.written:
            terminalreporter.write_line(f"run written to {self.written}")
        for line in (*self.markdown.lines, *self.html.lines, *self._next_commands()):
            terminalreporter.write_line(printable(line))

    def _next_commands(self) -> Iterator[str]:
        from pytest_modelbench.report.taken_over import next_commands, nothing_taken_over
        from pytest_modelbench.session_options import command_to_repeat

        session = session_of(self.config)
        if self.run is not None and session is not None and session.take_over is not None:
            yield from nothing_taken_over(self.run, session.take_over.earlier.run_id)
        if self.run is not None and self.keeping.is_where_asked:
            command = command_to_repeat(self.config)
            yield from next_commands(self.run, command, self.keeping.parent)


def _fail(session: pytest.Session) -> None:
    """Not all that was asked for was written."""
    session.exitstatus = max(int(session.exitstatus), int(pytest.ExitCode.TESTS_FAILED))


def _interrupt(number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt(signal.Signals(number).name)
