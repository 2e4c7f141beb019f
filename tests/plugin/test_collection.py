"""Suites are collected as a pytest user expects."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_modelbench import BenchmarkRun

EchoSuite = Callable[..., Path]


def names(result: pytest.RunResult) -> list[str]:
    return [line for line in result.outlines if "::" in line]


def collect(pytester: pytest.Pytester, *arguments: str) -> list[str]:
    return names(pytester.runpytest("--collect-only", "-q", *arguments))


@pytest.mark.parametrize("argument", ["--suite=echo.json", "--suite=echo", "echo.json", "suites"])
def test_a_suite_is_found_by_option_name_path_and_ini_glob(
    pytester: pytest.Pytester, echo_suite: EchoSuite, argument: str
) -> None:
    file = echo_suite("suites/echo.json" if argument in ("suites", "--suite=echo") else "echo.json")
    if file.parent != pytester.path:
        (file.parent / "data.jsonl").write_bytes((pytester.path / "data.jsonl").read_bytes())
    pytester.makeini("[pytest]\nmodelbench_suites = suites/*.json")
    found = collect(pytester, argument)
    prefix = file.relative_to(pytester.path).as_posix()
    assert found == [f"{prefix}::shout[one-CPU]", f"{prefix}::shout[two-CPU]"]


@pytest.mark.parametrize(
    ("glob", "expected"),
    [
        ("bench/**/*.json", ["bench/a/b/x.json", "bench/x.json"]),
        ("bench/*.json", ["bench/x.json"]),
        ("**/x.json", ["bench/a/b/x.json", "bench/x.json", "other/bench/x.json", "x.json"]),
        ("*.json", ["x.json"]),
    ],
)
def test_globs_of_the_ini_option_are_of_whole_paths(
    pytester: pytest.Pytester, echo_suite: EchoSuite, glob: str, expected: list[str]
) -> None:
    for number, name in enumerate(("x", "bench/x", "bench/a/b/x", "other/bench/x")):
        file = echo_suite(f"{name}.json", id=f"s{number}")
        (file.parent / "data.jsonl").write_bytes((pytester.path / "data.jsonl").read_bytes())
    pytester.makeini(f"[pytest]\nmodelbench_suites = {glob}")
    assert sorted({line.partition("::")[0] for line in collect(pytester)}) == expected


@pytest.mark.parametrize("glob", ["/suites/*.json", "../*.json", ".", '""'])
def test_a_glob_that_could_never_fit_ends_the_session(pytester: pytest.Pytester, glob: str) -> None:
    pytester.makeini(f"[pytest]\nmodelbench_suites = {glob}")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*ini option modelbench_suites: * should be a glob relative to*"])


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux alone")
def test_a_broken_suite_whose_path_is_not_utf_8_costs_no_results(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    folder = Path(os.fsdecode(os.fsencode(pytester.path) + b"/caf\xe9"))
    folder.mkdir()
    good = echo_suite(id=None).rename(folder / os.fsdecode(b"g\xe9.json"))
    (pytester.path / "data.jsonl").rename(folder / "data.jsonl")
    (folder / "broken.json").write_text("{}")
    files = [str(good), str(folder / "broken.json")]
    result = pytester.runpytest(*files, "--suite-output=run.json", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=2, errors=1)
    run = BenchmarkRun.load(pytester.path / "run.json")
    assert [case.id for case in run.cases] == ["g?::shout[one-CPU]", "g?::shout[two-CPU]"]
    assert "caf?/broken.json" in run.problems[0]


def test_the_suite_option_leaves_testpaths_alone_and_adds_to_paths(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.makepyfile(test_own="def test_own(): pass")
    assert not any("test_own" in line for line in collect(pytester, "--suite=echo.json"))
    both = collect(pytester, "--suite=echo.json", "test_own.py")
    assert "test_own.py::test_own" in both
    assert "echo.json::shout[one-CPU]" in both


def test_several_suites_are_collected_each_under_its_file(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite("first.json")
    echo_suite("second.json")
    found = collect(pytester, "--suite=first.json", "--suite=second.json")
    assert found == [
        f"{name}.json::shout[{model}-CPU]"
        for name in ("first", "second")
        for model in ("one", "two")
    ]


def test_two_suites_of_one_id_are_told_apart(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite("first.json", id="same")
    echo_suite("second.json", id="same")
    result = pytester.runpytest("--suite=first.json", "--suite=second.json")
    result.stdout.fnmatch_lines(["*its id 'same' is also the id of *first.json: ids differ"])
    assert result.ret == 1


@pytest.mark.usefixtures("inline")
def test_nobody_elses_json_is_parsed(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    """Broken JSON beside tests is no business of ours, with suites in the session or without."""
    echo_suite()
    (pytester.path / "package.json").write_text("{broken")
    pytester.makepyfile(test_own="def test_own(): pass")
    pytester.runpytest().assert_outcomes(passed=1)
    pytester.runpytest("--suite=echo.json", ".").assert_outcomes(passed=3)


def test_an_unknown_suite_is_named_with_what_there_is(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite("suites/speech.json")
    result = pytester.runpytest("--suite=speach")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        ["ERROR: --suite 'speach': there is no such file, and no suite of that name; did you mean "
         "'speech'? (known suites: quickstart, speech)"]
    )  # fmt: skip


def test_node_ids_k_m_and_matrix_select_cases(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(
        benchmarks=[
            {"id": "shout", "runner": "echo", "models": ["one", "two"], "marks": ["quick"]},
            {"id": "whisper", "runner": "echo", "model": "one", "matrix": {"size": [1, 4]}},
        ],
    )
    pytester.makeini("[pytest]\nmarkers = quick: soon over")
    assert collect(pytester, "echo.json::shout[two-CPU]") == ["echo.json::shout[two-CPU]"]
    assert collect(pytester, "echo.json", "-k", "two") == ["echo.json::shout[two-CPU]"]
    assert len(collect(pytester, "echo.json", "-m", "quick")) == 2
    assert collect(pytester, "echo.json", "-m", "not quick") == [
        "echo.json::whisper[one-CPU-size=1]",
        "echo.json::whisper[one-CPU-size=4]",
    ]


@pytest.mark.usefixtures("inline")
def test_an_unregistered_mark_warns_and_fails_when_strict(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(marks=["qick"])
    result = pytester.runpytest("echo.json", "-W", "default")
    result.assert_outcomes(passed=2, warnings=1)
    result.stdout.fnmatch_lines(["*echo.json:*: mark 'qick' is not registered*"])
    for strict in (["--strict-markers"], ["-W", "error"]):
        result = pytester.runpytest("echo.json", *strict)
        assert result.ret == 1
        result.stdout.fnmatch_lines(["*echo.json:*: mark 'qick' is not registered*"])


@pytest.mark.usefixtures("inline")
def test_lf_runs_only_what_failed(pytester: pytest.Pytester, echo_suite: EchoSuite) -> None:
    echo_suite(
        criteria=[{"metric": "exact_match", "goal": "max", "min": 1, "runners": ["echo"]}],
        benchmarks=[
            {"id": "bad", "runner": "echo", "model": "one"},
            {"id": "good", "runner": "echo", "model": "one", "dataset": {"max_samples": 2}},
        ],
    )
    pytester.runpytest("echo.json").assert_outcomes(passed=1, failed=1)
    pytester.runpytest("echo.json", "--lf").assert_outcomes(failed=1)


@pytest.mark.usefixtures("inline")
def test_x_stops_and_the_rest_is_in_the_run_as_not_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Callable[[], list]
) -> None:
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.95}])
    pytester.runpytest("echo.json", "-x").assert_outcomes(failed=1)
    first, second = runs()[0].cases
    assert (first.status, first.bounds[0].outcome) == ("ok", "failed")
    assert (second.status, second.detail) == ("skipped", "not run: the session ended before")


@pytest.mark.usefixtures("inline")
def test_a_broken_suite_reports_all_and_fails_only_itself(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite("good.json")
    echo_suite(
        "bad.json",
        criteria=[{"metric": "exact_mach", "goal": "max"}],
        benchmarks=[{"id": "a", "runner": "ecko", "model": "one"}, {"id": "b", "runer": "echo"}],
    )
    result = pytester.runpytest("--suite=bad.json", "--suite=good.json")
    result.assert_outcomes(passed=2, errors=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*bad.json:*: benchmarks?0?.runner: 'ecko' is not a runner; did you mean 'echo'?*",
            "*bad.json:*: benchmarks?1?.runer: unknown field; did you mean 'runner'?",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_broken_test_module_still_stops_the_session(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.makepyfile(test_broken="import nothing_of_that_name")
    result = pytester.runpytest("echo.json", "test_broken.py")
    assert result.ret == pytest.ExitCode.INTERRUPTED


def test_a_suite_outside_the_rootdir_has_node_ids_of_its_own(
    pytester: pytest.Pytester, echo_suite: EchoSuite, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = echo_suite()
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "pytest.ini").write_text("[pytest]\n")
    found = collect(pytester, f"--rootdir={elsewhere}", "-c", f"{elsewhere}/pytest.ini", str(file))
    assert found == [f"{file}::shout[one-CPU]", f"{file}::shout[two-CPU]"]


def test_fixtures_of_a_conftest_override_model_and_device(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Callable[[], list]
) -> None:
    echo_suite()
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\nimport pytest\n@pytest.fixture\ndef device(device):\n    return 'AUTO:' + device\n"
    )
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    assert {case.device for case in runs()[0].cases} == {"AUTO:CPU"}


def test_a_failure_points_at_its_line_and_is_one_line_long(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    file = echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.95}])
    line = 1 + next(
        number for number, text in enumerate(file.read_text().splitlines()) if '"shout"' in text
    )
    junit = pytester.path / "junit.xml"
    result = pytester.runpytest("echo.json", f"--junitxml={junit}", "-o", "junit_family=xunit1")
    result.stdout.fnmatch_lines(
        [
            "broken: exact_match is 0.6667 ?0.2077, 0.9385?, below its min 0.95",
            "FAILED echo.json::shout?one-CPU? - broken: exact_match is 0.6667 *",
        ]
    )
    assert f'line="{line - 2}"' in junit.read_text()


def test_cases_that_share_a_model_follow_each_other(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(
        models=["one", "two"],
        benchmarks=[{"id": "first", "runner": "echo"}, {"id": "second", "runner": "echo"}],
    )
    assert collect(pytester, "echo.json") == [
        f"echo.json::{benchmark}[{model}-CPU]"
        for model in ("one", "two")
        for benchmark in ("first", "second")
    ]


def test_models_devices_and_registry_are_chosen_on_the_command_line(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(benchmarks=[{"id": "shout", "runner": "echo"}], registry="registry.json")
    for name, versions in (("registry.json", ["v1", "v2-int8"]), ("other.json", ["w1"])):
        entries = [{"version": version, "model_path": "."} for version in versions]
        (pytester.path / name).write_text(json.dumps(entries))
    assert len(collect(pytester, "echo.json")) == 2
    assert collect(pytester, "echo.json", "--suite-model=*-int8", "--suite-device=GPU.1") == [
        "echo.json::shout[v2-int8-GPU.1]"
    ]
    assert collect(pytester, "echo.json", "--suite-registry=other.json") == [
        "echo.json::shout[w1-CPU]"
    ]
    result = pytester.runpytest("echo.json", "--suite-model=v3")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*'v3' matches no model (models: v1, v2-int8)"])
    result = pytester.runpytest("echo.json", "--suite-registry=none.json")
    result.stderr.fnmatch_lines(["ERROR: --suite-registry 'none.json': no such file"])
