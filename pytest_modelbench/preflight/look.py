"""The whole look at what a session is going to measure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from pytest_modelbench.case import Case
from pytest_modelbench.preflight.case_checks import findings_of_case, foresee
from pytest_modelbench.preflight.findings import Findings
from pytest_modelbench.preflight.room import check_disk, check_memory
from pytest_modelbench.preflight.subjects import Memo, subjects_of
from pytest_modelbench.runners import RUNNERS


class Look:
    """Fills `findings`. `runs` is where the run will be kept."""

    def __init__(self, cases: Sequence[Case], runs: Path, workers: int = 1) -> None:
        self.subjects = list(subjects_of(cases))
        self.findings = Findings([subject.name for subject in self.subjects])
        self._runs, self._workers = runs, workers
        self._memo = Memo()

    def quickly(self) -> None:
        """What can be told without processes, devices, network and heavy imports."""
        for subject in self.subjects:
            for finding in findings_of_case(subject, self._memo):
                self.findings.add(finding, subject.name)
        for finding, names in check_memory(self.subjects, self._workers):
            self.findings.add(finding, *names)
        if self.subjects:
            for finding in check_disk(self._runs, self.exports_bytes):
                self.findings.add(finding)

    def closely(self, extensions: Sequence[tuple[str, str]]) -> None:
        """The rest, after that: what takes imports, devices and the reading of samples."""
        from pytest_modelbench.preflight.children import look_closely
        from pytest_modelbench.preflight.dataset_check import is_readable

        readable = [is_readable(subject, self._memo) for subject in self.subjects]
        for finding, name in look_closely(self.subjects, readable, extensions):
            self.findings.add(finding, name)

    @cached_property
    def exports_bytes(self) -> int:
        """What will be written to the cache before models can be loaded, at most."""
        sizes: dict[str, int] = {}
        for subject in self.subjects:
            try:
                runner = RUNNERS.get(subject.case.runner)()
                size = foresee(subject, runner, self._memo).writes_bytes
            except Exception:  # it is told as a finding
                continue
            path = subject.case.candidate.model_path
            sizes[path] = max(size, sizes.get(path, 0))
        return sum(sizes.values())
