"""`modelbench report`: runs as a page to look at, or one run as Markdown."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from pytest_modelbench.results.run import BenchmarkRun

WAYS = "-o report.html writes them as one HTML report"

MARKDOWN_NAMES = (".md", ".markdown", ".txt", "")


def add_report(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "report", help="runs as an HTML report, or one as Markdown for a pull-request comment"
    )
    what = "a run file, last, branch:NAME, or the id of a run or its beginning"
    parser.add_argument("run", metavar="RUN", nargs="+", help=what)
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="write it to this file: HTML where it ends in .html, else Markdown",
    )
    parser.set_defaults(command=_report, wrong_usage=parser.error)


def _report(options: argparse.Namespace) -> int:
    from pytest_modelbench.paths import file_to_write
    from pytest_modelbench.recording.html_file import is_html_name
    from pytest_modelbench.recording.markdown_files import write_markdown
    from pytest_modelbench.report.markdown import markdown_of

    wrong_usage = options.wrong_usage
    output = file_to_write("--output", options.output, Path.cwd())
    page = output if output is not None and is_html_name(output) else None
    if output is not None and page is None and output.suffix.lower() not in MARKDOWN_NAMES:
        wrong_usage(
            f"--output {options.output!r} should end in .html for a page, or in .md for Markdown"
        )
    if page is None:
        _check_one(options.run, wrong_usage)
    found = [_found(text) for text in options.run]
    if page is not None:
        return _write_html(found, page)
    run = found[0][1]
    if output:
        print(f"Markdown written to {write_markdown(run, output, '--output')}")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file of it is read as UTF-8 wherever it goes
        sys.stdout.reconfigure(encoding="utf-8")
    print(markdown_of(run), end="")
    return 0


def _check_one(runs: list[str], wrong_usage: Callable[[str], NoReturn]) -> None:
    if len(runs) > 1:
        wrong_usage(f"Markdown is of one RUN, not of {len(runs)}: name one; {WAYS}")


def _found(text: str) -> tuple[Path, BenchmarkRun]:
    """A file as it is, a dry run as well; else the run that is called so."""
    from pytest_modelbench.paths import path_from
    from pytest_modelbench.results.find_run import find_run
    from pytest_modelbench.results.run import BenchmarkRun

    path = path_from(text, Path.cwd())
    return (path, BenchmarkRun.load(path)) if path.is_file() else find_run(text)


def _write_html(found: list[tuple[Path, BenchmarkRun]], output: Path) -> int:
    """Noise between sessions is known from the same runs as for `modelbench compare`."""
    from pytest_modelbench.judge.stored.history import History
    from pytest_modelbench.recording.html_file import write_html
    from pytest_modelbench.report.html.view import Report
    from pytest_modelbench.results.find_run import folder_of
    from pytest_modelbench.results.store import runs_folder

    folders = [runs_folder(), *(folder_of(file) for file, _ in found)]
    runs = [run for _, run in found]
    history = History(folders, without=[Report(runs).newest.metadata.run_id])
    print(f"report written to {write_html(runs, output, '--output', history)}")
    return 0
