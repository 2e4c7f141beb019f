"""The rates of a sweep, a line each, the lowest first."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_modelbench.report.load_words import (
    arrivals,
    counted_by,
    demanded,
    exact,
    figure,
    held,
    how_long,
    is_the_clients,
    rates,
    surroundings,
    value,
)
from pytest_modelbench.results.load_record import LoadRecord, LoadStage

_USUAL = ("p50_ttft_ms", "p99_ttft_ms", "p50_latency_ms", "p99_latency_ms")
_AT_FAULT = "the client was the bottleneck"


def sweep_lines(load: LoadRecord) -> Iterator[str]:
    """What was tried, what came of each rate, and how it ended."""
    yield _head(load)
    for at in sorted(range(len(load.stages)), key=lambda at: load.stages[at].rate or 0.0):
        stage = load.stages[at]
        if stage.outcome == "held again" and at != (load.best or 0):
            continue
        mark = _best(load, stage) if at == load.best else _fault(stage)
        said = [*rates(stage), *_figures(load, stage), *_why(load, stage)]
        yield f"{_rate(stage)}{f', {mark}' if mark else ''}: {', '.join(said)}"
    if load.ended:
        yield _ended(load)


def _head(load: LoadRecord) -> str:
    parts = [f"sweep ({arrivals(load.spec)})"]
    if long := how_long(load.spec):
        parts.append(f"{long} at each rate, or more where these tell nothing")
    parts += surroundings(load)
    if not load.stages:
        return f"{', '.join(parts)}: no rate was tried"
    own = load.stages[load.best or 0]
    why = "" if load.best is not None else ", the first that was tried: none was met"
    why += ", and the client was the bottleneck" if is_the_clients(own) else ""
    who = f"; {counted}" if (counted := counted_by(own)) else ""
    return f"{', '.join(parts)}: the case's figures are those at {_rate(own)}{why}{who}"


def _rate(stage: LoadStage) -> str:
    return f"{exact(stage.rate or 0.0)} requests/s"


def _best(load: LoadRecord, best: LoadStage) -> str:
    """What is known of the highest rate that was met: the endpoint's best, or only this sweep's."""
    higher = [one for one in load.stages if (one.rate or 0.0) > (best.rate or 0.0)]
    outcomes = {one.outcome for one in higher}
    if "not met" in outcomes:
        return "the best"
    if "client" in outcomes:
        return "the highest that this client could ask for"
    return "the highest of which it can be told" if higher else "the highest tried"


def _fault(stage: LoadStage) -> str:
    marks = {"client": _AT_FAULT, "held again": _AT_FAULT, "too short": "too short to tell"}
    return marks.get(stage.outcome or "met", "too much" if stage.outcome == "not met" else "")


def _figures(load: LoadRecord, stage: LoadStage) -> list[str]:
    """Those that the slo speaks of; without one the usual latencies."""
    if demanded(load):
        return held(load, stage)
    return [figure(name, stage) for name in _USUAL if value(stage, name) is not None]


def _why(load: LoadRecord, stage: LoadStage) -> list[str]:
    """What the figures beside their bounds do not say already."""
    if is_the_clients(stage):
        return []  # in full where the sweep is said to have ended
    known = [name for name in demanded(load) if value(stage, name) is not None]
    told = tuple(f"{name} is " for name in known)
    return [
        one
        for one in filter(None, stage.detail.split("; "))
        if not one.startswith(told) and " of the requests failed, more than " not in one
    ]


def _ended(load: LoadRecord) -> str:
    """Without what the line of the rate says."""
    for stage in load.stages:
        if stage.detail and load.ended.endswith(before := f": {stage.detail}"):
            short = load.ended.removesuffix(before)
            return f"{short}: {stage.client_limits[0]}" if is_the_clients(stage) else short
    return load.ended
