"""What a case leaves behind while it is measured, and what an earlier one left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Trail:
    """Files of a run's directory; None for what nobody wants."""

    live: Path | None = None
    """Where it is just now (`runs/live.py`)."""
    answers: Path | None = None
    """What its samples were answered, block by block (`runs/answers.py`)."""
    predictions: Path | None = None
    """The same as people score it again (`predictions/`), where its runner's answers are texts."""
    run_id: str | None = None
    """Of the run that these are files of."""
    earlier_answers: tuple[tuple[str, Path], ...] = ()
    """The same of earlier sessions that did not finish the case, newest first, by run id."""


NO_TRAIL = Trail()
