"""Whether a case must be measured, or an earlier session's results are its results."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.recording.own_part import EARLIER_RUN
from pytest_modelbench.recording.provenance import system_info
from pytest_modelbench.results.comparison import Comparison
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.resume.earlier import Earlier, Mode
from pytest_modelbench.resume.find import find_earlier

if TYPE_CHECKING:
    from pytest_modelbench.execution.engine import Engine
    from pytest_modelbench.session import ModelbenchSession

RESUME, RETRY = "--suite-resume", "--suite-retry-failed"


def earlier_of(config: pytest.Config) -> Earlier | None:
    """What the command line names. Raises `ModelbenchError`.

    It is found once, by the controlling process: to a worker, `last` would be this very session.
    """
    option, folder = config.option, config.invocation_params.dir
    if option.suite_resume and option.suite_retry_failed:
        raise ModelbenchError(f"{RESUME} and {RETRY} exclude each other: give one of them")
    name: str = RESUME if option.suite_resume else RETRY
    mode: Mode = "resume" if option.suite_resume else "retry"
    given = option.suite_resume or option.suite_retry_failed
    if not given:
        return None
    parent = folder / option.suite_output_dir if option.suite_output_dir else runs_folder()
    told = getattr(config, "workerinput", {}).get(EARLIER_RUN)
    return Earlier(Path(told) if told else find_earlier(name, given, parent, folder), mode)


class TakeOver:
    """An earlier session's results, for this one."""

    def __init__(self, session: ModelbenchSession, earlier: Earlier) -> None:
        self._session = session
        self.earlier = earlier

    @cached_property
    def _differences(self) -> list[str]:
        return self.earlier.differences(system_info())

    def try_for(
        self, case: Case, engine: Engine
    ) -> tuple[list[CaseResult], list[Comparison]] | None:
        """The results of `case`, judged anew; None when it must be measured."""
        if self.earlier.is_left_out(case):
            pytest.skip(f"did not go wrong in {self.earlier.run_id} ({RETRY})")
        if self._session.config.option.suite_dry_run or self._differences:
            return None
        results = self.earlier.results(case, self._session.suite_digest(case))
        if results is None or not self._still_holds(case, results, engine):
            return None
        judged = [
            self._session.judged(one, result)
            for one, result in zip(case.measured, results, strict=True)
        ]
        if case.comparison is not None:  # bounds are for candidates
            judged[0] = judged[0].model_copy(update={"bounds": []})
        return judged, self.earlier.comparisons(case)

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
        return found == [one.fingerprint for one in results]

    def lines(self) -> Iterator[str]:
        """What to say of it before anything is measured."""
        yield self.earlier.in_words()
        if why := self.why_nothing():
            yield why

    def why_nothing(self) -> str:
        """Why all is measured again; nothing where that is not so."""
        if not self._differences:
            return ""
        return f"nothing is taken over from {self.earlier.run_id}: {'; '.join(self._differences)}"
