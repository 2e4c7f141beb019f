"""`modelbench compare`: one run held against another, or a run's own verdicts once more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import RUN, add_dir, store_at_option
from pytest_modelbench.errors import ModelbenchError

if TYPE_CHECKING:
    from pytest_modelbench.judge.asked_later import Asked
    from pytest_modelbench.judge.stored.measured_case import MeasuredCase
    from pytest_modelbench.results.comparison import Comparison
    from pytest_modelbench.results.run import BenchmarkRun
    from pytest_modelbench.suite.tolerance import Tolerance

OK, WORSE = 0, 1


def add_compare(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "compare", help="hold run B against run A, or show the verdicts of A once more"
    )
    parser.add_argument("a", metavar="A", help=f"the baseline: {RUN}")
    parser.add_argument("b", metavar="B", nargs="?", help="the run that is judged")
    parser.add_argument(
        "--metric", action="append", default=[], metavar="NAME", help="judge this one instead"
    )
    parser.add_argument(
        "--better",
        choices=["lower", "higher"],
        help="which way is better of the metrics that are named, where the run does not say",
    )
    parser.add_argument(
        "--max-regression",
        metavar="AMOUNT",
        help="how much worse is allowed: a share such as 5%%, or a number in the metric's unit",
    )
    parser.add_argument(
        "--allow",
        action="append",
        default=[],
        metavar="KIND",
        help="judge although this differs, such as packages or machine, or all",
    )
    parser.add_argument("--markdown", action="store_true", help="as `modelbench report` writes it")
    add_dir(parser)
    parser.set_defaults(command=_compare)


def _compare(options: argparse.Namespace) -> int:
    from pytest_modelbench.results.find_run import find_run, folder_of

    asked = _asked(options)
    _check_allowed(options.allow)
    store = store_at_option(options)
    file, run = find_run(options.a, store)
    if options.b is None:
        if options.allow:
            raise ModelbenchError(
                f"--allow {options.allow[0]!r} needs two runs: with one its own sides are judged"
            )
        _check_metrics(options.metric, [run])
        run = _judged_again(file, run, asked)
    else:
        other_file, other = find_run(options.b, store)
        if other.metadata.run_id == run.metadata.run_id:
            raise ModelbenchError(f"{options.a!r} and {options.b!r} are the same run: name another")
        _check_metrics(options.metric, [run, other])
        folders = [folder_of(file), folder_of(other_file)]
        run = _held_against(run, other, folders, options, asked)
    _show(run, as_markdown=options.markdown)
    outcomes = {verdict.outcome for one in run.comparisons for verdict in one.verdicts}
    return WORSE if "regression" in outcomes else OK


def _check_allowed(allowed: Sequence[str]) -> None:
    from pytest_modelbench.judge.stored.comparable import ALL, KEYS
    from pytest_modelbench.registered import did_you_mean

    known = [*KEYS, ALL]
    for one in allowed:
        if one not in known:
            hint = did_you_mean(one, known) or f"; known: {', '.join(known)}"
            raise ModelbenchError(f"--allow {one!r} is no kind of difference{hint}")


def _check_metrics(metrics: Sequence[str], runs: Sequence[BenchmarkRun]) -> None:
    from pytest_modelbench.registered import did_you_mean

    known = list(dict.fromkeys(name for run in runs for one in run.cases for name in one.metrics))
    for name in metrics:
        if name not in known:
            raise ModelbenchError(f"--metric {name!r}: no case has it{did_you_mean(name, known)}")


def _asked(options: argparse.Namespace) -> Asked:
    from pytest_modelbench.judge.asked_later import Asked

    if options.better and not options.metric:
        raise ModelbenchError(
            f"--better {options.better} is about metrics: name them with --metric"
        )
    return Asked(options.metric, _tolerance(options), options.better)


def _tolerance(options: argparse.Namespace) -> Tolerance | None:
    """What the option says, as a share or as a number."""
    from pytest_modelbench.suite.tolerance import parse_tolerance

    given = options.max_regression
    if given is None:
        return None
    try:
        return parse_tolerance(given if "%" in given else _number(given))
    except ValueError as error:
        raise ModelbenchError(f"--max-regression {error}") from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _judged_again(file: Path, run: BenchmarkRun, asked: Asked) -> BenchmarkRun:
    from pytest_modelbench.comparison.rejudge import rejudged
    from pytest_modelbench.report.verdicts import few

    if not run.comparisons:
        raise ModelbenchError(
            f"{file}: nothing was compared in this run: name a second run to hold it against, or "
            "make one with --suite-against or --suite-baseline"
        )
    stored = [one.id for one in run.comparisons if one.kind == "stored"]
    if stored and (asked.metrics or asked.tolerance):
        if len(stored) == len(run.comparisons):
            raise ModelbenchError(
                f"{file}: it was held against an earlier run, whose figures are not in it: name "
                "both runs to judge by other metrics or another --max-regression"
            )
        as_then = "held against an earlier run and shown as judged then"
        print(f"{as_then}: {few(stored)}", file=sys.stderr)
    return run.model_copy(update={"comparisons": rejudged(run, asked)})


def _held_against(
    baseline: BenchmarkRun,
    run: BenchmarkRun,
    folders: Sequence[Path],
    options: argparse.Namespace,
    asked: Asked,
) -> BenchmarkRun:
    """`run` with its cases held against `baseline`, those that both have."""
    from pytest_modelbench.judge.asked_later import questions_later
    from pytest_modelbench.judge.stored.comparison import Against, stored_comparison
    from pytest_modelbench.judge.stored.history import History
    from pytest_modelbench.judge.stored.measured_case import cases_of, counterpart
    from pytest_modelbench.results.store import runs_folder

    peers = [case.model_dump(include=_IDENTITY) for case in run.cases]
    pairs = [(one, counterpart(one.case, peers, baseline)) for one in cases_of(run)]
    known = [(one, stored) for one, stored in pairs if stored is not None]
    if not known:
        raise ModelbenchError(
            f"{options.a!r} and {options.b!r} have no case in common: the first has "
            f"{_some_ids(baseline)}, the second {_some_ids(run)}"
        )
    both = [one for one, stored in known if one.measured_in != stored.measured_in]
    if not both:
        raise ModelbenchError(
            f"{options.a!r} and {options.b!r} hold the same measurements: one took them over from "
            "the other, so there is nothing to compare"
        )
    history = History([runs_folder(), *folders], without=[run.metadata.run_id])
    against = Against(baseline, history, frozenset(options.allow))
    questions = [questions_later(asked, one.case, [run, baseline]) for one in both]
    count = max(1, sum(map(len, questions)))
    _tell_of_others(baseline, run, {one.case.id for one, _ in known}, both)
    comparisons: list[Comparison] = [
        stored_comparison(one, each, against, peers, count)
        for one, each in zip(both, questions, strict=True)
    ]
    return run.model_copy(update={"comparisons": comparisons})


def _tell_of_others(
    baseline: BenchmarkRun, run: BenchmarkRun, known: set[str], both: Sequence[MeasuredCase]
) -> None:
    """Cases that are not compared, where errors go: the output is the verdicts."""
    from pytest_modelbench.report.verdicts import few

    new = [case.id for case in run.cases if case.id not in known]
    if new:
        print(f"not in run {baseline.metadata.run_id}: {few(new)}", file=sys.stderr)
    compared = {one.case.id for one in both}
    copies = [case.id for case in run.cases if case.id in known - compared]
    if copies:
        print(f"one measurement, which one session took over: {few(copies)}", file=sys.stderr)


_IDENTITY = {"id", "suite", "benchmark", "runner", "device", "params"}


def _some_ids(run: BenchmarkRun) -> str:
    from pytest_modelbench.report.verdicts import few

    return few(case.id for case in run.cases) or "none"


def _show(run: BenchmarkRun, *, as_markdown: bool) -> None:
    from pytest_modelbench.redaction import printable
    from pytest_modelbench.report.markdown import markdown_of
    from pytest_modelbench.report.verdict_lines import verdict_lines

    if as_markdown:
        sys.stdout.write(markdown_of(run))
        return
    suites = list(dict.fromkeys(one.suite for one in run.comparisons))
    for suite in suites:
        if len(suites) > 1:
            print(f"{suite}:")
        for line, _ in verdict_lines(run, suite):
            print(printable(line))
