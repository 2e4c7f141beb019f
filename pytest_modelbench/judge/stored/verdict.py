"""One metric of a case held against the same metric of an earlier run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from pytest_modelbench.catalogue import COUNTED_METRICS
from pytest_modelbench.judge.beyond import is_beyond
from pytest_modelbench.judge.question import Question
from pytest_modelbench.judge.stored.comparable import Difference
from pytest_modelbench.judge.stored.decide import SIDE_BY_SIDE, Decision, decide
from pytest_modelbench.judge.stored.held import SIDES, Held
from pytest_modelbench.judge.stored.measured_case import MeasuredCase
from pytest_modelbench.judge.stored.noise import (
    Noise,
    is_one_event,
    kind_of,
    noise_between,
    own_error,
    peak_beside,
    prior_of,
)
from pytest_modelbench.judge.stored.scale import Scale
from pytest_modelbench.judge.wording import Method, make_verdict
from pytest_modelbench.results.comparison import Verdict

USUAL_ALLOW = "--suite-baseline-allow"


def stored_verdict(
    question: Question,
    baseline: MeasuredCase,
    candidate: MeasuredCase,
    sessions: Sequence[MeasuredCase] = (),
    differences: Sequence[Difference] = (),
    verdict_count: int = 1,
    allow_option: str = USUAL_ALLOW,
) -> Verdict:
    """Whether `candidate` has become worse than `baseline`, an earlier run's.

    `sessions` are the baseline and earlier sessions of the same thing, `differences` those that
    nobody allowed with `allow_option`. With `verdict_count` verdicts to come, each regression has
    to be the surer.
    """
    held = Held(question, baseline, candidate)
    if reason := _missing(held):
        return undecided(held, reason)
    if found := [one for one in differences if one.key in held.keys_that_count]:
        keys = ", ".join(one.key for one in found)
        texts = "; ".join(one.text for one in found)
        return undecided(held, f"{texts} ({allow_option} accepts: {keys})")
    if question.metric in COUNTED_METRICS:
        return _exact(held)
    if held.is_told_by_sample:
        from pytest_modelbench.judge.by_sample.verdict import judge_samples

        return judge_samples(question, SIDES, baseline.case, candidate.case, verdict_count)
    noise = noise_of(held, sessions)
    if noise.prior.degrees == 0 and held.values[0] == held.values[1]:
        return _exact(held)
    if reason := _untold(held):
        return undecided(held, reason)
    return _by_noise(held, noise, verdict_count)


def undecided(held: Held, reason: str, method: Method = "stored") -> Verdict:
    """Not judged, with the change all the same where there is one."""
    before, after = held.values
    change = None
    if before is not None and after is not None:
        scale = Scale(before, held.question.worse_sign, is_log=False)
        change = scale.change(scale.distance(after), is_relative=held.is_relative)
    return make_verdict(
        held.question,
        SIDES,
        "noted" if held.tolerance is None else "inconclusive",
        method,
        values=(before, after),
        change=change,
        is_relative=held.is_relative,
        tolerance=held.tolerance,
        reason=reason,
        unit=held.unit,
    )


def noise_of(held: Held, sessions: Sequence[MeasuredCase]) -> Noise:
    """What is known of the noise between sessions: by assumption, and from earlier ones.

    What quiet sessions say holds for quiet ones: where something went on beside a side, only
    sessions count that were disturbed, too, and the other way round. Those that were proven worse
    do not count: else a slow-down would pass as noise when it is measured again.
    """
    name, unit = held.question.metric, held.unit
    sessions = [one for one in sessions if name not in one.regressed]
    kind = kind_of(name, unit)
    is_disturbed = held.baseline.is_disturbed or held.candidate.is_disturbed
    if kind is not None and kind.quiet != kind.disturbed:
        sessions = [one for one in sessions if one.is_disturbed == is_disturbed]
    metrics = [one.case.metrics.get(name) for one in sessions]
    # How fast a client was says nothing of the endpoint.
    found = [one for one in metrics if one is not None and not one.is_client_limited]
    values = [one.value for one in found if one.value is not None]
    peaks = [_peak_mb(one, name) for one in (held.baseline, held.candidate)]
    peak = next((one for one in peaks if one is not None), None)
    prior = prior_of(kind, name, peak, is_disturbed=is_disturbed)
    return noise_between(values, prior)


def _peak_mb(measured: MeasuredCase, name: str) -> float | None:
    peak = measured.case.metrics.get(peak_beside(name))
    return peak.value if peak else None


def _missing(held: Held) -> str | None:
    for name, metric in zip(SIDES, held.metrics, strict=True):
        if metric is None:
            return f"the {name} has no metric {held.question.metric!r}"
        if metric.value is None:
            return f"the {name} has no value: {metric.error_message}"
    before, after = (metric.unit for metric in held.metrics if metric is not None)
    if before != after:
        return f"it is in {before!r} on the baseline and in {after!r} on the candidate"
    return None


def _untold(held: Held) -> str | None:
    """Why a value does not say what it should."""
    for name, metric in zip(SIDES, held.metrics, strict=True):
        if metric is None:
            continue
        if metric.is_client_limited:
            return f"the {name} says how fast its client was, not the endpoint"
        if metric.metadata.get("flag") == "too_few_samples":
            have, need = metric.metadata["samples"], metric.metadata["samples_needed"]
            return f"the {name} rests on {have} calls and needs {need} (measure.min_samples)"
    return None


def _exact(held: Held) -> Verdict:
    """Of what is counted: as it stands."""
    question, (before, after) = held.question, held.values
    assert before is not None
    assert after is not None
    scale = Scale(before, question.worse_sign, is_log=False)
    distance = scale.distance(after)
    tolerance = question.tolerance
    is_worse = tolerance is not None and is_beyond(distance, scale.of_tolerance(tolerance))
    return make_verdict(
        question,
        SIDES,
        "noted" if tolerance is None else "regression" if is_worse else "pass",
        "exact",
        values=(before, after),
        change=scale.change(distance, is_relative=held.is_relative),
        is_relative=held.is_relative,
        tolerance=held.tolerance,
        evidence={"baseline_run": held.baseline.run_id},
        unit=held.unit,
    )


def _by_noise(held: Held, noise: Noise, verdict_count: int) -> Verdict:
    question, (before, after) = held.question, held.values
    assert before is not None
    assert after is not None
    if noise.is_log and min(before, after) <= 0:
        return undecided(held, "a value that is not above 0 cannot be judged by its ratio")
    if noise.degrees == 0:
        return undecided(
            held,
            "nothing is known of how much this metric differs between sessions: run it again, "
            "so that there is more than one earlier run of the same code and model",
        )
    scale = Scale(before, question.worse_sign, noise.is_log)
    errors = _own_errors(held, is_log=noise.is_log)
    for name, error in zip(SIDES, errors, strict=True):
        if error == math.inf:
            return undecided(
                held, f"the {name} rests on too few calls to say how sure it is: measure more"
            )
    own = [error for error in errors if error is not None]
    decision = decide(question, scale, after, noise, own, verdict_count)
    relative = held.is_relative
    return make_verdict(
        question,
        SIDES,
        decision.outcome,
        "stored",
        values=(before, after),
        change=scale.change(decision.distance, is_relative=relative),
        interval=_interval(decision, scale, is_relative=relative),
        is_relative=relative,
        confidence=decision.confidence,
        tolerance=held.tolerance,
        smallest_detectable=_detectable(decision, scale, is_relative=relative),
        reason=_disturbance(held) or decision.reason if decision.reason else None,
        evidence=_evidence(held, noise, decision) | {"verdicts": verdict_count},
        rests_on=[_noise_in_words(noise, held.unit), *_own_in_words(held, errors)],
        unit=held.unit,
    )


def _evidence(held: Held, noise: Noise, decision: Decision) -> dict[str, Any]:
    return {
        "baseline_run": held.baseline.run_id,
        "sessions": noise.sessions,
        "noise_between_sessions": noise.sigma,
        "noise_is_relative": noise.is_log,
        "assumed_noise": noise.prior.sigma,
        "degrees_of_freedom": noise.degrees,
        "standard_error": decision.standard_error,
    }


def _disturbance(held: Held) -> str | None:
    """What made more noise likely, where that is known."""
    kind = kind_of(held.question.metric, held.unit)
    if kind is None or kind.quiet == kind.disturbed:
        return None
    for name, side in zip(SIDES, (held.baseline, held.candidate), strict=True):
        if side.is_disturbed:
            said = side.case.disturbances
            what = said[0] if said else "its calls did not become steady while warming up"
            return f"the {name} was disturbed ({what}): run it again, or {SIDE_BY_SIDE}"
    return None


def _own_errors(held: Held, *, is_log: bool) -> list[float | None]:
    """The standard error of each value within its own run.

    None where nothing is known of it; infinite where all that is known is that it is unbounded, as
    of the mean of a single call.
    """
    found: list[float | None] = []
    for value, ends in zip(held.values, held.intervals, strict=True):
        assert value is not None
        error = None if ends is None else own_error(value, *ends, is_log=is_log)
        found.append(math.inf if ends is not None and error is None else error)
    return found


def _own_in_words(held: Held, errors: Sequence[float | None]) -> list[str]:
    """What is taken as exact although it is not: a figure of many calls without its spread."""
    kind = kind_of(held.question.metric, held.unit)
    if kind is None or is_one_event(held.question.metric, kind):
        return []
    names = [name for name, error in zip(SIDES, errors, strict=True) if error is None]
    sides = "both sides" if len(names) == len(SIDES) else f"the {' '.join(names)}"
    return [f"uncertainty of {sides} within the session not known"] if names else []


def _interval(
    decision: Decision, scale: Scale, *, is_relative: bool
) -> tuple[float | None, float | None]:
    ends = [scale.change(one, is_relative=is_relative) for one in (decision.low, decision.high)]
    return (ends[0], ends[1]) if scale.worse_sign > 0 else (ends[1], ends[0])


def _detectable(decision: Decision, scale: Scale, *, is_relative: bool) -> float | None:
    found = decision.detectable
    change = None if found is None else scale.change(found, is_relative=is_relative)
    return None if change is None else abs(change)


def _noise_in_words(noise: Noise, unit: str) -> str:
    amount = f"{noise.sigma:.2g} {unit}".strip()
    if noise.is_log:
        amount = f"{100 * noise.sigma:.2g} %"
    known = f"by {noise.sessions} of them" if noise.sessions > 1 else "assumed"
    return f"noise between sessions {amount}, {known}"
