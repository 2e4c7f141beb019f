"""What a suite may say of a comparison, and how its mistakes are told."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from revisions import AUTHOR, commit_all

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.git import git
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Runner
from pytest_modelbench.suite.against import side_against
from pytest_modelbench.suite.load import LoadedSuite, load_suite
from pytest_modelbench.suite.selection import Selection
from pytest_modelbench.suite.sides import check_here, forget_repositories
from pytest_modelbench.suite.tolerance import Tolerance, parse_tolerance


@pytest.fixture
def load(tmp_path: Path) -> Any:
    (tmp_path / "rows.json").write_text('[{"text": "a"}]')
    for name in ("one", "two"):
        (tmp_path / name).mkdir()

    def load(
        compare: Any = None, against: str | None = None, own: Any = None, **fields: Any
    ) -> LoadedSuite:
        benchmark = {"id": "b", "runner": "embedding_text", "model": "one", **fields}
        benchmark["compare"] = own
        suite = {
            "id": "s",
            "dataset": {"source": "json", "path": "rows.json"},
            "benchmarks": [{key: value for key, value in benchmark.items() if value is not None}],
        }
        if compare is not None:
            suite["compare"] = compare
        (tmp_path / "s.json").write_text(json.dumps(suite, indent=1))
        side = None if against is None else side_against(against)
        return load_suite(tmp_path / "s.json", Selection(against=side))

    return load


def problems(load: Any, *given: Any, **fields: Any) -> str:
    with pytest.raises(DocumentError) as caught:
        load(*given, **fields)
    return str(caught.value)


def test_each_side_is_the_benchmark_with_what_it_says_itself(load: Any) -> None:
    [case] = load(
        {
            "baseline": {"model": "two"},
            "candidates": {"gpu": {"device": "gpu.1"}, "big": {"params": {"batch_size": 4}}},
        }
    ).cases
    assert case.id == "s::b[one-CPU-vs-two]"
    baseline, gpu, big = case.measured
    assert [one.id for one in case.measured] == [
        "s::b[one-CPU-vs-two]@baseline",
        "s::b[one-CPU-vs-two]@gpu",
        "s::b[one-CPU-vs-two]@big",
    ]
    assert (baseline.candidate.version, baseline.device, baseline.params) == ("two", "CPU", {})
    assert (gpu.candidate.version, gpu.device) == ("one", "GPU.1")
    assert (big.candidate.version, big.params) == ("one", {"batch_size": 4})


@pytest.fixture
def anything() -> Iterator[None]:
    """A runner that takes any parameters."""
    added = RUNNERS.added

    class Anything(Runner):
        input_kind = "text"

    RUNNERS.add("anything", Anything)
    yield
    RUNNERS.forget_added(added)


@pytest.mark.parametrize(
    ("params", "shown"),
    [
        ({"batch_size": 4}, "batch_size=4"),
        ({"pooling": "mean"}, "pooling=mean"),
        ({"api_key": "hunter2"}, "api_key=[0-9a-f]{8}"),
        ({"hub_token": 12345}, "hub_token=[0-9a-f]{8}"),
        ({"url": "https://me:hunter2@host"}, "url=[0-9a-f]{8}"),
        ({"prompt": {"text": "hunter2"}}, "prompt=[0-9a-f]{8}"),
    ],
)
@pytest.mark.usefixtures("anything")
def test_an_id_shows_no_secret_of_the_baseline_s_parameters(
    load: Any, params: Any, shown: str
) -> None:
    [case] = load({"baseline": {"params": params}}, runner="anything").cases
    assert re.fullmatch(rf"s::b\[one-CPU-vs-{shown}\]", case.id)
    [again] = load({"baseline": {"params": params}}, runner="anything").cases
    assert again.id == case.id


def test_of_a_side_s_environment_the_names_alone_are_told(load: Any) -> None:
    [case] = load({"baseline": {"env": {"SERVICE": "hunter2"}}}).cases
    baseline, candidate = case.comparison.sides
    assert baseline.given == {"env": {"SERVICE": "***"}}
    assert baseline.env == (("SERVICE", "hunter2"),)
    assert candidate.given == {}


def test_without_a_baseline_a_suite_is_measured_as_if_nothing_were_said(load: Any) -> None:
    [case] = load({"launches": 4}).cases
    assert case.comparison is None
    assert case.id == "s::b[one-CPU]"


def test_the_command_line_gives_a_baseline_and_the_suite_the_rest(load: Any) -> None:
    [case] = load({"launches": 4, "baseline": {"device": "GPU"}}, against="model:two").cases
    assert case.id == "s::b[one-CPU-vs-two]"
    assert case.comparison.settings.launches == 4
    assert [one.device for one in case.measured] == ["CPU", "CPU"]


def test_sides_that_all_name_a_model_need_none_in_the_benchmark(load: Any) -> None:
    compare = {"baseline": {"model": "one"}, "candidate": {"model": "two"}}
    [case] = load(compare, model=None).cases
    assert [one.candidate.version for one in case.measured] == ["one", "two"]
    assert "has no model" in problems(load, {"baseline": {"model": "one"}}, model=None)


def test_a_benchmark_s_own_comparison_takes_the_place_of_the_suite_s(load: Any) -> None:
    own = {"baseline": {"params": {"batch_size": 2}}}
    [case] = load({"baseline": {"model": "two"}}, own=own).cases
    assert case.id == "s::b[one-CPU-vs-batch_size=2]"


def test_a_revision_outside_of_any_repository_is_refused(load: Any) -> None:
    assert "is in no git repository" in problems(load, {"baseline": {"revision": "main"}})


def test_a_revision_is_looked_up_where_the_suite_is(load: Any, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    git(tmp_path, "add", "rows.json")
    git(tmp_path, *AUTHOR, "commit", "-qm", "one")
    [case] = load(against="main").cases
    baseline, candidate = case.comparison.sides
    assert baseline.commit == git(tmp_path, "rev-parse", "HEAD")
    assert candidate.commit is None
    said = problems(load, against="nosuch")
    assert "compare: --suite-against: 'nosuch' is no revision of" in said


@pytest.mark.parametrize(
    ("compare", "said"),
    [
        ({"baseline": {"model": "./nosuch"}}, "baseline.model: "),
        ({"baseline": {"params": {"batch_size": 0}}}, "baseline.params.batch_size: "),
        ({"baseline": {"python": "no/python"}}, "baseline.python: 'no/python': there is no such"),
        ({"baseline": {"speed": 1}}, "speed"),
        ({"baseline": {"revision": ""}}, "'revision' is blank"),
        ({"baseline": {"model": " "}}, "'model' is blank"),
        ({"baseline": {}, "launches": 5}, "'launches' should be even, not 5"),
        ({"baseline": {}, "launches": 0}, "launches"),
        ({"baseline": {}, "candidate": {}, "candidates": {"a": {}}}, "give either 'candidate'"),
        ({"baseline": {}, "candidates": {"baseline": {}}}, "and not 'baseline'"),
        ({"baseline": {}, "candidates": {"a/b": {}}}, "'a/b' should be letters"),
        ({"baseline": {}, "candidates": {}}, "candidates"),
        (
            {"baseline": {}, "outputs": "same"},
            "outputs: \"same\" should be 'equal', or an object with 'absolute' and 'relative'",
        ),
        ({"baseline": {}, "outputs": {"absolute": -1}}, "absolute"),
        ({"baseline": {}, "tolerance": "5"}, "'5' should be a share"),
        ({"baseline": {}, "tolerance": 0.05}, 'should be a share such as "5%": an amount in a'),
        ({"baseline": {}, "seed": -1}, "seed"),
        ({"baseline": {"env": {"A=B": "x"}}}, "'A=B' is no name of an environment variable"),
        ({"baseline": {"env": {"A\0": "x"}}}, "is no name of an environment variable"),
        ({"baseline": {"env": {"": "x"}}}, "baseline.env"),
        ({"baseline": {"env": {"A": "x\0"}}}, "has a NUL, which no environment variable can hold"),
        ("main", "compare"),
    ],
)
def test_mistakes_are_told_at_their_place(load: Any, compare: Any, said: str) -> None:
    text = problems(load, compare)
    assert said in text
    assert "s.json:" in text


def test_mistakes_of_all_sides_and_fields_are_told_at_once(load: Any) -> None:
    wrong = {"model": "./nosuch", "python": "no/python", "params": {"batch_size": 0, "speed": 1}}
    text = problems(load, {"baseline": wrong, "candidates": {"a": {"model": "./none"}, "b": {}}})
    found = re.findall(r"compare: ([\w.]+): ", text)
    fields = ["model", "params.batch_size", "params.speed", "python"]
    assert sorted(found) == ["a.model", *(f"baseline.{name}" for name in fields)]


def test_null_and_a_comparison_of_equal_sides_are_allowed(load: Any) -> None:
    [case] = load({"baseline": {}, "candidates": None, "candidate": None}).cases
    assert case.id == "s::b[one-CPU-vs-baseline]"


def test_an_odd_number_of_launches_is_told_in_its_line(load: Any, tmp_path: Path) -> None:
    text = problems(load, {"baseline": {}, "tolerance": "5%", "launches": 5})
    lines = (tmp_path / "s.json").read_text().splitlines()
    number = next(n for n, line in enumerate(lines, 1) if '"launches"' in line)
    assert f"s.json:{number}: compare.launches: 'launches' should be even, not 5" in text


@pytest.mark.parametrize(
    ("python", "name"), [("env/bin/python", "env"), ("/usr/bin/python3", "python3")]
)
def test_another_environment_is_called_by_what_tells_it_from_others(
    load: Any, tmp_path: Path, python: str, name: str
) -> None:
    made = tmp_path / "env" / "bin" / "python"
    made.parent.mkdir(parents=True)
    made.symlink_to(sys.executable)
    if not (tmp_path / python).exists():
        pytest.skip(f"there is no {python} here")
    [case] = load(against=f"python:{python}").cases
    assert case.id == f"s::b[one-CPU-vs-{name}]"


@pytest.mark.parametrize("text", ["", "  ", "device:", "model: ", "python:"])
def test_a_side_of_the_command_line_needs_a_name(text: str) -> None:
    with pytest.raises(ModelbenchError, match="should be a git revision"):
        side_against(text)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("5%", Tolerance(0.05, is_relative=True)),
        (" 2.5 % ", Tolerance(0.025, is_relative=True)),
        ("0%", Tolerance(0.0, is_relative=True)),
        (0.01, Tolerance(0.01, is_relative=False)),
        (0, Tolerance(0.0, is_relative=False)),
    ],
)
def test_a_tolerance_is_a_share_or_a_number(given: Any, read: Tolerance) -> None:
    assert parse_tolerance(given) == read


@pytest.mark.parametrize("given", ["5", "-5%", "5%%", "five", "", -1, float("inf"), float("nan")])
def test_anything_else_is_no_tolerance(given: Any) -> None:
    with pytest.raises(ValueError, match="should be a share such as"):
        parse_tolerance(given)


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        ({"expression": "wer + 1", "max_regression": "5%"}, "'max_regression' needs a 'metric'"),
        (
            {"metric": "wer", "goal": "target", "target": 1, "max_regression": "5%"},
            "'max_regression' needs goal 'min' or 'max'",
        ),
        ({"metric": "p95_latency_ms", "max_regression": "5%"}, "should be 15% or more, not 5 %"),
        ({"metric": "p99_latency_ms", "max_regression": "20%"}, "should be 25% or more"),
        (
            {"metric": "p95_latency_ms", "max_regression": 5},
            "should be a share, 15% or more, not 5",
        ),
        ({"metric": "p50_latency_ms", "max_regression": "much"}, "'much' should be a share"),
        ({"metric": "p50_latency_ms", "max_regression": True}, "True should be a share"),
    ],
)
def test_a_max_regression_that_cannot_be_is_refused(
    tmp_path: Path, criterion: Any, said: str
) -> None:
    (tmp_path / "rows.json").write_text('[{"text": "a"}]')
    suite = {
        "dataset": {"source": "json", "path": "rows.json"},
        "criteria": [criterion],
        "benchmarks": [{"runner": "embedding_text", "model": "org/model"}],
    }
    (tmp_path / "s.json").write_text(json.dumps(suite))
    with pytest.raises(DocumentError) as caught:
        load_suite(tmp_path / "s.json", Selection())
    assert said in str(caught.value)


def test_no_tolerance_is_beyond_all_measure() -> None:
    with pytest.raises(ValueError, match="should be 100000000% or less"):
        parse_tolerance("9" * 400 + "%")


def test_a_new_session_sees_what_has_become_of_the_repository_since(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "s.json").write_text("1")
    commit_all(tmp_path)
    check_here(side_against("main"), tmp_path / "s.json")
    git(tmp_path, "branch", "-m", "trunk")
    forget_repositories()
    with pytest.raises(ModelbenchError, match="'main' is no revision"):
        check_here(side_against("main"), tmp_path / "s.json")
