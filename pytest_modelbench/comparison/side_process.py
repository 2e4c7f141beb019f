"""The session's side of a side's process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.messages import Load, Message, SumUp, TimeSegment, WarmUpNow
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.fork_client import ForkServerError
from pytest_modelbench.execution.isolated import IsolatedEngine, Lost
from pytest_modelbench.execution.place import Extension, Place
from pytest_modelbench.results.comparison import SideLaunch
from pytest_modelbench.results.packed import pack


class SideFailed(ModelbenchError):  # noqa: N818 - it is what became of a side
    """A side could not be measured; its text says which and why."""

    def __init__(self, side: str, text: str, trace: str | None = None) -> None:
        super().__init__(f"side {side!r}: {text}")
        self.side, self.text = side, text
        self.trace = trace


class SideUnavailable(SideFailed):
    """Something that a side needs is absent here."""


class SideProcess:
    """One side in one launch: a fresh interpreter and, forked from it, the process that measures.

    The interpreter is a new one for each launch: processes forked from the same one share what
    differs between launches, such as where their libraries lie in memory.
    """

    def __init__(
        self,
        case: Case,
        place: Place,
        extensions: Sequence[Extension],
        left_out: frozenset[int] = frozenset(),
    ) -> None:
        self.case = case
        self._left_out = left_out
        # Turns are taken by who asks: nothing runs here unless it is asked for.
        self._engine = IsolatedEngine("main", extensions, "none", place)
        self._warm: dict[str, Any] = {}
        self._durations: list[int] = []
        self.in_flight = 1

    @property
    def usual_ns(self) -> int:
        """How long a call takes, as far as is known: of calls in flight the share of each."""
        return int(self._warm["usual_ns"])

    def prepare(self) -> None:
        """Let the interpreter start and import, and do not wait for it."""
        with self._naming():
            self._engine.prepare(self.case)

    def begin(self) -> None:
        """Wait until the process is there."""
        with self._naming():
            self._engine.begin(self.case)

    def load(self, launch: int) -> None:
        """`launch` is its number: launches take other inputs of a large dataset."""
        said = self._ask(Load(self.case, launch, self._left_out))
        self.in_flight = int(said["in_flight"])

    def warm_up(self) -> None:
        self._warm = self._ask(WarmUpNow())

    def segment(self, first: int, calls: int, repeats: int) -> list[int]:
        """Time calls on the inputs from `first` on; inputs come round. Durations in ns."""
        durations: list[int] = self._ask(TimeSegment(first, calls, repeats))["durations_ns"]
        self._durations += durations
        return durations

    def sum_up(self) -> SideLaunch:
        """What the launch gave."""
        return SideLaunch(
            warmup=self._warm["durations"],
            warmup_ended_by=self._warm["ended_by"],
            warmup_rule=self._warm["rule"],
            durations=pack(self._durations),
            metrics=self._ask(SumUp())["metrics"],
        )

    def close(self) -> None:
        """End the process and the interpreter it was forked from."""
        self._engine.close()

    def _ask(self, message: Message) -> dict[str, Any]:
        with self._naming():
            answer: dict[str, Any] = json.loads(self._engine.ask(self.case, message))
        if "unavailable" in answer:
            raise SideUnavailable(self.case.side, answer["unavailable"])
        if "error" in answer:
            raise SideFailed(self.case.side, answer["error"], answer["trace"])
        return answer

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Say which side it is that could not be measured."""
        try:
            yield
        except Lost as loss:
            raise SideFailed(self.case.side, str(loss), loss.trace) from None
        except ForkServerError as error:
            raise SideFailed(self.case.side, str(error)) from None
