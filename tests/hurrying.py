"""A plugin that ends the time of a session once models are asleep, which note that in a file."""

HURRY = """
# The time is over as soon as so many have fallen asleep, however long a busy machine takes for it.
import os, signal, threading, time
from pathlib import Path

import pytest

FILE = Path(__file__).parent / "pids"
# A controller whose workers have all ended by themselves may not listen any more.
signal.signal(signal.SIGRTMIN, lambda number, frame: None)


def count():
    return len(FILE.read_text().splitlines()) if FILE.exists() else 0


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session):
    plugins = session.config.pluginmanager.get_plugins()
    (limit,) = [one for one in plugins if type(one).__name__ == "SessionTime"]
    main = threading.main_thread().ident

    def hurry():
        while count() < int(os.environ["HURRY"]):
            time.sleep(0.02)
        limit._end_s = time.monotonic()
        signal.pthread_kill(main, signal.SIGRTMIN)

    threading.Thread(target=hurry, daemon=True).start()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item):
    if "NOTE_CALLS" in os.environ:
        FILE.write_text("a call has begun\\n")
"""
