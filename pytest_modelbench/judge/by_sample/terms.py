"""The terms of a case's quality metric, read back from its result."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_modelbench.quality.similarity import correlation
from pytest_modelbench.quality.terms import SampleTerms
from pytest_modelbench.results.packed import unpack, unpack_floats
from pytest_modelbench.results.run import CaseResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class MetricTerms(NamedTuple):
    """What a metric is computed from; for pairs, by which correlation."""

    terms: SampleTerms
    by_rank: bool | None


def terms_of(case: CaseResult, metric: str) -> MetricTerms | None:
    """None where it has none, or where the metric is not what they give."""
    value = case.metrics[metric].value
    if case.samples is None or metric not in case.samples.terms or value is None:
        return None
    held = case.samples.terms[metric]
    series = [_series(one, held.kind) for one in (held.first, held.second) if one is not None]
    count = len(unpack(case.samples.ids))
    wanted = 1 if held.kind == "right" else 2
    if len(series) != wanted or any(len(one) != count for one in series):
        return None
    terms = SampleTerms(held.kind, *series)
    for by_rank in _ways(metric, held.kind):
        figure = _figure(terms, by_rank)
        if figure is not None and math.isclose(figure, value, rel_tol=1e-6, abs_tol=1e-9):
            return MetricTerms(terms, by_rank)
    return None


def taken(terms: SampleTerms, places: NDArray[np.intp]) -> SampleTerms:
    """The terms of some samples."""
    first, second = terms.first[places], terms.second
    return SampleTerms(terms.kind, first, None if second is None else second[places])


def _series(packed: str, kind: str) -> NDArray[Any]:
    import numpy as np

    if kind == "pairs":
        return np.asarray(unpack_floats(packed))
    return np.asarray(unpack(packed))


def _ways(metric: str, kind: str) -> tuple[bool | None, ...]:
    """A correlation of another name is the one that gives its value."""
    if kind != "pairs":
        return (None,)
    return {"spearman": (True,), "pearson": (False,)}.get(metric, (True, False))


def _figure(terms: SampleTerms, by_rank: bool | None) -> float | None:
    import numpy as np

    if terms.kind == "right":
        return float(terms.first.mean()) if len(terms.first) else None
    if terms.kind == "ratio":
        total = terms.second.sum()
        return float(terms.first.sum() / total) if total else None
    is_there = ~np.isnan(terms.first)
    x, y = terms.first[is_there], terms.second[is_there]
    if len(x) < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return correlation(x, y, by_rank=bool(by_rank))
