"""Verdicts in words: one line each, with every figure that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pytest_modelbench.catalogue import unit_of
from pytest_modelbench.judge.question import Question
from pytest_modelbench.results.comparison import Launch, Outcome, Verdict

Method = Literal["blocks", "tail", "launches", "samples", "outputs", "exact", "stored"]
USUAL_CANDIDATE = "candidate"


def make_verdict(
    question: Question,
    sides: Sequence[str],
    outcome: Outcome,
    method: Method,
    *,
    values: tuple[float | None, float | None] = (None, None),
    change: float | None = None,
    interval: tuple[float | None, float | None] | None = None,
    is_relative: bool = True,
    confidence: float | None = None,
    tolerance: float | None = None,
    smallest_detectable: float | None = None,
    reason: str | None = None,
    evidence: Mapping[str, Any] | None = None,
    rests_on: Sequence[str] = (),
    unit: str | None = None,
) -> Verdict:
    """A verdict with its line. `rests_on` are the words in its brackets, such as "48 blocks".

    `change`, `interval`, `tolerance` and `smallest_detectable` are shares of the baseline, or
    where `is_relative` is false in the metric's unit.
    """
    fields: dict[str, Any] = {
        "baseline": sides[question.baseline],
        "candidate": sides[question.candidate],
        "criterion": question.criterion,
        "metric": question.metric,
        "unit": unit_of(question.metric) if unit is None else unit,
        "baseline_value": values[0],
        "candidate_value": values[1],
        "change": change,
        "interval": None if interval is None else list(interval),
        "is_relative": is_relative,
        "confidence": confidence,
        "tolerance": None if outcome == "noted" else tolerance,
        "smallest_detectable": smallest_detectable,
        "outcome": outcome,
        "method": method,
        "reason": reason,
        "evidence": dict(evidence or {}),
    }
    return Verdict(**fields, message=_line(fields, rests_on, question.worse_sign))


def untold(
    question: Question,
    sides: Sequence[str],
    method: Method,
    reason: str | None,
    *,
    evidence: Mapping[str, Any] | None = None,
    rests_on: Sequence[str] = (),
) -> Verdict:
    """A verdict without figures: inconclusive, or noted where nothing depends on it."""
    tolerance = question.tolerance
    return make_verdict(
        question,
        sides,
        "noted" if tolerance is None else "inconclusive",
        method,
        is_relative=not question.is_in_unit,
        tolerance=None if tolerance is None else tolerance.amount,
        reason=reason,
        evidence=evidence,
        rests_on=rests_on,
    )


def broken_off(launches: Sequence[Launch]) -> str:
    """What ended a comparison whose session was over after these."""
    after = f"launch {len(launches)}" if launches else "the sides were measured by themselves"
    return f"broken off after {after}"


def _line(verdict: Mapping[str, Any], rests_on: Sequence[str], worse_sign: int) -> str:
    relative = verdict["is_relative"]
    parts = [_values(verdict)]
    if verdict["change"] is not None:
        parts.append(change_text(verdict["change"], verdict["interval"], is_relative=relative))
    if verdict["tolerance"] is not None:
        parts.append(f"tolerance {amount_text(verdict['tolerance'], is_relative=relative)}")
    found = list(rests_on)
    if verdict["smallest_detectable"] is not None:
        smallest = amount_text(verdict["smallest_detectable"], is_relative=relative)
        found.append(f"detects {smallest}")
    in_brackets = f" ({', '.join(found)})" if found else ""
    words = _outcome(verdict, worse_sign)
    why = f": {verdict['reason']}" if verdict["reason"] else ""
    return f"{', '.join(parts)}: {words}{in_brackets}{why}"


def _values(verdict: Mapping[str, Any]) -> str:
    who = _who(verdict["baseline"], verdict["candidate"])
    name, unit = spoken(verdict["metric"]), f" {verdict['unit']}" if verdict["unit"] else ""
    before, after = verdict["baseline_value"], verdict["candidate_value"]
    if before is None and after is None:
        return f"{who}{name}"
    shown = [NOT_KNOWN if one is None else number(one) for one in (before, after)]
    return f"{who}{name} {shown[0]} -> {shown[1]}{unit}"


NOT_KNOWN = "?"


def _who(baseline: str, candidate: str) -> str:
    """Named only where there could be a doubt about it."""
    if candidate == USUAL_CANDIDATE:
        return ""
    return f"{candidate}: " if baseline == "baseline" else f"{candidate} against {baseline}: "


def change_text(
    change: float, interval: Sequence[float | None] | None, *, is_relative: bool
) -> str:
    """A change with its interval; `?` stands for an end that is not known.

    >>> change_text(0.058, [0.049, None], is_relative=True)
    '+5.8 % [+4.9, ?]'
    """
    text = f"{change:+.1%}".replace("%", " %") if is_relative else f"{change:+.3g}"
    if interval is not None:
        scale = 100 if is_relative else 1
        ends = [
            NOT_KNOWN if end is None else f"{scale * end:+.1f}" if is_relative else f"{end:+.3g}"
            for end in interval
        ]
        text += f" [{ends[0]}, {ends[1]}]"
    return text


def amount_text(value: float, *, is_relative: bool) -> str:
    """An amount of change, such as a tolerance.

    >>> amount_text(0.05, is_relative=True), amount_text(0.01, is_relative=False)
    ('5 %', '0.01')
    """
    if not is_relative:
        return f"{value:.3g}"
    return f"{100 * value:.3g} %" if abs(value) < 10 else f"{100 * value:.0f} %"


def _outcome(verdict: Mapping[str, Any], worse_sign: int) -> str:
    """`pass` says as well when the candidate is proven to be better."""
    outcome = str(verdict["outcome"])
    if verdict["interval"] is None or outcome in ("regression", "inconclusive"):
        return outcome
    ends = [None if end is None else worse_sign * end for end in verdict["interval"]]
    is_better = all(end is not None and end < 0 for end in ends)
    is_worse = all(end is not None and end > 0 for end in ends)
    if outcome == "pass":
        return "pass, better" if is_better else "pass"
    return "better" if is_better else "worse" if is_worse else "no difference shown"


def spoken(metric: str) -> str:
    """A metric's name without its unit, which stands behind the values.

    >>> spoken("p50_latency_ms"), spoken("peak_ram_mb"), spoken("wer")
    ('p50 latency', 'peak ram', 'wer')
    """
    for ending in ("_ms", "_mb", "_seconds", "_items_per_second", "_per_sec"):
        metric = metric.removesuffix(ending)
    return metric.replace("_", " ")


def in_seconds(seconds: float) -> str:
    """
    >>> in_seconds(31.4), in_seconds(3.14)
    ('31 s', '3.1 s')
    """
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"


def number(value: float) -> str:
    """As many digits as a reader wants to see.

    >>> number(250.0), number(0.041666666), number(12345.678)
    ('250', '0.04167', '12345.7')
    """
    return f"{value:.6g}" if abs(value) >= 1000 else f"{value:.4g}"
