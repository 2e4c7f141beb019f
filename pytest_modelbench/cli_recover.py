"""`modelbench recover`: the run file that a session could not write."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import RUN, add_dir, store_at_option, tell
from pytest_modelbench.errors import ModelbenchError, WrongUsage

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modelbench.results.run import BenchmarkRun
    from pytest_modelbench.runs.folder import RunFolder


def add_recover(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "recover", help="make the run file of a session that was killed, from its journals"
    )
    parser.add_argument(
        "run", metavar="RUN", help=f"{RUN}; last is the newest one without a run file"
    )
    add_dir(parser)
    parser.set_defaults(command=_recover)


def _recover(options: argparse.Namespace) -> int:
    from pytest_modelbench.recording.recover import recover

    folder = _folder(options.run, store_at_option(options))
    if folder.run_file.exists() and not folder.is_running():
        from pytest_modelbench.results.find_run import fault_of, read_run

        if read_run(folder.run_file) is not None:
            print(f"{folder.run_id} has its run file already: {folder.run_file}")
            return 0
        tell(f"its run file cannot be used, and is made anew: {fault_of(folder.run_file)}")
    written, run, faults = recover(folder)
    for fault in faults:
        tell(fault)
    _say(written, run, len(faults))
    return 0


def _folder(text: str, store: Path) -> RunFolder:
    """The directory of the run that is meant. Raises `ModelbenchError`."""
    from pytest_modelbench.results.find_run import LAST
    from pytest_modelbench.views.named import named_run
    from pytest_modelbench.views.stored import Stored

    if text == LAST:
        try:
            found = named_run(LAST, store, ["unfinished"])
        except ModelbenchError:  # the newest one says that it has all it needs
            found = named_run(LAST, store)
    else:
        found = named_run(text, store)
    if not isinstance(found, Stored) or not found.is_folder:
        raise WrongUsage(
            f"{text!r} is a run file: there is nothing to recover (name the directory of a run)"
        )
    return found.folder


def _say(written: Path, run: BenchmarkRun, faults: int) -> None:
    from pytest_modelbench.recording.ledger import NOT_RUN, UNFINISHED

    details = [case.detail for case in run.cases if case.status == "skipped"]
    unfinished, not_run = details.count(UNFINISHED), details.count(NOT_RUN)
    had_result = len(run.cases) - unfinished - not_run
    counts = f"{had_result} of {len(run.cases)} cases have their results"
    print(f"{counts}, {unfinished} unfinished, {not_run} not run")
    for one in run.comparisons:
        if one.detail == UNFINISHED:
            launches = "1 launch" if len(one.launches) == 1 else f"{len(one.launches)} launches"
            print(f"{one.id}: compared in {launches}, not to the end")
    if faults:
        lines = "1 line" if faults == 1 else f"{faults} lines"
        print(f"{lines} of the journals could not be used")
    print(f"run written to {written}")
