"""How right the answers of a case are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_modelbench.catalogue import metric_name
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.quality.find import find_quality_metric, scored
from pytest_modelbench.results.metric import Metric, failed, skipped

if TYPE_CHECKING:
    from pytest_modelbench.execution.measurement import Measurement
    from pytest_modelbench.quality.terms import SampleTerms

Scores = dict[str, Metric]
TermsByMetric = dict[str, "SampleTerms"]


def quality_of(seen: Measurement, has_references: bool) -> tuple[Scores, TermsByMetric]:
    """Every quality metric asked for, and what those that have terms are computed from."""
    names = seen.case.quality if seen.case.quality is not None else seen.runner.quality
    if not has_references:
        reason = "the dataset has no references to score against (reference_column)"
        return {metric_name(name): skipped(reason) for name in names}, {}
    values = seen.values()
    options = seen.runner.quality_options(seen.case.params)
    scores: Scores = {}
    terms: TermsByMetric = {}
    for name in names:
        short = metric_name(name)
        try:
            _, metric = find_quality_metric(name, seen.case.base_dir)
            scores[short], by_sample = scored(metric, values, seen.references, options)
        except Unavailable as reason_to_skip:
            scores[short] = skipped(str(reason_to_skip))
        except ModelbenchError as error:
            scores[short] = failed(str(error))
        else:
            if by_sample is not None:
                terms[short] = by_sample
    return scores, terms
