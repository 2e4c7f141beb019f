"""The isolated process's side: take a case, measure it, send its result, wait for the next."""

from __future__ import annotations

from multiprocessing.connection import Connection

from pytest_modelbench.case import Case
from pytest_modelbench.errors import as_text, one_line
from pytest_modelbench.execution.blank import blank_result
from pytest_modelbench.execution.execute import execute
from pytest_modelbench.execution.residents import Residents


def serve(channel: int) -> None:
    """Until None arrives or the other end is closed."""
    connection = Connection(channel)
    residents = Residents(connection.send_bytes)
    try:
        while True:
            try:
                request: tuple[Case, str] | None = connection.recv()
            except EOFError:
                return
            if request is None:
                return
            case, worker = request
            try:
                result = execute(case, residents, worker, engine="isolated")
            except BaseException as error:  # nobody interrupts this process: the model raised it
                result = blank_result(case, "error", one_line(error), trace=as_text(error))
                result = result.model_copy(update={"worker": worker, "engine": "isolated"})
            connection.send_bytes(result.model_dump_json().encode())
    finally:
        residents.close()
        connection.close()
