"""The isolated process's side: take a case, measure it, send its result, wait for the next."""

from __future__ import annotations

import os
from multiprocessing.connection import Connection

from pytest_modelbench.case import Case
from pytest_modelbench.errors import as_text, one_line
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.engine import unload
from pytest_modelbench.execution.execute import execute
from pytest_modelbench.execution.limits import ProcessLimits, record_of
from pytest_modelbench.execution.request import Request
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.results.run import CaseResult


def serve(channel: int) -> None:
    """Until None arrives or the other end is closed."""
    process, connection = os.getpid(), Connection(channel)
    residents: Residents | None = None
    last_case: Case | None = None
    limits = ProcessLimits()
    try:
        while True:
            try:
                request: Request | None = connection.recv()
            except EOFError:
                return
            if request is None:
                return
            residents = residents or Residents(Turns(request.lock, connection.send_bytes))
            last_case = request.case
            result = _measured(request, residents, limits)
            if os.getpid() != process:
                os._exit(0)  # a copy that the model forked and that came back: it has no say
            connection.send_bytes(result.model_dump_json().encode())
    finally:
        if residents is not None:
            unload(residents, last_case)
        limits.close()
        connection.close()


def _measured(request: Request, residents: Residents, limits: ProcessLimits) -> CaseResult:
    try:
        limits.apply(request.case.measure)
        return execute(request.case, residents, request.worker, engine="isolated")
    except BaseException as error:  # nobody interrupts this process: the model raised it
        result = blank_result(request.case, "error", one_line(error), trace=as_text(error))
        limits_had = record_of(request.case.measure, enforced=limits.applied)
        update = {"worker": request.worker, "engine": "isolated", "limits": limits_had}
        return result.model_copy(update=update)
