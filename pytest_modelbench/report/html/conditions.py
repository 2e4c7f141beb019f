"""Under which conditions each case was measured."""

from __future__ import annotations

from pytest_modelbench.report.html.leaderboard import case_link
from pytest_modelbench.report.html.markup import Child, Markup
from pytest_modelbench.report.html.table import Column, Row, table
from pytest_modelbench.report.html.view import Report, ShownCase
from pytest_modelbench.report.numbers import NOTHING, shown
from pytest_modelbench.results.conditions import Conditions

CONDITIONS = {
    "worker": "parallel worker that ran it",
    "lock": "what its calls had to themselves",
    "waited s": "waiting for its turn, which counts for nothing else",
    "load before": "one-minute load average",
    "load after": "one-minute load average",
    "stolen %": "processor time that the hypervisor gave to others",
    "others %": "processor time that other processes used",
    "switches": "involuntary context switches of its process",
    "MHz": "mean frequency of the fastest processor",
    "lowest MHz": "",
    "throttled": "how often a processor was slowed down because of heat",
    "quota s": "how long a control group's quota stopped it",
}


def _number(value: float | None) -> str:
    return NOTHING if value is None else shown(value)


def conditions_table(report: Report) -> Markup | None:
    """Under which conditions each case was measured."""
    having = [case for case in report.cases if case.result.conditions]
    if not having:
        return None
    head = [
        Column("case"),
        *(
            Column(name, is_number=name not in ("worker", "lock"), hint=hint)
            for name, hint in CONDITIONS.items()
        ),
        Column("what disturbed it"),
    ]
    rows = [Row(_conditions(case), case.number) for case in having]
    return table("Conditions during the timed calls of each case", head, rows)


def _conditions(case: ShownCase) -> list[Child]:
    found = case.result.conditions
    assert found is not None
    return [
        case_link(case),
        case.result.worker,
        found.lock,
        *map(_number, _figures(found)),
        "; ".join(found.disturbances) or "nothing known",
    ]


def _figures(found: Conditions) -> list[float | None]:
    return [
        found.waited_seconds,
        found.load_average_start,
        found.load_average_end,
        _percent(found.steal_share),
        _percent(found.other_cpu_share),
        found.involuntary_context_switches,
        found.frequency_mhz_mean,
        found.frequency_mhz_min,
        found.thermal_throttle_count,
        found.quota_throttled_seconds,
    ]


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share
