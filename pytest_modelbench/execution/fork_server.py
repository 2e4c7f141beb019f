"""A process that has imported the libraries and touched no device, and forks from there.

Importing torch and its like takes seconds; forking a process that has done so takes milliseconds.
The server speaks over one Unix socket, in messages that keep their boundaries. Each request names
modules to have imported and carries, as file descriptors, the channel on which the new child will
talk and where its standard error goes; the answers are the child's process id, and when it has
ended, how. There is one child at a time.

Run as `python -m pytest_modelbench.execution.fork_server FD`.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import importlib.util
import json
import os
import signal
import socket
import sys
import traceback
import warnings
from collections.abc import Iterable
from typing import Any

LARGEST_REQUEST_BYTES = 1 << 20
_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> None:
    """Serve until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the session decides what an interrupt ends
    _die_with_parent()
    control = socket.socket(fileno=descriptor)
    registered: set[str] = set()
    while True:
        request, descriptors, _, _ = socket.recv_fds(control, LARGEST_REQUEST_BYTES, 2)
        if not request:
            return
        wishes = json.loads(request)
        channel, errors = descriptors
        try:
            prepare(wishes, registered)
        except (Exception, SystemExit):  # a conftest that cannot be imported here
            os.write(errors, traceback.format_exc().encode())
        child = os.fork()
        if child == 0:
            control.close()
            _be_child(channel, errors)
        os.close(channel)
        os.close(errors)
        control.send(str(child).encode())
        # Not reaped yet: until the group is ended, its number cannot be another's.
        os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        _end_group(child)
        _, status = os.waitpid(child, 0)
        control.send(str(os.waitstatus_to_exitcode(status)).encode())


def prepare(wishes: dict[str, Any], registered: set[str]) -> None:
    """Import what was asked for; what fails here fails again in the child, which reports it."""
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
        _register_extensions(wishes["extensions"], registered)


def _register_extensions(files: Iterable[tuple[str, str]], registered: set[str]) -> None:
    """Run `pytest_modelbench_register` of the conftests and plugins that have one."""
    from pytest_modelbench.extensions import Extensions

    for name, file in files:
        if file in registered:
            continue
        module = _import_file(name, file)
        module.pytest_modelbench_register(modelbench=Extensions())
        registered.add(file)


def _import_file(name: str, file: str) -> Any:
    """The module in `file`; several conftests share one name, so the file decides."""
    module = sys.modules.get(name)
    if module is not None and getattr(module, "__file__", None) == file:
        return module
    folder = os.path.dirname(file)  # noqa: PTH120 - a conftest may import its neighbours
    if folder not in sys.path:
        sys.path.append(folder)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _be_child(channel: int, errors: int) -> None:
    """Serve cases until told to stop; never returns."""
    status = 1
    try:
        _die_with_parent()
        os.setsid()  # so that whatever the model starts can be ended with it
        os.dup2(errors, 2)
        gc.freeze()  # what was imported is never garbage: collections need not look at it
        from pytest_modelbench.execution.child import serve

        serve(channel)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_group(child: int) -> None:
    try:
        os.killpg(child, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _die_with_parent() -> None:
    """On Linux the kernel then ends this process with the one that started it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]))
