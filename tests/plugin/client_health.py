"""What sessions in a test's own process take for the fault of the client that puts the load."""

from __future__ import annotations

import pytest

Limits = dict[str, float]
# A machine that runs tests is no quiet one: only how busy the client is may tell.
FAULTY: Limits = {
    "LATE_LEAST_MS": 1e9,
    "STALL_MS": 1e9,
    "BUSY_LEAST_MS": 0.0,
    "BUSY_SHARE": -1.0,  # whatever the client does is too much
}
INNOCENT: Limits = FAULTY | {"BUSY_SHARE": 9.0}


def judge_clients_by(limits: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in limits.items():
        monkeypatch.setattr(f"pytest_modelbench.load.health.{name}", value)
