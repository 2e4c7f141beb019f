"""Finding quality metrics by name, and calling them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.quality.exact_match import exact_match
from pytest_modelbench.quality.find import find_quality_metric, score, scored
from pytest_modelbench.results.metric import Metric, MetricStatus, measured

ANYWHERE = Path("/nowhere")


def test_a_registered_name_is_found() -> None:
    """And one that is not is named with a near one."""
    assert find_quality_metric("exact_match", ANYWHERE) == ("exact_match", exact_match)
    with pytest.raises(ModelbenchError, match="'exactmatch' is not a quality metric; did you mean"):
        find_quality_metric("exactmatch", ANYWHERE)


def test_every_installed_name_loads() -> None:
    """The entry points name functions that are there."""
    for name in ("wer", "cer", "spearman", "pearson", "exact_match"):
        assert callable(find_quality_metric(name, ANYWHERE)[1])


def test_a_callable_of_a_module_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also one within a class; its short name is its last."""
    (tmp_path / "own_metrics.py").write_text(
        "def half(predictions, references):\n    return 0.5\n"
        "class Group:\n    half = staticmethod(half)\n"
        "number = 5\n"
    )
    (tmp_path / "broken_metrics.py").write_text("1 / 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("own_metrics:half", "own_metrics:Group.half"):
        short, metric = find_quality_metric(name, ANYWHERE)
        assert (short, score(metric, ["a"], ["b"], {}).value) == ("half", 0.5)
    for name, message in {
        "own_metrics:number": "'own_metrics:number' is of type int; it must be callable as metric",
        "own_metrics:none": "cannot be imported .AttributeError: .*'none'",
        "no_metrics:half": "cannot be imported .ModuleNotFoundError: No module named 'no_metrics'",
        "broken_metrics:half": "cannot be imported .ZeroDivisionError",
        ":half": "cannot be imported .ValueError",
    }.items():
        with pytest.raises(ModelbenchError, match=message):
            find_quality_metric(name, ANYWHERE)


def test_a_plain_number_becomes_a_metric() -> None:
    """With the number of samples it rests on; a metric stays as it is."""
    metric = score(lambda predictions, references: 0.25, ["a", "b"], ["a", "c"], {})
    assert (metric.value, metric.metadata) == (0.25, {"samples": 2})
    whole = measured(1, "ms")
    assert score(lambda predictions, references: whole, [], [], {}) is whole


@pytest.mark.parametrize("answer", [None, "good", {"wer": 1.0}, [1.0, 2.0], float("nan")])
def test_what_is_no_number_is_an_error(answer: Any) -> None:
    """Never a 0 or a NaN."""
    metric = score(lambda predictions, references: answer, ["a"], ["a"], {})
    assert metric.status is MetricStatus.ERROR
    assert "number" in str(metric.error_message)


def test_only_options_that_the_signature_names_are_passed() -> None:
    """All of them where it takes any; never in place of predictions and references."""
    options = {"normalizer": "none", "k": 3, "predictions": "x"}
    seen: list[Any] = []

    def named(predictions: Any, references: Any, *, k: int = 1) -> float:
        seen.append(k)
        return 0

    def open_ended(said: Any, true: Any, **more: Any) -> float:
        seen.append(more)
        return 0

    assert score(named, ["a"], ["a"], options).is_ok
    assert score(open_ended, ["a"], ["a"], options).is_ok
    assert seen == [3, options]


def test_a_fault_of_the_metric_is_an_error_and_an_absent_package_a_skip() -> None:
    """Neither reaches the caller."""

    def broken(predictions: Any, references: Any) -> float:
        raise KeyError("a\nb")

    def absent(predictions: Any, references: Any) -> Metric:
        raise Unavailable("x is not installed")

    failed = score(broken, ["a"], ["a"], {})
    assert failed.status is MetricStatus.ERROR
    assert str(failed.error_message).startswith("KeyError: ")
    skipped = score(absent, ["a"], ["a"], {})
    assert (skipped.status, skipped.error_message) == (MetricStatus.SKIPPED, "x is not installed")


def test_a_metric_that_changes_its_lists_changes_them_for_no_other() -> None:
    class Sorting:
        def __call__(self, predictions: Any, references: Any) -> float:
            return sum(self.terms(predictions, references)[1])

        def terms(self, predictions: Any, references: Any) -> tuple[str, list[bool]]:
            are_right = [one == other for one, other in zip(predictions, references, strict=True)]
            predictions.sort()
            references[:] = ["gone"] * len(references)
            return "right", are_right

    predictions, references = ["b", "a"], ["b", "a"]
    metric, terms = scored(Sorting(), predictions, references, {})
    assert metric.value == 2
    assert terms is not None
    assert list(terms[1]) == [1, 1]
    assert (predictions, references) == (["b", "a"], ["b", "a"])
