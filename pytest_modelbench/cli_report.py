"""`modelbench report`: a run file as Markdown."""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path
from typing import Any


def add_report(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser("report", help="a run as Markdown, for a pull-request comment")
    parser.add_argument("run", metavar="RUN", type=Path, help="a run file")
    parser.add_argument("--output", metavar="FILE", type=Path, help="write it to this file")
    parser.set_defaults(command=_report)


def _report(options: argparse.Namespace) -> int:
    from pytest_modelbench.recording.markdown_files import write_markdown
    from pytest_modelbench.report.markdown import markdown_of
    from pytest_modelbench.results.run import BenchmarkRun

    run = BenchmarkRun.load(options.run)
    if options.output:
        print(f"Markdown written to {write_markdown(run, options.output, '--output')}")
        return 0
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file of it is read as UTF-8 wherever it goes
        sys.stdout.reconfigure(encoding="utf-8")
    print(markdown_of(run), end="")
    return 0
