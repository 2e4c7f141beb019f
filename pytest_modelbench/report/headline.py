"""The verdict on a whole run, in one line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pytest_modelbench.quick import QUICK_RUN
from pytest_modelbench.report.markdown_text import counted
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import BenchmarkRun, CaseResult

_ENDED_EARLY = {2: "the session was interrupted", 3: "the session broke off"}
"""By pytest's exit status."""


def headline(run: BenchmarkRun) -> str:
    """What is bad in bold and first; where nothing is, what was found to be good."""
    verdicts = Counter(one.outcome for made in run.comparisons for one in made.verdicts)
    bounds = Counter(check.outcome for case in run.cases for check in case.bounds)
    inconclusive = verdicts["inconclusive"] + bounds["inconclusive"]
    bad = list(_bad(run, verdicts["regression"], bounds["failed"]))
    if bad or inconclusive:
        parts = [f"**{', '.join(bad)}**"] if bad else []
        parts += [f"{inconclusive} inconclusive"] if inconclusive else []
        parts += [f"{verdicts['pass']} pass"] if verdicts["pass"] else []
        parts += [_hold(bounds["passed"])] if bounds["passed"] else []
    else:
        parts = [f"**{', '.join(_good(run, verdicts['pass'], bounds['passed']))}**"]
    parts += [f"{counted(verdicts['noted'], 'change')} noted"] if verdicts["noted"] else []
    parts = [f"**{QUICK_RUN}**", *parts] if run.metadata.quick else parts
    skipped = sum(case.status == "skipped" for case in run.cases)
    parts += [f"{skipped} skipped"] if skipped and not run.metadata.dry_run else []
    return ", ".join(parts)


def _bad(run: BenchmarkRun, regressions: int, broken: int) -> Iterator[str]:
    errors = sum(map(is_error, run.cases)) + len(failed_comparisons(run))
    found = {
        "regression": regressions,
        "broken bound": broken,
        "error": errors,
        "faulty suite": len(run.problems),
    }
    yield from (counted(number, what) for what, number in found.items() if number)
    if early := _ENDED_EARLY.get(run.metadata.exit_status or 0):
        yield early


def _good(run: BenchmarkRun, passed: int, holding: int) -> Iterator[str]:
    measured = sum(case.status == "ok" for case in run.cases)
    if run.metadata.dry_run:
        yield f"dry run: {counted(len(run.cases), 'case')}, nothing was measured"
        return
    if passed:
        yield f"all {passed} within tolerance" if passed > 1 else "1 within tolerance"
    if holding:
        yield f"all {_hold(holding)}" if holding > 1 else _hold(holding)
    if not passed and not holding:
        yield f"{counted(measured, 'case')} measured" if measured else "nothing was measured"


def _hold(number: int) -> str:
    return "1 bound holds" if number == 1 else f"{number} bounds hold"


def is_error(case: CaseResult) -> bool:
    """Whether something went wrong in it; its item has failed then."""
    return case.status == "error" or bool(case.metric_errors)


def failed_comparisons(run: BenchmarkRun) -> list[Comparison]:
    """Those that went wrong otherwise than by one of their cases, which says so itself."""
    wrong = {case.id for case in run.cases if is_error(case)}
    return [
        one
        for one in run.comparisons
        if one.status == "error" and wrong.isdisjoint({one.id, *(s.case_id for s in one.sides)})
    ]
