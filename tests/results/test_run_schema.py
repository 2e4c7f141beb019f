"""The run file is strict: our loader and the published JSON Schema refuse the same."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from run_alterations import ALTERATIONS, DELETE, METRIC

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.schemas import committed_file

Altered = Callable[..., Path]
VALIDATOR = Draft202012Validator(json.loads(committed_file("run").read_text()))


def _change(document: Any, place: str, value: Any) -> None:
    """Set, or delete, what is at a place such as `cases.0.score.total`."""
    *outer, last = [int(part) if part.isdigit() else part for part in place.split(".")]
    for part in outer:
        document = document[part]
    if value is DELETE:
        del document[last]
    else:
        document[last] = value


def _name(alteration: tuple[str, Any]) -> str:
    place, value = alteration
    return f"{place} {'removed' if value is DELETE else repr(value)[:40]}"


def test_the_unaltered_run_is_accepted_by_both(run: BenchmarkRun, altered: Altered) -> None:
    file = altered()
    assert BenchmarkRun.load(file) == run
    VALIDATOR.validate(json.loads(file.read_text()))


def test_the_run_holds_every_kind_of_thing_that_is_altered_below(run: BenchmarkRun) -> None:
    statuses = {metric.status.value for case in run.cases for metric in case.metrics.values()}
    assert statuses == {"ok", "skipped"}
    assert [case.status for case in run.cases] == ["ok", "ok", "skipped"]
    assert [check.outcome for case in run.cases for check in case.bounds] == ["passed", "failed"]
    assert [row.case_id for row in run.suites[0].leaderboard] == [
        "small::texts[one-CPU]",
        "small::texts[two-CPU]",
    ]


@pytest.mark.parametrize("alteration", ALTERATIONS, ids=_name)
def test_a_run_altered_anywhere_is_refused_by_loader_and_schema_alike(
    alteration: tuple[str, Any], altered: Altered
) -> None:
    place, value = alteration
    file = altered(lambda document: _change(document, place, value))
    with pytest.raises(DocumentError) as caught:
        BenchmarkRun.load(file)
    told = str(caught.value)
    assert str(file) in told
    if "is not JSON" not in told and " digits" not in told:  # refused before there is a path
        assert _names_the_place(told, place), told
    assert not VALIDATOR.is_valid(json.loads(file.read_text()))


def _names_the_place(told: str, place: str) -> bool:
    """The fault is at `place`, or at the object whose fields no longer fit each other."""
    parts = place.split(".")
    paths = ["".join(f"[{p}]" if p.isdigit() else f".{p}" for p in parts[:end]).lstrip(".")
             for end in (len(parts), len(parts) - 1)]  # fmt: skip
    return any(f": {path}" in told for path in paths if path)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("system_info.cpu_count", 4.0),  # JSON has one kind of number
        ("metadata.exit_status", 0.0),
        (f"{METRIC}.value", 5),
        (f"{METRIC}.value", 1.7976931348623157e308),
        (f"{METRIC}.metadata", {"anything": [{"deep": None}]}),
        ("metadata.timestamp", "2024-02-29T23:59:59.999999-11:30"),
        ("metadata.git_sha", None),
        ("cases.0.rank", None),
        ("cases.0.score", None),
        ("cases.0.score.interval", None),
        ("cases.0.bounds.0.interval", None),
        ("cases.0.bounds.0.interval", [4, None]),
        ("suites", []),
        ("suites.0.criteria.0", {"id": "c", "expression": "1"}),
        ("system_info.packages", {}),
        ("cases.0.metrics", {}),
        ("problems", []),
    ],
)
def test_what_is_right_is_accepted_by_both(altered: Altered, place: str, value: Any) -> None:
    file = altered(lambda document: _change(document, place, value))
    BenchmarkRun.load(file)
    assert VALIDATOR.is_valid(json.loads(file.read_text()))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"value": 5.0', '"value": NaN', "NaN is not JSON"),
        ('"value": 5.0', '"value": -Infinity', "-Infinity is not JSON"),
        ('"value": 5.0', '"value": 1e999', "1e999 is too large"),
        ('"value": 5.0', '"value": 05.0', "not valid JSON"),
        ('"dry_run"', '"dry_run": true, "dry_run"', "metadata.dry_run: given twice"),
        ('"threads": 2', '"threads": 2, "threads": 2', "given twice"),
        ('"problems": [', '"problems": [[', "not valid JSON"),
        ('"device_name": null', '"device_name": "\\ud800"', "is half a surrogate pair"),
        ('"device_name": null', '"device_name": 1e309', "1e309 is too large"),
    ],
)
def test_text_that_is_no_strict_json_is_refused_with_its_line(
    altered: Altered, old: str, new: str, words: str
) -> None:
    """A JSON Schema sees values, not text; this is the loader's alone."""
    file = altered(text=lambda text: text.replace(old, new, 1))
    line = next(
        number for number, text in enumerate(file.read_text().splitlines(), 1) if new in text
    )
    with pytest.raises(DocumentError) as caught:
        BenchmarkRun.load(file)
    assert words in str(caught.value)
    assert 0 <= (caught.value.problems[0].line or 0) - line <= 3  # where the text stops to be JSON


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_run_is_refused(altered: Altered, share: float) -> None:
    file = altered(text=lambda text: text[: int(len(text) * share)])
    with pytest.raises(DocumentError, match=r"run\.json:\d+: "):
        BenchmarkRun.load(file)


def test_all_faults_of_a_run_are_told_at_once(altered: Altered) -> None:
    def change(document: Any) -> None:
        for place in ("cases.0.status", "metadata.timestamp", "candidates.1.model_type"):
            _change(document, place, "wrong")

    with pytest.raises(DocumentError) as caught:
        BenchmarkRun.load(altered(change))
    assert [str(one).split(": ")[1] for one in caught.value.problems] == [
        "metadata.timestamp",
        "candidates[1].model_type",
        "cases[0].status",
    ]


def test_a_run_is_saved_and_loaded_without_change(run: BenchmarkRun, tmp_path: Path) -> None:
    file = run.save(tmp_path / "new" / "run.json")
    assert BenchmarkRun.load(file) == run
    assert BenchmarkRun.load(str(file)).to_json() == file.read_text()


def test_a_case_is_found_by_its_id_or_the_unambiguous_end_of_it(run: BenchmarkRun) -> None:
    assert run.case("texts[two-CPU]").model == "two"
    assert run.case("small::texts[one-CPU]").model == "one"
    for wrong in ("nothing", "CPU]"):
        with pytest.raises(KeyError):
            run.case(wrong)
    one = run.case("small::texts[one-CPU]")
    longer = one.model_copy(update={"id": f"very-{one.id}"})
    both = run.model_copy(update={"cases": [longer, one]})
    assert both.case(one.id) is one


def test_a_candidate_s_standard_metrics_are_those_of_the_case_that_measured_them(
    run: BenchmarkRun,
) -> None:
    one, two = run.candidates
    assert (one.version, one.model_type, one.file_size_mb) == ("one", "base", 0.001)
    assert (two.model_type, two.latency_ms.value) == ("quantized", 12.5)
    assert one.latency_ms.metadata["case"] == "small::texts[one-CPU]"
    assert one.cove_pass_rate.status == "skipped"
    assert one.cove_pass_rate.error_message
