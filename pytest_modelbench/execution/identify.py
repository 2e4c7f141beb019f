"""What a case is, without measuring it."""

from __future__ import annotations

from contextlib import closing

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.portions import portions
from pytest_modelbench.execution.fingerprint import Fingerprint
from pytest_modelbench.runners.contract import input_kind_of
from pytest_modelbench.runners.suited import runner_for


def fingerprint_of(case: Case) -> str:
    """The fingerprint that a result of `case` would have now. Raises what reading it raises."""
    runner = runner_for(case.runner, case.params)
    reader = SampleReader(case.dataset, case.base_dir, input_kind_of(runner, case.params))
    digest = Fingerprint(case, runner)
    with closing(portions(reader)) as parts:
        for samples, _ in parts:
            digest.add(samples)
    return digest.hexdigest()
