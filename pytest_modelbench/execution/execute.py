"""One case from its description to its result, whatever happens on the way."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime

from pytest_modelbench.case import Case
from pytest_modelbench.errors import Unavailable, as_text, one_line
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.limits import record_of
from pytest_modelbench.execution.measure_case import measure_case
from pytest_modelbench.execution.observed import observed
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.runs.live import LiveFile


def execute(
    case: Case, residents: Residents, worker: str = "main", engine: str = "inline"
) -> CaseResult:
    """Measure `case`. Whatever goes wrong is in the result; only an interrupt is raised."""
    started = datetime.now(UTC).isoformat(timespec="milliseconds")
    clock = time.perf_counter()
    waited_before = residents.turns.waited_seconds
    machine = MachineLoad()
    live = LiveFile(case.trail.live, worker)
    live.begin(case.id)
    try:
        result = measure_case(case, residents, machine, live)
    except Unavailable as reason:
        result = blank_result(case, "skipped", str(reason))
    except (Exception, SystemExit) as error:
        # After an error nothing is known about the loaded model: the next case loads its own.
        with suppress(Exception), residents.turns.busy():  # the first fault is the one to tell
            residents.close()
        result = blank_result(case, "error", one_line(error), trace=as_text(error))
    except BaseException:  # an interrupt, or a timeout plugin's way of ending a test
        residents.close()
        raise
    finally:
        live.close()
    waited = residents.turns.waited_seconds - waited_before
    return result.model_copy(
        update={
            "started_at": started,
            "duration_seconds": max(0.0, time.perf_counter() - clock - waited),
            "worker": worker,
            "engine": engine,
            "limits": record_of(case.measure, enforced=engine != "inline"),
            "conditions": observed(machine, residents.turns, waited),
        }
    )
