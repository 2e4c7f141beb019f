"""Warm-up in flight: decided on the rate of as many calls at once as will be timed."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import pytest

from pytest_modelbench.measure.in_flight import Enough, InFlightCalls
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.measure.warmup import WarmUp
from pytest_modelbench.measure.warmup_in_flight import warm_up_in_flight

BATCHES = [["a"], ["b"], ["c"]]
LIMIT = 4


class Device:
    """Answers calls at rates (a second) that change from window to window, in a time of its own."""

    def __init__(self, *rates: float) -> None:
        self.windows: list[int] = []
        self._rates = rates

    def run(self, batches: Sequence[Sequence[Any]], enough: Enough) -> InFlightCalls:
        rate = self._rates[min(len(self.windows), len(self._rates) - 1)]
        count = len(batches)
        while not enough(count, count / rate):
            count += 1
        self.windows.append(count)
        durations = array("q", [round(1e9 / rate)] * count)
        answers: list[Any] = [list(batch) for batch in batches]
        wall = round(count / rate * 1e9)
        return InFlightCalls(durations, array("q"), answers, wall, LIMIT, None)


def warm(device: Device, **spec: Any) -> WarmUp:
    return warm_up_in_flight(device.run, BATCHES, LIMIT, MeasureSpec(**spec))


def test_it_is_steady_when_the_rates_of_two_windows_agree() -> None:
    """The first call, a trial of 16 calls, then windows of 0.1 s."""
    device = Device(10, 1000, 1000, 1100, 1200, 1210)
    seen = warm(device)
    assert device.windows == [1, 16, 100, 100, 100, 100]
    assert (seen.ended_by, seen.first_ns, len(seen.durations_ns)) == ("steady", 10**8, 417)
    assert seen.rule.startswith("416 calls in 0.3")
    assert seen.rule.endswith(
        "4 at once: the rates of the last two windows of 100 calls differ by +0.8%, within 2%"
    )


def test_a_rate_that_keeps_changing_ends_at_the_limit_of_seconds_and_says_so() -> None:
    device = Device(*[1000 * 1.1**number for number in range(100)])
    seen = warm(device, warmup_max_seconds=1)
    assert seen.ended_by == "max_seconds"
    assert "not within 2%" in seen.rule
    assert 1 <= sum(seen.durations_ns[1:]) / 1e9 <= 1.1


def test_a_limit_of_calls_ends_it() -> None:
    device = Device(1000)
    seen = warm(device, warmup_max_samples=150)
    assert device.windows == [1, 16, 100, 34]
    assert seen.ended_by == "max_samples"
    assert seen.rule.endswith("too few to compare two windows of 100")


@pytest.mark.parametrize(("asked", "windows"), [(0, [1]), (2, [1, 2]), (50, [1, 50])])
def test_a_number_of_calls_is_made_together_and_nothing_decided(
    asked: int, windows: list[int]
) -> None:
    device = Device(1000)
    seen = warm(device, warmup=asked)
    assert device.windows == windows
    assert (seen.ended_by, seen.is_steady) == ("count", None)
    assert seen.rule == f"{asked} calls, as the suite asks, 4 at once"


def test_calls_that_all_fail_end_it() -> None:
    class Broken(Device):
        def run(self, batches: Sequence[Sequence[Any]], enough: Enough) -> InFlightCalls:
            self.windows.append(len(batches))
            failures: list[Any] = [ValueError("no")] * len(batches)
            return InFlightCalls(array("q"), array("q"), failures, 1, 1, None)

    device = Broken()
    seen = warm(device)
    assert (len(device.windows), seen.first_ns, seen.is_steady) == (2, None, False)
    assert "given up" in seen.rule
