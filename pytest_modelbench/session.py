"""What one pytest session with suites has to remember: the plugin object behind the hooks."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.collection import CaseItem, grouped_by_model, is_of_chosen_model
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.quick import unjudged
from pytest_modelbench.session_limits import is_case
from pytest_modelbench.session_options import (
    extension_files,
    lock_from,
    named_file,
    selection_from,
)
from pytest_modelbench.suite.load import LoadedSuite, load_suite
from pytest_modelbench.suite.sides import check_here, forget_repositories

if TYPE_CHECKING:
    from pytest_modelbench.comparison.against_baseline import SessionBaseline
    from pytest_modelbench.execution.engine import Engine
    from pytest_modelbench.recording.own_part import OwnPart
    from pytest_modelbench.results.run import CaseResult
    from pytest_modelbench.resume.take_over import TakeOver


class ModelbenchSession:
    """Hooks of every process that collects and runs cases: the only one, or an xdist worker."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.strict: bool = config.option.suite_strict
        self.is_quick: bool = config.option.suite_quick
        self.lock = lock_from(config)
        self.selection = selection_from(config)
        self.named_files = {named_file(config, argument) for argument in config.args}
        self._loaded: dict[Path, LoadedSuite] = {}
        self.verdict_count = 1
        """Verdicts that comparisons will give: the more there are, the stricter is each."""
        self.baseline: SessionBaseline | None = None
        self.take_over: TakeOver | None = None
        self._manifests: list[Any] = []
        self._lost: list[str] = []
        self._suite_errors = 0
        self._is_selected = False
        self.failed_revisions: dict[str, str] = {}
        """Those that could not be made ready to be measured, and why."""
        forget_repositories()

    @cached_property
    def engine(self) -> Engine:
        from pytest_modelbench.execution.engine import make_engine

        kind = "dry" if self.config.option.suite_dry_run else self.config.option.suite_engine
        return make_engine(kind, self.worker, self.extensions, self.lock)

    @property
    def extensions(self) -> list[tuple[str, str]]:
        return extension_files(self.config)

    @cached_property
    def turns(self) -> Turns:
        """For what is measured in this very process."""
        return Turns(self.lock)

    @cached_property
    def part(self) -> OwnPart:
        """What this process writes to the directory of the run."""
        from pytest_modelbench.recording.own_part import OwnPart

        return OwnPart(self.config, self.worker)

    @property
    def worker(self) -> str:
        """`main`, or the name of this xdist worker."""
        return str(getattr(self.config, "workerinput", {}).get("workerid", "main"))

    def load(self, file: Path) -> LoadedSuite:
        """The suite in `file`, read once a session. Raises `ModelbenchError` if it is faulty."""
        if file not in self._loaded:
            loaded = load_suite(file, self.selection)
            for other in self._loaded.values():
                if other.id == loaded.id:
                    raise ModelbenchError(
                        f"{file}: its id {loaded.id!r} is also the id of {other.file}: ids differ"
                    )
            self._loaded[file] = loaded
        return self._loaded[file]

    def judged(self, case: Case, result: CaseResult) -> CaseResult:
        from pytest_modelbench.judge.verdict import judged
        from pytest_modelbench.recording.manifest import named_criteria

        made = judged(result, named_criteria(self.load(case.suite_file)))
        return unjudged(made) if self.is_quick else made

    def check_against(self) -> None:
        """Whether the suites named on the command line find what `--suite-against` names.

        Before anything is collected, since it is no mistake of theirs. Raises `ModelbenchError`.
        """
        side = self.selection.against
        for file in sorted(self.named_files):
            if side is not None and file.suffix == ".json" and file.is_file():
                try:
                    check_here(side, file)
                except ModelbenchError as error:
                    raise ModelbenchError(f"--suite-against: {error}") from None

    def find_baseline(self) -> None:
        """The run that `--suite-baseline` names, before anything is measured."""
        given = self.config.option.suite_baseline
        if given is None:
            return
        if not given.strip():
            raise ModelbenchError(
                f"--suite-baseline {given!r} names no run: give last, branch:NAME, a run file or "
                "the id of a run, or leave it out"
            )
        if self.is_quick:
            raise ModelbenchError(
                "--suite-quick with --suite-baseline: the figures of a quick run say nothing, so "
                "they are held against nothing: leave one of the two out"
            )
        from pytest_modelbench.comparison.against_baseline import SessionBaseline

        self.baseline = SessionBaseline(self)

    def find_earlier(self) -> None:
        """The session that is to be resumed or retried, if one is."""
        option = self.config.option
        if option.suite_resume is not None or option.suite_retry_failed is not None:
            from pytest_modelbench.resume.take_over import TakeOver, earlier_of

            if (earlier := earlier_of(self.config)) is not None:
                self.take_over = TakeOver(self, earlier)

    def suite_digest(self, case: Case) -> str:
        """Of the file of its suite."""
        return self._loaded[case.suite_file].digest

    def on_trail(self, case: Case) -> Case:
        """`case`, told where to leave its trail."""
        earlier = self.take_over.earlier if self.take_over else None
        return replace(case, trail=self.part.trail_of(case, earlier))

    # Collection

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items[:] = grouped_by_model(items)
        self._is_selected = True

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        if not self._is_selected:  # collecting was broken off
            return
        self._check_selection(session.items)
        if self.baseline is not None:
            self.baseline.prepare(session.items)
            self.verdict_count = max(1, self.baseline.verdict_count)
        selected: dict[Path, dict[str, str]] = {}
        for item in session.items:
            if isinstance(item, CaseItem):
                selected.setdefault(item.path, {})[item.case.id] = item.nodeid
        if self.config.option.collectonly:
            return
        self._count_verdicts([one.case for one in session.items if isinstance(one, CaseItem)])
        if self.config.option.suite_preflight or not any(map(is_case, session.items)):
            return
        from pytest_modelbench.recording.manifest import manifest_of

        for file, nodeids in selected.items():
            loaded = self._loaded[file]
            in_order = [
                (nodeids[case.id], one)
                for case in loaded.cases
                if case.id in nodeids
                for one in case.measured
            ]
            self._manifests.append(manifest_of(loaded, in_order))
        if self.baseline is not None and self.worker != "main":
            self._lost = self.baseline.lost(session.items)
        self._open()

    def _open(self) -> None:
        """Before anything is measured: what was to be measured."""
        try:
            self.part.note({"event": "parcel", "manifests": self._manifests})
        except ModelbenchError as error:
            raise pytest.UsageError(str(error)) from None

    def pytest_report_header(self) -> list[str]:
        return list(self.take_over.earlier.lines()) if self.take_over else []

    def unsent(self) -> dict[str, Any]:
        """What no report has carried yet, as of a session that ended before its first case."""
        return {"manifests": self._manifests}

    def send(self) -> dict[str, Any]:
        """The same for a report that will carry it; and what a worker cannot print."""
        unsent = {"manifests": self._manifests, "lost": self._lost}
        self._manifests, self._lost = [], []
        return {kind: values for kind, values in unsent.items() if values}

    def pytest_report_collectionfinish(self, items: list[pytest.Item]) -> list[str]:
        from pytest_modelbench.comparison.plan_in_words import plan_lines

        cases = [one.case for one in items if isinstance(one, CaseItem)]
        plan = plan_lines([] if self.is_quick else cases)
        lost = self.baseline.lost(items) if self.baseline else []
        return [*plan, *lost]

    def _count_verdicts(self, cases: Sequence[Case]) -> None:
        if not any(case.comparison for case in cases):
            self._refuse_against()
        else:
            from pytest_modelbench.comparison.in_session import verdict_count

            stored = self.baseline.verdict_count if self.baseline else 0
            self.verdict_count = verdict_count(self, cases) + stored

    def _refuse_against(self) -> None:
        """A gate that compares nothing must not look like one; see `Recorder` for workers."""
        given = self.config.option.suite_against
        if given is not None and self.worker == "main" and not self._suite_errors:
            raise pytest.UsageError(
                f"--suite-against {given!r}: there is no case of a suite to measure beside it "
                "(tests in Python are not compared)"
            )

    def _check_selection(self, items: Sequence[pytest.Item]) -> None:
        """`--suite-model` must match something; under xdist a worker cannot stop the session."""
        if self._loaded and self.selection.models and self.worker == "main":
            has_case = any(loaded.cases for loaded in self._loaded.values())
            if not has_case and not any(map(is_of_chosen_model, items)):
                seen = sorted({name for one in self._loaded.values() for name in one.models_seen})
                raise pytest.UsageError(
                    f"--suite-model {' '.join(self.selection.models)!r} matches no model "
                    f"(models: {', '.join(seen)})"
                )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and report.nodeid.endswith(".json"):
            self._suite_errors += 1

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, Any, Any]:
        # A broken suite fails only itself; a broken test module still stops the session.
        if session.testsfailed and session.testsfailed == self._suite_errors:
            session.config.option.continue_on_collection_errors = True
        return (yield)

    # Running

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_teardown(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if isinstance(item, CaseItem):
            # A comparison has processes of its own: no model is kept for it.
            following = nextitem.case if isinstance(nextitem, CaseItem) else None
            is_alone = following is not None and following.comparison is None
            self.engine.expect_next(following if is_alone else None)
