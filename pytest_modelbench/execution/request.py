"""What a session asks of an isolated process."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_modelbench.case import Case
from pytest_modelbench.execution.turns import LockMode


@dataclass(frozen=True, slots=True)
class Request:
    """A case to measure, for whom, and with which lock."""

    case: Case
    worker: str
    lock: LockMode


@dataclass(frozen=True, slots=True)
class Identify:
    """Which fingerprint a case has; nothing is loaded."""

    case: Case
    lock: LockMode
