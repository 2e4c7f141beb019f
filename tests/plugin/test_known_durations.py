"""A model whose every duration is known: the run states them, and nothing that lies beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import cycle, islice
from typing import Any

import numpy as np
import pytest

from pytest_modelbench import BenchmarkRun

# Rows say how long their call takes. The model notes of each call how long it had to take and how
# long it did, on the clock of the meters, so that a busy machine changes both sides alike.
CONFTEST = """
import gc, json, time
from pathlib import Path
from pytest_modelbench import Prediction, Runner, Session

HERE = Path(__file__).parent
LOAD, FETCH, FIRST, BESIDE = 0.2, 0.4, 0.15, 0.02


def spin(seconds):
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while time.perf_counter_ns() < end:
        pass


class Known(Session):
    compile_seconds = 0.125

    def __init__(self, name, batch_size):
        self.name, self.batch_size = name, batch_size
        self.calls, self.loads, self.collections = [], [], 0
        self.calling = False
        gc.callbacks.append(self.collected)

    def collected(self, phase, info):
        self.collections += self.calling

    def prepare(self, sample):
        if self.name == "known":
            time.sleep(BESIDE)
        self.garbage(1000)
        return sample.input

    def finish(self, sample, answer):
        if self.name == "known":
            time.sleep(BESIDE)
        return Prediction(answer, tokens=len(answer))

    def garbage(self, count):
        for _ in range(count):
            knot = []
            knot.append(knot)

    def extra(self):
        if self.name == "known" and not self.calls:
            return FIRST
        if self.name == "warming":
            return 0.02 * 0.8 ** len(self.calls)
        return 0.0

    def predict(self, batch):
        start = time.perf_counter_ns()
        self.calling, extra, needed = True, self.extra(), 0.0
        if self.name == "late" and len(self.calls) == 6:
            raise RuntimeError("the seventh call is one too many")
        spin(extra)
        for text in batch:
            how, milliseconds = text.split()
            {"sleep": time.sleep, "spin": spin}[how](float(milliseconds) / 1e3)
            needed += float(milliseconds) / 1e3
        if self.name == "known":
            self.garbage(2000)
        self.calling = False
        took = time.perf_counter_ns() - start
        self.calls.append([round((needed + extra) * 1e9), took])
        return batch

    def close(self):
        known = {"calls": self.calls, "loads": self.loads, "collections": self.collections}
        (HERE / f"{self.name}-{self.batch_size}.json").write_text(json.dumps(known))


class KnownRunner(Runner):
    name = "known"
    input_kind = "text"

    def fetch(self, candidate, params):
        if candidate.version == "known":
            time.sleep(FETCH)

    def load(self, candidate, device, params):
        start = time.perf_counter()
        if candidate.version == "known":
            time.sleep(LOAD)
        session = Known(candidate.version, params.get("batch_size", 1))
        session.loads.append(time.perf_counter() - start)
        return session


class Hearing(Session):
    def predict(self, batch):
        time.sleep(0.001)
        return batch


class HearingRunner(Runner):
    name = "hearing"
    input_kind = "audio"

    def load(self, candidate, device, params):
        session = Hearing()
        session.batch_size = params["batch_size"]
        return session


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("known", KnownRunner)
    modelbench.runners.add("hearing", HearingRunner)
"""

TEXTS = ["sleep 2", "spin 1", "sleep 4", "spin 3", "sleep 1", "spin 2", "sleep 3"]
SOUND_SECONDS = [0.1, 0.25, 0.5]
RATE_HZ = 1000
FIRST_MS, LOAD_SECONDS, FETCH_SECONDS, BESIDE_MS = 150, 0.2, 0.4, 20

RULES: dict[str, dict[str, Any]] = {
    "samples": {"min_samples": 20, "min_seconds": 0},
    "seconds": {"min_samples": 1, "min_seconds": 0.5},
    "most_samples": {"min_samples": 20, "max_samples": 20, "min_seconds": 100, "max_seconds": 200},
    "most_seconds": {"min_samples": 9999, "min_seconds": 0.5, "max_seconds": 0.5},
    "one_round": {"min_samples": 1, "min_seconds": 0},
    "cut_short": {"min_samples": 2, "max_samples": 3, "min_seconds": 100, "max_seconds": 200},
}


def suite() -> dict[str, Any]:
    texts = {"source": "jsonl", "path": "texts.jsonl"}
    sounds = {"source": "jsonl", "path": "sounds.jsonl", "input_column": "audio"}
    sounds["sampling_rate"] = RATE_HZ
    sizes = {"matrix": {"batch_size": [1, 3]}}
    auto = {"warmup": "auto", "warmup_max_seconds": 30, "min_samples": 20}
    rules = [
        {"id": name, "runner": "known", "model": "rules", "measure": rule}
        for name, rule in RULES.items()
    ]
    return {
        "id": "known",
        "dataset": texts,
        "measure": {"warmup": 3, "min_samples": 40, "min_seconds": 0},
        "benchmarks": [
            {"id": "texts", "runner": "known", "model": "known", **sizes},
            {"id": "again", "runner": "known", "model": "known", "params": {"batch_size": 3}},
            {"id": "warming", "runner": "known", "model": "warming", "measure": auto},
            {"id": "late", "runner": "known", "model": "late", "dataset": {"max_samples": 2}},
            {"id": "sounds", "runner": "hearing", "model": "ear", "dataset": sounds, **sizes},
            *rules,
        ],
    }


Known = tuple[BenchmarkRun, dict[str, dict[str, Any]]]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    """The run, and by model and batch size what the model itself says."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "texts.jsonl").write_text("".join(json.dumps({"text": one}) + "\n" for one in TEXTS))
    sounds = [
        {"audio": {"array": [0.0] * int(RATE_HZ * seconds), "sampling_rate": RATE_HZ}}
        for seconds in SOUND_SECONDS
    ]
    (folder / "sounds.jsonl").write_text("".join(json.dumps(one) + "\n" for one in sounds))
    (folder / "known.json").write_text(json.dumps(suite()))
    command = [sys.executable, "-m", "pytest", "known.json", "--suite-output=run.json"]
    # Locks of its own: all that is asserted holds on a busy machine, too.
    alone = {**os.environ, "TMPDIR": str(folder)}
    done = subprocess.run(
        command, cwd=folder, env=alone, capture_output=True, text=True, timeout=120
    )
    assert "1 failed, 12 passed" in done.stdout, done.stdout + done.stderr
    own = ("known.json", "run.json")
    truth = {
        file.stem: json.loads(file.read_text())
        for file in folder.glob("*.json")
        if file.name not in own
    }
    return BenchmarkRun.load(folder / "run.json"), truth


def case_of(run: BenchmarkRun, benchmark: str, batch_size: int | None = None) -> Any:
    (found,) = (
        case
        for case in run.cases
        if case.benchmark == benchmark and case.params.get("batch_size") == batch_size
    )
    return found


def batches(rows: list[Any], size: int) -> list[list[Any]]:
    return [rows[at : at + size] for at in range(0, len(rows), size)]


def value(case: Any, metric: str) -> float:
    assert case.metrics[metric].status == "ok", case.metrics[metric].error_message
    return float(case.metrics[metric].value)


BATCHED = [("texts", 1, 0), ("texts", 3, 0), ("again", 3, 44)]
"""Benchmark, batch size, and calls that the same loaded model had answered before."""


@pytest.mark.parametrize(("name", "batch_size", "before"), BATCHED)
def test_each_call_is_timed_for_as_long_as_it_takes_and_no_longer(
    known: Known, name: str, batch_size: int, before: int
) -> None:
    run, truth = known
    timing = case_of(run, name, batch_size).timing
    reported = [*timing.warmup_ns(), *timing.durations_ns()]
    calls = truth[f"known-{batch_size}"]["calls"][before : before + 44]
    assert len(reported) == len(calls) == 4 + 40
    for stated, (needed, took) in zip(reported, calls, strict=True):
        assert stated >= took >= needed
    beyond = [stated - took for stated, (_, took) in zip(reported, calls, strict=True)]
    assert np.median(beyond) < 50_000  # ns
    # Preparing and finishing take 20 ms each.
    assert min(beyond) < 1e6 * BESIDE_MS / 10


@pytest.mark.parametrize(("name", "batch_size", "before"), BATCHED)
def test_latencies_are_those_of_the_timed_calls(
    known: Known, name: str, batch_size: int, before: int
) -> None:
    run, truth = known
    case = case_of(run, name, batch_size)
    durations_ms = np.array(case.timing.durations_ns()) / 1e6
    for percent in (50, 90, 95, 99):
        stated = value(case, f"p{percent}_latency_ms")
        assert stated == pytest.approx(np.percentile(durations_ms, percent), rel=1e-12)
    assert value(case, "latency_ms") == value(case, "p50_latency_ms")
    assert value(case, "mean_latency_ms") == pytest.approx(durations_ms.mean(), rel=1e-12)
    assert value(case, "max_latency_ms") == durations_ms.max()
    spread = case.metrics["mean_latency_ms"].metadata["standard_deviation"]
    assert spread == pytest.approx(durations_ms.std(ddof=1), rel=1e-9)
    timed = np.array(truth[f"known-{batch_size}"]["calls"][before + 4 : before + 44]) / 1e6
    needed, took = timed[:, 0], timed[:, 1]
    rows = cycle(batches([float(text.split()[1]) for text in TEXTS], batch_size))
    assert list(needed) == pytest.approx([sum(row) for row in islice(rows, 40)])
    for percent in (50, 90):
        assert value(case, f"p{percent}_latency_ms") >= np.percentile(needed, percent)
    assert value(case, "p50_latency_ms") == pytest.approx(np.percentile(took, 50), rel=0.01)
    assert value(case, "mean_latency_ms") >= took.mean()
    assert value(case, "max_latency_ms") >= took.max()


@pytest.mark.parametrize(("name", "batch_size"), [row[:2] for row in BATCHED])
def test_rates_count_what_the_timed_calls_answered(
    known: Known, name: str, batch_size: int
) -> None:
    """Of batches of 3, 3 and 1, and of rounds that end in the middle."""
    case = case_of(known[0], name, batch_size)
    durations = case.timing.durations_ns()
    called = list(islice(cycle(batches(TEXTS, batch_size)), len(durations)))
    items, tokens = (sum(map(len, called)), sum(len(text) for batch in called for text in batch))
    assert items == {1: 40, 3: 13 * 7 + 3}[batch_size]
    seconds = value(case, "inference_seconds")
    assert seconds == pytest.approx(sum(durations) / 1e9, rel=1e-12)
    throughput = value(case, "throughput_items_per_second")
    assert throughput == pytest.approx(items / seconds, rel=1e-12)
    assert value(case, "tokens_per_sec") == pytest.approx(tokens / seconds, rel=1e-12)
    assert case.metrics["tokens_per_sec"].metadata["tokens"] == tokens
    assert value(case, "sample_count") == value(case, "success_count") == len(TEXTS)
    needed_ms = sum(float(text.split()[1]) for batch in called for text in batch)
    assert throughput <= items / needed_ms * 1e3


@pytest.mark.parametrize("batch_size", [1, 3])
def test_loading_compiling_and_the_first_call_are_stated_apart(
    known: Known, batch_size: int
) -> None:
    run, truth = known
    case = case_of(run, "texts", batch_size)
    (loading,) = truth[f"known-{batch_size}"]["loads"]
    stated = value(case, "model_load_seconds")
    assert stated >= loading >= LOAD_SECONDS
    assert stated < loading + FETCH_SECONDS, "fetching is no part of loading"
    assert value(case, "compile_seconds") == 0.125
    first = value(case, "first_latency_ms")
    assert first == case.timing.warmup_ns()[0] / 1e6
    needed, _ = truth[f"known-{batch_size}"]["calls"][0]
    assert first >= needed / 1e6 > FIRST_MS


def test_a_second_case_of_a_loaded_model_keeps_its_first_call_and_says_so(known: Known) -> None:
    run, _ = known
    first, second = case_of(run, "texts", 3), case_of(run, "again", 3)
    for name in ("first_latency_ms", "model_load_seconds", "compile_seconds"):
        assert second.metrics[name].value == first.metrics[name].value
        assert second.metrics[name].metadata.get("reused") is True
        assert "reused" not in first.metrics[name].metadata
    assert len(second.timing.warmup_ns()) == 4
    assert list(second.timing.durations_ns()) != list(first.timing.durations_ns())


def test_no_garbage_is_collected_within_a_call(known: Known) -> None:
    for batch_size in (1, 3):
        assert known[1][f"known-{batch_size}"]["collections"] == 0


def test_warm_up_takes_the_calls_in_which_a_model_gets_faster(known: Known) -> None:
    """Each call has four fifths of the extra time of the one before."""
    run, truth = known
    case = case_of(run, "warming")
    warm, timed = case.timing.warmup_ns(), case.timing.durations_ns()
    calls = truth["warming-1"]["calls"]
    assert len(warm) + len(timed) == len(calls)
    extra_ms = [20 * 0.8**number for number in range(len(calls))]
    assert max(extra_ms[len(warm) :]) < 0.05
    assert case.timing.warmup_ended_by == "steady"
    assert case.timing.warmup_rule.endswith("within 2%")
    # The calls that count are those of the rows, without what warming up added.
    rows = cycle([float(text.split()[1]) for text in TEXTS])
    assert value(case, "p50_latency_ms") >= np.median(list(islice(rows, len(timed))))
    assert value(case, "first_latency_ms") >= 20 + 2


@pytest.mark.parametrize(
    ("name", "stopped_by", "calls", "repeated"),
    [
        ("samples", "enough", 20, 7),
        ("seconds", "enough", None, 7),
        ("most_samples", "max_samples", 20, 7),
        ("most_seconds", "max_seconds", None, 7),
        ("one_round", "enough", 7, 0),
        ("cut_short", "first round", 7, 0),
    ],
)
def test_timing_ends_by_the_rule_that_was_asked_for(
    known: Known, name: str, stopped_by: str, calls: int | None, repeated: int
) -> None:
    timing = case_of(known[0], name).timing
    durations = timing.durations_ns()
    assert timing.stopped_by == stopped_by
    assert (timing.first_round, timing.repeated) == (7, repeated)
    assert (timing.warmup_ended_by, timing.in_flight) == ("count", 1)
    assert timing.warmup_rule == "3 calls, as the suite asks"
    if calls is None:  # half a second of calls, reached by the last one
        assert sum(durations) >= 5e8 > sum(durations[:-1])
    else:
        assert len(durations) == calls


def test_a_call_that_fails_in_a_later_round_ends_the_timing_and_is_told(known: Known) -> None:
    case = case_of(known[0], "late")
    assert case.status == "error"
    assert case.detail == (
        "a sample that was answered at first failed when it was timed again: "
        "RuntimeError: the seventh call is one too many"
    )
    assert (case.timing.stopped_by, case.timing.first_round) == ("error", 2)
    assert len(case.timing.durations_ns()) == 2  # four warmed up
    assert value(case, "throughput_items_per_second") == pytest.approx(
        2 / sum(case.timing.durations_ns()) * 1e9
    )


@pytest.mark.parametrize("batch_size", [1, 3])
def test_seconds_of_sound_are_counted_as_often_as_they_were_heard(
    known: Known, batch_size: int
) -> None:
    case = case_of(known[0], "sounds", batch_size)
    durations = case.timing.durations_ns()
    assert len(durations) == 40
    called = islice(cycle(batches(SOUND_SECONDS, batch_size)), 40)
    heard = sum(map(sum, called))
    assert value(case, "audio_seconds") == pytest.approx(heard)
    seconds = sum(durations) / 1e9
    assert seconds >= 0.04
    assert value(case, "x_realtime") == pytest.approx(heard / seconds)
    assert value(case, "real_time_factor") == pytest.approx(seconds / heard)
