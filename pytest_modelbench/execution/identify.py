"""What a case is, without measuring it."""

from __future__ import annotations

from contextlib import closing

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.runners import RUNNERS


def fingerprint_of(case: Case) -> str:
    """The fingerprint that a result of `case` would have now. Raises what reading it raises."""
    runner = RUNNERS.get(case.runner)()
    reader = SampleReader(case.dataset, case.base_dir, runner.input_kind)
    digest = Fingerprint(case, runner)
    with closing(portions(reader)) as parts:
        for samples, _ in parts:
            digest.add(samples)
    return digest.hexdigest()
