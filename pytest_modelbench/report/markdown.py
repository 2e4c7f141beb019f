"""A run as Markdown: for a comment on a pull request, and for the summary of a step in CI."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain

from pytest_modelbench.report.blocks import Block, fitted
from pytest_modelbench.report.case_table import SuitesWithCases, case_grid, suites_with_cases
from pytest_modelbench.report.columns import columns
from pytest_modelbench.report.headline import failed_comparisons, headline, is_error
from pytest_modelbench.report.loads import loads
from pytest_modelbench.report.markdown_text import (
    bullet,
    counted,
    escaped,
    table_head,
    table_row,
)
from pytest_modelbench.report.notes import (
    disturbances,
    legend,
    reasons,
    tolerated_failures,
    unusable_rows,
    worst_of_each_kind,
)
from pytest_modelbench.report.numbers import with_interval
from pytest_modelbench.report.taken_over import taken_over
from pytest_modelbench.report.verdict_lines import what_became
from pytest_modelbench.report.verdicts import (
    difference_lines,
    full_lines,
    reasons_of_verdicts,
    short_id,
    side_lines,
    verdict_table,
)
from pytest_modelbench.results.run import BenchmarkRun, CaseResult, SuiteRecord

MOST_COMMENT_BYTES = 65_000
"""GitHub refuses a comment of more than 65,536 characters; some are left for the workflow's own."""
MOST_SUMMARY_BYTES = 1 << 20
"""Of all that one step writes into its summary."""
Notes = Callable[[Sequence[CaseResult]], Iterable[str]]


def markdown_of(run: BenchmarkRun, most_bytes: int = MOST_COMMENT_BYTES) -> str:
    """The verdict in one line, then what it rests on, at most `most_bytes` of UTF-8.

    Tables and lists are cut between rows; empty if not even the first line has room.
    """
    suites = suites_with_cases(run)
    blocks = [
        Block([], tail=[headline(run)]),
        Block(list(_faults(run)), "faults"),
        verdict_table(run),
        reasons_of_verdicts(run),
        *(_suite_block(suite, cases, run.system_info.launch_floor) for suite, cases in suites),
        _details("Why numbers are missing", _missing(run, suites)),
        _details("What the verdicts rest on", full_lines(run)),
        _details("What was compared", side_lines(run)),
        _details("What differs besides", difference_lines(run)),
        _details("How endpoints were loaded", _notes(suites, loads)),
        _details("What disturbed the measurements", _disturbed(run, suites)),
        _details("Machine and versions", _circumstances(run)),
    ]
    return fitted([block for block in blocks if block.rows or block.tail], most_bytes)


def _details(summary: str, lines: Iterable[str]) -> Block:
    """What is folded away until a reader asks for it; nothing without lines."""
    rows = list(lines)
    title = (f"<details><summary>{summary}</summary>", "")
    return Block(rows, title=title, tail=("", "</details>") if rows else ())


def _faults(run: BenchmarkRun) -> Iterator[str]:
    """What is broken, and bounds that could not be judged."""
    for case in run.cases:
        name = short_id(run, case.id)
        for check in case.bounds:
            if check.outcome != "passed":
                kind = "broken" if check.outcome == "failed" else "inconclusive"
                message = check.message.removeprefix("broken: ")
                yield bullet(f"{kind} bound: {name}: {message}")
        if is_error(case):
            yield bullet(f"error: {name}: {case.detail or _first_cause(case)}")
    for comparison in failed_comparisons(run):
        yield bullet(f"error: {short_id(run, comparison.id)}: {comparison.detail}")
    for problem in run.problems:
        yield bullet(f"faulty suite: {problem}")


def _first_cause(case: CaseResult) -> str:
    name, cause = next(iter(case.metric_errors.items()))
    return f"{name}: {cause}"


def _suite_block(suite: SuiteRecord, cases: Sequence[CaseResult], launch_floor: float) -> Block:
    names = columns(suite, cases)
    titles, *rows = case_grid(suite, cases, names, with_interval, launch_floor)
    return Block(
        [table_row(map(escaped, row)) for row in rows],
        "cases",
        title=(f"### {escaped(suite.id)} ({counted(len(cases), 'case')})", ""),
        head=table_head(titles, left=[1]),
        tail=[line for note in legend(suite, cases, launch_floor) for line in ("", escaped(note))],
    )


def _notes(suites: SuitesWithCases, notes: Notes) -> Iterator[str]:
    """What there is to say of each suite, which is named where there are several."""
    for suite, cases in suites:
        begin = f"{suite.id}: " if len(suites) > 1 else ""
        yield from (bullet(begin + line) for line in notes(cases))


def _missing(run: BenchmarkRun, suites: SuitesWithCases) -> Iterator[str]:
    yield from _notes(
        suites,
        lambda cases: (*reasons(cases), *unusable_rows(cases), *tolerated_failures(cases)),
    )
    for comparison in run.comparisons:
        if comparison.detail and comparison.status != "error":
            yield bullet(f"{short_id(run, comparison.id)}: {what_became(comparison)}")


def _disturbed(run: BenchmarkRun, suites: SuitesWithCases) -> Iterator[str]:
    yield from _notes(
        suites,
        lambda cases: (
            line.removeprefix("note: ") for line in chain(disturbances(cases), taken_over(cases))
        ),
    )
    for comparison in run.comparisons:
        said = [one for launch in comparison.launches for one in launch.disturbances]
        if said:
            number = sum(bool(launch.disturbances) for launch in comparison.launches)
            count = f"{number} of {len(comparison.launches)} launches"
            name = short_id(run, comparison.id)
            yield bullet(f"{name}: {worst_of_each_kind(said)} ({count})")


def _circumstances(run: BenchmarkRun) -> Iterator[str]:
    """Without the machine's name, which is nobody's business in a public place."""
    run_facts, machine = run.metadata, run.system_info
    yield bullet(f"run {run_facts.run_id}, {run_facts.timestamp}")
    yield bullet(f"command: {run_facts.command_line}")
    if run_facts.git_sha:
        branch = f", branch {run_facts.git_branch}" if run_facts.git_branch else ""
        dirty = ", with changes that are not committed" if run_facts.git_dirty else ""
        yield bullet(f"commit {run_facts.git_sha}{branch}{dirty}")
    limit = f", of which {machine.cpu_limit:g} are allowed" if machine.cpu_limit else ""
    yield bullet(f"processor: {machine.cpu_info}, {counted(machine.cpu_count, 'CPU')}{limit}")
    yield bullet(f"memory: {machine.total_ram_gb:.3g} GB")
    if machine.gpu_info:
        cuda = f", CUDA {machine.cuda_version}" if machine.cuda_version else ""
        yield bullet(f"GPU: {machine.gpu_info}{cuda}")
    yield bullet(
        f"system: {machine.platform} {machine.platform_version}, Python {machine.python_version}, "
        f"pytest-modelbench {run_facts.modelbench_version}"
    )
    if machine.packages:
        packages = (f"{name} {version}" for name, version in machine.packages.items())
        yield bullet(f"packages: {', '.join(packages)}")
