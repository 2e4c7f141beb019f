"""The closer look, in a process of its own: libraries are imported, devices asked, samples read.

Run as `python -m pytest_modelbench.preflight.child`. The request comes on standard input, the
answer goes to standard output; whatever libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.errors import one_line
from pytest_modelbench.execution.fork_server import prepare
from pytest_modelbench.execution.readiness import import_requirements
from pytest_modelbench.quality.find import find_quality_metric
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner, input_kind_of

_OF_EVALUATE = "evaluate:"


def main() -> None:
    answer = os.dup(1)
    os.dup2(2, 1)
    request: dict[str, Any] = pickle.load(sys.stdin.buffer)  # from the session that started us
    wishes = {"path": [], "modules": [], "extensions": request["extensions"], "tree": None}
    for one in prepare(wishes, set()):
        if one.error is not None:
            raise one.error
    found = [list(findings_of(case, reads_dataset=reads)) for case, reads in request["questions"]]
    with os.fdopen(answer, "w", encoding="utf-8") as stream:
        json.dump(found, stream)
    # Not through the libraries' own ways of ending, some of which crash.
    sys.stderr.flush()
    os._exit(0)


def findings_of(case: Case, *, reads_dataset: bool) -> Iterator[str]:
    """What keeps `case` from being measured, in the words of whoever raises it."""
    runner = RUNNERS.get(case.runner)()
    fault = _fault(lambda: import_requirements(case, runner))
    if fault is not None:  # all else would say the same
        yield fault
        return
    looks = [lambda: runner.check_device(case.device), lambda: _find_metrics(case, runner)]
    if reads_dataset:
        looks.append(lambda: _read_a_sample(case, runner))
    for one in looks:
        if (fault := _fault(one)) is not None:
            yield fault


def _fault(look: Callable[[], object]) -> str | None:
    try:
        look()
    except (Exception, SystemExit) as error:
        return one_line(error)
    return None


def _read_a_sample(case: Case, runner: Runner) -> None:
    """The first one, decoded as it will be."""
    reader = SampleReader(case.dataset, case.base_dir, input_kind_of(runner, case.params))
    list(islice(reader, 1))


def _find_metrics(case: Case, runner: Runner) -> None:
    """Those that are not fetched from the hub."""
    for name in case.quality or ():
        if not name.startswith(_OF_EVALUATE):
            find_quality_metric(name, case.base_dir)


if __name__ == "__main__":
    main()
