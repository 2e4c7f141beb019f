"""`modelbench show`: one run, as much of it as is asked for."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import RUN, add_dir, print_lines, store_at_option, tell

if TYPE_CHECKING:
    from pytest_modelbench.results.run import BenchmarkRun
    from pytest_modelbench.views.opened import Opened


def add_show(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "show", help="show a run: finished, still running, or left behind by a session that died"
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--detailed", action="store_true", help="every metric of every case, and all about it"
    )
    how.add_argument("--raw", action="store_true", help="the run as JSON")
    how.add_argument(
        "--errors", action="store_true", help="each error in full, and why something was skipped"
    )
    parser.add_argument(
        "--case",
        metavar="NAME",
        help="only cases of this id, with or without its suite, or compared by this name; * works",
    )
    add_dir(parser)
    parser.set_defaults(command=_show)


def _show(options: argparse.Namespace) -> int:
    from pytest_modelbench.views.opened import open_run, with_cases

    opened = open_run(options.run, store_at_option(options))
    run = with_cases(opened.run, options.case) if options.case else opened.run
    if options.raw:
        for note in opened.notes:
            tell(note)
        sys.stdout.write(run.to_json())
        return 0
    print_printable(opened.notes)
    if options.detailed or options.errors:
        print_printable(_lines(run, is_detailed=options.detailed))
    else:
        show_tables(opened, run)
    return 0


def _lines(run: BenchmarkRun, *, is_detailed: bool) -> Iterable[str]:
    from pytest_modelbench.views.case_details import detail_lines
    from pytest_modelbench.views.faults import fault_lines

    return detail_lines(run) if is_detailed else fault_lines(run)


def show_tables(opened: Opened, run: BenchmarkRun) -> None:
    """As at the end of a session, and where the run is."""
    from pytest_modelbench.report.terminal import show_run
    from pytest_modelbench.views.console import Console

    show_run(Console(), run)
    print_printable(" ".join(problem.split()) for problem in run.problems)
    if opened.file is not None:
        print_printable([f"run file: {opened.file}"])


def print_printable(lines: Iterable[str]) -> None:
    """Texts of others must not steer the terminal."""
    from pytest_modelbench.redaction import printable

    print_lines(map(printable, lines))
