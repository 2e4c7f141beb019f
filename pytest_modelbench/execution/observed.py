"""What went on beside a case, for its result."""

from __future__ import annotations

import os

from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.results.conditions import Conditions


def observed(machine: MachineLoad, turns: Turns, waited_seconds: float) -> Conditions:
    """The conditions of the timed calls that `machine` was there for."""
    seen = machine.seen
    return Conditions(
        workers=int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")),
        lock=turns.mode,
        waited_seconds=waited_seconds,
        load_average_start=seen.load_average_start,
        load_average_end=seen.load_average_end,
        steal_share=seen.steal_share,
        other_cpu_share=seen.other_cpu_share,
        involuntary_context_switches=seen.involuntary_context_switches,
        frequency_mhz_mean=seen.frequency_mhz_mean,
        frequency_mhz_min=seen.frequency_mhz_min,
        thermal_throttle_count=seen.thermal_throttle_count,
        quota_throttled_seconds=seen.quota_throttled_seconds,
        disturbances=machine.disturbances(),
    )
