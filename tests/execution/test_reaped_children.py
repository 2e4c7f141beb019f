"""Orphans that have ended are forgotten; the child itself is waited for by who watches it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="orphans are adopted on Linux only")

WATCHING = """
import os
from pytest_modelbench.execution.descendants import Descendants, adopt_orphans

adopt_orphans()
descendants = Descendants()
told, tell = os.pipe()
child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        os.setsid()
        os.write(tell, str(os.getpid()).encode())
        os._exit(0)
    os._exit(3)
orphan = int(os.read(told, 64))
for one in (child, orphan):  # until it has ended, and become ours
    while True:
        try:
            os.waitid(os.P_PID, one, os.WEXITED | os.WNOWAIT)
            break
        except ChildProcessError:
            pass
descendants.reap(child)
assert not os.path.exists(f"/proc/{orphan}")
print(descendants.end(child))
"""


def test_a_child_that_ends_just_now_is_not_taken_for_an_orphan() -> None:
    said = subprocess.run(
        [sys.executable, "-c", WATCHING], capture_output=True, text=True, timeout=300
    )
    assert said.stdout == "3\n", said.stderr
