"""Modules of Hugging Face `evaluate`, real ones, loaded from a directory."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.quality.find import find_quality_metric, score

evaluate = pytest.importorskip("evaluate")
datasets = pytest.importorskip("datasets")


@pytest.fixture(scope="module", autouse=True)
def caches_of_our_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """For all tests at once: a process imports the package of cached modules only once."""
    caches = tmp_path_factory.mktemp("caches")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate.config, "HF_MODULES_CACHE", caches / "modules")
        patch.setattr(evaluate.config, "HF_METRICS_CACHE", caches / "metrics")
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


def module(folder: Path, name: str, kind: str, compute: str) -> None:
    (folder / name).mkdir()
    text = f"""\
    import datasets
    import evaluate

    class Module(evaluate.Metric):
        def _info(self):
            features = datasets.Features(
                {{"predictions": datasets.Value("{kind}"), "references": datasets.Value("{kind}")}}
            )
            return evaluate.MetricInfo(
                description="", citation="", inputs_description="", features=features
            )

        {compute}
    """
    (folder / name / f"{name}.py").write_text(dedent(text))


def test_a_local_module_is_loaded_and_called(tmp_path: Path) -> None:
    """Relative to `base_dir`; options that it names are passed, others are not."""
    module(
        tmp_path,
        "near",
        "float64",
        "def _compute(self, predictions, references, tolerance=0.1):\n"
        "            pairs = list(zip(predictions, references))\n"
        "            return {'near': sum(abs(p - r) <= tolerance for p, r in pairs) / len(pairs)}",
    )
    name, metric = find_quality_metric("evaluate:near", tmp_path)
    assert name == "near"
    scored = score(metric, [1.0, 2.0], [1.05, 3.0], {"normalizer": "basic"})
    assert (scored.value, scored.metadata) == (0.5, {"samples": 2})
    assert score(metric, [1.0, 2.0], [1.05, 3.0], {"tolerance": 2}).value == 1.0
    assert find_quality_metric("evaluate:./near/near.py", tmp_path)[0] == "near"


def test_one_of_several_keys_is_chosen(tmp_path: Path) -> None:
    """By name; without one, the choices are listed."""
    module(
        tmp_path,
        "several",
        "string",
        "def _compute(self, predictions, references, **anything):\n"
        "            assert not anything\n"
        "            return {'count': len(predictions), 'texts': predictions}",
    )
    name, metric = find_quality_metric("evaluate:several#count", tmp_path)
    assert (name, score(metric, ["a"], ["b"], {"normalizer": "basic"}).value) == ("count", 1)
    for wanted, message in {
        "several": "no result 'several'; choose one as 'evaluate:several#KEY' of count, texts",
        "several#cuont": "no result 'cuont'; .*did you mean 'count'",
        "several#texts": "gives 'texts' as list, not a number",
    }.items():
        _, metric = find_quality_metric(f"evaluate:{wanted}", tmp_path)
        scored = score(metric, ["a"], ["b"], {})
        with pytest.raises(AssertionError, match=message):
            raise AssertionError(scored.error_message)


def test_missing_predictions_are_empty_text_or_left_out(tmp_path: Path) -> None:
    """As the module's kind of answer allows."""
    body = (
        "def _compute(self, predictions, references):\n"
        "            return {'share': sum(p == r for p, r in zip(predictions, references))"
        " / len(predictions)}"
    )
    module(tmp_path, "texts", "string", body)
    module(tmp_path, "labels", "int64", body)
    _, texts = find_quality_metric("evaluate:texts", tmp_path)
    assert score(texts, ["a", None], ["a", "b"], {}).value == 0.5
    _, labels = find_quality_metric("evaluate:labels", tmp_path)
    scored = score(labels, [1, None], [1, 2], {})
    assert (scored.value, scored.metadata) == (1.0, {"samples": 1, "missing": 1})
    assert "no predictions to score" in str(score(labels, [None], [1], {}).error_message)


def test_a_module_that_cannot_be_loaded_is_named(tmp_path: Path) -> None:
    """Offline and not there, or broken."""
    before = evaluate.config.HF_EVALUATE_OFFLINE
    with pytest.raises(ModelbenchError, match=r"'evaluate:no_such' cannot be loaded.*not answer"):
        find_quality_metric("evaluate:no_such", tmp_path)
    assert before == evaluate.config.HF_EVALUATE_OFFLINE
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ModelbenchError, match=r"'evaluate:broken' cannot be loaded from .*ZeroDiv"):
        find_quality_metric("evaluate:broken", tmp_path)
    with pytest.raises(ModelbenchError, match="'evaluate:' cannot be loaded"):
        find_quality_metric("evaluate:", tmp_path)


def test_without_the_package_its_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line that installs it."""
    monkeypatch.setitem(sys.modules, "evaluate", None)
    with pytest.raises(Unavailable, match=r"evaluate is not installed: pip install .*\[hf\]"):
        find_quality_metric("evaluate:wer", tmp_path)
