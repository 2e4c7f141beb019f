"""What a case's result does to its item, the exit status and the run file."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]


def test_measured_cases_pass_and_stand_in_one_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    file = echo_suite()
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(passed=2)
    assert result.ret == 0
    (run,) = runs()
    assert [case.id for case in run.cases] == ["echo::shout[one-CPU]", "echo::shout[two-CPU]"]
    assert [candidate.version for candidate in run.candidates] == ["one", "two"]
    assert run.suites[0].file == str(file)
    assert run.metadata.exit_status == 0
    case = run.cases[0]
    assert case.status == "ok"
    assert case.metrics["exact_match"].value == pytest.approx(2 / 3)
    assert case.metrics["sample_count"].value == 3
    assert case.metrics["p50_latency_ms"].metadata["samples"] >= 5
    assert case.metrics["tokens_per_sec"].is_ok
    assert run.candidates[0].latency_ms.value == case.metrics["latency_ms"].value


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--suite-baseline=", "--suite-baseline '' names no run: give last, *"),
        ("--suite-device=", "--suite-device '' names no device: give one, such as CPU, *"),
        ("--suite-registry=", "--suite-registry '': no such file"),
        ("--suite-output=", "--suite-output '' names no file: give one, or leave it out"),
        ("--suite-markdown= ", "--suite-markdown ' ' names no file: give one, or leave it out"),
        ("--suite-output-dir=", "--suite-output-dir '' names no directory: give one, *"),
        ("--suite-against=", "--suite-against '' should be a git revision *"),
    ],
)
def test_an_option_whose_variable_is_not_set_ends_the_session(
    pytester: pytest.Pytester, echo_suite: EchoSuite, option: str, said: str
) -> None:
    """As of `--suite-baseline="$BASELINE"` in a script: the gate would be open."""
    echo_suite()
    result = pytester.runpytest("echo.json", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*{said}"])


@pytest.mark.parametrize(
    ("bound", "words"),
    [
        ({"min": 0.95}, "broken: exact_match is 0.6667 ?0.2077, 0.9385?, below its min 0.95"),
        ({"max": 0.2}, "broken: exact_match is 0.6667 ?0.2077, 0.9385?, above its max 0.2"),
    ],
)
def test_a_broken_bound_fails_its_item_with_metric_value_and_bound(
    pytester: pytest.Pytester, echo_suite: EchoSuite, bound: dict[str, float], words: str
) -> None:
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", **bound}])
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=2)
    assert result.ret == 1
    result.stdout.fnmatch_lines([words, "FAILED echo.json::shout?one-CPU? - broken: *"])


@pytest.mark.usefixtures("inline")
def test_a_bound_within_the_interval_warns_and_fails_when_strict(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """Two right answers of three say little about the next three."""
    echo_suite(criteria=[{"metric": "exact_match", "goal": "max", "min": 0.9}])
    words = (
        "inconclusive: exact_match is 0.6667 ?0.2077, 0.9385?: its interval straddles min 0.9; "
        "at least 10 samples instead of 3 are needed"
    )
    result = pytester.runpytest("echo.json", "-W", "default")
    result.assert_outcomes(passed=2, warnings=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines([f"*{words}"])
    result = pytester.runpytest("echo.json", "--suite-strict")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines([words, "FAILED echo.json::shout?one-CPU? - inconclusive: *"])


@pytest.mark.usefixtures("inline")
def test_where_warnings_are_errors_what_is_broken_is_told_too(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    unsure = {"id": "unsure", "metric": "exact_match", "goal": "max", "min": 0.9}
    broken = {"id": "broken", "metric": "exact_match", "goal": "max", "max": 0.2}
    echo_suite(criteria=[unsure, broken])
    result = pytester.runpytest("echo.json", "-W", "error")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["broken: exact_match is *, above its max 0.2", "*inconclusive: exact_match is *"]
    )


@pytest.mark.usefixtures("inline")
def test_a_bound_on_a_percentile_of_too_few_calls_warns_and_fails_when_strict(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(criteria=[{"metric": "p99_latency_ms", "max": 1000}])
    result = pytester.runpytest("echo.json", "-W", "default")
    result.assert_outcomes(passed=2, warnings=2)
    result.stdout.fnmatch_lines(
        ["*inconclusive: p99_latency_ms is * rests on 5 calls and needs 662: max 1000 ms"]
    )
    pytester.runpytest("echo.json", "--suite-strict").assert_outcomes(failed=2)
    pytester.runpytest("echo.json", "-W", "error").assert_outcomes(failed=2)


@pytest.mark.usefixtures("inline")
def test_a_bound_without_a_value_is_never_passed_silently(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(criteria=[{"metric": "peak_vram_mb", "max": 100}])
    result = pytester.runpytest("echo.json", "-W", "default")
    result.assert_outcomes(passed=2, warnings=2)
    pytester.runpytest("echo.json", "--suite-strict").assert_outcomes(failed=2)


RUNNER = """
from pytest_modelbench import ModelbenchError, Runner, Session, Unavailable


class Broken(Session):
    batch_size = 1

    def __init__(self, params):
        self.params = params

    def predict(self, batch):
        if batch[0] in self.params.get("fails_on", ""):
            raise ValueError("cannot say " + batch[0])
        return [text.upper() for text in batch]


class Troubled(Runner):
    name = "troubled"
    input_kind = "text"
    quality = ("exact_match",)

    def load(self, candidate, device, params):
        if device == "TPU":
            raise Unavailable("device 'TPU' is not present; present: CPU")
        if params.get("load") == "raises":
            raise RuntimeError("no such weights")
        return Broken(params)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("troubled", Troubled)
"""


def troubled(echo_suite: EchoSuite, pytester: pytest.Pytester, *benchmarks: dict) -> None:
    echo_suite(
        benchmarks=[
            {"id": f"b{number}", "runner": "troubled", "model": "m", **one}
            for number, one in enumerate(benchmarks)
        ]
    )
    (pytester.path / "conftest.py").write_text(RUNNER)


def test_a_model_that_does_not_load_is_an_error_and_the_next_case_runs(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    troubled(echo_suite, pytester, {"params": {"load": "raises"}}, {})
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(["FAILED echo.json::b0?m-CPU? - RuntimeError: no such weights"])
    case = runs()[0].cases[0]
    assert (case.status, case.detail) == ("error", "RuntimeError: no such weights")
    assert "no such weights" in (case.trace or "")
    assert {metric.status for metric in case.metrics.values()} == {"error"}


def test_failed_samples_are_counted_fail_the_item_and_keep_out_of_latency(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    troubled(echo_suite, pytester, {"params": {"fails_on": "b"}})
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=1)
    case = runs()[0].cases[0]
    assert case.detail == "1 of 3 samples failed, the first with: ValueError: cannot say b"
    assert case.metrics["failure_count"].value == 1
    assert case.metrics["p50_latency_ms"].is_ok
    assert case.metrics["exact_match"].value == pytest.approx(1 / 3)


def test_an_absent_device_and_an_unset_variable_skip_with_the_reason(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    troubled(echo_suite, pytester, {"device": "TPU"}, {"env": ["NO_SUCH_KEY"]})
    result = pytester.runpytest("echo.json", "-rs")
    result.assert_outcomes(skipped=2)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "SKIPPED*device 'TPU' is not present; present: CPU",
            "SKIPPED*variable NO_SUCH_KEY is not set",
        ]
    )
    assert {metric.status for case in runs()[0].cases for metric in case.metrics.values()} == {
        "skipped"
    }


def test_an_absent_package_skips_with_the_line_that_installs_it(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    troubled(echo_suite, pytester, {})
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text().replace(
            '    name = "troubled"',
            '    name = "troubled"\n    def requirements(self, params):\n'
            "        from pytest_modelbench import Requirement\n"
            '        return [Requirement("nothing_of_that_name.core", extra="openvino")]',
        )
    )
    pytester.runpytest("echo.json").assert_outcomes(skipped=1)
    assert runs()[0].cases[0].detail == (
        'nothing_of_that_name.core is not installed: pip install "pytest-modelbench[openvino]"'
    )


@pytest.mark.usefixtures("inline")
def test_an_expression_that_cannot_be_evaluated_is_an_error_metric(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(criteria=[{"id": "odd", "expression": "1 / (sample_count - 3)", "goal": "max"}])
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=2)
    metric = runs()[0].cases[0].metrics["odd"]
    assert metric.status == "error"
    assert "division by zero" in metric.error_message


def test_a_dry_run_measures_nothing_and_writes_a_valid_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    result = pytester.runpytest("echo.json", "--suite-dry-run")
    result.assert_outcomes(skipped=2)
    (run,) = runs()
    assert run.metadata.dry_run
    assert {m.error_message for case in run.cases for m in case.metrics.values()} == {"dry run"}
    assert len(run.cases[0].metrics) > 20


def test_marks_and_fixtures_that_end_an_item_early_are_in_the_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite(marks=["skip"], benchmarks=[{"id": "a", "runner": "echo", "model": "one"}])
    echo_suite("second.json", benchmarks=[{"id": "a", "runner": "echo", "model": "one"}])
    conftest = pytester.path / "conftest.py"
    conftest.write_text(
        conftest.read_text()
        + "\nimport pytest\n@pytest.fixture\ndef device(device):\n    raise OSError('no bus')\n"
    )
    result = pytester.runpytest("echo.json", "second.json")
    result.assert_outcomes(skipped=1, errors=1)
    skipped, broken = runs()[0].cases
    assert (skipped.status, skipped.detail) == ("skipped", "unconditional skip")
    assert (broken.status, broken.detail) == ("error", "OSError: no bus")


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    "arguments", [["-q"], ["-v"], ["--no-header", "-q"], ["-s"], ["--color=yes"]]
)
def test_the_table_and_the_run_file_are_shown_whatever_the_verbosity(
    pytester: pytest.Pytester, echo_suite: EchoSuite, arguments: list[str]
) -> None:
    echo_suite(criteria=[{"metric": "p50_latency_ms"}])
    result = pytester.runpytest("echo.json", *arguments)
    text = result.stdout.str()
    assert "modelbench: echo (2 cases)" in text
    assert "shout[one-CPU]" in text
    assert "run written to" in text


@pytest.mark.usefixtures("inline")
def test_output_goes_where_it_is_told_or_says_why_not(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    echo_suite()
    pytester.runpytest("echo.json", "--suite-output=new/run.json").assert_outcomes(passed=2)
    assert json.loads((pytester.path / "new" / "run.json").read_text())["schema_version"] == "1"
    (kept,) = runs()  # the file is a copy: the run is kept like any other
    assert json.loads((pytester.path / "new" / "run.json").read_text()) == kept.to_dict()
    result = pytester.runpytest("echo.json", "--suite-output=new")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-output 'new' is a directory: name a file in it"])


@pytest.mark.usefixtures("inline")
def test_a_run_that_cannot_be_written_is_not_lost(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    """A file stands where the folder should be: the run is saved elsewhere and the exit says so."""
    echo_suite()
    (pytester.path / "blocked").write_text("")
    result = pytester.runpytest("echo.json", "--suite-output=blocked/run.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*blocked/run.json: the run file cannot be written*", "run written to *"]
    )
    saved = result.stdout.str().rpartition("run written to ")[2].split()[0]
    assert json.loads(Path(saved).read_text())["cases"]
    Path(saved).unlink()


CARELESS = """
from pytest_modelbench import Prediction, Runner, Session


class Careless(Session):
    def __init__(self, how):
        self.how = how

    def predict(self, batch):
        return None if self.how == "predict" else list(batch)

    def finish(self, sample, answer):
        return None if self.how == "finish" else Prediction(answer)

    def summarize(self, samples, predictions):
        import numpy as np
        from pytest_modelbench import measured

        given = {
            "nothing": {},
            "taken": {"p50_latency_ms": measured(1, "ms")},
            "numpy": {"extra": measured(1, "", n=np.int64(3))},
            "text": {"extra": "many"},
            "number": {"extra": 3},
        }
        return given.get(self.how, {})

    def close(self):
        if self.how == "predict":
            raise OSError("close failed, too")


class CarelessRunner(Runner):
    name = "careless"
    input_kind = "text"
    metrics = ("extra",)

    def load(self, candidate, device, params):
        return Careless(candidate.version)


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("careless", CarelessRunner)
"""


@pytest.mark.parametrize("engine", ["isolated", "inline"])
@pytest.mark.parametrize(
    ("how", "extra"),
    [
        ("predict", "the runner's predict gave a NoneType: it must give a list"),
        ("finish", "the runner's finish gave a NoneType: it must give a Prediction"),
        ("nothing", "promised by runner 'careless', which did not give it"),
        ("taken", "the runner gives 'p50_latency_ms', which is measured for every case"),
        ("text", "the runner's summarize gave a str: it must give a Metric or a number"),
        ("numpy", None),
        ("number", None),
    ],
)
def test_a_careless_runner_is_told_what_it_did(
    pytester: pytest.Pytester,
    echo_suite: EchoSuite,
    runs: Runs,
    how: str,
    extra: str | None,
    engine: str,
) -> None:
    echo_suite(benchmarks=[{"id": "b", "runner": "careless", "model": how}])
    (pytester.path / "conftest.py").write_text(CARELESS)
    result = pytester.runpytest("echo.json", f"--suite-engine={engine}")
    (case,) = runs()[0].cases
    if extra is None:
        result.assert_outcomes(passed=1)
        assert case.metrics["extra"].is_ok
    else:
        result.assert_outcomes(failed=1)
        assert extra in f"{case.detail} {case.metrics['extra'].error_message}"
        assert case.metrics["p50_latency_ms"].is_ok == (how not in ("predict", "finish"))


def test_a_device_that_is_not_there_is_never_measured(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    """Not even by a runner that ignores the name."""
    echo_suite()
    pytester.runpytest("echo.json", "--suite-device=NOPE").assert_outcomes(skipped=2)
    assert runs()[0].cases[0].detail == (
        "device 'NOPE' is not present; present: CPU, GPU.1, AUTO:CPU"
    )


@pytest.mark.usefixtures("inline")
def test_an_expression_is_no_surer_than_the_percentile_in_it(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite(criteria=[{"id": "tail", "expression": "p99_latency_ms * 1", "max": 1000}])
    pytester.runpytest("echo.json", "--suite-strict").assert_outcomes(failed=2)


@pytest.mark.usefixtures("inline")
def test_secrets_and_terminal_codes_stay_out_of_runs_and_terminals(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs
) -> None:
    params = {"api_key": "sesame", "url": "https://me:sesame@host/"}
    echo_suite(
        benchmarks=[{"id": "b", "runner": "echo", "model": "m\u001b]0;x\u0007", "params": params}]
    )
    result = pytester.runpytest("echo.json", "-v")
    (run,) = runs()
    assert run.cases[0].params == {"api_key": "***", "url": "https://***@host/"}
    assert "sesame" not in run.to_json() + result.stdout.str()
    assert "\u0007" not in result.stdout.str()


def test_rows_that_could_not_be_used_are_mentioned(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    data = pytester.path / "data.jsonl"
    data.write_text(data.read_text() + '{"text": null, "ref": "Y"}\n')
    result = pytester.runpytest("echo.json")
    result.stdout.fnmatch_lines(["note: 1 rows of the dataset could not be used, 3 were (row 3: *"])


@pytest.mark.usefixtures("inline")
def test_a_suite_named_from_a_subdirectory_is_found(
    pytester: pytest.Pytester, echo_suite: EchoSuite, monkeypatch: pytest.MonkeyPatch
) -> None:
    echo_suite()
    below = pytester.mkdir("below")
    monkeypatch.chdir(below)
    pytester.runpytest("../echo.json", "--rootdir=..").assert_outcomes(passed=2)


@pytest.mark.usefixtures("inline")
def test_a_link_stays_a_link_and_a_device_stays_a_device(
    pytester: pytest.Pytester, echo_suite: EchoSuite
) -> None:
    echo_suite()
    (pytester.path / "link.json").symlink_to("target.json")
    pytester.runpytest("echo.json", "--suite-output=link.json").assert_outcomes(passed=2)
    assert (pytester.path / "link.json").is_symlink()
    assert (pytester.path / "target.json").is_file()
    os.mkfifo(pytester.path / "pipe")
    result = pytester.runpytest("echo.json", "--suite-output=pipe")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --suite-output 'pipe' is not a regular file"])
