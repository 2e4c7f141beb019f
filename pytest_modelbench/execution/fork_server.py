"""A process that has imported the libraries and touched no device, and forks from there.

Importing torch and its like takes seconds; forking a process that has done so takes milliseconds.
The server speaks over one Unix socket, in messages that keep their boundaries. Each request names
modules to have imported and carries, as file descriptors, the channel on which the new child will
talk and where its standard error goes; the answers are the child's process id, and when it has
ended, how. There is one child at a time. A request without descriptors is answered by nothing: what
it names is imported until the child is wanted.

Run as `python -m pytest_modelbench.execution.fork_server FD`.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, NoReturn

from pytest_modelbench.errors import as_text
from pytest_modelbench.execution.child_watch import ChildWatch
from pytest_modelbench.execution.descendants import (
    Descendants,
    adopt_orphans,
    die_with,
    outlive_parent,
)
from pytest_modelbench.execution.own_code import OwnCode
from pytest_modelbench.execution.registering import Unregistered, register_extensions

LARGEST_REQUEST_BYTES = 1 << 20
UNHEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Signals = Mapping[signal.Signals, Any]
"""What each is to do."""


def main(descriptor: int) -> None:
    """Serve until the other end closes."""
    session = os.getppid()
    # The session decides what an interrupt ends; this one has to stay and clear up then.
    signals = {number: signal.signal(number, _unheeded) for number in UNHEEDED}
    adopt_orphans()
    control = socket.socket(fileno=descriptor)
    registered: set[str] = set()
    ready_for, failed = b"", list[Unregistered]()
    while True:
        die_with(session)
        request, descriptors, _, _ = socket.recv_fds(control, LARGEST_REQUEST_BYTES, 2)
        if not request:
            return
        if request != ready_for:
            ready_for, failed = request, prepare(json.loads(request), registered)
        if not descriptors:
            continue
        channel, errors = descriptors
        own = OwnCode.of(json.loads(request), failed)
        if own.broken is None:  # which is an error, with its traceback
            for one in failed:
                os.write(errors, (as_text(one.error) or "").encode())
        try:
            be_child = partial(_be_child, os.getpid(), channel, errors, signals, own)
            _serve_child(control, session, be_child, descriptors)
        except ConnectionError:  # the session has gone
            return


def _serve_child(
    control: socket.socket, session: int, be_child: Callable[[], None], descriptors: Iterable[int]
) -> None:
    """Fork a child, tell its number, and how it ended once it and all it started are no more.

    It does not outlive the session. Raises `ConnectionError` when the session has gone.
    """
    outlive_parent()  # until the child is no more: nobody else would end what it started
    descendants = Descendants()
    watch = ChildWatch(control, session)
    child = os.fork()
    if child == 0:
        watch.close()
        control.close()
        be_child()
    for descriptor in descriptors:
        os.close(descriptor)
    try:
        control.send(str(child).encode())
        watch.until_end(child, lambda: descendants.reap(child))
    finally:
        exit_code = descendants.end(child)
        watch.close()
    control.send(str(exit_code).encode())


def _unheeded(number: int, frame: object) -> None:
    """Not ignored, which what is started from here would inherit."""


def prepare(wishes: dict[str, Any], registered: set[str]) -> list[Unregistered]:
    """Import what was asked for; what fails here fails again in the child, which reports it.

    Extensions that cannot be registered are given back.
    """
    tree = OwnCode.of(wishes).tree
    if tree is not None:  # what an editable install has put there is the working tree, too
        sys.path[:] = tree.import_path(sys.path)
    for folder in wishes["path"]:
        if folder not in sys.path:
            sys.path.append(folder)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in wishes["modules"]:
            try:
                importlib.import_module(name)
            except (Exception, SystemExit):
                continue
        return register_extensions(wishes["extensions"], registered, tree)


def _be_child(server: int, channel: int, errors: int, signals: Signals, own: OwnCode) -> None:
    """Serve cases until told to stop; never returns."""
    status = 1
    try:
        die_with(server)
        os.setsid()  # so that whatever the model starts can be ended with it
        for number, action in signals.items():  # no terminal reaches it any more
            signal.signal(number, action)
        os.dup2(errors, 2)
        gc.freeze()  # what was imported is never garbage: collections need not look at it
        from pytest_modelbench.execution.child import serve

        serve(channel, own)
        status = 0
    except BaseException:
        _say_last_words(traceback.print_exc)
    finally:
        _say_last_words(sys.stdout.flush)
        _say_last_words(sys.stderr.flush)
        os._exit(status)


def _say_last_words(say: Callable[[], None]) -> None:
    """As far as the model has left a stream to say them on: nothing may keep it from its end."""
    with suppress(BaseException):
        say()


def _end() -> NoReturn:
    """At once: taking large libraries down, module by module, takes a tenth of a second."""
    atexit._run_exitfuncs()
    _say_last_words(sys.stdout.flush)
    _say_last_words(sys.stderr.flush)
    os._exit(0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
    _end()
