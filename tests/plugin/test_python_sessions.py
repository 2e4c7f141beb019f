"""Sessions of tests with the `modelbench` fixture: turns, interrupts, dying workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("xdist")

Runs = Callable[[], list]

TRACING = """
import os, time
from pathlib import Path

import pytest

TRACE = Path(__file__).parent / "trace"


def note(word):
    with TRACE.open("a") as file:
        file.write(f"{word} {os.getpid()} {time.monotonic_ns()}\\n")


def work():
    note("work")
    time.sleep(0.03)
    note("worked")


@pytest.mark.parametrize("number", range(6))
def test_it(modelbench, number):
    def call(one):
        note("call")
        time.sleep(0.003)
        note("called")
        return 1 / one

    work()
    modelbench.measure(call, [1], min_samples=8, min_seconds=0, warmup=2)
    work()
    with pytest.raises(ZeroDivisionError):
        modelbench.measure(call, [1, 0], min_seconds=0, warmup=2, name="failing")
    work()
"""


def spans(lines: list[list[str]], begin: str, end: str) -> list[tuple[str, int, int]]:
    """Process, start and end of each stretch between the two words."""
    found, open_ = [], {}
    for word, process, when in lines:
        if word == begin:
            open_[process] = int(when)
        elif word == end:
            found.append((process, open_.pop(process), int(when)))
    return found


def crossings(one: list[tuple[str, int, int]], other: list[tuple[str, int, int]]) -> int:
    return sum(a[0] != b[0] and a[1] < b[2] and b[1] < a[2] for a in one for b in other)


def test_what_a_test_does_besides_is_not_beside_the_timed_calls_of_others(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(TRACING)
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=6)
    lines = [line.split() for line in (pytester.path / "trace").read_text().splitlines()]
    lines.sort(key=lambda line: int(line[2]))
    calls, works = spans(lines, "call", "called"), spans(lines, "work", "worked")
    assert len({process for process, _, _ in calls}) == 2
    assert len(works) == 6 * 3
    assert crossings(calls, calls) == 0
    assert crossings(calls, works) == 0
    (run,) = runs()
    # Each of them waits for the other's turns, outside its function as well.
    assert sum(case.conditions.waited_seconds for case in run.cases) > 0
    assert all(0.09 < case.duration_seconds < 60 for case in run.cases)


RECORDING = """
import os
from pathlib import Path

import pytest


@pytest.hookimpl(trylast=True)
def pytest_runtest_logreport(report):
    parcel = getattr(report, "modelbench", ())
    if "results" in parcel and not os.environ.get("PYTEST_XDIST_WORKER"):
        Path("recorded").touch()
"""

LONG = """
import time
from pathlib import Path


def test_measures(modelbench):
    modelbench.measure(str, [1], min_samples=3, min_seconds=0, warmup=0)


def test_takes_long():
    Path("ready").touch()
    for _ in range(600):
        if Path("stop").exists():
            break
        time.sleep(0.1)
"""


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]])
def test_a_termination_of_a_session_that_began_to_record_late_leaves_its_run(
    pytester: pytest.Pytester, runs: Runs, arguments: list[str]
) -> None:
    """No suite and no option says that there will be a run: its first test does."""
    pytester.makeconftest(RECORDING)
    pytester.makepyfile(LONG)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    session = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL)
    try:
        waits_for(pytester.path / "recorded", session)
        waits_for(pytester.path / "ready", session)
        session.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        (pytester.path / "stop").touch()
        assert session.wait(300) == pytest.ExitCode.INTERRUPTED
    finally:
        session.kill()
        session.wait(10)
    (run,) = runs()
    assert [(case.benchmark, case.status) for case in run.cases] == [("test_measures", "ok")]


def waits_for(file: Path, session: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not file.exists():
        assert time.monotonic() < deadline, f"{file.name} was never there"
        assert session.poll() is None, "the session ended"
        time.sleep(0.02)


def test_a_termination_means_after_a_session_what_it_meant_before(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(
        """
        import signal

        def test_it(modelbench):
            assert signal.getsignal(signal.SIGTERM) is not BEFORE

        BEFORE = signal.getsignal(signal.SIGTERM)
        """
    )
    before = signal.getsignal(signal.SIGTERM)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert signal.getsignal(signal.SIGTERM) is before
    assert len(runs()) == 1


def test_a_test_that_ends_its_worker_is_in_the_run(pytester: pytest.Pytester, runs: Runs) -> None:
    pytester.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_it(modelbench, number):
            modelbench.metric("number", number)
            if number == 1:
                os._exit(3)
        """
    )
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=3, failed=1)
    (run,) = runs()
    assert {case.params["number"]: case.status for case in run.cases} == {
        0: "ok", 1: "error", 2: "ok", 3: "ok",
    }  # fmt: skip
    dead = run.case("test_it[1]")
    assert "crashed while running" in dead.detail
    assert {metric.status for metric in dead.metrics.values()} == {"error"}


def test_a_test_file_is_not_read_for_each_of_its_tests(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("number", range(20))
        def test_it(modelbench, number):
            pass
        """
    )
    read: list[Path] = []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: (read.append(self), read_bytes(self))[1])
    pytester.runpytest_inprocess().assert_outcomes(passed=20)
    assert 0 < read.count(file) < 5


def test_what_only_begins_its_work_when_called_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import asyncio

        async def later(x):
            await asyncio.sleep(0.05)

        def lazily(x):
            yield x

        def test_coroutine_function(modelbench):
            modelbench.measure(later, [1])

        def test_coroutine(modelbench):
            modelbench.measure(lambda x: later(x), [1], warmup=0)

        def test_generator_function(modelbench):
            modelbench.measure(lazily, [1])
        """
    )
    result = pytester.runpytest_subprocess("-W", "ignore::RuntimeWarning")
    result.assert_outcomes(failed=3)
    assert result.stdout.str().count("whose work is not done when it returns") >= 3


def test_a_call_that_measures_and_a_measurement_after_the_end_are_refused(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        """
        import pytest

        def test_nested(modelbench):
            modelbench.measure(lambda x: modelbench.measure(len, ["a"]), [1])

        @pytest.fixture
        def late(modelbench):
            yield
            modelbench.metric("accuracy", 0.1, min=0.9)

        def test_late(late):
            pass
        """
    )
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(failed=1, passed=1, errors=1)
    result.stdout.fnmatch_lines(["*was called inside a call that is timed*"])
    result.stdout.fnmatch_lines(["*was called after its test had ended*"])


def test_texts_that_are_none_do_not_end_the_session(pytester: pytest.Pytester, runs: Runs) -> None:
    name = os.fsencode(pytester.path) + b"/test_\xff_x.py"
    with open(name, "w") as file:  # noqa: PTH123 - a name that no Path of text has
        file.write(
            "def test_raises(modelbench):\n    raise RuntimeError('boom \\udcff')\n"
            "def test_name(modelbench):\n    modelbench.metric('s\\udcff', 1)\n"
            "def test_unit(modelbench):\n    modelbench.metric('s', 1, unit='\\udcff')\n"
            "def test_good(modelbench):\n    modelbench.metric('s', 1)\n"
        )
    # Without pytest's own cache, which cannot write such a name.
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=pytester.path, capture_output=True, timeout=300)
    assert "3 failed, 1 passed" in done.stdout.decode("utf-8", "replace")
    assert len(runs()[0].cases) == 4


def test_a_result_that_cannot_be_recorded_ends_no_session_where_warnings_are_errors(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(
        """
        import pytest

        class Unspeakable:
            def __str__(self):
                raise ValueError("no words")

        @pytest.mark.parametrize("what", [Unspeakable(), 2], ids=["bad", "good"])
        def test_it(modelbench, what):
            modelbench.metric("a", 1)
        """
    )
    result = pytester.runpytest_subprocess("-W", "error")
    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["not in the run: ValueError: no words"])
    assert [case.params for case in runs()[0].cases] == [{"what": 2}]


def test_a_test_whose_teardown_fails_is_an_error_and_keeps_its_metrics(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.fixture
        def broken():
            yield
            raise ValueError("at the end")

        def test_it(broken, modelbench):
            modelbench.metric("accuracy", 1.0)
        """
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=1, errors=1)
    (case,) = runs()[0].cases
    assert (case.status, case.detail) == ("error", "ValueError: at the end")
    assert case.metrics["accuracy"].value == 1.0


def test_what_a_hook_of_the_user_parametrizes_is_left_alone(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        def pytest_generate_tests(metafunc):
            if "device" in metafunc.fixturenames:
                metafunc.parametrize("device", ["mine"])
        """
    )
    pytester.makepyfile("def test_it(modelbench, device):\n    assert device == 'mine'")
    pytester.runpytest_subprocess().assert_outcomes(passed=1)
