"""The isolated process's side: take a case, measure it, send its result, wait for the next."""

from __future__ import annotations

import json
import os
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from pytest_modelbench.case import Case
from pytest_modelbench.errors import as_text, one_line
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.engine import unload
from pytest_modelbench.execution.execute import execute
from pytest_modelbench.execution.identify import fingerprint_of
from pytest_modelbench.execution.limits import ProcessLimits, record_of
from pytest_modelbench.execution.own_code import OwnCode
from pytest_modelbench.execution.request import Identify, Request
from pytest_modelbench.execution.residents import Residents
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.results.run import CaseResult

if TYPE_CHECKING:
    from pytest_modelbench.comparison.messages import Message
    from pytest_modelbench.comparison.side_in_process import SideInProcess


def serve(channel: int, own: OwnCode) -> None:
    """Until None arrives or the other end is closed."""
    process, connection = os.getpid(), Connection(channel)
    residents: Residents | None = None
    side: SideInProcess | None = None
    last_case: Case | None = None
    limits = ProcessLimits()
    try:
        while True:
            try:
                request: Request | Identify | Message | None = connection.recv()
            except EOFError:
                return
            if request is None:
                return
            if isinstance(request, Identify):
                turns = Turns(request.lock, connection.send_bytes)
                connection.send_bytes(_identified(request.case, turns))
                continue
            if not isinstance(request, Request):
                side = side or _side(limits, own)
                answer = side.answer(request)
                _end_if_a_copy(process)
                connection.send_bytes(answer)
                continue
            residents = residents or Residents(Turns(request.lock, connection.send_bytes))
            last_case = request.case
            result = _measured(request, residents, limits, own)
            _end_if_a_copy(process)
            connection.send_bytes(result.model_dump_json().encode())
    finally:
        if side is not None:
            side.close()
        if residents is not None:
            unload(residents, last_case)
        limits.close()
        connection.close()


def _end_if_a_copy(process: int) -> None:
    """One that the model forked from `process` and that came back has no say."""
    if os.getpid() != process:
        os._exit(0)


def _identified(case: Case, turns: Turns) -> bytes:
    try:
        with turns.busy():
            return json.dumps({"fingerprint": fingerprint_of(case)}).encode()
    except BaseException as error:  # nobody interrupts this process: the runner raised it
        return json.dumps({"error": one_line(error)}).encode()


def _side(limits: ProcessLimits, own: OwnCode) -> SideInProcess:
    from pytest_modelbench.comparison.side_in_process import SideInProcess

    return SideInProcess(limits, own)


def _measured(
    request: Request, residents: Residents, limits: ProcessLimits, own: OwnCode
) -> CaseResult:
    try:
        own.check_registered()
        limits.apply(request.case.measure)
        result = execute(request.case, residents, request.worker, engine="isolated")
        if result.status != "skipped":
            own.check()
        return result
    except BaseException as error:  # nobody interrupts this process: the model raised it
        result = blank_result(request.case, "error", one_line(error), trace=as_text(error))
        limits_had = record_of(request.case.measure, enforced=limits.applied)
        update = {"worker": request.worker, "engine": "isolated", "limits": limits_had}
        return result.model_copy(update=update)
