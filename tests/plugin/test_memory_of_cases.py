"""Models whose memory is known: each phase of a case states it, and the next case begins clean."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from pytest_modelbench import BenchmarkRun

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the kernel's high-water mark")
pytestmark = [linux_only]

CONFTEST = """
import json, subprocess, sys, time
from pytest_modelbench import Runner, Session

MB = 1_000_000
# A child that takes 200 MB and says how much of what it then holds is its own alone.
CHILD = '''
held = b"x" * 200_000_000
text = open("/proc/self/smaps_rollup").read()
size = {line.split(":")[0]: int(line.split()[1]) for line in text.splitlines()[1:]}
print((size["Rss"] - size["Shared_Clean"] - size["Shared_Dirty"]) * 1024)
'''


def resident_mb():
    text = open("/proc/self/status").read()
    return int(text.partition("VmRSS:")[2].split()[0]) * 1024 / MB


class Hungry(Session):
    def __init__(self, how):
        self.how, self.properties, self.weights = how, {}, None
        if how == "load-spike":
            self.touch(300)
        if how == "holds":
            self.weights = b"x" * (200 * MB)
        if how == "too-much":
            self.weights = [b"x" * (50 * MB) for _ in range(20)]
            time.sleep(30)

    def touch(self, megabytes):
        self.properties["before_mb"] = resident_mb()
        touched = b"x" * (megabytes * MB)
        del touched

    def predict(self, batch):
        if self.how == "spike":
            self.touch(300)
        if self.how == "child":
            said = subprocess.check_output([sys.executable, "-S", "-c", CHILD])
            self.properties["child_mb"] = int(said) / MB
        return batch


class HungryRunner(Runner):
    name = "hungry"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Hungry(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("hungry", HungryRunner)
"""

MODELS = ["spike", "load-spike", "holds", "child", "too-much", "last"]
LIMIT_MB = 600


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The case of each model, all of one session."""
    folder = tmp_path_factory.mktemp("memory")
    (folder / "conftest.py").write_text(CONFTEST)
    (folder / "data.jsonl").write_text('{"text": "a"}\n{"text": "b"}\n')
    benchmarks: list[dict[str, Any]] = [
        {"id": model, "runner": "hungry", "model": model} for model in MODELS
    ]
    benchmarks[MODELS.index("too-much")]["measure"] = {"memory_limit_mb": LIMIT_MB}
    suite = {
        "id": "memory",
        "dataset": {"source": "jsonl", "path": "data.jsonl"},
        "measure": {"warmup": 1, "min_samples": 4, "min_seconds": 0},
        "benchmarks": benchmarks,
    }
    (folder / "memory.json").write_text(json.dumps(suite))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "memory.json", "--suite-output=run.json"],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    run = BenchmarkRun.load(folder / "run.json")
    return {case.benchmark: case for case in run.cases}


def value(case: Any, metric: str) -> float:
    return float(case.metrics[metric].value)


def test_memory_that_calls_take_and_free_at_once_is_seen(cases: dict[str, Any]) -> None:
    case = cases["spike"]
    assert value(case, "steady_ram_increase_mb") == pytest.approx(300, rel=0.02)
    truth = case.properties["before_mb"] + 300
    assert value(case, "steady_peak_ram_mb") == pytest.approx(truth, rel=0.01)
    assert value(case, "peak_ram_mb") == pytest.approx(truth, rel=0.01)
    assert value(case, "ram_increase_mb") == pytest.approx(300, rel=0.03)
    assert value(case, "load_ram_increase_mb") < 5
    note = case.metrics["steady_peak_ram_mb"].metadata
    assert note["method"] == "kernel high-water mark"


def test_memory_that_loading_takes_and_frees_at_once_is_of_loading_alone(
    cases: dict[str, Any],
) -> None:
    case = cases["load-spike"]
    truth = case.properties["before_mb"] + 300
    assert value(case, "load_peak_ram_mb") == pytest.approx(truth, rel=0.01)
    assert value(case, "load_ram_increase_mb") == pytest.approx(300, rel=0.02)
    assert value(case, "peak_ram_mb") == value(case, "load_peak_ram_mb")
    assert value(case, "steady_ram_increase_mb") < 5
    assert value(case, "steady_peak_ram_mb") < truth - 280


def test_memory_that_a_loaded_model_holds_is_of_loading_and_stands_in_every_peak(
    cases: dict[str, Any],
) -> None:
    case = cases["holds"]
    baseline = value(case, "baseline_ram_mb")
    assert value(case, "load_ram_increase_mb") == pytest.approx(200, rel=0.02)
    assert value(case, "load_peak_ram_mb") == pytest.approx(baseline + 200, rel=0.02)
    assert value(case, "steady_peak_ram_mb") == pytest.approx(baseline + 200, rel=0.03)
    assert value(case, "steady_ram_increase_mb") < 5
    assert value(case, "ram_increase_mb") == pytest.approx(200, rel=0.03)


def test_memory_of_a_process_that_a_call_starts_counts_by_what_it_alone_holds(
    cases: dict[str, Any],
) -> None:
    case = cases["child"]
    truth = case.properties["child_mb"]
    assert 200 < truth < 220
    assert value(case, "steady_ram_increase_mb") == pytest.approx(truth, rel=0.03)
    assert "it started" in case.metrics["steady_peak_ram_mb"].metadata["scope"]
    assert value(case, "load_ram_increase_mb") < 5


def test_a_case_above_its_memory_limit_is_an_error_that_names_it(cases: dict[str, Any]) -> None:
    case = cases["too-much"]
    assert case.status == "error"
    assert "was killed by SIGKILL" in case.detail
    assert f"more than measure.memory_limit_mb = {LIMIT_MB}" in case.detail
    assert {metric.status for metric in case.metrics.values()} == {"error"}


def test_the_limit_stands_in_the_case_that_had_it_and_in_no_other(cases: dict[str, Any]) -> None:
    limits = {name: case.limits.memory_limit_mb for name, case in cases.items()}
    assert limits == {**dict.fromkeys(MODELS), "too-much": LIMIT_MB}
    assert all(case.limits.enforced for case in cases.values())


def test_each_model_begins_with_the_memory_that_the_first_began_with(
    cases: dict[str, Any],
) -> None:
    first = value(cases["spike"], "baseline_ram_mb")
    for name, case in cases.items():
        if name != "too-much":
            assert value(case, "baseline_ram_mb") == pytest.approx(first, rel=0.05)
    assert value(cases["last"], "peak_ram_mb") == pytest.approx(first, rel=0.1)
