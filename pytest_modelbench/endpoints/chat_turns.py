"""A conversation that is held turn by turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

from pytest_modelbench.wire.exchange import Exchange


@dataclass(slots=True)
class LastTurn(Exchange):
    """The exchange that ends a conversation: its latencies are those that are measured."""

    earlier: Sequence[Exchange] = ()
    asked_ns: int = 0
    """When it could be sent: all before was answered, and read."""

    @classmethod
    def after(cls, earlier: Sequence[Exchange], asked_ns: int, last: Exchange) -> Self:
        known = {each.name: getattr(last, each.name) for each in fields(Exchange)}
        return cls(**known, earlier=earlier, asked_ns=asked_ns)
