"""What a test measured, as a case of the run."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from pytest_modelbench.bench.bench import Bench
from pytest_modelbench.catalogue import STANDARD_METRICS, unit_of
from pytest_modelbench.execution.limits import record_of
from pytest_modelbench.execution.observed import observed
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.recording.manifest import Manifest, candidate_record
from pytest_modelbench.redaction import masked
from pytest_modelbench.registry import Candidate
from pytest_modelbench.results.fields import jsonable
from pytest_modelbench.results.metric import Metric, skipped
from pytest_modelbench.results.run import CaseResult

RUNNER = "python"


def identity_of_test(item: pytest.Function, device: str, runner: str = RUNNER) -> dict[str, Any]:
    """The fields of a result that say which test it is."""
    suite = suite_of_test(item)
    params: Mapping[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
    model = params.get("model")
    qualified = f"{item.module.__name__}:{item.function.__qualname__}"
    name = item.originalname or item.name
    version, path = name, qualified
    if isinstance(model, Candidate):
        version, path = model.version, model.model_path
    own = {name: value for name, value in params.items() if name not in ("model", "device")}
    return {
        "id": f"{suite}::{_within_module(item)}",
        "suite": suite,
        "benchmark": name,
        "runner": runner,
        "model": version,
        "model_path": path,
        "device": device,
        "params": masked(jsonable(own)),
    }


def suite_of_test(item: pytest.Item) -> str:
    """A test file as a suite: its path as node ids have it."""
    return item.nodeid.partition("::")[0]


def _within_module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]


def manifest_of_test(item: pytest.Function, identity: Mapping[str, Any]) -> Manifest:
    """One test of a file; the controller puts those of one file together."""
    model = item.callspec.params.get("model") if hasattr(item, "callspec") else None
    return {
        "id": suite_of_test(item),
        "file": str(item.path),
        "description": "",
        "digest": hashlib.blake2b(item.path.read_bytes(), digest_size=16).hexdigest(),
        "criteria": [],
        "candidates": [candidate_record(model)] if isinstance(model, Candidate) else [],
        "cases": [{"nodeid": item.nodeid, "identity": dict(identity)}],
        "metric_names": {str(identity["benchmark"]): []},
    }


def result_of_test(
    item: pytest.Function,
    bench: Bench,
    status: str,
    detail: str,
    trace: str | None,
    seconds: float,
) -> CaseResult:
    """The result of a test that used the fixture, before bounds are held against it."""
    conditions = observed(bench.machine, bench.turns, bench.waited_seconds)
    first = bench.measurements[0] if bench.measurements else None
    return CaseResult(
        **identity_of_test(item, bench.device),
        dataset={},
        status=status,  # type: ignore[arg-type]  # one of the three
        detail=detail,
        trace=trace,
        started_at=bench.started_at,
        duration_seconds=max(0.0, seconds - bench.waited_seconds),
        worker=str(getattr(item.config, "workerinput", {}).get("workerid", "main")),
        engine="inline",
        fingerprint=_fingerprint(item, bench),
        timed="the function given to modelbench.measure" if first else "",
        properties={},
        limits=record_of(MeasureSpec(), enforced=False),
        conditions=conditions,
        timing=first.timing if first else None,
        metrics=_with_standard(bench.metrics),
        bounds=[],
        score=None,
        rank=None,
    )


def judged_test(result: CaseResult, bench: Bench) -> CaseResult:
    """With every bound of the test held against it."""
    return judged(result, bench.criteria)


def _with_standard(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    missing = {
        name: skipped("not measured by this test", unit_of(name))
        for name in STANDARD_METRICS
        if name not in metrics
    }
    return {**metrics, **missing}


def _fingerprint(item: pytest.Function, bench: Bench) -> str:
    """Of the test's own source, its parameters and the device: what it calls is not covered."""
    source = item.nodeid
    with suppress(OSError, TypeError):  # a function that was made, not written
        source += inspect.getsource(item.function)
    params = repr(sorted(identity_of_test(item, bench.device)["params"].items()))
    text = "\0".join((source, params, bench.device, repr(dict(bench.defaults))))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
