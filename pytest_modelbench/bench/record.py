"""What a test measured, as a case of the run."""

from __future__ import annotations

import hashlib
import inspect
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.bench.bench import Bench
from pytest_modelbench.bench.outcome_of_test import Status
from pytest_modelbench.catalogue import STANDARD_METRICS, unit_of
from pytest_modelbench.errors import encodable
from pytest_modelbench.execution.limits import record_of
from pytest_modelbench.execution.observed import observed
from pytest_modelbench.judge.verdict import judged
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.quick import unjudged
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
    own = {
        name: _plain(value)
        for name, value in params.items()
        if not (name == "model" and isinstance(value, Candidate))
        and not (name == "device" and str(value) == device)
    }
    texts = {
        "id": f"{suite}::{_within_module(item)}",
        "suite": suite,
        "benchmark": name,
        "runner": runner,
        "model": version,
        "model_path": path,
        "device": device,
    }
    # A file's name need not be text.
    return {key: encodable(text) for key, text in texts.items()} | {"params": masked(own)}


def _plain(value: Any) -> Any:
    """As JSON; of an object that shows no more of itself than its address, all but that."""
    plain = jsonable(value)
    is_text_of_another = isinstance(plain, str) and not isinstance(value, str)
    return re.sub(r" at 0x[0-9a-fA-F]+", "", plain) if is_text_of_another else plain


def suite_of_test(item: pytest.Item) -> str:
    """A test file as a suite: its path as node ids have it."""
    return item.nodeid.partition("::")[0]


def _within_module(item: pytest.Item) -> str:
    return item.nodeid.partition("::")[2]


def manifest_of_test(item: pytest.Function, identity: Mapping[str, Any]) -> Manifest:
    """One test of a file; the controller puts those of one file together."""
    benchmark = str(identity["benchmark"])
    model = item.callspec.params.get("model") if hasattr(item, "callspec") else None
    return {
        "id": encodable(suite_of_test(item)),
        "file": encodable(str(item.path)),
        "description": "",
        "digest": _digest_of_file(item.path),
        "criteria": [],
        "candidates": [candidate_record(model)] if isinstance(model, Candidate) else [],
        "cases": [{"nodeid": item.nodeid, "identity": dict(identity)}],
        "metric_names": {benchmark: list(STANDARD_METRICS)},
    }


def _digest_of_file(file: Path) -> str:
    stat = file.stat()
    return _digest(file, stat.st_size, stat.st_mtime_ns)


@lru_cache(maxsize=256)
def _digest(file: Path, size: int, changed_ns: int) -> str:
    """Kept for as long as the file does not change: every test of it asks."""
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def result_of_test(
    item: pytest.Function,
    bench: Bench,
    status: Status = "ok",
    detail: str = "",
    trace: str | None = None,
    seconds: float = 0.0,
) -> CaseResult:
    """The result of a test that used the fixture, before bounds are held against it.

    `seconds` is how long the part of it took that gave the result, waiting for turns included.
    """
    identity = identity_of_test(item, bench.device)
    conditions = observed(bench.machine, bench.turns, bench.waited_seconds)
    first = bench.measurements[0] if bench.measurements else None
    return CaseResult(
        **identity,
        dataset={},
        status=status,
        detail=detail,
        trace=trace,
        started_at=bench.started_at,
        duration_seconds=max(0.0, seconds - bench.waited_in_phase),
        worker=str(getattr(item.config, "workerinput", {}).get("workerid", "main")),
        engine="inline",
        fingerprint=_fingerprint(item, bench, identity["params"]),
        timed="the function given to modelbench.measure" if first else "",
        properties={},
        limits=record_of(MeasureSpec(), enforced=False),
        conditions=conditions,
        timing=first.timing if first else None,
        samples=None,
        failed_samples=None,
        digests=None,
        taken_over=[],
        load=None,
        metrics=_with_standard(bench.metrics),
        bounds=[],
        score=None,
        rank=None,
    )


def judged_test(result: CaseResult, bench: Bench) -> CaseResult:
    """With every bound of the test held against it."""
    made = judged(result, bench.criteria)
    return unjudged(made) if bench.is_quick else made


def _with_standard(metrics: Mapping[str, Metric]) -> dict[str, Metric]:
    missing = {
        name: skipped("not measured by this test", unit_of(name))
        for name in STANDARD_METRICS
        if name not in metrics
    }
    return {**metrics, **missing}


def _fingerprint(item: pytest.Function, bench: Bench, params: Mapping[str, Any]) -> str:
    """Of the test's own source, its parameters and the device: what it calls is not covered."""
    source = item.nodeid
    with suppress(OSError, TypeError):  # a function that was made, not written
        source += inspect.getsource(item.function)
    shown = repr(sorted(params.items()))
    text = "\0".join((source, shown, bench.device, repr(dict(bench.defaults))))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
