"""What of a run was not measured in its session, and what to type after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_modelbench.report.headline import failed_comparisons
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.results.store import dir_option

MOST_NAMED = 6


def taken_over(cases: Sequence[CaseResult]) -> Iterator[str]:
    """Which results, or answers, are an earlier session's."""
    whole: dict[str, list[str]] = {}
    for case in cases:
        for one in case.taken_over:
            if one.what == "case":
                whole.setdefault(one.run_id, []).append(case.id.partition("::")[2])
            else:
                yield (
                    f"note: {case.id.partition('::')[2]}: {one.samples} samples were answered in "
                    f"{one.run_id}: its timed calls are this session's alone"
                )
    for run_id, names in whole.items():
        more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
        yield (
            f"note: not measured again but taken over from {run_id}: "
            f"{', '.join(names[:MOST_NAMED])}{more}"
        )


def nothing_taken_over(run: BenchmarkRun, earlier: str) -> Iterator[str]:
    """Said where a session resumed one and had nothing of it."""
    if not run.metadata.dry_run and not any(case.taken_over for case in run.cases):
        yield (
            f"note: nothing was taken over from {earlier}: none of these cases was measured well "
            "there, or all have changed since"
        )


def next_commands(run: BenchmarkRun, command: str, store: Path) -> Iterator[str]:
    """What to type now; `command` is what started the session, without what it resumed.

    `store` is where the run is kept.
    """
    run_id = run.metadata.run_id
    if run.metadata.dry_run:
        return
    details = [one.detail for one in run.cases if one.status == "skipped"]
    details += [one.detail for one in run.comparisons if one.status == "skipped"]
    if any(detail.startswith(("not run: ", "unfinished: ")) for detail in details):
        yield f"to go on: {command} --suite-resume={run_id}"
    is_broken = any(case.status != "skipped" and not case.is_well for case in run.cases)
    if is_broken or failed_comparisons(run):
        yield f"why it failed, in full: modelbench show {run_id} --errors{dir_option(store)}"
        yield f"only what went wrong, again: {command} --suite-retry-failed={run_id}"
