"""The Markdown of a run in files: the one `--suite-markdown` names, and a CI step's summary."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import file_to_write

if TYPE_CHECKING:
    from pytest_modelbench.results.run import BenchmarkRun

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
"""The environment variable in which GitHub names the file of a step's summary."""
INI = "modelbench_step_summary"


class MarkdownFiles:
    """What there is to write after a run, in the controller."""

    def __init__(self, config: pytest.Config) -> None:
        """Raises `ModelbenchError` for a file that never could be one."""
        option, folder = config.option, config.invocation_params.dir
        self._file = file_to_write("--suite-markdown", option.suite_markdown, folder)
        run_file = file_to_write("--suite-output", option.suite_output, folder)
        if self._file and run_file and self._file.resolve() == run_file.resolve():
            raise ModelbenchError(
                f"--suite-markdown and --suite-output are both {option.suite_markdown!r}: name two "
                "files"
            )
        self._summary = os.environ.get(STEP_SUMMARY, "")
        self._config = config
        self.lines: list[str] = []
        """What the terminal is to say of it."""

    def write(self, run: BenchmarkRun) -> bool:
        """Whether the file that was asked for is written; a summary that is not costs a line."""
        if self._summary:
            self._add_to_summary(run)
        if self._file is None:
            return True
        try:
            written = write_markdown(run, self._file, "--suite-markdown")
        except ModelbenchError as error:
            self.lines.append(str(error))
            return False
        self.lines.append(f"Markdown written to {written}")
        return True

    def _add_to_summary(self, run: BenchmarkRun) -> None:
        try:
            if _is_wanted(self._config):
                append_to_summary(run, Path(self._summary))
        except (OSError, ModelbenchError) as error:
            cause = (error.strerror if isinstance(error, OSError) else "") or error
            self.lines.append(f"{STEP_SUMMARY}={self._summary}: not written ({cause})")


def write_markdown(run: BenchmarkRun, file: Path, option: str) -> Path:
    """Write the whole of it. Raises `ModelbenchError`, which names `option`."""
    from pytest_modelbench.report.markdown import markdown_of
    from pytest_modelbench.results.store import write_atomically

    return write_atomically(file, markdown_of(run), what="the Markdown", option=option)


def append_to_summary(run: BenchmarkRun, file: Path) -> None:
    """Add it to what the step has written so far. Raises `OSError` or `ModelbenchError`."""
    from pytest_modelbench.report.markdown import MOST_SUMMARY_BYTES, markdown_of

    if file.exists() and not file.is_file():
        raise ModelbenchError("not a regular file")
    before = file.stat().st_size if file.exists() else 0
    # A blank line, without which the first line would go on with what was there.
    gap = "\n\n" if before else ""
    text = markdown_of(run, MOST_SUMMARY_BYTES - before - len(gap))
    if not text:
        raise ModelbenchError("what the step has written so far leaves no room")
    with file.open("a", encoding="utf-8") as stream:
        stream.write(gap + text)


def _is_wanted(config: pytest.Config) -> bool:
    try:
        return bool(config.getini(INI))
    except (TypeError, ValueError, pytest.UsageError) as error:  # it does not name the option
        raise ModelbenchError(f"ini option {INI} should be true or false: {error}") from None
