"""What a reader of a suite's table must know: what its marks mean, and what is not in it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pytest_modelbench.report.case_table import TIED, score_text
from pytest_modelbench.report.columns import best_value, columns
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.results.fields import JsonObject
from pytest_modelbench.results.metric import CLIENT_LIMITED
from pytest_modelbench.results.run import CaseResult, SuiteRecord
from pytest_modelbench.results.sample_record import in_words


def legend(suite: SuiteRecord, cases: Sequence[CaseResult], launch_floor: float) -> Iterator[str]:
    """What the marks in the table mean, those that are there."""
    names = columns(suite, cases)
    metrics = [case.metrics[name] for case in cases for name in names if name in case.metrics]
    rows = {case.id for case in cases}
    notes = []
    if any(row.tied_with_above and row.case_id in rows for row in suite.leaderboard):
        notes.append(f"{TIED}: the difference to the rank above is within noise")
    if any(metric.interval for metric in metrics if metric.is_ok):
        notes.append("[low, high]: 95 % interval of this run's samples")
    if any(best_value(name, cases, launch_floor) is not None for name in names):
        notes.append("*: best")
    flags = {metric.metadata.get("flag") for metric in metrics}
    if "too_few_samples" in flags:
        notes.append("!: too few calls for this percentile")
    if CLIENT_LIMITED in flags:
        notes.append("^: the client was the bottleneck, so it says nothing of the endpoint")
    if "means_of_calls" in flags:
        notes.append("!: of rounds of several calls each, not of single calls")
    if any("~" in score_text(case) for case in cases):
        notes.append("~: partial score, a criterion has no value")
    if notes:
        yield "; ".join(notes)


def disturbances(cases: Sequence[CaseResult]) -> Iterator[str]:
    """What else went on beside the timed calls, and series that never settled."""
    disturbed = [case for case in cases if case.disturbances]
    if disturbed:
        said = [one for case in disturbed for one in case.disturbances]
        count = "" if len(disturbed) == len(cases) else f" ({len(disturbed)} of {len(cases)} cases)"
        yield f"note: latencies are disturbed: {worst_of_each_kind(said)}{count}"
    unsteady = [one for one in cases if one.timing and one.timing.is_unsteady]
    if unsteady and unsteady[0].timing:
        rule = unsteady[0].timing.warmup_rule
        count = "" if len(unsteady) == len(cases) else f" ({len(unsteady)} of {len(cases)} cases)"
        yield f"note: no steady state was reached while warming up: {rule}{count}"


def worst_of_each_kind(said: Sequence[str]) -> str:
    """One sentence of each kind; those of one kind differ in their figures alone."""
    kinds: dict[str, list[str]] = {}
    for one in said:
        kinds.setdefault(re.sub(r"[\d.]+", "#", one), []).append(one)
    return "; ".join(max(group, key=_figure) for group in kinds.values())


def _figure(sentence: str) -> float:
    """By how much it is told; of a fall its ratio."""
    numbers = [float(one) for one in re.findall(r"\d+(?:\.\d+)?", sentence)]
    if " fell from " in sentence and len(numbers) > 1 and numbers[1]:
        return numbers[0] / numbers[1]
    return numbers[0] if numbers else 0.0


def unusable_rows(cases: Sequence[CaseResult]) -> Iterator[str]:
    """What was passed over in the data, once for all cases of which it is true."""
    found: dict[str, int] = {}
    for case in cases:
        if count := case.dataset.get("unusable_rows"):
            used = case.dataset.get("used_rows")
            example = _first_unusable(case.dataset)
            line = f"{count} rows of the dataset could not be used, {used} were{example}"
            found[line] = found.get(line, 0) + 1
    for line, number in found.items():
        yield f"note: {line}" + (
            "" if number == len(cases) else f" ({number} of {len(cases)} cases)"
        )


def tolerated_failures(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Samples without an answer in cases that are measured all the same."""
    for case in cases:
        if case.status == "ok" and case.failed_samples is not None:
            line = in_words(case.failed_samples, case.dataset.get("used_rows"))
            yield f"note: {case.id.partition('::')[2]}: {line}"


def _first_unusable(dataset: JsonObject) -> str:
    match dataset.get("unusable"):
        case [{"row": row, "reason": reason}, *_]:
            return f" (row {row}: {reason})"
    return ""  # another program's run file need not say


def reasons(cases: Sequence[CaseResult]) -> list[str]:
    """Each reason for a missing number once, errors first: what it befell, in how many cases."""
    found: dict[tuple[str, str], dict[str, set[str]]] = {}
    for case in cases:
        for name, metric in case.metrics.items():
            if not metric.is_ok:
                key = (metric.status.value, metric.error_message or "")
                found.setdefault(key, {}).setdefault(name, set()).add(case.id)
    lines = [_reason(*key, where, len(cases)) for key, where in found.items()]
    return sorted(lines, key=lambda line: not line.startswith("error"))


def _reason(status: str, reason: str, where: dict[str, set[str]], total: int) -> str:
    cases = set().union(*where.values())
    names = ", ".join(where) if len(where) <= 3 else f"{len(where)} metrics"
    count = "" if len(cases) == total else f" ({shown(len(cases))} of {total} cases)"
    return f"{status}: {names}: {' '.join(reason.split())}{count}"
