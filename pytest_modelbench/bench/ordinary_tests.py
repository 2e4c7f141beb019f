"""Ordinary tests in a session: what they measured goes the same way as the results of cases."""

from __future__ import annotations

from collections.abc import Generator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.bench.arguments import measure_spec
from pytest_modelbench.bench.bench import Bench
from pytest_modelbench.bench.parametrize import USUAL_DEVICE, mark_arguments
from pytest_modelbench.bench.record import (
    judged_test,
    manifest_of_test,
    result_of_test,
)
from pytest_modelbench.beside.pytest_benchmark import result_of_benchmark
from pytest_modelbench.collection import CaseItem
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.outcome import ModelbenchWarning, failures, warnings
from pytest_modelbench.redaction import printable

if TYPE_CHECKING:
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.session import ModelbenchSession

BENCH = pytest.StashKey[Bench]()
BROKEN_BOUND = pytest.StashKey[bool]()


def bench_of(
    request: pytest.FixtureRequest, session: ModelbenchSession
) -> Generator[Bench, None, None]:
    """The `modelbench` fixture of one test."""
    item = request.node
    if isinstance(item, CaseItem):
        pytest.fail("the modelbench fixture is for tests, not for suites", pytrace=False)
    device = USUAL_DEVICE
    if "device" in request.fixturenames:
        device = str(request.getfixturevalue("device")) or USUAL_DEVICE
    bench = Bench(
        device=device,
        turns=session.turns,
        waited_before=session.turns.waited_seconds,
        started_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
    if mistake := _mistake_in_mark(item, bench):
        pytest.fail(mistake, pytrace=False)
    item.stash[BENCH] = bench
    item.stash[BROKEN_BOUND] = False  # of a run of this test before
    if request.config.option.suite_dry_run:
        pytest.skip("dry run")
    yield bench
    bench.close()


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
        answer = yield
        bench = item.stash.get(BENCH, None)
        if bench is not None and isinstance(item, pytest.Function):
            self._judge(item, bench)
        return answer

    def _judge(self, item: pytest.Function, bench: Bench) -> None:
        strict = self._session.strict
        result = judged_test(result_of_test(item, bench, "ok", "", None, 0.0), bench)
        reasons = list(failures(result, strict=strict))
        for line in warnings(result, strict=strict):
            try:
                item.warn(ModelbenchWarning(printable(line)))
            except ModelbenchWarning:  # warnings are errors in this session
                reasons.append(line)
        if reasons:
            item.stash[BROKEN_BOUND] = True
            pytest.fail("\n".join(map(printable, reasons)), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, Any, Any]:
        report: Any = yield
        if isinstance(item, CaseItem) or not isinstance(item, pytest.Function):
            return report
        if report.when == "call" or (report.when == "setup" and not report.passed):
            result = self._result(item, report)
            if result is not None:
                report.modelbench = {
                    "manifests": [manifest_of_test(item, _identity(result))],
                    "result": result.model_dump_json(),
                    "nodeid": item.nodeid,
                }
        return report

    def _result(self, item: pytest.Function, report: pytest.TestReport) -> CaseResult | None:
        bench = item.stash.get(BENCH, None)
        if bench is None:
            return result_of_benchmark(item, report)
        broken_bound = item.stash.get(BROKEN_BOUND, False)
        status, detail, trace = "ok", "", None
        if report.skipped and not hasattr(report, "wasxfail"):
            text = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
            status, detail = "skipped", text.removeprefix("Skipped: ") or "skipped"
        elif not report.passed and not broken_bound:
            crash = getattr(report.longrepr, "reprcrash", None)
            text = crash.message if crash else report.longreprtext
            status, detail = "error", " ".join(text.split()) or "the test failed"
            trace = report.longreprtext or None
        result = result_of_test(item, bench, status, detail, trace, report.duration)
        return judged_test(result, bench)


def _identity(result: CaseResult) -> dict[str, Any]:
    names = ("id", "suite", "benchmark", "runner", "model", "model_path", "device", "params")
    return result.model_dump(include=set(names))
