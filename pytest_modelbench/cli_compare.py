"""`modelbench compare`: one run held against another, or a run's own verdicts once more."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import RUN, add_dir, store_at_option, tell
from pytest_modelbench.errors import WrongUsage

if TYPE_CHECKING:
    from pytest_modelbench.judge.asked_later import Asked
    from pytest_modelbench.judge.stored.choice import Found
    from pytest_modelbench.judge.stored.two_runs import Pairs
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
    from pytest_modelbench.results.find_run import find_run

    asked = _asked(options)
    _check_allowed(options)
    store = store_at_option(options)
    if options.b is None:
        file, run = find_run(options.a, store)
        _tell_choice(options.a, run)
        _check_metrics(options.metric, [run])
        run = _judged_again(file, run, asked)
        is_broken = _has_broken(run)
    else:
        run, is_broken = _held_against(options, store, asked)
    outcomes = {verdict.outcome for one in run.comparisons for verdict in one.verdicts}
    with suppress(BrokenPipeError):  # a reader that has seen enough changes no verdict
        _show(run, as_markdown=options.markdown, is_baseline_known=options.b is not None)
    return WORSE if is_broken or "regression" in outcomes else OK


def _has_broken(run: BenchmarkRun) -> bool:
    """Whether a comparison of the run went wrong, or a side of one."""
    from pytest_modelbench.report.headline import is_error

    wrong = {case.id for case in run.cases if is_error(case)}
    wrong |= {name.rpartition("@")[0] for name in wrong}
    return any(one.status == "error" or one.id in wrong for one in run.comparisons)


def _tell_choice(text: str, run: BenchmarkRun) -> None:
    """Where errors go: the output is the verdicts."""
    from pytest_modelbench.results.find_run import is_choice

    if is_choice(text):
        tell(f"{text} is run {run.metadata.run_id}")


def _check_allowed(options: argparse.Namespace) -> None:
    from pytest_modelbench.judge.stored.comparable import ALL, KEYS
    from pytest_modelbench.registered import did_you_mean

    known = [*KEYS, ALL]
    for one in options.allow:
        if one not in known:
            hint = did_you_mean(one, known) or f"; known: {', '.join(known)}"
            raise WrongUsage(f"--allow {one!r} is no kind of difference{hint}")
    if options.allow and options.b is None:
        raise WrongUsage(
            f"--allow {options.allow[0]!r} needs two runs: with one its own sides are judged"
        )


def _check_metrics(metrics: Sequence[str], runs: Sequence[BenchmarkRun]) -> None:
    from pytest_modelbench.registered import did_you_mean

    known = list(dict.fromkeys(name for run in runs for one in run.cases for name in one.metrics))
    for name in metrics:
        if name not in known:
            raise WrongUsage(f"--metric {name!r}: no case has it{did_you_mean(name, known)}")


def _asked(options: argparse.Namespace) -> Asked:
    from pytest_modelbench.judge.asked_later import Asked

    if options.better and not options.metric:
        raise WrongUsage(f"--better {options.better} is about metrics: name them with --metric")
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
        raise WrongUsage(f"--max-regression {error}") from None


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _judged_again(file: Path, run: BenchmarkRun, asked: Asked) -> BenchmarkRun:
    from pytest_modelbench.comparison.rejudge import rejudged
    from pytest_modelbench.report.verdicts import few

    if not run.comparisons:
        raise WrongUsage(
            f"{file}: nothing was compared in this run: name a second run to hold it against, or "
            "make one with --suite-against or --suite-baseline"
        )
    stored = [one.id for one in run.comparisons if one.kind == "stored"]
    if stored and (asked.metrics or asked.tolerance):
        if len(stored) == len(run.comparisons):
            raise WrongUsage(
                f"{file}: it was held against an earlier run, whose figures are not in it: name "
                "both runs to judge by other metrics or another --max-regression"
            )
        as_then = "held against an earlier run and shown as judged then"
        print(f"{as_then}: {few(stored)}", file=sys.stderr)
    return run.model_copy(update={"comparisons": rejudged(run, asked)})


def _held_against(
    options: argparse.Namespace, store: Path, asked: Asked
) -> tuple[BenchmarkRun, bool]:
    """The second run with its cases held against the first one's.

    And whether any of them went wrong that the first one has measured well.
    """
    from pytest_modelbench.judge.stored.comparison import Against
    from pytest_modelbench.judge.stored.history import History
    from pytest_modelbench.judge.stored.two_runs import Pairs
    from pytest_modelbench.results.find_run import folder_of
    from pytest_modelbench.results.store import runs_folder

    (file, baseline), (other_file, run) = _two_runs(options, store)
    _check_metrics(options.metric, [baseline, run])
    pairs = Pairs.of(baseline, run)
    if not pairs.compared:
        raise WrongUsage(_nothing_to_compare(options, pairs))
    folders = [runs_folder(), folder_of(file), folder_of(other_file)]
    history = History(folders, without=[run.metadata.run_id])
    against = Against(baseline, history, frozenset(options.allow), "--allow")
    comparisons = pairs.judged(against, asked)
    _tell_of_others(pairs)
    return run.model_copy(update={"comparisons": comparisons}), bool(pairs.broken(comparisons))


def _two_runs(options: argparse.Namespace, store: Path) -> tuple[Found, Found]:
    """Where one of them is named and of the other which to choose, that is chosen to fit."""
    from pytest_modelbench.judge.stored.two_runs import run_beside
    from pytest_modelbench.results.find_run import find_run, is_choice

    if is_choice(options.b) and not is_choice(options.a):
        first = find_run(options.a, store)
        second = run_beside(options.b, first[1], store)
    else:
        second = find_run(options.b, store)
        first = run_beside(options.a, second[1], store)
    if first[1].metadata.run_id == second[1].metadata.run_id:
        raise WrongUsage(f"{options.a!r} and {options.b!r} are the same run: name another")
    _tell_choice(options.a, first[1])
    _tell_choice(options.b, second[1])
    return first, second


def _nothing_to_compare(options: argparse.Namespace, pairs: Pairs) -> str:
    if pairs.copies:
        return (
            f"{options.a!r} and {options.b!r} hold the same measurements: one took them over from "
            "the other, so there is nothing to compare"
        )
    return (
        f"{options.a!r} and {options.b!r} have no case in common: the first has "
        f"{_some_ids(pairs.baseline)}, the second {_some_ids(pairs.run)}"
    )


def _tell_of_others(pairs: Pairs) -> None:
    """Cases that are not compared, where errors go: the output is the verdicts."""
    from pytest_modelbench.report.verdicts import few

    for ids, said in (
        (pairs.new, f"not in run {pairs.baseline.metadata.run_id}"),
        (pairs.lost, f"not in run {pairs.run.metadata.run_id}, but in the baseline"),
        (pairs.copies, "one measurement, which one session took over"),
    ):
        if ids:
            tell(f"{said}: {few(ids)}")


def _some_ids(run: BenchmarkRun) -> str:
    from pytest_modelbench.report.verdicts import few

    return few(case.id for case in run.cases) or "none"


def _show(run: BenchmarkRun, *, as_markdown: bool, is_baseline_known: bool) -> None:
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
        lines = verdict_lines(run, suite, are_alone=True, is_baseline_known=is_baseline_known)
        for line, _ in lines:
            print(printable(line))
