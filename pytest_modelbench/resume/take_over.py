"""Whether a case must be measured, or an earlier session's results are its results."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.collection import matches_ini
from pytest_modelbench.documents.read import read_document
from pytest_modelbench.errors import ModelbenchError, encodable
from pytest_modelbench.recording.own_part import EARLIER_RUN
from pytest_modelbench.recording.provenance import system_info
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.resume.earlier import Earlier, Mode
from pytest_modelbench.resume.find import find_earlier
from pytest_modelbench.session_options import named_file, store_of

if TYPE_CHECKING:
    from pytest_modelbench.execution.engine import Engine
    from pytest_modelbench.session import ModelbenchSession

RESUME, RETRY = "--suite-resume", "--suite-retry-failed"


def earlier_of(config: pytest.Config) -> Earlier | None:
    """What the command line names. Raises `ModelbenchError`.

    It is found once, by the controlling process: to a worker, `last` would be this very session.
    """
    option, folder = config.option, config.invocation_params.dir
    given = {RESUME: option.suite_resume, RETRY: option.suite_retry_failed}
    asked = [(name, text) for name, text in given.items() if text is not None]
    if len(asked) > 1:
        raise ModelbenchError(f"{RESUME} and {RETRY} exclude each other: give one of them")
    if not asked:
        return None
    name, text = asked[0]
    told = getattr(config, "workerinput", {}).get(EARLIER_RUN)
    if told:
        path = Path(told)
    else:
        suites = frozenset(_suite_ids(config))
        path = find_earlier(name, text, store_of(config), folder, suites, option.suite_quick)
    mode: Mode = "resume" if name == RESUME else "retry"
    return Earlier(path, mode, system_info(), option.suite_quick)


def _suite_ids(config: pytest.Config) -> Iterator[str]:
    """Of the session's suites that can be read; the faults of others are told later."""
    for file in _suite_files(config):
        with suppress(ModelbenchError):
            value = read_document(file).value
            given = value.get("id") if isinstance(value, dict) else None
            yield given if isinstance(given, str) else encodable(file.stem)


def _suite_files(config: pytest.Config) -> Iterator[Path]:
    """Those on the command line, and those that will be collected from its directories."""
    for argument in config.args:
        path = named_file(config, argument)
        if path.is_dir() and config.getini("modelbench_suites"):
            yield from (file for file in _json_files(path, config) if matches_ini(file, config))
        elif path.suffix == ".json":
            yield path


def _json_files(folder: Path, config: pytest.Config) -> Iterator[Path]:
    """Where pytest looks, too: what lies in `.git` or `node_modules` is nobody's suite."""
    left_out = config.getini("norecursedirs")
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if not any(fnmatch(one, glob) for glob in left_out)]
        yield from (Path(place, name) for name in files if name.endswith(".json"))


class TakeOver:
    """An earlier session's results, for this one."""

    def __init__(self, session: ModelbenchSession, earlier: Earlier) -> None:
        self._session = session
        self.earlier = earlier

    def try_for(
        self, case: Case, engine: Engine
    ) -> tuple[list[CaseResult], list[Comparison]] | None:
        """The results of `case`, judged anew; None when it must be measured."""
        if self.earlier.is_left_out(case):
            pytest.skip(f"did not go wrong in {self.earlier.run_id} ({RETRY})")
        if self._session.config.option.suite_dry_run:
            return None
        results = self.earlier.results(case, self._session.suite_digest(case))
        if results is None or not self._still_holds(case, results, engine):
            return None
        self._bring_predictions(case)
        judged = [
            self._session.judged(one, result)
            for one, result in zip(case.measured, results, strict=True)
        ]
        if case.comparison is not None:  # bounds are for candidates
            judged[0] = judged[0].model_copy(update={"bounds": []})
        return judged, self.earlier.comparisons(case)

    def sides(self, case: Case) -> dict[str, CaseResult]:
        """Sides of a comparison that was broken off, by id, where they are what they were.

        They were measured by themselves, and need not be so again; the launches are made anew.
        """
        known = self.earlier.sides(case)
        if not known:
            return {}
        from pytest_modelbench.comparison.identify import identify_sides

        try:
            found = identify_sides(self._session, case)
        except ModelbenchError:  # measuring it will say why
            return {}
        return {
            side.id: known[side.id]
            for side, fingerprint in zip(case.measured, found, strict=True)
            if side.id in known
            and known[side.id].fingerprint == fingerprint
            and _has_few_failures(side, known[side.id])
        }

    def _bring_predictions(self, case: Case) -> None:
        """A run is scored by its own files, also of what it has not asked itself."""
        earlier, own = self.earlier.predictions_file(case), case.trail.predictions
        if earlier is not None and own is not None:
            with suppress(OSError):  # the result holds without them
                own.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(earlier, own)

    def _still_holds(self, case: Case, results: list[CaseResult], engine: Engine) -> bool:
        """Whether what was measured is what would be measured: model, data, parameters, ..."""
        try:
            if case.comparison is not None:
                from pytest_modelbench.comparison.identify import identify_sides

                found = identify_sides(self._session, case)
            else:
                found = [engine.identify(case)]
        except ModelbenchError:  # measuring it will say why
            return False
        if not all(map(_has_few_failures, case.measured, results)):
            return False
        return found == [one.fingerprint for one in results]


def _has_few_failures(case: Case, result: CaseResult) -> bool:
    """Whether no more samples failed than the suite tolerates today: no fingerprint holds that."""
    if result.failed_samples is None:
        return True
    used = result.dataset.get("used_rows")
    tolerated = case.measure.failures_tolerated(used if isinstance(used, int) else 0)
    return result.failed_samples.count <= tolerated
