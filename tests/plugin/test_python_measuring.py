"""What `load` and `measure` of the `modelbench` fixture record, and when they give up."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from pytest_modelbench import BenchmarkRun

Runs = Callable[[], list]

TESTS = """
import pytest

from pytest_modelbench import ModelbenchError

QUICK = {"warmup": 1, "min_samples": 3, "min_seconds": 0}
pytestmark = pytest.mark.modelbench(measure=QUICK)


def weights():
    return b"x" * 50_000_000


class Failing:
    def __init__(self, first):
        self.calls = 0
        self.first = first

    def __call__(self, number):
        self.calls += 1
        if number >= self.first:
            raise ValueError("no")


def test_loads(modelbench):
    held = modelbench.load(weights)


def test_loads_and_measures(modelbench):
    held = modelbench.load(weights)
    modelbench.measure(str, [1])


def test_loads_and_measures_twice(modelbench):
    held = modelbench.load(weights)
    modelbench.measure(str, [1], name="a")
    modelbench.measure(str, [1], name="b")


def test_loads_between_measurements(modelbench):
    modelbench.measure(lambda _: b"x" * 150_000_000, [1], name="a")
    held = modelbench.load(weights)
    modelbench.measure(str, [1], name="b")


def test_loads_and_fails(modelbench):
    held = modelbench.load(weights)
    with pytest.raises(ValueError):
        modelbench.measure(Failing(0), [1])


@pytest.mark.parametrize("warmup", ["auto", 0, 100])
def test_fails_at_once(modelbench, warmup):
    failing = Failing(0)
    with pytest.raises(ValueError, match="no"):
        modelbench.measure(failing, range(200), warmup=warmup)
    assert failing.calls == 1


# Before the second input there are the first call, and of "auto" two more on the first input.
@pytest.mark.parametrize(("warmup", "calls"), [("auto", 4), (0, 3), (100, 2)])
def test_fails_in_warm_up(modelbench, warmup, calls):
    failing = Failing(1)
    with pytest.raises(ValueError, match="no"):
        modelbench.measure(failing, range(200), warmup=warmup)
    assert failing.calls == calls


def test_fails_when_timed(modelbench):
    failing = Failing(7)
    with pytest.raises(ValueError, match="no"):
        modelbench.measure(failing, range(200), warmup=0)
    assert failing.calls == 1 + 8


def test_names_that_clash_cost_no_call(modelbench):
    calls = []
    modelbench.metric("b_p50_latency_ms", 1)
    with pytest.raises(ModelbenchError, match="name='b' gives a metric 'b_p50_latency_ms'"):
        modelbench.measure(calls.append, [1], name="b")
    with pytest.raises(ModelbenchError, match="name='steady' gives a metric 'steady_peak_ram_mb'"):
        modelbench.measure(calls.append, [1], name="steady")
    with pytest.raises(ModelbenchError, match="it should be one word"):
        modelbench.measure(calls.append, [1], name="long text")
    assert calls == []


def test_a_name_can_be_bounded(modelbench):
    seen = modelbench.measure(str, [1], name="long_text")
    modelbench.bound("long_text_mean_latency_ms", max=1000)


@pytest.mark.parametrize("model", ["a", "b"])
def test_of_plain_models(modelbench, model):
    pass


class Loose:
    pass


@pytest.mark.parametrize("model", [Loose()])
def test_of_objects(modelbench, model):
    pass


@pytest.fixture
def device(request):
    return f"cuda:{request.param}"


@pytest.mark.parametrize("device", [3], indirect=True)
def test_of_a_device_made_of_a_number(modelbench, device):
    pass


@pytest.mark.parametrize("device", ["xpu"])
def test_of_a_named_device(modelbench, device):
    pass
"""

MAXIMUM_ALONE = """
import time


def test_calls(modelbench):
    assert len(modelbench.measure(str, [1], max_samples=50).durations_ns) == 50


def test_seconds(modelbench):
    seen = modelbench.measure(lambda _: time.sleep(0.01), [1], max_seconds=0.2, warmup=0)
    assert len(seen.durations_ns) <= 20
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> BenchmarkRun:
    """The run of `TESTS`, all of which pass."""
    folder = tmp_path_factory.mktemp("measuring")
    (folder / "test_them.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "test_them.py", "--suite-output=run.json"]
    done = subprocess.run(
        [*command, "-W", "error"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return BenchmarkRun.load(folder / "run.json")


def reused(case: Any) -> set[str]:
    return {name for name, metric in case.metrics.items() if metric.metadata.get("reused")}


def test_a_test_that_only_loads_has_the_memory_of_it(run: BenchmarkRun) -> None:
    metrics = run.case("test_loads").metrics
    assert metrics["load_ram_increase_mb"].value == pytest.approx(50, abs=2)
    assert metrics["ram_increase_mb"].value == pytest.approx(50, abs=2)
    assert metrics["peak_ram_mb"].value == metrics["load_peak_ram_mb"].value
    assert metrics["baseline_ram_mb"].is_ok
    assert "steady_peak_ram_mb" not in metrics
    assert metrics["peak_vram_mb"].status == "skipped"


def test_memory_of_loading_stays_when_the_call_fails(run: BenchmarkRun) -> None:
    metrics = run.case("test_loads_and_fails").metrics
    assert metrics["load_ram_increase_mb"].value == pytest.approx(50, abs=2)
    assert not metrics["latency_ms"].is_ok


def test_a_load_is_reused_by_the_second_measurement_and_not_by_the_first(
    run: BenchmarkRun,
) -> None:
    assert reused(run.case("test_loads")) == set()
    assert reused(run.case("test_loads_and_measures")) == set()
    assert run.case("test_loads_and_measures").metrics["steady_peak_ram_mb"].is_ok
    twice = reused(run.case("test_loads_and_measures_twice"))
    assert "b_load_ram_increase_mb" in twice
    assert {name[:2] for name in twice} == {"b_"}


def test_a_measurement_before_loading_is_not_in_the_memory_of_it(run: BenchmarkRun) -> None:
    case = run.case("test_loads_between_measurements")
    assert case.metrics["a_steady_ram_increase_mb"].value > 140
    assert case.metrics["ram_increase_mb"].value == pytest.approx(50, abs=3)
    assert case.metrics["b_load_ram_increase_mb"].value == pytest.approx(50, abs=3)
    assert reused(case) == set()


def test_parameters_called_model_and_device_are_kept_where_they_are_something_else(
    run: BenchmarkRun,
) -> None:
    params = {
        case.id.partition("::test_of_")[2]: (case.device, case.params)
        for case in run.cases
        if "::test_of_" in case.id
    }
    assert params == {
        "plain_models[a]": ("CPU", {"model": "a"}),
        "plain_models[b]": ("CPU", {"model": "b"}),
        # Without its address, which no other session would have.
        "objects[model0]": ("CPU", {"model": "<test_them.Loose object>"}),
        "a_device_made_of_a_number[3]": ("cuda:3", {"device": 3}),
        "a_named_device[xpu]": ("xpu", {}),
    }
    a, b = (run.case(f"test_of_plain_models[{name}]") for name in "ab")
    assert a.fingerprint != b.fingerprint


def test_a_call_that_fails_is_made_no_second_time(run: BenchmarkRun) -> None:
    """They count their calls themselves."""
    ended = [case.status for case in run.cases if case.benchmark.startswith("test_fails_")]
    assert ended == ["ok"] * 7


def test_a_maximum_alone_is_enough(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(MAXIMUM_ALONE)
    pytester.runpytest_inprocess().assert_outcomes(passed=2)
