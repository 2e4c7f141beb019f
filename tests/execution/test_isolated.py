"""Each model has a process of its own, and what it does there costs only its own case."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from processes import comes_true, is_running

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

RUNNER = """
import ctypes, multiprocessing, os, resource, signal, subprocess, sys, threading, time
import psutil
from contextlib import suppress
from pathlib import Path
from pytest_modelbench import Runner, Session

HERE = Path(__file__).parent


class Unpicklable(Exception):
    def __init__(self):
        super().__init__("cannot be sent anywhere")
        self.lock = threading.Lock()


class Speechless(Exception):
    def __str__(self):
        raise ValueError("nothing to say")


def misbehave(how):
    if how == "segfault":
        ctypes.string_at(0)
    if how == "kill":  # as the kernel does when there is no memory left
        os.kill(os.getpid(), 9)
    if how == "exit":
        print("leaving now", file=sys.stderr)
        os._exit(3)
    if how == "sysexit":
        sys.exit("enough")
    if how == "unpicklable":
        raise Unpicklable()
    if how == "chatty":
        for stream in (sys.stdout, sys.stderr):
            stream.write("x" * 3_000_000)
            stream.flush()
    if how == "children":
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
        (HERE / "left_behind").write_text(str(child.pid))
        threading.Thread(target=time.sleep, args=(300,)).start()
    if how == "forked":  # a child that outlives it and keeps its descriptors, then the end
        if os.fork() == 0:
            os.setsid()
            time.sleep(60)
            os._exit(0)
        os._exit(4)
    if how == "server":  # the process that forked this one
        os.kill(os.getppid(), 9)
        time.sleep(60)
    if how == "interrupt":
        raise KeyboardInterrupt("not yours to raise")
    if how == "speechless":
        raise Speechless()
    if how == "closes":  # what it did not open, the channel to the session among it
        os.closerange(3, 256)
        time.sleep(300)
    if how == "closes and ends":
        os.closerange(3, 256)
    if how == "half a message":
        for name in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                if os.readlink(f"/proc/self/fd/{name}").startswith("socket"):
                    os.write(int(name), (1000).to_bytes(4, "big") + b"and no more")
        os._exit(5)
    if how == "streams" and sys.stderr is not None:  # once: then others have their numbers
        os.closerange(0, 3)
        sys.stdout.close()
        sys.stderr = None
    if how == "nowhere":
        folder = HERE / "nowhere"
        folder.mkdir(exist_ok=True)
        os.chdir(folder)
        folder.rmdir()
    if how == "umask":
        os.umask(0o777)
    if how == "deaf":
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
    if how == "setsid":
        os.setsid()
    if how == "small files":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if how == "few files":
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    if how == "processor time":
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        while True:
            pass
    if how == "signals":  # as any process has them, and what it starts
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            child = subprocess.Popen(["sleep", "10"])
            child.send_signal(number)
            assert child.wait() == -number
    if how == "ignores":  # what its session does, as under nohup, and no more
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    if how == "orphans":  # that end before it does
        for _ in range(5):
            if os.fork() == 0:
                if os.fork() == 0:
                    os.setsid()
                os._exit(0)
            os.wait()
        server = psutil.Process(os.getppid())
        for _ in range(200):
            if len(server.children()) == 1:
                break
            time.sleep(0.05)
        assert len(server.children()) == 1
    if how == "hang":
        (HERE / "hanging").write_text(str(os.getpid()))
        time.sleep(300)


class Odd(Session):
    def __init__(self, how):
        self.how = how
        if how == "workers":  # which live as long as the model
            self.workers = multiprocessing.get_context("fork").Pool(1)

    def predict(self, batch):
        misbehave(self.how)
        return [str(os.getpid())] * len(batch)


class OddRunner(Runner):
    name = "odd"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Odd(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("odd", OddRunner)
"""


@pytest.fixture
def odd_suite(echo_suite: EchoSuite, pytester: pytest.Pytester) -> Callable[..., Path]:
    def write(*models: str) -> Path:
        file = echo_suite(
            benchmarks=[
                {"id": "first", "runner": "odd", "models": list(models)},
                {"id": "second", "runner": "odd", "models": list(models)},
            ]
        )
        (pytester.path / "conftest.py").write_text(RUNNER)
        return file

    return write


@pytest.mark.parametrize(
    ("how", "cause"),
    [
        ("segfault", "the measuring process was killed by SIGSEGV"),
        ("kill", "the measuring process was killed by SIGKILL"),
        ("exit", "the measuring process ended with exit status 3; its last words: leaving now"),
        ("sysexit", "SystemExit: enough"),
        ("unpicklable", "Unpicklable: cannot be sent anywhere"),
        ("forked", "the measuring process ended with exit status 4"),
        ("closes and ends", "the measuring process ended with exit status 1; its last words: "),
        ("half a message", "the measuring process ended with exit status 5"),
        ("setsid", "PermissionError"),
        ("few files", "Too many open files"),
        ("processor time", "the measuring process was killed by SIGKILL"),
        ("server", "the fork server has ended"),
        ("interrupt", "KeyboardInterrupt: not yours to raise"),
        ("speechless", "Speechless"),
    ],
)
def test_what_breaks_a_model_is_the_error_of_its_own_cases(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs, how: str, cause: str
) -> None:
    odd_suite(how, "fine")
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=2, passed=2)
    for case in runs()[0].cases:
        assert case.status == ("error" if case.model == how else "ok")
        assert case.engine == "isolated"
        if case.model == how:
            assert cause in case.detail
            assert {metric.status for metric in case.metrics.values()} == {"error"}


@pytest.mark.parametrize(
    "how", ["streams", "nowhere", "umask", "deaf", "small files", "signals", "orphans"]
)
def test_what_a_model_changes_about_its_process_harms_no_measurement(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs, how: str
) -> None:
    odd_suite(how, "fine")
    result = pytester.runpytest_subprocess("echo.json", timeout=300)
    result.assert_outcomes(passed=4)
    assert {case.status for case in runs()[0].cases} == {"ok"}


@pytest.mark.slow
def test_these_tests_hold_under_nohup_and_in_the_background_of_a_shell() -> None:
    """There hang-ups and interrupts are ignored, which whatever is started inherits."""
    test = f"{__file__}::test_what_a_model_changes_about_its_process_harms_no_measurement[signals]"
    done = session_that_ignores("HUP INT", test, "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout


def test_what_a_session_ignores_its_models_ignore_too(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    """So that `nohup` holds for all that it was meant for."""
    odd_suite("ignores")
    done = session_that_ignores("HUP", "echo.json", folder=pytester.path)
    assert done.returncode == 0, done.stdout


def session_that_ignores(
    signals: str, *arguments: str, folder: Path | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    return subprocess.run(
        ["sh", "-c", f'trap "" {signals}; exec "$@"', "sh", *command],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_megabytes_of_output_do_no_harm(pytester: pytest.Pytester, odd_suite: EchoSuite) -> None:
    odd_suite("chatty")
    result = pytester.runpytest_subprocess("echo.json", "-q")
    result.assert_outcomes(passed=2)
    assert len(result.stdout.str()) < 10_000


def test_what_a_model_leaves_running_is_ended_with_it(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    odd_suite("children")
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    left = int((pytester.path / "left_behind").read_text())
    assert not is_running(left)


def test_a_model_with_forked_workers_does_not_wait_for_them(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    odd_suite("workers", "fine")
    pytester.runpytest_subprocess("echo.json", timeout=300).assert_outcomes(passed=4)


def test_one_process_serves_all_cases_of_a_model_and_no_other(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("one", "two")
    pytester.runpytest_subprocess("echo.json", timeout=300).assert_outcomes(passed=4)
    loads = {
        (case.model, case.metrics["model_load_seconds"].value): case.metrics
        for case in runs()[0].cases
    }
    assert len(loads) == 2
    reused = [
        case.metrics["model_load_seconds"].metadata.get("reused", False) for case in runs()[0].cases
    ]
    assert reused == [False, False, True, True]


def test_inline_runs_in_the_session_itself(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("fine")
    result = pytester.runpytest_inprocess("echo.json", "--suite-engine=inline")
    result.assert_outcomes(passed=2)
    assert {case.engine for case in runs()[0].cases} == {"inline"}


def session_with_a_hanging_model(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A session in the middle of measuring, and the process id of its measuring process."""
    session = subprocess.Popen(
        [sys.executable, "-m", "pytest", "echo.json", "--suite-output=run.json"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    marker = folder / "hanging"
    for _ in range(600):
        if marker.exists() and marker.read_text():
            return session, int(marker.read_text())
        time.sleep(0.05)
    session.kill()
    raise AssertionError("the model never began to hang")


def gone(process_id: int, seconds: float = 10.0) -> bool:
    return comes_true(lambda: not is_running(process_id), seconds)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_the_measuring_process_and_writes_a_valid_run(
    pytester: pytest.Pytester, odd_suite: EchoSuite, number: signal.Signals
) -> None:
    from pytest_modelbench import BenchmarkRun

    odd_suite("fine", "hang")
    session, measuring = session_with_a_hanging_model(pytester.path)
    if number == signal.SIGINT:
        os.killpg(session.pid, number)  # as a terminal does: to all of them
    else:
        session.send_signal(number)
    assert session.wait(30) == pytest.ExitCode.INTERRUPTED
    assert gone(measuring)
    run = BenchmarkRun.load(pytester.path / "run.json")
    assert [case.status for case in run.cases] == ["ok", "skipped", "ok", "skipped"]


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal")
def test_a_killed_session_leaves_no_process_behind(
    pytester: pytest.Pytester, odd_suite: EchoSuite
) -> None:
    odd_suite("hang")
    session, measuring = session_with_a_hanging_model(pytester.path)
    others = [child.pid for child in psutil.Process(session.pid).children(recursive=True)]
    session.kill()
    session.wait(10)
    assert measuring in others
    assert all(gone(process_id) for process_id in others)


def test_peak_ram_does_not_depend_on_what_was_measured_before(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    odd_suite("one", "two")
    pytester.runpytest("echo.json").assert_outcomes(passed=4)
    first, second = (case.metrics["peak_ram_mb"].value for case in runs()[0].cases[:2])
    assert second == pytest.approx(first, rel=0.1)


def limited(file: Path, model: str) -> None:
    """Five seconds for `model` alone, when another has imported all; and a third comes after it."""
    suite = json.loads(file.read_text())
    suite["benchmarks"] = [
        {"id": f"{name}-{one}", "runner": "odd", "model": one}
        | ({"measure": {"timeout_seconds": 5.0}} if one == model else {})
        for name in ("first", "second")
        for one in ("fine", model, "after")
    ]
    file.write_text(json.dumps(suite))


def test_a_case_that_takes_too_long_is_ended_and_the_next_one_runs(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    limited(odd_suite("hang"), "hang")
    pytester.runpytest("echo.json").assert_outcomes(failed=2, passed=4)
    hanging = next(case for case in runs()[0].cases if case.model == "hang")
    assert hanging.detail == "not done after 5 s (measure.timeout_seconds): its process was ended"
    assert gone(int((pytester.path / "hanging").read_text()))


def test_a_model_that_closes_its_channel_does_not_escape_the_timeout(
    pytester: pytest.Pytester, odd_suite: EchoSuite, runs: Runs
) -> None:
    limited(odd_suite("closes"), "closes")
    pytester.runpytest_subprocess("echo.json", timeout=300).assert_outcomes(failed=2, passed=4)
    closing = next(case for case in runs()[0].cases if case.model == "closes")
    assert closing.detail == (
        "the measuring process closed its channel to the session and was not done after 5 s "
        "(measure.timeout_seconds): it was ended"
    )


@pytest.mark.slow
def test_waiting_for_a_turn_does_not_count_towards_the_timeout(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """The patient model is loaded when the long call of another session takes the host."""
    from pytest_modelbench import BenchmarkRun

    timeout = 6.0
    measure = {"min_samples": 1, "min_seconds": 0, "warmup": 0, "timeout_seconds": timeout}
    one_row = {"source": "jsonl", "path": "data.jsonl", "max_samples": 1}
    for name in ("patient", "long"):
        echo_suite(
            f"{name}.json",
            benchmarks=[{"id": name, "runner": "turns", "model": name}],
            dataset=one_row,
            measure={**measure, "timeout_seconds": timeout if name == "patient" else 60},
        )
    (pytester.path / "conftest.py").write_text(
        """
import time
from pathlib import Path
from pytest_modelbench import Runner, Session

HERE = Path(__file__).parent


class Turn(Session):
    def __init__(self, name):
        self.name, self.called = name, False

    def prepare(self, sample):
        if self.name == "long":
            (HERE / "long-is-ready").touch()
            for _ in range(3000):
                if (HERE / "patient-is-loading").exists():
                    break
                time.sleep(0.01)
        return sample.input

    def predict(self, batch):
        if self.name == "long" and not self.called:
            time.sleep(8)
        self.called = True
        return batch


class TurnRunner(Runner):
    name = "turns"
    input_kind = "text"

    def load(self, candidate, device, params):
        if candidate.version == "patient":
            (HERE / "patient-is-loading").touch()
            time.sleep(3)  # meanwhile the other queues up
        return Turn(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("turns", TurnRunner)
"""
    )
    environment = {**os.environ, "TMPDIR": str(pytester.path)}  # locks of their own

    def session(name: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", f"{name}.json", f"--suite-output={name}-run.json"],
            cwd=pytester.path,
            env=environment,
            stdout=subprocess.DEVNULL,
        )

    sessions = [session("long")]
    try:
        for _ in range(600):
            if (pytester.path / "long-is-ready").exists():
                break
            time.sleep(0.05)
        sessions.append(session("patient"))
        assert [one.wait(300) for one in sessions] == [0, 0]
    finally:
        for one in sessions:
            one.kill()
            one.wait()
    (case,) = BenchmarkRun.load(pytester.path / "patient-run.json").cases
    assert case.status == "ok"
    assert case.conditions.waited_seconds > timeout > case.duration_seconds


def test_an_interruption_in_the_middle_of_an_import_costs_no_other_case(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """The fork server's late answer to the first case must not be taken for one to the second."""
    echo_suite(benchmarks=[{"id": "b", "runner": "slow", "models": ["slow", "one", "two"]}])
    (pytester.path / "slow_library.py").write_text("import time\ntime.sleep(4)\n")
    (pytester.path / "conftest.py").write_text(
        """
import signal
import pytest
from pytest_modelbench import Requirement, Runner, Session


class Same(Session):
    def predict(self, batch):
        return batch


class Slow(Runner):
    name = "slow"
    input_kind = "text"

    def requirements(self, params):
        return [Requirement("slow_library")]

    def load(self, candidate, device, params):
        return Same()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("slow", Slow)


@pytest.fixture(autouse=True)
def limit(model):
    def over(number, frame):
        pytest.fail("interrupted")

    if model.version == "slow":
        signal.signal(signal.SIGALRM, over)
        signal.alarm(2)
    yield
    signal.alarm(0)
"""
    )
    result = pytester.runpytest_subprocess("echo.json")
    result.assert_outcomes(failed=1, passed=2)
    assert [case.status for case in runs()[0].cases] == ["error", "ok", "ok"]


def test_the_increase_of_memory_counts_from_before_the_model_was_loaded(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """Also for the second case that the loaded model serves."""
    benchmarks = [{"id": name, "runner": "big", "model": "one"} for name in ("first", "second")]
    echo_suite(benchmarks=benchmarks)
    (pytester.path / "conftest.py").write_text(
        """
from pytest_modelbench import Runner, Session


class Big(Session):
    def __init__(self):
        self.weights = b"x" * 100_000_000

    def predict(self, batch):
        return batch


class BigRunner(Runner):
    name = "big"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Big()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("big", BigRunner)
"""
    )
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    for case in runs()[0].cases:
        assert case.metrics["ram_increase_mb"].value == pytest.approx(100, rel=0.05)


FORKING = """
import os, sys
from pytest_modelbench import Runner, Session


class Forking(Session):
    def __init__(self, how):
        self.how, self.times = how, 0

    def predict(self, batch):
        self.times += 1
        if self.times == 2 and os.fork() == 0:
            if self.how == "exits":
                sys.exit(0)
            if self.how == "raises":
                raise RuntimeError("only in the copy")
        return [text.upper() for text in batch]


class Forker(Runner):
    name = "forker"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        return Forking(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("forker", Forker)
"""


@pytest.mark.parametrize("how", ["returns", "exits", "raises"])
def test_a_copy_of_the_process_that_comes_back_has_no_say(
    pytester: pytest.Pytester, echo_suite: Callable[..., Path], runs: Runs, how: str
) -> None:
    """Several cases share the model: each has its own answer, none another's, none is lost."""
    benchmarks = [
        {"id": name, "runner": "forker", "model": how, "measure": {"min_samples": count}}
        for name, count in (("four", 4), ("seven", 7), ("nine", 9))
    ]
    echo_suite(benchmarks=benchmarks)
    (pytester.path / "conftest.py").write_text(FORKING)
    pytester.runpytest("echo.json").assert_outcomes(passed=3)
    counts = {
        case.benchmark: case.metrics["p50_latency_ms"].metadata["samples"]
        for case in runs()[0].cases
    }
    assert counts == {"four": 4, "seven": 7, "nine": 9}
