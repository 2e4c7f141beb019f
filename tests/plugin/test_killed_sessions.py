"""Sessions that are killed: nothing that was measured is lost, and nothing of it is asked again."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from processes import is_running
from slow_teller import Tale, kill_all, newest, newest_run, until

from pytest_modelbench.recording.recover import recover
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.runs.journal import read_journal

pytestmark = pytest.mark.slow


@pytest.fixture
def tale(tmp_path: Path) -> Tale:
    return Tale(tmp_path)


def figures(run: BenchmarkRun) -> list[object]:
    """All that must be the same, however often a session was killed."""
    return [
        (
            case.id,
            case.status,
            case.fingerprint,
            case.samples.ids if case.samples else None,
            case.samples.outputs if case.samples else None,
            case.metrics["exact_match"].value,
        )
        for case in run.cases
    ]


def undisturbed(tale: Tale) -> list[object]:
    out = tale.run()
    assert "2 passed" in out, out
    found = figures(newest_run())
    tale.forget_asked()
    return found


def test_what_a_killed_session_had_measured_is_recovered_and_not_asked_again(tale: Tale) -> None:
    expected = undisturbed(tale)
    process = tale.start()
    until(lambda: len(tale.asked("m1")) >= 12)
    kill_all(process)
    killed = newest()
    assert killed.state() == "unfinished"
    assert len(tale.asked("m0")) == 30 + 1  # and the warm-up call
    _, run, faults = recover(killed)
    assert faults == []
    first, second = run.cases
    assert figures(run)[0] == expected[0]
    assert (first.status, second.status) == ("ok", "skipped")
    assert second.detail == "unfinished: the session ended while it was measured"
    asked_before = tale.asked("m1")
    tale.forget_asked()
    out = tale.run(f"--suite-resume={killed.run_id}")
    assert "2 passed" in out, out
    resumed = newest_run()
    assert figures(resumed) == expected
    assert tale.asked("m0") == []
    asked_now = tale.asked("m1")[1:]  # the first is the warm-up call
    assert len(asked_now) < 30
    first, second = resumed.cases
    (whole,), (part,) = first.taken_over, second.taken_over
    assert (whole.run_id, whole.what, whole.samples) == (killed.run_id, "case", None)
    assert (part.run_id, part.what) == (killed.run_id, "samples")
    assert part.samples == 30 - len(asked_now)
    # What was asked twice was answered within the last block, which had yet to be kept.
    assert len(set(asked_before[1:]) & set(asked_now)) <= 12
    assert second.timing is not None
    assert len(second.timing.durations_ns()) == len(asked_now)  # never those of two sessions
    assert f"taken over from {killed.run_id}" in out


def test_a_model_that_is_killed_is_retried_from_where_it_was(tale: Tale) -> None:
    expected = undisturbed(tale)
    process = tale.start()
    until(lambda: len(tale.asked("m0")) >= 12)
    line = (tale.folder / "asked-m0.txt").read_text().splitlines()[0]
    os.kill(int(line.split()[0]), signal.SIGKILL)
    assert process.wait(300) == 1
    broken = newest()
    assert [case.status for case in newest_run().cases] == ["error", "ok"]
    tale.forget_asked()
    out = tale.run(f"--suite-retry-failed={broken.run_id}")
    assert "2 passed" in out, out
    assert figures(newest_run()) == expected
    assert tale.asked("m1") == []
    assert len(tale.asked("m0")) < 30


def test_parallel_workers_end_with_the_session_that_started_them(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    tale = Tale(tmp_path, models=4, samples=200)
    process = tale.start("-n", "2")
    until(lambda: any(len(tale.asked(one)) >= 12 for one in ("m0", "m2")))
    whole = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert whole
    until(lambda: not any(is_running(one.pid) for one in whole))
    assert all(len(tale.asked(one)) < 200 for one in tale.models)


def test_parallel_workers_lose_nothing_either(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    tale = Tale(tmp_path, models=4)
    assert "4 passed" in tale.run()
    expected = figures(newest_run())
    tale.forget_asked()
    process = tale.start("-n", "2")
    until(lambda: any(len(tale.asked(one)) >= 12 for one in ("m1", "m3")))
    kill_all(process)
    killed = newest()
    tale.forget_asked()
    out = tale.run("-n", "2", "--suite-resume=last")
    assert "4 passed" in out, out
    assert figures(newest_run()) == expected
    again = [name for name in tale.models if len(tale.asked(name)) > 30]
    assert len(again) <= 2, again
    assert all(case.taken_over[0].run_id == killed.run_id for case in newest_run().cases[:1])


def test_what_a_resumed_session_had_yet_to_take_over_is_not_lost_with_it(tale: Tale) -> None:
    """It is killed as soon as it has a directory."""
    expected = undisturbed(tale)
    process = tale.start()
    until(lambda: len(tale.asked("m1")) >= 20)
    kill_all(process)
    for _ in range(2):
        before = newest().run_id
        process = tale.start("--suite-resume=last")
        until(lambda: newest().run_id != before)  # noqa: B023 - called at once
        kill_all(process)
    tale.forget_asked()
    assert "2 passed" in tale.run("--suite-resume=last")
    assert figures(newest_run()) == expected
    assert tale.asked("m0") == []
    assert len(tale.asked("m1")) < 30


def test_answers_that_were_taken_over_survive_a_second_kill(tale: Tale) -> None:
    """In the rounds that are for timing alone."""
    tale.models = tale.models[:1]
    tale.write(seconds=0.02, min_samples=100_000)
    process = tale.start()
    until(lambda: len(tale.asked("m0")) >= 40)
    kill_all(process)
    for _ in range(2):
        tale.forget_asked()
        process = tale.start("--suite-resume=last")
        until(lambda: len(tale.asked("m0")) >= 5)
        kill_all(process)
    (file,) = newest().answers.iterdir()
    assert sum(len(event.get("answers", ())) for event in read_journal(file)) == 30


def test_killed_at_random_again_and_again_it_comes_to_the_same_end(tmp_path: Path) -> None:
    tale = Tale(tmp_path, models=3)
    assert "3 passed" in tale.run()
    expected = figures(newest_run())
    draw = random.Random(5)
    more: list[str] = []
    for _ in range(6):
        known = newest().run_id
        process = tale.start(*more)
        until(lambda: newest().run_id != known)  # noqa: B023 - called at once
        with suppress(subprocess.TimeoutExpired):
            process.wait(draw.uniform(0.0, 1.6))
        if process.poll() is None:
            kill_one_of(process, draw)
        more = ["--suite-resume=last"]
    out = tale.run(*more)
    assert "3 passed" in out, out
    assert figures(newest_run()) == expected


def kill_one_of(process: subprocess.Popen[bytes], draw: random.Random) -> None:
    """The session, its fork server or what measures; then the session ends, or is killed, too."""
    family = [process.pid]
    family += [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
    with suppress(ProcessLookupError):
        os.kill(draw.choice(family), signal.SIGKILL)
    if draw.random() < 0.5:
        kill_all(process)
    else:
        process.wait(300)
