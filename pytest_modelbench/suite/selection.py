"""What the command line says about which cases to make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_modelbench.suite.compare import Side


@dataclass(frozen=True)
class Selection:
    """Of every suite of the session."""

    registry: Path | None = None
    models: tuple[str, ...] = ()
    """`--suite-model`: only these (names or globs)."""
    devices: tuple[str, ...] = ()
    """`--suite-device`: these instead of the suite's."""
    against: Side | None = None
    """`--suite-against`: the baseline that every case is measured beside."""
    quick: bool = False
    """`--suite-quick`: a few samples and calls of each."""
    checks_sides: bool = False
    """`modelbench validate`: candidates that wait for a baseline are looked at as well."""
