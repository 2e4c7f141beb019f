"""A ready encoder is measured without Transformers, Optimum Intel or torch in any process."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("openvino")
pytest.importorskip("tokenizers")
from tiny_encoder import WIDTH, save_encoder

HEAVY = {"torch", "transformers", "optimum"}
CONFTEST = """
import json, pathlib, sys

from pytest_modelbench.runners.embedding_text import EmbeddingText

FOLDER = pathlib.Path(__file__).parent


def imported():
    return {name.partition(".")[0] for name in sys.modules}


class Watched(EmbeddingText):
    name = "watched"

    def load(self, candidate, device, params):
        before = imported()
        session = super().load(candidate, device, params)
        while_loading = imported() - before
        close = session.close

        def tell_and_close():
            told = {"at_the_end": sorted(imported()), "while_loading": sorted(while_loading)}
            (FOLDER / "child.json").write_text(json.dumps(told))
            close()

        session.close = tell_and_close
        return session


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("watched", Watched)


def pytest_unconfigure(config):
    (FOLDER / "session.json").write_text(json.dumps(sorted(imported())))
"""


@pytest.fixture
def measured(pytester: pytest.Pytester) -> Path:
    """A suite of one case on a ready model, in a process of its own."""
    pytester.makeconftest(CONFTEST)
    save_encoder(pytester.path / "model")
    rows = [{"a": "a plane", "b": "the lazy dog", "score": 1}, {"a": "x", "b": "x", "score": 5}]
    (pytester.path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    dataset = {
        "source": "jsonl",
        "path": "rows.jsonl",
        "input_column": ["a", "b"],
        "reference_column": "score",
    }
    benchmark = {"id": "texts", "runner": "watched", "model": "model"}
    suite = {
        "dataset": dataset,
        "measure": {"min_samples": 4, "min_seconds": 0},
        "benchmarks": [benchmark],
    }
    (pytester.path / "suite.json").write_text(json.dumps(suite))
    return pytester.path


def run(pytester: pytest.Pytester) -> dict[str, object]:
    quiet = ["-p", "no:xdist", "-p", "no:benchmark", "-p", "no:timeout", "-p", "no:anyio"]
    done = pytester.runpytest_subprocess(*quiet, "--suite=suite.json", "--suite-output=run.json")
    done.assert_outcomes(passed=1)
    case = json.loads((pytester.path / "run.json").read_text())["cases"][0]
    assert case["engine"] == "isolated"
    assert case["metrics"]["vector_dim_mean"]["value"] == WIDTH
    properties: dict[str, object] = case["properties"]
    return properties


def test_a_ready_encoder_imports_nothing_heavy(pytester: pytest.Pytester, measured: Path) -> None:
    properties = run(pytester)
    assert properties["tokenizer"] == "tokenizers"
    assert "transformers_version" not in properties
    child = json.loads((measured / "child.json").read_text())
    assert {"openvino", "tokenizers"} <= set(child["at_the_end"])
    assert HEAVY.isdisjoint(child["at_the_end"])
    assert HEAVY.isdisjoint(json.loads((measured / "session.json").read_text()))


@pytest.mark.parametrize("columns", ["a", ["a", "b"]], ids=["texts", "pairs"])
def test_vectors_of_a_session_that_is_resumed_have_the_lengths_that_are_known(
    pytester: pytest.Pytester, measured: Path, columns: str | list[str]
) -> None:
    """A text's answer is its vector; of a pair only the similarity is kept."""
    (pytester.path / "conftest.py").unlink()
    suite = json.loads((measured / "suite.json").read_text())
    suite["dataset"]["input_column"] = columns
    suite["benchmarks"][0] |= {"runner": "embedding_text", "quality": ["own:score"]}
    (measured / "suite.json").write_text(json.dumps(suite))
    own, metric = measured / "own.py", "def score(predictions, references):\n    {}\n"
    own.write_text(metric.format("raise ValueError('a bug')"))
    pytester.runpytest_subprocess("suite.json").assert_outcomes(failed=1)
    own.write_text(metric.format("return 1.0"))
    resumed = ("suite.json", "--suite-resume=last", "--suite-output=run.json")
    pytester.runpytest_subprocess(*resumed).assert_outcomes(passed=1)
    case = json.loads((measured / "run.json").read_text())["cases"][0]
    assert [one["samples"] for one in case["taken_over"]] == [2]
    is_known = columns == "a"
    assert case["metrics"]["vector_dim_min"]["value"] == (WIDTH if is_known else None)
    assert case["metrics"]["vector_dim_min"]["status"] == ("ok" if is_known else "skipped")


@pytest.mark.slow
def test_what_a_tokenizer_needs_is_imported_before_loading(
    pytester: pytest.Pytester, measured: Path
) -> None:
    pytest.importorskip("transformers")
    (measured / "model" / "added_tokens.json").write_text("{}")
    properties = run(pytester)
    assert properties["tokenizer"] == "transformers"
    assert properties["tokenizer_reason"] == "there is an added_tokens.json"
    child = json.loads((measured / "child.json").read_text())
    assert "transformers" in child["at_the_end"]
    assert HEAVY.isdisjoint(child["while_loading"])
