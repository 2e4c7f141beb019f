"""`modelbench watch`: a session from another terminal, while it runs."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import (
    RUN,
    add_dir,
    is_terminal,
    print_lines,
    store_at_option,
    tell,
)
from pytest_modelbench.errors import ModelbenchError, WrongUsage

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modelbench.runs.folder import RunFolder
    from pytest_modelbench.views.sight import Sight, Watcher

OK, FAILED = 0, 1
LOOKS_A_SECOND = 2


def add_watch(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "watch", help="watch a session from another terminal while it runs, with all its workers"
    )
    parser.add_argument(
        "run", metavar="RUN", nargs="?", help=f"{RUN}; without it, the newest that is running"
    )
    add_dir(parser)
    parser.set_defaults(command=_watch)


def _watch(options: argparse.Namespace) -> int:
    from pytest_modelbench.views.sight import Watcher

    folder = _folder(options.run, store_at_option(options))
    watcher = Watcher(folder)
    try:
        sight = _live(watcher) if is_terminal() else _line_by_line(watcher)
    except KeyboardInterrupt:
        tell("watching has ended; the session has not")
        return OK
    return _after(folder, sight, watcher.command)


def _folder(text: str | None, store: Path) -> RunFolder:
    """The directory of the run that is meant. Raises `ModelbenchError`."""
    from pytest_modelbench.views.named import named_run
    from pytest_modelbench.views.stored import Stored

    if text is None:
        return _running(store)
    found = named_run(text, store)
    if not isinstance(found, Stored) or not found.is_folder:
        raise WrongUsage(f"{text!r} is a run file: its session has ended (modelbench show)")
    return found.folder


def _running(store: Path) -> RunFolder:
    from pytest_modelbench.results.store import dir_option
    from pytest_modelbench.views.stored import stored_runs

    runs = [one for one in stored_runs(store) if one.is_folder and not one.is_closed]
    for one in runs:
        if one.folder.is_running():
            return one.folder
    newest = ""
    if runs:
        command = f"modelbench show {runs[0].run_id}{dir_option(store)}"
        newest = f" (the newest there has ended: {command})"
    raise ModelbenchError(f"{store}: no session is running there{newest}")


def _live(watcher: Watcher) -> Sight:
    """Redraw until the session ends, and leave nothing of it on the terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    from pytest_modelbench.views.progress_lines import progress_lines

    # What is drawn is text alone: nothing in a name is taken for markup.
    console = Console(highlight=False, markup=False, emoji=False)
    with Live(console=console, auto_refresh=False, transient=True) as live:
        while True:
            sight = watcher.look()
            if sight.ending != "running":
                return sight
            text = Text("\n".join(progress_lines(sight)), no_wrap=True, overflow="ellipsis")
            live.update(text, refresh=True)
            time.sleep(1 / LOOKS_A_SECOND)


def _line_by_line(watcher: Watcher) -> Sight:
    """A line for each change: what goes to a file or a log is not drawn over."""
    from pytest_modelbench.views.progress_lines import Changes

    changes = Changes()
    while True:
        sight = watcher.look()
        print_lines(changes.lines(sight))
        sys.stdout.flush()
        if sight.ending != "running":
            return sight
        time.sleep(1 / LOOKS_A_SECOND)


def _after(folder: RunFolder, sight: Sight, command: str) -> int:
    """The tables of a session that has ended, or what to do about one that was killed."""
    from pytest_modelbench.cli_show import show_tables
    from pytest_modelbench.results.store import dir_option
    from pytest_modelbench.views.opened import open_stored
    from pytest_modelbench.views.progress_lines import cases_text
    from pytest_modelbench.views.stored import Stored

    if sight.ending == "finished":
        opened = open_stored(Stored(folder.run_id, folder.path, is_folder=True))
        show_tables(opened, opened.run)
        return OK
    if sight.ending == "gone":
        raise ModelbenchError(
            f"{folder.path}: its session has ended and kept nothing: it had no case to measure, or "
            "the run was removed"
        )
    where = dir_option(folder.path.parent)
    tell(f"{folder.run_id}: its session was killed with {cases_text(sight)}")
    tell(f"its run file: modelbench recover {folder.run_id}{where}")
    tell(f"to go on: {_command(command)} --suite-resume={folder.run_id}")
    return FAILED


def _command(text: str) -> str:
    """What started the session, without what that resumed itself."""
    from pytest_modelbench.session_options import without_resumed

    try:
        return shlex.join(without_resumed(shlex.split(text))) or "pytest"
    except ValueError:  # of a journal that somebody else has written
        return "pytest"
