"""The report that `--suite-report` names: the run as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import file_to_write

if TYPE_CHECKING:
    from pytest_modelbench.judge.stored.history import History
    from pytest_modelbench.results.run import BenchmarkRun

OPTION = "--suite-report"


class HtmlFile:
    """What there is to write after a run, in the controller."""

    def __init__(self, config: pytest.Config) -> None:
        """Raises `ModelbenchError` for a file that never could be one."""
        option, folder = config.option, config.invocation_params.dir
        given = option.suite_report
        self._file = file_to_write(OPTION, given, folder)
        if self._file and not is_html_name(self._file):
            raise ModelbenchError(
                f"{OPTION} {given!r} should end in .html (--suite-markdown writes Markdown)"
            )
        for name, other in (
            ("--suite-output", option.suite_output),
            ("--suite-markdown", option.suite_markdown),
        ):
            file = file_to_write(name, other, folder)
            if self._file and file and self._file.resolve() == file.resolve():
                raise ModelbenchError(f"{OPTION} and {name} are both {given!r}: name two files")
        self.lines: list[str] = []
        """What the terminal is to say of it."""

    def write(self, run: BenchmarkRun) -> bool:
        """Whether the file that was asked for is written."""
        if self._file is None:
            return True
        try:
            written = write_html([run], self._file, OPTION)
        except ModelbenchError as error:
            self.lines.append(str(error))
            return False
        self.lines.append(f"report written to {written}")
        return True


def is_html_name(file: Path) -> bool:
    """Whether a file is called as HTML is."""
    return file.suffix.lower() in (".html", ".htm")


def write_html(
    runs: list[BenchmarkRun], file: Path, option: str, history: History | None = None
) -> Path:
    """Write the report of `runs`. Raises `ModelbenchError`, which names `option`."""
    from pytest_modelbench.report.html import html_of
    from pytest_modelbench.results.store import write_atomically

    return write_atomically(file, html_of(runs, history), what="the report", option=option)
