"""A load in words: what was asked for, what came of it, and what of a slo held."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pytest_modelbench.report.numbers import shown
from pytest_modelbench.results.fields import JsonObject
from pytest_modelbench.results.load_record import LoadRecord, LoadStage
from pytest_modelbench.results.metric import as_number

_ERRORS = "max_error_share"
_COUNTERS = {"tokenizer": "by the tokenizer", "chunks": "as chunks", "usage": "by the server"}


def arrivals(spec: JsonObject) -> str:
    """How requests of an open loop come.

    >>> arrivals({"arrival": "gamma", "burstiness": 0.5, "concurrency": 16})
    'gamma, burstiness 0.5, at most 16 at once'
    """
    parts = [str(spec.get("arrival") or "constant")]
    for name, words in (("burstiness", "burstiness {}"), ("concurrency", "at most {} at once")):
        if (value := as_number(spec.get(name))) is not None:
            parts.append(words.format(exact(value)))
    return ", ".join(parts)


def surroundings(load: LoadRecord) -> Iterator[str]:
    """What else was asked for, whatever the loop."""
    spec = load.spec
    if warm_up := as_number(spec.get("warmup_requests")):
        yield f"{exact(warm_up)} before as warm-up"
    if ramp := as_number(spec.get("ramp_seconds")):
        yield f"a ramp of {exact(ramp)} s"
    if load.workers > 1:
        yield f"{load.workers} worker processes"
    if spec.get("verify_tls") is False:
        yield "certificates not checked"


def how_long(spec: JsonObject) -> str:
    """What ends the window; empty for every sample once.

    >>> how_long({"seconds": 30.0}), how_long({"seconds": 30.0, "requests": 100})
    ('for 30 s', '100 requests in at most 30 s')
    """
    requests, seconds = as_number(spec.get("requests")), as_number(spec.get("seconds"))
    if requests is None:
        return "" if seconds is None else f"for {exact(seconds)} s"
    most = "" if seconds is None else f" in at most {exact(seconds)} s"
    return f"{counted_requests(int(requests))}{most}"


def one_load(load: LoadRecord, stage: LoadStage) -> str:
    """A closed loop or a single rate: what was asked for, and what came of it."""
    if stage.rate is not None:
        asked = f"{exact(stage.rate)} requests/s ({arrivals(load.spec)})"
        if load.spec.get("seconds") is not None:
            asked += f" {how_long(load.spec)}"
    elif stage.concurrency == 1:
        asked = "one request at a time"
    else:
        asked = f"{stage.concurrency or '?'} requests at once"
    came = [f"{counted_requests(stage.requests)} in {shown(round(stage.seconds, 3))} s"]
    came += rates(stage) if stage.rate is not None else rates(stage)[1:]
    if stage.rate is not None and (peak := value(stage, "peak_concurrency")) is not None:
        came.append(f"at most {shown(peak)} at once")
    if stage.failed:
        came.append(f"{stage.failed} failed")
    came += [who for who in [counted_by(stage)] if who]
    return f"{', '.join([asked, *surroundings(load)])}: {', '.join(came)}"


def rates(stage: LoadStage) -> list[str]:
    """How fast requests were sent, then how fast they were answered."""
    sent, answered = value(stage, "sent_rate"), value(stage, "request_throughput")
    return [
        f"{_rate(sent)} requests/s sent",
        f"{_rate(answered)} {'answered' if stage.rate is not None else 'requests/s answered'}",
    ]


def _rate(found: float | None) -> str:
    return "?" if found is None else shown(found)


def counted_by(stage: LoadStage) -> str:
    """Who counted tokens, where it was not the server alone."""
    tokens = stage.metrics.get("output_tokens_per_second")
    who = "" if tokens is None or tokens.value is None else tokens.metadata.get("counted_by")
    names = [name for name in str(who or "").split(", ") if name in _COUNTERS]
    if not names or names == ["usage"]:
        return ""
    return f"tokens counted {' and '.join(_COUNTERS[name] for name in names)}"


def demanded(load: LoadRecord) -> dict[str, float]:
    """The latencies that the slo bounds, by name of their metric."""
    slo = load.spec.get("slo")
    given = slo.items() if isinstance(slo, Mapping) else ()
    bounds = {name: as_number(most) for name, most in given if name != _ERRORS}
    return {name: most for name, most in bounds.items() if most is not None}


def held(load: LoadRecord, stage: LoadStage) -> list[str]:
    """What was found of all that the slo demands, beside its bounds."""
    found = []
    for name, most in demanded(load).items():
        is_alone = is_the_clients(stage, name) and not is_the_clients(stage)
        whose = "; the client was the bottleneck" if is_alone else ""
        found.append(f"{figure(name, stage)} (at most {exact(most)}{whose})")
    slo, failed = load.spec.get("slo"), value(stage, "error_share")
    tolerated = (as_number(slo.get(_ERRORS)) if isinstance(slo, Mapping) else None) or 0.0
    if failed is not None and (failed or tolerated):
        found.append(f"{100 * failed:.3g} % failed (at most {100 * tolerated:g} %)")
    return found


def figure(name: str, stage: LoadStage) -> str:
    """A latency as people say it: `p99 TTFT 12 ms`."""
    statistic, _, kind = name.removesuffix("_ms").partition("_")
    title = f"{statistic} {kind.replace('_', ' ') if 'latency' in kind else kind.upper()}"
    found = value(stage, name)
    return f"{title} unknown" if found is None else f"{title} {shown(found)} ms"


def value(stage: LoadStage, name: str) -> float | None:
    """That of a metric; None where it has none."""
    metric = stage.metrics.get(name)
    return None if metric is None else metric.value


def is_the_clients(stage: LoadStage, name: str = "request_throughput") -> bool:
    """Whether a figure says how fast the client was; if this one does, all of them do."""
    metric = stage.metrics.get(name)
    return metric is not None and metric.is_client_limited


def exact(given: float) -> str:
    """What a suite says, as it says it.

    >>> exact(10.3125), exact(30.0), exact(2e6)
    ('10.3125', '30', '2000000')
    """
    return f"{given:.10g}"


def counted_requests(number: int) -> str:
    return f"{number} request{'' if number == 1 else 's'}"
