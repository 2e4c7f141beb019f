"""Ordinary tests in a session: what they measured goes the same way as the results of cases."""

from __future__ import annotations

import time
from collections.abc import Generator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import pytest

from pytest_modelbench.bench.arguments import measure_spec
from pytest_modelbench.bench.bench import Bench
from pytest_modelbench.bench.outcome_of_test import outcome_of_test, trace_of_test
from pytest_modelbench.bench.parametrize import USUAL_DEVICE, mark_arguments
from pytest_modelbench.bench.record import (
    identity_of_test,
    judged_test,
    manifest_of_test,
    result_of_test,
)
from pytest_modelbench.beside.pytest_benchmark import result_of_benchmark
from pytest_modelbench.catalogue import STANDARD_METRICS
from pytest_modelbench.collection import CaseItem
from pytest_modelbench.errors import ModelbenchError, encodable, one_line
from pytest_modelbench.execution.blank import blank_from
from pytest_modelbench.outcome import failures, warned, warnings
from pytest_modelbench.redaction import printable
from pytest_modelbench.report.junit import show_in_junit

if TYPE_CHECKING:
    from pytest_modelbench.results.comparison import Comparison
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.session import ModelbenchSession

BENCH = pytest.StashKey[Bench]()
COMPARED = pytest.StashKey[list["Comparison"]]()
BROKEN_BOUND = pytest.StashKey[bool]()
"""Or a regression: it was measured well, and fails all the same."""
IS_CALLED = pytest.StashKey[bool]()
"""Whether the test runs now: reports that are made meanwhile are of its subtests."""
FAILED_SUBTESTS = pytest.StashKey[int]()
GIVEN_AT = pytest.StashKey[float]()
"""When the test got the fixture, in seconds since 1970."""


def bench_of(
    request: pytest.FixtureRequest, session: ModelbenchSession
) -> Generator[Bench, None, None]:
    """The `modelbench` fixture of one test, which is busy as long as it has it.

    So what it does besides measuring, such as preparing inputs and scoring, is never beside a
    timed call of another process.
    """
    item = request.node
    if isinstance(item, CaseItem):
        pytest.fail("the modelbench fixture is for tests, not for suites", pytrace=False)
    if not isinstance(item, pytest.Function):  # it would be in no run, and no bound be judged
        kind = type(item).__name__
        pytest.fail(
            f"the modelbench fixture is for test functions, not for a {kind}", pytrace=False
        )
    is_dry = request.config.option.suite_dry_run
    waited_before = session.turns.waited_seconds
    with nullcontext() if is_dry else session.turns.busy():
        bench = Bench(
            device=_device_of(request),
            turns=session.turns,
            waited_before=waited_before,
            waited_before_phase=waited_before,
            is_quick=session.is_quick,
            started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        )
        if mistake := _mistake_in_mark(item, bench):
            pytest.fail(mistake, pytrace=False)
        item.stash[BENCH] = bench
        item.stash[GIVEN_AT] = time.time()
        item.stash[BROKEN_BOUND] = False  # of a run of this test before
        item.stash[COMPARED] = []
        if is_dry:
            pytest.skip("dry run")
        yield bench
        bench.close()


def _device_of(request: pytest.FixtureRequest) -> str:
    given = request.getfixturevalue("device") if "device" in request.fixturenames else ""
    return str(given) or USUAL_DEVICE


def _mistake_in_mark(item: pytest.Item, bench: Bench) -> str | None:
    """Tell `bench` what the mark says of the whole test; what is wrong with that, if anything."""
    try:
        given = mark_arguments(item)
        bench.defaults = dict(given.get("measure") or {})
        measure_spec(bench.defaults)
        for criterion in given.get("criteria") or ():
            bench.add_criterion(criterion, "mark modelbench, criteria")
    except ModelbenchError as error:
        return str(error)
    return None


class OrdinaryTests:
    """Hooks around tests that are no cases of a suite."""

    def __init__(self, session: ModelbenchSession) -> None:
        self._session = session

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, Any, Any]:
        """After a test that went well, its bounds; a failure here is one of the call."""
        if before := item.stash.get(BENCH, None):
            before.waited_before_phase = self._session.turns.waited_seconds
        item.stash[FAILED_SUBTESTS] = 0
        item.stash[IS_CALLED] = True
        try:
            answer = yield
        finally:
            item.stash[IS_CALLED] = False
        self._judge(item)
        return answer

    def _judge(self, item: pytest.Item) -> None:
        """Unless that was done, or the test went wrong in a way that raises nothing."""
        bench = item.stash.get(BENCH, None)
        if bench is None or bench.is_over or not isinstance(item, pytest.Function):
            return
        bench.is_over = True
        # Of a `unittest.TestCase` pytest keeps what was raised, and raises it nowhere.
        if not (item.stash.get(FAILED_SUBTESTS, 0) or getattr(item, "_excinfo", None)):
            self._hold_bounds(item, bench)

    def _hold_bounds(self, item: pytest.Function, bench: Bench) -> None:
        strict = self._session.strict
        result = judged_test(result_of_test(item, bench), bench)
        baseline = self._session.baseline
        comparisons = baseline.hold_test(result, bench.criteria) if baseline else []
        item.stash[COMPARED] = comparisons
        show_in_junit(item, comparisons)
        reasons = list(failures(result, comparisons, strict=strict))
        for line in warnings(result, comparisons, strict=strict):
            if not warned(item, line):
                reasons.append(line)
        if reasons:
            item.stash[BROKEN_BOUND] = True
            pytest.fail("\n".join(map(printable, reasons)), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        is_subtest = item.stash.get(IS_CALLED, False)
        # A session that began in the midst of this test has not seen its call, which began before.
        began_before = call.start < item.stash.get(GIVEN_AT, 0.0)
        if call.when == "call" and call.excinfo is None and began_before and not is_subtest:
            call.excinfo = pytest.CallInfo.from_call(lambda: self._judge(item), "call").excinfo
        report: Any = yield
        if is_subtest:
            item.stash[FAILED_SUBTESTS] += report.failed
            return report
        if isinstance(item, pytest.Function) and not isinstance(item, CaseItem):
            try:
                if parcel := self._parcel(item, report):
                    report.modelbench = self._session.part.keep(parcel)
            except Exception as error:  # raised here, it would end the whole session
                text = f"not in the run: {one_line(error)}"
                if not warned(item, text) and not report.failed:
                    report.outcome, report.longrepr = "failed", printable(text)
        return report

    def _parcel(self, item: pytest.Function, report: pytest.TestReport) -> dict[str, Any]:
        bench = item.stash.get(BENCH, None)
        is_final = report.when == "call" or not report.passed
        if report.when == "teardown" and bench is None:
            return {}
        if is_final and (result := self._result(item, report)) is not None:
            return {
                "manifests": [manifest_of_test(item, _identity(result))],
                "results": [result.model_dump_json()],
                "comparisons": [one.model_dump_json() for one in item.stash.get(COMPARED, [])],
                "nodeid": encodable(item.nodeid),
            }
        if report.when == "setup" and bench is not None:
            # Before the test, which may end its process: then it still has its place in the run.
            identity = identity_of_test(item, bench.device)
            return {"manifests": [manifest_of_test(item, identity)]}
        return {}

    def _result(self, item: pytest.Function, report: pytest.TestReport) -> CaseResult | None:
        bench = item.stash.get(BENCH, None)
        if bench is None and report.when == "setup" and "modelbench" in item.fixturenames:
            return _result_without_fixture(item, report)
        if bench is None:
            return result_of_benchmark(item, report)
        if item.stash.get(BROKEN_BOUND, False) and report.when == "call":  # it was measured well
            return judged_test(result_of_test(item, bench, seconds=report.duration), bench)
        status, detail = outcome_of_test(report)
        if status == "ok" and (failed := item.stash.get(FAILED_SUBTESTS, 0)):
            status, detail = "error", f"{failed} of its subtests failed"
        trace = trace_of_test(report)
        result = result_of_test(item, bench, status, detail, trace, report.duration)
        return judged_test(result, bench)


def _result_without_fixture(item: pytest.Function, report: pytest.TestReport) -> CaseResult:
    """Of a test that ended before it had the fixture: by a mark, or by a fixture set up before."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    device = item.funcargs.get("device", params.get("device"))
    identity = identity_of_test(item, device if isinstance(device, str) else USUAL_DEVICE)
    _, detail = outcome_of_test(report)
    status: Literal["skipped", "error"] = "skipped" if report.skipped else "error"
    return blank_from(identity, STANDARD_METRICS, status, detail, trace_of_test(report))


def _identity(result: CaseResult) -> dict[str, Any]:
    names = ("id", "suite", "benchmark", "runner", "model", "model_path", "device", "params")
    return result.model_dump(include=set(names))
