"""`modelbench runs`: the runs that are kept, newest first."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import (
    STATUSES,
    add_dir,
    add_filters,
    count,
    moment,
    print_lines,
    store_at_option,
    tell,
    wanted_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_modelbench.views.entry import Entry
    from pytest_modelbench.views.stored import Stored
    from pytest_modelbench.views.wanted import Wanted

USUAL_LIMIT = 30


def add_runs(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser("runs", help="list the runs that are kept, newest first")
    add_filters(parser)
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        choices=STATUSES,
        help="only runs that ended so: failed is any exit status but 0, errors is cases that could "
        "not be measured, unfinished is a session that was killed",
    )
    parser.add_argument(
        "--since", type=moment, metavar="WHEN", help="only runs since a date, or an age such as 7d"
    )
    parser.add_argument(
        "--limit",
        type=count,
        metavar="N",
        help=f"at most so many ({USUAL_LIMIT}; with --json all); 0 for all",
    )
    parser.add_argument("--json", action="store_true", help="a JSON object a line")
    add_dir(parser)
    parser.set_defaults(command=_runs)


def _runs(options: argparse.Namespace) -> int:
    from pytest_modelbench.views.entry import as_json
    from pytest_modelbench.views.run_table import run_lines
    from pytest_modelbench.views.stored import stored_runs

    folder = store_at_option(options)
    stored, wanted = stored_runs(folder), wanted_of(options)
    limit = (0 if options.json else USUAL_LIMIT) if options.limit is None else options.limit
    matching = _matching(stored, wanted)
    found = list(islice(matching, limit) if limit else matching)
    if options.json:
        print_lines(map(as_json, found))
        return 0
    if not found:
        tell(_nothing(str(folder), stored))
        return 0
    print_lines(run_lines(found))
    if limit and len(found) == limit and next(matching, None) is not None:
        print("... and older ones: --limit 0 lists all")
    return 0


def _matching(stored: Sequence[Stored], wanted: Wanted) -> Iterator[Entry]:
    from pytest_modelbench.views.entry import entry_of

    for one in stored:
        if wanted.since is not None and one.began < wanted.since:
            return  # ids sort by time
        if wanted.has(entry := entry_of(one)):
            yield entry


def _nothing(folder: str, stored: Sequence[Stored]) -> str:
    if not stored:
        return (
            f"{folder}: there is no run yet: a session with --suite makes one "
            "(pytest --suite=quickstart)"
        )
    runs = "1 run" if len(stored) == 1 else f"{len(stored)} runs"
    return f"{folder}: none of the {runs} there is what was asked for"
