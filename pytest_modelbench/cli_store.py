"""What the commands that look at kept runs have in common: where the runs are, and which."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modelbench.views.wanted import Wanted

RUN = "last, branch:NAME, a run file or directory, or the id of a run or its beginning"
STATUSES = ("ok", "failed", "errors", "running", "unfinished", "dry")


def add_dir(parser: argparse.ArgumentParser) -> None:
    """`--dir`."""
    parser.add_argument(
        "--dir", metavar="DIR", help="where the runs are, instead of the state directory"
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """`--suite` and the like."""
    for name, metavar, text in (
        ("suite", "ID", "only runs of this suite"),
        ("model", "NAME", "only runs of this model"),
        ("device", "DEVICE", "only runs on this device"),
        ("branch", "NAME", "only runs of this git branch"),
    ):
        parser.add_argument(
            f"--{name}", action="append", default=[], metavar=metavar, help=f"{text}; * and ? work"
        )


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the filters ask for."""
    from pytest_modelbench.views.wanted import Wanted

    return Wanted(
        suites=options.suite,
        models=options.model,
        devices=options.device,
        branches=options.branch,
        statuses=getattr(options, "status", ()),
        since=getattr(options, "since", None),
    )


def store_at_option(options: argparse.Namespace) -> Path:
    """Where the runs are. Raises `ModelbenchError` if there is no such directory."""
    from pytest_modelbench.views.stored import store_at

    return store_at(options.dir)


def count(text: str) -> int:
    """For `--limit` and the like."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} should be a whole number, 0 or above")
    return min(int(text), sys.maxsize)


def moment(text: str) -> Any:
    """For `--since`; a date or an age."""
    from pytest_modelbench.views.moments import moment as parsed

    return parsed(text)


def age(text: str) -> Any:
    """For `--older-than`."""
    from pytest_modelbench.views.moments import age as parsed

    return parsed(text)


def print_lines(lines: Iterable[str]) -> None:
    """All at once: a call of `print` for each of thousands takes its time."""
    text = "".join(f"{line}\n" for line in lines)
    sys.stdout.write(text)


def tell(line: str) -> None:
    """Where errors go: the output is what was asked for."""
    from pytest_modelbench.redaction import printable

    print(printable(line), file=sys.stderr)


def is_terminal() -> bool:
    """Whether somebody looks at the output as it comes."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
