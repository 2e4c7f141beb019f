"""One suite file, loaded whole: every mistake in it is told at once."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_modelbench.documents.problems import DocumentError
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.suite.find import SHIPPED, find_suite, named_suites
from pytest_modelbench.suite.load import load_suite
from pytest_modelbench.suite.selection import Selection

TWELVE_MISTAKES = """{
  "id": "many",
  "descripton": "a",
  "dataset": {"source": "json", "path": "rows.json", "max_samples": 0},
  "measure": {"warmup": "three"},
  "criteria": [
    {"id": "a", "metric": "wer", "goal": "mim"},
    {"id": "b", "metric": "latency_mss"},
    {"id": "c", "expression": "latency_ms + (", "weight": 1},
    {"id": "d", "metric": "latency_ms", "goal": "target"},
    {"id": "b", "metric": "latency_ms"}
  ],
  "benchmarks": [
    {"id": "one", "runner": "whisper_asr", "model": "model", "params": {"languge": "en"}},
    {"id": "two", "runner": "embedding_txt", "model": "model"},
    {"id": "three", "runner": "embedding_text", "model": "./no-such-model"},
    {"id": "fo/ur", "runner": "embedding_text", "model": "model"},
    {"id": "five", "runner": "embedding_text", "model": "model", "device": 3}
  ]
}
"""

WANTED = [
    (3, "descripton", "unknown field; did you mean 'description'?"),
    (4, "dataset.max_samples", "0 should be at least 1"),
    (5, "measure.warmup", '"three" should be a whole number, or "auto"'),
    (7, "criteria[0].goal", "\"mim\" should be one of 'min', 'max', 'target'; did you mean 'min'?"),
    (8, "criteria[1].metric", "'latency_mss' is not a metric of the benchmarks in its scope; did"),
    (9, "criteria[2].expression", "'latency_ms + (' is not arithmetic over metric names"),
    (10, "criteria[3]", "goal 'target' needs a number in 'target'"),
    (11, "criteria[4].id", "'b' is already the id of criteria[1]: ids differ"),
    (14, "benchmarks[0].params.languge", "unknown field; did you mean 'language'?"),
    (15, "benchmarks[1].runner", "'embedding_txt' is not a runner; did you mean 'embedding_text'?"),
    (16, "benchmarks[2].model", "'./no-such-model': there is no such file or directory"),
    (17, "benchmarks[3].id", "'fo/ur' may not hold [ ] / \\ ::"),
    (18, "benchmarks[4].device", "3 should be a string"),
]


def test_every_one_of_many_mistakes_is_told_with_line_path_value_and_remedy(folder: Any) -> None:
    problems = folder.problems(TWELVE_MISTAKES)
    told = [(one.line, str(one).split(": ")[1], one.message) for one in problems]
    assert [(line, path) for line, path, _ in told] == [(line, path) for line, path, _ in WANTED]
    for (*_, message), (*_, words) in zip(told, WANTED, strict=True):
        assert message.startswith(words)
    assert all(str(one).startswith(f"{folder.path}/suite.json:") for one in problems)


@pytest.mark.parametrize("left_out", range(len(WANTED)))
def test_a_mistake_that_is_mended_is_told_no_more_and_the_others_are(
    folder: Any, left_out: int
) -> None:
    """No mistake hides another."""
    lines = TWELVE_MISTAKES.splitlines()
    mended = {
        3: '  "description": "a",',
        4: '  "dataset": {"source": "json", "path": "rows.json"},',
        5: '  "measure": {"warmup": 3},',
        7: '    {"id": "a", "metric": "wer"},',
        8: '    {"id": "b", "metric": "latency_ms"},',
        9: '    {"id": "c", "expression": "latency_ms + 1"},',
        10: '    {"id": "d", "metric": "latency_ms"},',
        11: '    {"id": "e", "metric": "latency_ms"}',
        14: '    {"id": "one", "runner": "whisper_asr", "model": "model"},',
        15: '    {"id": "two", "runner": "embedding_text", "model": "model"},',
        16: '    {"id": "three", "runner": "embedding_text", "model": "model"},',
        17: '    {"id": "four", "runner": "embedding_text", "model": "model"},',
        18: '    {"id": "five", "runner": "embedding_text", "model": "model"}',
    }
    line = WANTED[left_out][0]
    lines[line - 1] = mended[line]
    told = {problem.line for problem in folder.problems("\n".join(lines))}
    assert told == {wanted for wanted, *_ in WANTED} - {line}


def test_a_fault_of_what_benchmarks_share_is_told_once(folder: Any) -> None:
    """Nothing is said of what only follows from it."""
    suite = folder.suite(
        dataset={"source": 5},
        models=["model", ""],
        benchmarks=[{"runner": "embedding_text"}, {"runner": "embedding_text"}],
    )
    assert [str(one).split(": ")[1] for one in folder.problems(suite)] == [
        "dataset.source",
        "models[1]",
    ]


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"model": ["a", "b"]}, "benchmarks[0].model"),
        ({"model": None, "models": [5]}, "benchmarks[0].models[0]"),
        ({"dataset": "clips.jsonl"}, "benchmarks[0].dataset"),
    ],
)
def test_what_a_benchmark_gives_wrongly_is_not_called_missing(
    folder: Any, fields: dict[str, Any], place: str
) -> None:
    suite = folder.benchmark(**fields)
    if "dataset" in fields:
        del suite["dataset"]
    assert folder.fault(suite).startswith(f"{place}: ")


def test_a_broken_registry_is_told_with_the_suite_that_names_it(folder: Any) -> None:
    folder.write("registry.json", '[\n{"version": "a"}]')
    suite = {**folder.benchmark(model=None), "registry": "registry.json"}
    told = [(one.file.name, one.line, one.location) for one in folder.problems(suite)]
    assert sorted(told) == [
        ("registry.json", 2, (0, "model_path")),
        ("suite.json", 17 if told[0][1] == 17 else told[-1][1], ("registry",)),
    ]


def test_a_registry_without_a_model_is_a_fault_of_each_benchmark_that_names_none(
    folder: Any,
) -> None:
    file = folder.write("registry.json", "[]")
    suite = {**folder.benchmark(model=None), "registry": "registry.json"}
    assert folder.fault(suite) == f"benchmarks[0]: has no model: there is none in {file}"


@pytest.mark.parametrize("name", ["evaluate:", "mymodule:", "evaluate:#"])
def test_a_quality_metric_without_a_name_is_a_fault(folder: Any, name: str) -> None:
    suite = folder.benchmark(quality=["exact_match", name])
    assert folder.fault(suite).startswith(
        f"benchmarks[0].quality[1]: {name!r} names no metric: write module:callable or"
    )


def test_a_registry_that_cannot_be_a_file_is_a_fault_of_the_suite(folder: Any) -> None:
    suite = {**folder.benchmark(model=None), "registry": "a\0b"}
    assert folder.fault(suite) == (
        "registry: 'a\\x00b' cannot be used as a path: embedded null byte"
    )


def test_a_faulty_registry_of_the_command_line_names_its_own_file(folder: Any) -> None:
    file = folder.write("corrupt.json", '[{"version": "a",\n')
    problems = folder.problems(folder.suite(), Selection(registry=file))
    assert [(one.file, one.line) for one in problems] == [(file, 2)]


@pytest.mark.parametrize("field", ["benchmarks", "criteria"])
def test_ids_given_twice_are_told(folder: Any, field: str) -> None:
    entry = {
        "benchmarks": {"id": "x", "runner": "embedding_text", "model": "model"},
        "criteria": {"id": "x", "metric": "latency_ms"},
    }[field]
    messages = [
        str(one).partition(": ")[2]
        for one in folder.problems(folder.suite(**{field: [entry, entry]}))
    ]
    assert f"{field}[1].id: 'x' is already the id of {field}[0]: ids differ" in messages


def test_an_id_that_collides_with_a_default_one_is_told(folder: Any) -> None:
    plain = {"runner": "embedding_text", "model": "model"}
    suite = folder.suite(benchmarks=[plain, {**plain, "id": "case_001"}])
    messages = [one.message for one in folder.problems(suite)]
    assert "'case_001' is already the id of benchmarks[0]: ids differ" in messages


def test_a_suite_without_an_id_is_called_like_its_file(folder: Any) -> None:
    file = folder.write("speech.json", folder.suite(id=None))
    assert load_suite(file, Selection()).id == "speech"


def test_a_suite_is_found_by_path_by_name_and_among_those_shipped(folder: Any) -> None:
    file = folder.write("suites/mine.json", folder.suite())
    folders = [folder.path]
    assert find_suite("suites/mine.json", folders) == file
    assert find_suite("mine", folders) == file
    assert find_suite("mine.json", folders) == file
    assert find_suite("quickstart", folders) == SHIPPED["quickstart"]
    assert set(named_suites(folders)) == {"mine", "quickstart"}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("quickstrt", "did you mean 'quickstart'? (known suites: quickstart)"),
        ("~nobody-here/x", "there is no such file"),
        ('{"id": "' + "x" * 300, "cannot be used as a path: File name too long"),
    ],
)
def test_a_suite_that_is_not_there_is_one_sentence(folder: Any, name: str, words: str) -> None:
    with pytest.raises(ModelbenchError) as caught:
        find_suite(name, [folder.path])
    assert words in str(caught.value)


def test_the_suite_s_faults_are_an_error_of_ours(folder: Any) -> None:
    assert issubclass(DocumentError, ModelbenchError)
    with pytest.raises(ModelbenchError, match=r"suite\.json: no such file"):
        load_suite(folder.path / "suite.json", Selection())
