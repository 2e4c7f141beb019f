"""`modelbench prune`: old runs removed."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import add_dir, age, count, print_lines, store_at_option, tell

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_modelbench.views.entry import Entry
    from pytest_modelbench.views.stored import Stored

OK, FAILED, USAGE = 0, 1, 2


def add_prune(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "prune", help="remove old runs for good; those of sessions that are running stay"
    )
    parser.add_argument(
        "--keep", type=count, metavar="N", help="keep the newest N that could be removed"
    )
    parser.add_argument(
        "--older-than",
        type=age,
        metavar="AGE",
        help="remove only what is older, such as 30d or 12h",
    )
    parser.add_argument(
        "--suite",
        action="append",
        default=[],
        metavar="ID",
        help="only runs that have no other suite than this; * and ? work",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_dir(parser)
    parser.set_defaults(command=partial(_prune, parser))


def _prune(parser: argparse.ArgumentParser, options: argparse.Namespace) -> int:
    from pytest_modelbench.runs.folder import CLOSED
    from pytest_modelbench.runs.removal import bytes_on_disk, leftovers
    from pytest_modelbench.views.run_table import run_lines

    if options.keep is None and options.older_than is None:
        parser.error("say which runs: --keep N, --older-than AGE, or both")
    store = store_at_option(options)
    chosen, running, closed = _chosen(store, options)
    for entry in running:
        tell(f"{entry.stored.run_id} is still running: it stays")
    for one in closed:
        tell(f"{one.run_id}: {CLOSED}: it stays")
    left = leftovers(store)
    if not chosen and not left:
        print(f"{store}: there is nothing to remove")
        return OK
    sizes = {one.stored.run_id: bytes_on_disk(one.stored.path) for one in chosen}
    if chosen:
        print_lines(run_lines(chosen))
    what = _what(len(chosen), len(left), sum(sizes.values()) + sum(map(bytes_on_disk, left)))
    if options.dry_run:
        print(f"would remove {what}")
        return OK
    if not options.yes and not _may(what):
        return USAGE if not sys.stdin.isatty() else OK
    return _remove(chosen, sizes, left)


def _chosen(
    store: Path, options: argparse.Namespace
) -> tuple[list[Entry], list[Entry], list[Stored]]:
    """What is to be removed, newest first, what is running, and what nobody here may remove."""
    from pytest_modelbench.views.entry import entry_of
    from pytest_modelbench.views.stored import stored_runs
    from pytest_modelbench.views.wanted import fits

    folders = [one for one in stored_runs(store) if one.is_folder]
    entries = [entry_of(one) for one in folders if not one.is_closed]
    if options.suite:
        entries = [
            entry
            for entry in entries
            if entry.suites
            and all(any(fits(one, name) for one in options.suite) for name in entry.suites)
        ]
    running = [entry for entry in entries if entry.state == "running"]
    others = [entry for entry in entries if entry.state != "running"]
    old = others[options.keep or 0 :]
    if options.older_than is not None:
        latest = datetime.now(UTC) - options.older_than
        old = [entry for entry in old if entry.stored.began < latest]
    return old, running, [one for one in folders if one.is_closed]


def _what(runs: int, left: int, size: int) -> str:
    parts = ["1 run" if runs == 1 else f"{runs} runs"] if runs else []
    if left:
        parts.append(f"what is left of {left} that somebody was removing")
    return f"{' and '.join(parts)}, {_megabytes(size)}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _may(what: str) -> bool:
    """Ask, where there is somebody to answer."""
    if not sys.stdin.isatty():
        tell(f"not removed: {what}: add --yes to remove without being asked")
        return False
    try:
        answer = input(f"remove {what}? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    print("nothing was removed")
    return False


def _remove(chosen: list[Entry], sizes: dict[str, int], left: list[Path]) -> int:
    """Whatever cannot be removed, the others are."""
    from pytest_modelbench.runs.removal import bytes_on_disk, clean, remove_run

    removed, freed, failed = 0, 0, 0
    for path in left:
        size = bytes_on_disk(path)
        failed += not _is_done(path, partial(clean, path))
        freed += size if not path.exists() else 0
    for entry in chosen:
        stored = entry.stored
        if not _is_done(stored.path, partial(remove_run, stored.folder)):
            failed += 1
        elif stored.path.exists():
            tell(f"{stored.run_id}: its session has come to life: it stays")
        else:
            removed += 1
            freed += sizes[stored.run_id]
    runs = "1 run" if removed == 1 else f"{removed} runs"
    print(f"removed {runs}, {_megabytes(freed)} freed")
    return FAILED if failed else OK


def _is_done(path: Path, remove: Callable[[], object]) -> bool:
    try:
        remove()
    except OSError as error:
        tell(f"{path}: cannot be removed ({error.strerror})")
        return False
    return True
