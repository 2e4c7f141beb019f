"""Sessions whose models answer over HTTP: what is asked, what is measured, what is kept."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from client_health import FAULTY, INNOCENT, judge_clients_by
from openai_server import Call, OpenaiServer, Reply, openai_server, parrot, whole
from processes import comes_true, is_running

from pytest_modelbench.results.run import BenchmarkRun, CaseResult

pytest.importorskip("httptools")
Runs = Callable[[], list[BenchmarkRun]]
SECONDS = 300
ROWS = 12


@pytest.fixture
def server() -> Iterator[OpenaiServer]:
    with openai_server() as one:
        yield one


@pytest.fixture
def chat(pytester: pytest.Pytester, server: OpenaiServer) -> Callable[..., None]:
    """A suite that asks the server for every row of a dataset."""

    def write(load: Any = None, rows: int = ROWS, params: Any = None, **fields: Any) -> None:
        lines = [{"q": f"row {number}", "a": f"ROW {number}"} for number in range(rows)]
        (pytester.path / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
        benchmark: dict[str, Any] = {
            "id": "talk",
            "runner": "chat_api",
            "model": "parrot",
            "params": {"base_url": f"{server.url}/v1", **(params or {})},
            "quality": ["exact_match"],
        }
        if load is not None:
            benchmark["load"] = load
        suite = {
            "id": "chat",
            "dataset": {
                "source": "jsonl",
                "path": "rows.jsonl",
                "input_column": "q",
                "reference_column": "a",
                "max_samples": rows,
            },
            "benchmarks": [{**benchmark, **fields.pop("benchmark", {})}],
            **fields,
        }
        (pytester.path / "chat.json").write_text(json.dumps(suite))

    return write


def asked(server: OpenaiServer) -> Counter[str]:
    """How often each row was asked."""
    return Counter(call.json["messages"][-1]["content"] for call in server.calls)


def only_case(runs: Runs) -> CaseResult:
    return runs()[-1].cases[0]


def without_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A place of a closed loop whose requests fail at once rests for ever longer."""
    monkeypatch.setattr("pytest_modelbench.load.closed_loop._LONGEST_REST_SECONDS", 0.0)


def test_every_sample_is_asked_once_and_measured(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    chat({"concurrency": 3})
    result = pytester.runpytest("chat.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        ["*talk?parrot-endpoint?*", "exact_match *", "p50 TTFT ms *", "requests/s *"]
    )
    assert asked(server) == {f"row {number}": 1 for number in range(ROWS)}
    case = only_case(runs)
    metrics = case.metrics
    assert case.device == "endpoint"
    assert metrics["exact_match"].value == 1.0
    assert metrics["request_count"].value == metrics["success_count"].value == ROWS
    assert metrics["peak_concurrency"].value <= 3
    assert metrics["p50_ttft_ms"].value <= metrics["p50_latency_ms"].value
    assert metrics["tokens_per_sec"].value == metrics["output_tokens_per_second"].value > 0
    assert metrics["output_tokens_per_second"].metadata["counted_by"] == "usage"
    assert metrics["peak_ram_mb"].status == "skipped"
    assert case.timing is not None
    assert len(case.timing.durations_ns()) == ROWS
    assert case.load is not None
    assert (case.load.mode, len(case.load.stages)) == ("closed", 1)
    assert case.load.ttft is not None


def test_without_a_load_one_request_is_under_way_at_a_time(
    pytester: pytest.Pytester, chat: Callable[..., None], runs: Runs
) -> None:
    chat()
    pytester.runpytest("chat.json").assert_outcomes(passed=1)
    assert only_case(runs).metrics["peak_concurrency"].value == 1


def test_an_open_loop_goes_round_the_dataset(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    chat({"rate": 200, "arrival": "poisson", "requests": 30, "warmup_requests": 4})
    pytester.runpytest("chat.json").assert_outcomes(passed=1)
    counts = asked(server)
    assert sum(counts.values()) == 34
    assert set(counts) == {f"row {number}" for number in range(ROWS)}
    case = only_case(runs)
    assert case.metrics["request_count"].value == 30
    assert case.metrics["sample_count"].value == ROWS
    assert case.timing is not None
    assert (len(case.timing.warmup_ns()), len(case.timing.durations_ns())) == (4, 30)
    assert case.load is not None
    assert case.load.mode == "open"


def test_answers_that_differ_from_one_time_to_the_next_are_told(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None]
) -> None:
    def answer(call: Call) -> Reply:
        """Row 1 is answered in another way each time."""
        asked = call.json
        if asked["messages"][-1]["content"] == "row 1":
            asked["messages"][-1]["content"] += f" {len(server.calls)}"
        return parrot(Call(call.path, call.headers, json.dumps(asked).encode()))

    server.answer = answer
    chat({"concurrency": 1, "requests": 2 * ROWS + 3})
    result = pytester.runpytest("chat.json")
    result.stdout.fnmatch_lines([f"talk*: 1 of {ROWS} samples that were asked again were answ*"])
    server.answer = parrot
    pytester.runpytest("chat.json").stdout.no_fnmatch_line("*that were asked again*")


def test_samples_that_no_request_was_left_for_are_not_counted_as_failed(
    pytester: pytest.Pytester, chat: Callable[..., None], runs: Runs
) -> None:
    chat({"requests": 5})
    pytester.runpytest("chat.json").assert_outcomes(passed=1)
    metrics = only_case(runs).metrics
    assert (metrics["sample_count"].value, metrics["failure_count"].value) == (5, 0)


def test_a_sweep_tells_of_every_rate(
    pytester: pytest.Pytester,
    chat: Callable[..., None],
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge_clients_by(INNOCENT, monkeypatch)
    chat({"sweep": {"rates": [20, 40]}, "requests": 10, "slo": {"p95_latency_ms": 60_000}})
    result = pytester.runpytest("chat.json", "--suite-engine=inline")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(
        [
            "talk?parrot-endpoint?: sweep (constant), * at each rate, or more*: the case's *",
            "talk?parrot-endpoint?: 20 requests/s*: * requests/s sent, * answered, p95 latency * "
            "ms (at most 60000)*",
            "talk?parrot-endpoint?: 40 requests/s*: * requests/s sent, * answered, p95 latency *",
        ]
    )
    load = only_case(runs).load
    assert load is not None
    assert {stage.rate for stage in load.stages} == {20, 40}
    # Ten are too few to tell anything by.
    assert all(stage.requests >= 20 for stage in load.stages)


def test_several_addresses_are_told_apart(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    with openai_server() as other:
        urls = [f"{server.url}/v1", f"{other.url}/v1"]
        chat({"concurrency": 1}, params={"base_url": None, "endpoints": urls})
        result = pytester.runpytest("chat.json")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines([f"talk*: {server.url}/*: 6 requests, 0 failed, p50 * ms"])
    load = only_case(runs).load
    assert load is not None
    assert {name: one.requests for name, one in load.addresses.items()} == {
        f"{url}/chat/completions": 6 for url in urls
    }


def test_a_failed_sample_is_told_and_its_answers_count_as_wrong(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    def answer(call: Call) -> Reply:
        if call.json["messages"][-1]["content"] == "row 3":
            return whole({"error": {"message": "row 3 is forbidden"}}, status=403)
        return parrot(call)

    server.answer = answer
    chat()
    result = pytester.runpytest("chat.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*1 of 12 samples failed, the first with: *row 3 is forbidden*"])
    assert asked(server)["row 3"] == 1  # nothing that is forbidden is tried again
    case = only_case(runs)
    assert case.metrics["failed_request_count"].value == 1
    assert case.metrics["exact_match"].value == pytest.approx(11 / 12)
    assert case.load is not None
    assert list(case.load.errors.values()) == [1]


def test_a_server_that_is_not_there_is_told_in_one_sentence(
    pytester: pytest.Pytester, chat: Callable[..., None], runs: Runs
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        chat({"retries": 0}, params={"base_url": f"http://127.0.0.1:{port}/v1"})
        result = pytester.runpytest("chat.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"*none of the first 3 requests was answered*127.0.0.1:{port}*"])
    case = only_case(runs)
    assert case.status == "error"
    assert "Traceback" not in result.stdout.str()


def test_figures_that_are_the_clients_fault_are_flagged_and_judge_nothing(
    pytester: pytest.Pytester,
    chat: Callable[..., None],
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judge_clients_by(FAULTY, monkeypatch)
    chat({"rate": 100, "requests": 20}, criteria=[{"metric": "p50_latency_ms", "max": 60_000}])
    result = pytester.runpytest("chat.json", "--suite-engine=inline", "--suite-strict")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["talk*: its figures say how fast the client was: the client*"])
    case = only_case(runs)
    assert case.metrics["p50_latency_ms"].metadata["flag"] == "client_limited"
    assert "flag" not in case.metrics["request_count"].metadata
    assert [check.outcome for check in case.bounds] == ["inconclusive"]
    assert "the client was the bottleneck" in case.bounds[0].message


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"benchmark": {"device": "GPU"}}, "has no device but 'endpoint'"),
        ({"compare": {"baseline": {"model": "other"}}}, "'compare' measures models that are lo"),
        ({"load": {"rate": 5}, "benchmark": {"runner": "embedding_text"}}, "asks no endpoint"),
        ({"load": {"arrival": "poisson"}}, "'arrival' needs 'rate' or 'sweep'"),
        ({"load": {"rate": 0}}, "load.rate"),
        ({"load": {"sweep": {"rates": [1, 2]}}}, "'sweep' needs 'requests' or 'seconds'"),
        ({"load": {"rate": 5, "slo": {}}}, "an empty slo"),
        ({"params": {"api_key": "abc"}}, "keys are read from the environment"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_asked(
    pytester: pytest.Pytester,
    server: OpenaiServer,
    chat: Callable[..., None],
    fields: dict[str, Any],
    words: str,
) -> None:
    chat(**fields)
    result = pytester.runpytest("chat.json")
    assert result.ret != 0
    result.stdout.fnmatch_lines([f"*{words}*"])
    assert not server.calls


def test_a_quick_run_asks_few_samples(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    chat({"rate": 100, "requests": 5_000, "warmup_requests": 100})
    pytester.runpytest("chat.json", "--suite-quick").assert_outcomes(passed=1)
    assert len(server.calls) == 6


def test_a_resumed_session_asks_what_was_not_answered(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    def answer(call: Call) -> Reply:
        number = int(call.json["messages"][-1]["content"].split()[1])
        return parrot(call) if number % 3 else whole({"error": "not now"}, status=400)

    server.answer = answer
    chat()
    pytester.runpytest("chat.json").assert_outcomes(failed=1)
    server.answer = parrot
    server.calls.clear()
    pytester.runpytest("chat.json", "--suite-resume=last").assert_outcomes(passed=1)
    assert asked(server) == {f"row {number}": 1 for number in range(0, ROWS, 3)}
    case = only_case(runs)
    assert case.metrics["exact_match"].value == 1.0
    assert case.metrics["request_count"].value == 4
    assert [one.samples for one in case.taken_over] == [8]


@pytest.mark.slow
@pytest.mark.parametrize("answered", [1, 7, 23])
def test_a_killed_session_has_lost_only_what_was_under_way(
    pytester: pytest.Pytester,
    server: OpenaiServer,
    chat: Callable[..., None],
    runs: Runs,
    answered: int,
) -> None:
    rows = 40
    enough = threading.Event()
    lock = threading.Lock()

    def answer(call: Call) -> Reply:
        with lock:
            is_late = len(server.calls) > answered + 4
        if is_late:
            enough.wait(SECONDS)
        return parrot(call)

    server.answer = answer
    chat({"concurrency": 4}, rows=rows)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "chat.json"]
    session = subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.DEVNULL)
    until = time.monotonic() + SECONDS
    while kept_answers(pytester.path) < answered:
        assert time.monotonic() < until, "it did not come to that"
        time.sleep(0.01)
    family = [one.pid for one in psutil.Process(session.pid).children(recursive=True)]
    os.kill(session.pid, signal.SIGKILL)
    session.wait(SECONDS)
    assert comes_true(lambda: not any(map(is_running, family)))  # what asks ends a moment later
    first = asked(server)
    enough.set()
    server.calls.clear()
    server.answer = parrot
    result = pytester.runpytest("chat.json", "--suite-resume=last")
    result.assert_outcomes(passed=1)
    again = asked(server)
    assert set(again.values()) == {1}
    assert set(first) | set(again) == {f"row {number}" for number in range(rows)}
    assert len(set(first) & set(again)) <= len(first) - answered
    metrics = only_case(runs).metrics
    assert metrics["exact_match"].value == 1.0
    assert metrics["sample_count"].value == rows


def kept_answers(folder: Path) -> int:
    """How many are on the disk."""
    home = Path(os.environ["XDG_STATE_HOME"])
    files = home.rglob("answers/*.jsonl")
    events = [json.loads(line) for file in files for line in whole_lines(file)]
    return sum(len(event.get("answers", ())) for event in events)


def whole_lines(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]


@pytest.mark.slow
def test_parallel_workers_each_measure_their_cases(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    pytest.importorskip("xdist")
    chat({"concurrency": 2}, benchmark={"matrix": {"max_tokens": [5, 6, 7, 8]}})
    result = pytester.runpytest_subprocess("chat.json", "-n", "2", timeout=SECONDS)
    result.assert_outcomes(passed=4)
    assert asked(server) == {f"row {number}": 4 for number in range(ROWS)}
    assert {case.metrics["exact_match"].value for case in runs()[-1].cases} == {1.0}


def test_nobody_is_asked_for_ever_who_never_answers(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    server.answer = lambda call: whole({"error": {"message": "who are you?"}}, status=401)
    chat({"concurrency": 2}, rows=200)
    result = pytester.runpytest("chat.json")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*none of the first 10 requests was answered, the first with: *"])
    assert len(server.calls) < 20
    assert "who are you?" in only_case(runs).detail


def test_few_samples_of_which_none_is_answered_are_told_together(
    pytester: pytest.Pytester, server: OpenaiServer, chat: Callable[..., None], runs: Runs
) -> None:
    server.answer = lambda call: whole({"error": {"message": "not today"}}, status=400)
    chat(rows=4)
    pytester.runpytest("chat.json").assert_outcomes(failed=1)
    detail = only_case(runs).detail
    assert detail.startswith("none of 4 samples was answered, the first with: ")
    assert "not today" in detail


@pytest.mark.parametrize(("slo", "passes"), [(None, False), ({"max_error_share": 0.6}, True)])
def test_requests_that_fail_fail_the_case_though_each_sample_was_answered_once(
    pytester: pytest.Pytester,
    server: OpenaiServer,
    chat: Callable[..., None],
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    slo: dict[str, float] | None,
    passes: bool,
) -> None:
    def dies(call: Call) -> Reply:
        if len(server.calls) > ROWS:
            return whole({"error": {"message": "out of memory"}}, status=400)
        return parrot(call)

    server.answer = dies
    demands = None if slo is None else {"p99_latency_ms": 60_000, **slo}
    chat({"concurrency": 1, "requests": 2 * ROWS, "slo": demands})
    without_rest(monkeypatch)
    result = pytester.runpytest("chat.json", "--suite-engine=inline")
    result.assert_outcomes(passed=int(passes), failed=int(not passes))
    case = only_case(runs)
    assert case.metrics["error_share"].value == 0.5
    if not passes:
        assert case.detail.startswith("12 of 24 requests failed, 12 with: ")


@pytest.mark.parametrize(
    ("rows", "answered", "load", "measure"),
    [
        (49, 48, {}, {"max_failed_samples": 1}),
        (71, 71, {"requests": 100, "slo": {"p99_latency_ms": 60_000, "max_error_share": 0.29}}, {}),
    ],
)
def test_as_many_requests_may_fail_as_the_suite_says(
    pytester: pytest.Pytester,
    server: OpenaiServer,
    chat: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    rows: int,
    answered: int,
    load: dict[str, Any],
    measure: dict[str, Any],
) -> None:
    """As computers have it, 1 / 49 * 49 is less than 1, and 0.29 * 100 less than 29."""

    def dies(call: Call) -> Reply:
        if len(server.calls) > answered:
            return whole({"error": {"message": "out of memory"}}, status=400)
        return parrot(call)

    server.answer = dies
    chat({"concurrency": 1, **load}, rows=rows, measure=measure)
    without_rest(monkeypatch)
    result = pytester.runpytest("chat.json", "-Wdefault", "--suite-engine=inline")
    result.assert_outcomes(passed=1)
