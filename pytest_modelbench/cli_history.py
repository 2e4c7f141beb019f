"""`modelbench history`: a metric over the runs that are kept."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import (
    add_dir,
    add_filters,
    count,
    print_lines,
    store_at_option,
    tell,
    wanted_of,
)

if TYPE_CHECKING:
    from pytest_modelbench.views.metric_history import MetricHistory

USUAL_LIMIT = 20


def add_history(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser("history", help="a metric of each case, run by run over commits")
    parser.add_argument("metric", metavar="METRIC", help="its name, such as p50_latency_ms")
    add_filters(parser)
    parser.add_argument(
        "--case",
        action="append",
        default=[],
        metavar="NAME",
        help="only cases of this id, with or without its suite; * and ? work",
    )
    parser.add_argument(
        "--limit",
        type=count,
        metavar="N",
        help=f"the newest N values of each case ({USUAL_LIMIT}; with --json or --csv all); "
        "0 for all",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="a JSON object a line")
    how.add_argument("--csv", action="store_true", help="comma-separated values")
    add_dir(parser)
    parser.set_defaults(command=_history)


def _history(options: argparse.Namespace) -> int:
    from pytest_modelbench.views.metric_history import read_history

    is_for_programs = options.json or options.csv
    limit = (0 if is_for_programs else USUAL_LIMIT) if options.limit is None else options.limit
    found = read_history(
        options.metric, store_at_option(options), wanted_of(options), options.case, limit
    )
    for fault in found.faults:
        tell(fault)
    _print(found, options)
    return 0


def _print(found: MetricHistory, options: argparse.Namespace) -> None:
    from pytest_modelbench.views.history_lines import csv_lines, history_lines, json_lines

    if options.csv:
        print_lines(csv_lines(found))
    elif options.json:
        print_lines(json_lines(found))
    else:
        print_lines(history_lines(found))
