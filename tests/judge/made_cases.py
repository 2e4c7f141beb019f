"""Cases with given metrics, and criteria for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pytest_modelbench.execution.blank import blank_from
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.run import CaseResult
from pytest_modelbench.suite.document import Criterion

Named = list[tuple[str, Criterion]]


def case(
    name: str,
    values: Mapping[str, float | Metric],
    runner: str = "whisper_asr",
    status: Literal["ok", "skipped", "error"] = "ok",
) -> CaseResult:
    metrics = {
        key: value if isinstance(value, Metric) else measured(value)
        for key, value in values.items()
    }
    identity = {
        "id": f"s::{name}",
        "suite": "s",
        "benchmark": "b",
        "runner": runner,
        "model": name,
        "model_path": f"/models/{name}",
        "device": "CPU",
        "params": {},
    }
    blank = blank_from(identity, (), "error", "it broke")
    return blank.model_copy(update={"status": status, "metrics": metrics})


def criteria(*given: dict[str, Any]) -> Named:
    return [
        (one.get("id", f"c{index}"), Criterion.model_validate(one))
        for index, one in enumerate(given)
    ]
