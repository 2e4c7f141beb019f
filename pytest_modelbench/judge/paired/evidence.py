"""What a verdict rests on, for whoever wants to look further."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from pytest_modelbench.judge.paired.blocks import (
    BLOCK_METRICS,
    MEANS,
    block_differences,
)
from pytest_modelbench.judge.paired.data import PairedData, UnpackedLaunch, Unusable
from pytest_modelbench.judge.paired.decision import Found, Seen
from pytest_modelbench.judge.paired.judgement import Judgement
from pytest_modelbench.judge.paired.looks import level_of_a_look, level_to_confirm
from pytest_modelbench.judge.paired.measure import Measure, calls_of_a_side
from pytest_modelbench.judge.paired.scale import Scale, as_change
from pytest_modelbench.judge.question import Question

FENCE = 1.5
"""Quartile ranges beyond the quartiles (Tukey)."""


def evidence_of(
    data: PairedData, question: Question, judgement: Judgement, measure: Measure, seen: Seen
) -> dict[str, Any]:
    """As JSON has it."""
    launches = judgement.reported(data)
    one = seen.estimates[judgement.view]
    turned = question.worse_sign
    spread = one.launch_sd
    known = {
        "launches": {"decision": len(data.decision), "confirmation": len(data.confirmation)},
        "launches_used": len(launches),
        "p_value": one.p_value,
        "standard_error": one.se if math.isfinite(one.se) else None,
        "launch_sd": spread,
        "launch_floor": data.procedure.launch_floor,
        "launch_floor_from": data.procedure.launch_floor_from,
        "launches_without_steady_state": sum(not launch.is_steady for launch in launches),
        "disturbed_launches": sum(bool(launch.launch.disturbances) for launch in launches),
        "views": {
            view.words: as_change(turned * estimate.center, measure.scale)
            for view, estimate in zip(measure.views, seen.estimates, strict=True)
        },
        **measure.notes,
    }
    if measure.method != "launches":
        known |= {
            "blocks": sum(launch.block_count for launch in launches),
            "calls": calls_of_a_side(launches),
            "outlier_share": _outlier_share(launches, question),
        }
    levels = (level_of_a_look(data.procedure), level_to_confirm(data.procedure))
    for name, found, level in (
        ("decision", judgement.decision, levels[0]),
        ("confirmation", judgement.confirmation, levels[1]),
    ):
        if found is not None and found.whole is not None:
            known[name] = _series(found, judgement.view, level, turned, measure.scale)
    return known


def _series(found: Found, view: int, level: float, sign: int, scale: Scale) -> dict[str, Any]:
    assert found.whole is not None
    estimate = found.whole.estimates[view].turned(sign)
    return {
        "looks": list(found.looks),
        "shows": found.shows,
        "decided_after": found.decided.launches if found.decided is not None else None,
        "change": as_change(estimate.center, scale),
        "interval": [as_change(end, scale) for end in estimate.ends(level)],
        "confidence": 1 - 2 * level,
    }


def _outlier_share(launches: list[UnpackedLaunch], question: Question) -> float | None:
    """Of the differences of blocks, those beyond Tukey's fences. They are kept."""
    import numpy as np

    summary = "mean" if question.metric in MEANS else "fastest"
    if question.metric not in BLOCK_METRICS:
        question = replace(question, metric="p50_latency_ms")
    try:
        blocks = [block_differences(launch, question, summary) for launch in launches]
    except Unusable:
        return None
    every = np.concatenate(blocks)
    low, high = np.quantile(every, [0.25, 0.75])
    reach = FENCE * (high - low)
    return float(((every < low - reach) | (every > high + reach)).mean())
