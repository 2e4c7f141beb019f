"""The `modelbench` fixture and mark: benchmarks written as ordinary tests."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench import BenchmarkRun

EchoSuite = Callable[..., Path]
Runs = Callable[[], list]

TESTS = """
import time

import pytest

from pytest_modelbench import measured

QUICK = {"warmup": 2, "min_samples": 20, "min_seconds": 0}
pytestmark = pytest.mark.modelbench(measure=QUICK)


class Model:
    def __init__(self, device):
        self.device = device
        self.weights = b"x" * 50_000_000
        time.sleep(0.05)

    def __call__(self, batch):
        time.sleep(0.001 * len(batch))
        return [one * 2 for one in batch]


def test_my_model(modelbench, device):
    model = modelbench.load(lambda: Model(device))
    result = modelbench.measure(model, [[1, 2, 3], [4]], items=len)
    assert result.outputs == [[2, 4, 6], [8]]
    assert result.value("latency_ms") == result.metrics["p50_latency_ms"].value
    assert len(result.durations_ns) == 20
    with pytest.raises(KeyError, match="peak_vram_mb has no value"):
        result.value("peak_vram_mb")
    modelbench.metric("accuracy", 0.95, better="higher", min=0.9)
    modelbench.bound("mean_latency_ms / p50_latency_ms", max=1e6)


def test_broken_bound(modelbench):
    modelbench.metric("accuracy", 0.5, better="higher", min=0.9)
    modelbench.bound("accuracy", max=0.4)
    modelbench.metric("after", 1)


def test_asserts_after_measuring(modelbench):
    modelbench.measure(str, [1])
    modelbench.metric("accuracy", 0.5, min=0.9)
    assert 1 + 1 == 3, "the model is wrong"


def test_call_raises(modelbench):
    def my_call(number):
        return 1 / number

    modelbench.metric("before", 7)
    modelbench.measure(my_call, [1, 0])


def test_late_call_raises(modelbench):
    left = iter(range(13))
    modelbench.measure(lambda number: next(left), [1, 2])


def test_skips(modelbench):
    modelbench.metric("before", 7)
    pytest.skip("not today")


@pytest.mark.xfail(reason="known")
def test_expected_to_fail(modelbench):
    modelbench.measure(str, [1])
    assert False


def test_two_measurements(modelbench):
    modelbench.measure(str, [1])
    modelbench.measure(str, ["x"] * 30, name="long", items=2)


@pytest.mark.modelbench(
    measure={"min_samples": 12}, criteria=[{"id": "fast", "metric": "latency_ms", "max": 1000}]
)
@pytest.mark.parametrize("size", [1, 2])
class TestOfAClass:
    def test_size(self, modelbench, size):
        modelbench.measure(str, [1] * size, min_seconds=0)


def test_without_the_fixture():
    pass


def test_measures_nothing(modelbench):
    pass


def test_metrics_made_before(modelbench):
    modelbench.metric("recall", measured(0.91, "%", interval=[0.88, 0.94]), better="higher")
    modelbench.metric("drift", measured(3, better="lower"), unit="mm")


@pytest.mark.skipif(True, reason="no GPU")
def test_skipped_by_a_mark(modelbench):
    pass


@pytest.fixture
def model_files():
    raise FileNotFoundError("no weights")


@pytest.mark.parametrize(("device", "size"), [("xpu", 1)])
def test_without_its_files(model_files, modelbench, device, size):
    pass
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[BenchmarkRun, str]:
    """The run of `TESTS`, and what pytest showed."""
    folder = tmp_path_factory.mktemp("python")
    (folder / "test_models.py").write_text(TESTS)
    command = [sys.executable, "-m", "pytest", "test_models.py", "--suite-output=run.json"]
    done = subprocess.run(
        [*command, "-W", "error"], cwd=folder, capture_output=True, text=True, timeout=120
    )
    counts = "4 failed, 7 passed, 2 skipped, 1 xfailed, 1 error"
    assert counts in done.stdout, done.stdout + done.stderr
    return BenchmarkRun.load(folder / "run.json"), done.stdout


def case_of(session: tuple[BenchmarkRun, str], name: str) -> Any:
    return session[0].case(name)


def failure_text(session: tuple[BenchmarkRun, str], name: str) -> str:
    """What pytest shows below the headline of a failed test."""
    lines = session[1].splitlines()
    (start,) = (at for at, line in enumerate(lines) if line.strip("_ ") == name)
    end = next(at for at in range(start + 1, len(lines)) if lines[at][:3] in ("___", "===", "---"))
    return "\n".join(lines[start + 1 : end]).strip()


def test_the_example_measures_loading_calls_and_a_metric_of_its_own(session: Any) -> None:
    case = case_of(session, "test_my_model[CPU]")
    value = {name: metric.value for name, metric in case.metrics.items()}
    assert (case.status, case.runner, case.engine) == ("ok", "python", "inline")
    assert (case.suite, case.benchmark, case.device) == ("test_models.py", "test_my_model", "CPU")
    assert value["model_load_seconds"] >= 0.05
    assert value["load_ram_increase_mb"] == pytest.approx(50, abs=2)
    assert value["max_latency_ms"] >= 3
    assert value["p50_latency_ms"] >= 1
    durations = case.timing.durations_ns()
    assert len(durations) == 20
    assert (case.timing.first_round, case.timing.repeated) == (2, 2)
    assert value["inference_seconds"] == pytest.approx(sum(durations) / 1e9)
    # Ten times each, of three items and of one.
    assert value["throughput_items_per_second"] == pytest.approx(40 / sum(durations) * 1e9)
    assert value["first_latency_ms"] == case.timing.warmup_ns()[0] / 1e6
    assert len(case.timing.warmup_ns()) == 3
    assert value["accuracy"] == 0.95
    assert case.metrics["accuracy"].metadata["better"] == "higher"
    assert [(one.what, one.outcome) for one in case.bounds] == [
        ("accuracy", "passed"),
        ("mean_latency_ms / p50_latency_ms", "passed"),
    ]
    assert (case.score.total, case.rank) == (None, None)


def test_each_test_with_the_fixture_is_a_case_and_no_other(session: Any) -> None:
    assert [case.id.removeprefix("test_models.py::") for case in session[0].cases] == [
        "test_my_model[CPU]",
        "test_broken_bound",
        "test_asserts_after_measuring",
        "test_call_raises",
        "test_late_call_raises",
        "test_skips",
        "test_expected_to_fail",
        "test_two_measurements",
        "TestOfAClass::test_size[1]",
        "TestOfAClass::test_size[2]",
        "test_measures_nothing",
        "test_metrics_made_before",
        "test_skipped_by_a_mark",
        "test_without_its_files[xpu-1]",
    ]
    assert [suite.id for suite in session[0].suites] == ["test_models.py"]
    assert case_of(session, "TestOfAClass::test_size[2]").params == {"size": 2}
    assert case_of(session, "test_measures_nothing").timing is None


def test_a_broken_bound_fails_its_test_in_one_line_for_each_when_it_has_ended(
    session: Any,
) -> None:
    case = case_of(session, "test_broken_bound")
    lines = [
        "broken: accuracy is 0.5, below its min 0.9",
        "broken: accuracy is 0.5, above its max 0.4",
    ]
    assert failure_text(session, "test_broken_bound") == "\n".join(lines)
    assert case.status == "ok"
    assert [one.outcome for one in case.bounds] == ["failed", "failed"]
    assert case.metrics["after"].value == 1


def test_a_test_that_fails_by_itself_keeps_its_metrics_and_is_an_error(session: Any) -> None:
    case = case_of(session, "test_asserts_after_measuring")
    assert case.status == "error"
    assert "the model is wrong" in case.detail
    assert "assert 1 + 1 == 3" in case.trace
    assert case.metrics["latency_ms"].is_ok
    assert [one.outcome for one in case.bounds] == ["failed"]
    assert "accuracy is" not in failure_text(session, "test_asserts_after_measuring")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("test_call_raises", "ZeroDivisionError: division by zero"),
        ("test_late_call_raises", "StopIteration"),
    ],
)
def test_what_the_measured_call_raises_shows_the_users_lines_alone(
    session: Any, name: str, words: str
) -> None:
    text = failure_text(session, name)
    assert words in text
    assert "modelbench.measure(" in text
    assert {"test_call_raises": "return 1 / number"}.get(name, "next(left)") in text
    assert "pytest_modelbench" not in text.replace("<pytest_modelbench.", "")
    case = case_of(session, name)
    assert case.status == "error"
    assert words.split(":")[0] in case.detail
    assert "inference_seconds" not in case.metrics
    assert not case.metrics["latency_ms"].is_ok


def test_what_was_recorded_before_the_call_raised_stays(session: Any) -> None:
    assert case_of(session, "test_call_raises").metrics["before"].value == 7


def test_a_skipped_test_is_a_skipped_case_with_the_reason(session: Any) -> None:
    case = case_of(session, "test_skips")
    assert (case.status, case.detail) == ("skipped", "not today")


def test_a_test_that_ended_before_it_had_the_fixture_is_a_case_that_measured_nothing(
    session: Any,
) -> None:
    by_mark, broken = (
        case_of(session, name)
        for name in ("test_skipped_by_a_mark", "test_without_its_files[xpu-1]")
    )
    assert (by_mark.status, by_mark.detail) == ("skipped", "no GPU")
    assert {metric.status for metric in by_mark.metrics.values()} == {"skipped"}
    assert (broken.status, broken.detail) == ("error", "FileNotFoundError: no weights")
    assert (broken.device, broken.params) == ("xpu", {"size": 1})
    assert "def model_files" in broken.trace


def test_a_metric_that_was_made_before_keeps_what_it_says_and_gets_the_rest(session: Any) -> None:
    metrics = case_of(session, "test_metrics_made_before").metrics
    recall, drift = metrics["recall"], metrics["drift"]
    assert (recall.unit, recall.interval) == ("%", (0.88, 0.94))
    assert recall.metadata["better"] == "higher"
    assert (drift.unit, drift.metadata["better"]) == ("mm", "lower")


def test_a_test_that_fails_as_expected_is_skipped_and_keeps_its_metrics(session: Any) -> None:
    case = case_of(session, "test_expected_to_fail")
    assert (case.status, case.detail) == ("skipped", "expected to fail: known")
    assert case.metrics["latency_ms"].is_ok


def test_a_second_measurement_has_its_name_before_its_metrics(session: Any) -> None:
    case = case_of(session, "test_two_measurements")
    metrics = case.metrics
    assert metrics["p50_latency_ms"].metadata["samples"] == 20
    assert metrics["long_p50_latency_ms"].metadata["samples"] == 30
    seconds = metrics["long_inference_seconds"].value
    assert metrics["long_throughput_items_per_second"].value == pytest.approx(60 / seconds)
    assert len(case.timing.durations_ns()) == 20


def test_marks_add_up_and_arguments_of_the_call_come_first(session: Any) -> None:
    """The class's `measure` instead of the module's, and its criteria."""
    case = case_of(session, "TestOfAClass::test_size[1]")
    assert len(case.timing.durations_ns()) == 12
    assert [(one.criterion, one.outcome) for one in case.bounds] == [("fast", "passed")]


# Mistakes

WRONG_MARKS = [
    ('("tiny")', "mark modelbench takes keywords (models, devices, registry, measure, criteria), "
     "not 'tiny'"),
    ('(model="tiny")', "mark modelbench has no argument 'model'; did you mean 'models'?"),
    ("(measure=5)", "mark modelbench: measure is 5: it should be a dict, such as "
     "{'min_samples': 662}"),
    ("(criteria={'metric': 'x'})", "mark modelbench: criteria is {'metric': 'x'}: it should be a "
     "list of dicts, such as [{'metric': 'p50_latency_ms', 'max': 5}]"),
    ("(devices=3)", "mark modelbench: devices is 3: it should be a name or a list of names"),
    ("(models=3)", "mark modelbench: models is 3: it should be a name, a selector or a list of "
     "them"),
    ("(models=[{'versio': 'x'}], registry='registry.json')",
     "mark modelbench: models: versio: unknown field; did you mean 'version'?"),
    ("(models='a', registry='absent.json')", "*absent.json: no such file"),
    ("(models='a*')", "{'version': 'a?'} selects from a registry, and there is none: give "
     "'registry' in the suite or --suite-registry"),
]  # fmt: skip


def test_a_wrong_mark_is_an_error_of_collection_in_one_sentence(pytester: pytest.Pytester) -> None:
    (pytester.path / "registry.json").write_text('[{"version": "a", "model_path": "a"}]')
    for number, (mark, _) in enumerate(WRONG_MARKS):
        (pytester.path / f"test_{number}.py").write_text(
            f"import pytest\n@pytest.mark.modelbench{mark}\n"
            "def test_it(modelbench, model, device): pass\n"
            "@pytest.fixture\ndef model(): pass\n"
        )
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=len(WRONG_MARKS))
    for number, (_, sentence) in enumerate(WRONG_MARKS):
        pattern = sentence.replace("[", "[[]")
        result.stdout.fnmatch_lines([f"test_{number}.py::test_it: {pattern}"])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*pytest_modelbench/*")


WRONG_FOR_ALL_OF_A_TEST = [
    ("measure={'min_sample': 3}", "no argument 'min_sample'; did you mean 'min_samples'?"),
    ("measure={'warmup': 'soon'}", 'warmup: "soon" should be a whole number, or "auto"'),
    ("measure={'min_samples': 9, 'max_samples': 3}", "(9) is more than 'max_samples' (3)"),
    ("measure={'threads': 1}", "'threads' limits a process, and a test runs in the session's"),
    ("criteria=[{'metric': 'a', 'mx': 3}]", "criteria: mx: unknown field; did you mean 'max'?"),
    ("criteria=[{'max': 3}]", "give either 'metric' or 'expression'"),
    ("criteria=[{'expression': 'a +', 'max': 3}]", "criteria: expression: "),
]


def test_what_a_mark_says_of_measuring_is_checked_before_the_test_runs(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    tests = [
        f"@pytest.mark.modelbench({mark})\n"
        f"def test_{number}(modelbench): raise AssertionError('it ran')\n"
        for number, (mark, _) in enumerate(WRONG_FOR_ALL_OF_A_TEST)
    ]
    pytester.makepyfile("import pytest\n" + "".join(tests))
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(errors=len(tests))
    for number, (_, sentence) in enumerate(WRONG_FOR_ALL_OF_A_TEST):
        (headline,) = (
            at
            for at, line in enumerate(result.outlines)
            if line.strip("_ ") == f"ERROR at setup of test_{number}"
        )
        assert sentence in result.outlines[headline + 1]
        assert result.outlines[headline + 2][0] in "_="
    result.stdout.no_fnmatch_line("*it ran*")
    cases = runs()[0].cases
    assert [case.status for case in cases] == ["error"] * len(tests)
    for case, (_, sentence) in zip(cases, WRONG_FOR_ALL_OF_A_TEST, strict=True):
        assert sentence.strip() in case.detail


WRONG_CALLS = [
    ("measure(str, [])", "was given no inputs: there is nothing to time"),
    ("measure(str, [1], min_sampels=3)", "'min_sampels'; did you mean 'min_samples'?"),
    ("measure(str, [1], min_samples='x')", 'min_samples: "x" should be a whole number'),
    ("measure(str, [1], memory_limit_mb=3)", "'memory_limit_mb' limits a process"),
    ("measure(str, [1], items=-1)", "items is -1 for input 0: it should be a number, 0 or more"),
    ("measure(str, [1], items='two')", "items is 'two' for input 0"),
    ("measure(str, [1], name=3)", "name is 3: it should be one word of letters, digits and '_'"),
    ("measure(str, [1], name='long text')", "name is 'long text': it should be one word of"),
    ("measure(str, [1], name='mean', **Q)", "gives a metric 'mean_latency_ms', and there is"),
    ("measure(str, [1], name='steady', **Q)", "gives a metric 'steady_peak_ram_mb', and there is"),
    ("metric('p50_latency_ms', 3)", "'p50_latency_ms' is what modelbench measures itself"),
    ("metric('steady_peak_ram_mb', 3)", "is what modelbench measures itself"),
    ("metric('accuracy', 'high')", "'accuracy' is given a str: it should be a number"),
    ("metric('accuracy', 3, better='more')", "better is 'more': it should be 'lower'"),
    ("metric('accuracy', 3, min=2, max=1)", "'min' (2) is more than 'max' (1)"),
    ("metric('', 3)", "the name is '': it should be a text"),
    ("metric('tokens_per_sec', -3)", "'tokens_per_sec' is -3, below 0"),
    ("metric('tokens_per_sec', 3, unit='1/h')", "it is a metric in 'tokens/s'"),
    ("bound('accuracy')", "bounds nothing: give min or max"),
    ("bound('accuracy +', min=1)", "is not arithmetic over metric names"),
]


def test_a_wrong_call_is_an_error_at_its_line_and_shows_nothing_of_ours(
    pytester: pytest.Pytester,
) -> None:
    tests = [
        f"def test_{number}(modelbench):\n    modelbench.{call}\n"
        for number, (call, _) in enumerate(WRONG_CALLS)
    ]
    quick = "Q = {'min_samples': 1, 'min_seconds': 0, 'warmup': 0}\n"
    pytester.makepyfile(quick + "".join(tests))
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=len(tests))
    errors = [line for line in result.outlines if line.startswith("E  ")]
    for error, (_, sentence) in zip(errors, WRONG_CALLS, strict=True):
        assert sentence in error
        assert "ModelbenchError: modelbench." in error
    result.stdout.no_fnmatch_line("*pytest_modelbench/*")


def test_what_was_given_twice_is_refused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        from pytest_modelbench import ModelbenchError

        Q = {"min_samples": 1, "min_seconds": 0, "warmup": 0}

        def test_it(modelbench):
            modelbench.measure(str, [1], **Q)
            with pytest.raises(ModelbenchError, match="called twice with name=None: give the se"):
                modelbench.measure(str, [1], **Q)
            modelbench.measure(str, [1], name="a", **Q)
            with pytest.raises(ModelbenchError, match="called twice with name='a'"):
                modelbench.measure(str, [1], name="a", **Q)
            modelbench.load(lambda: 1)
            with pytest.raises(ModelbenchError, match="load was called twice"):
                modelbench.load(lambda: 1)
            modelbench.metric("b_latency_ms", 1)
            with pytest.raises(ModelbenchError, match="there are two called 'b_latency_ms'"):
                modelbench.metric("b_latency_ms", 1)
            with pytest.raises(ModelbenchError, match="with name='b' gives a metric 'b_latency_m"):
                modelbench.measure(str, [1], name="b", **Q)
            with pytest.raises(ModelbenchError, match="there are two called 'latency_ms'"):
                modelbench.metric("latency_ms", 1)
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


def test_a_bound_that_cannot_be_judged_warns_and_is_a_failure_of_one_line_where_warnings_are(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(
        """
        def test_it(modelbench):
            modelbench.measure(str, [1], min_samples=3, min_seconds=0, warmup=0)
            modelbench.bound("p99_latency_ms", max=1000)
        """
    )
    rests_on = "rests on 3 calls and needs 662: max 1000 ms"
    sentence = f"inconclusive: p99_latency_ms is * ms, but {rests_on}"
    result = pytester.runpytest_inprocess("-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    result.stdout.fnmatch_lines([f"*ModelbenchWarning: {sentence}"])
    for option in (["-W", "error"], ["--suite-strict"]):
        result = pytester.runpytest_inprocess(*option)
        result.assert_outcomes(failed=1)
        result.stdout.fnmatch_lines(["*__ test_it __*", sentence])
        result.stdout.no_fnmatch_line("*pytest_modelbench/*")
    assert [run.cases[0].status for run in runs()] == ["ok"] * 3


def test_a_test_that_runs_again_is_judged_by_its_last_run(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    """First a broken bound, then an error: the second must not pass for a broken bound."""
    pytester.makeconftest(
        """
        import pytest
        from _pytest.runner import runtestprotocol

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_protocol(item, nextitem):
            for _ in range(2):
                for report in runtestprotocol(item, nextitem=nextitem, log=False):
                    item.ihook.pytest_runtest_logreport(report=report)
            return True
        """
    )
    pytester.makepyfile(
        """
        tries = []

        def test_it(modelbench):
            tries.append(1)
            modelbench.metric("accuracy", len(tries), min=5)
            assert len(tries) == 1, "the second time"
        """
    )
    pytester.runpytest_inprocess()
    (case,) = runs()[0].cases
    assert case.status == "error"
    assert "the second time" in case.detail
    assert case.metrics["accuracy"].value == 2


# Models and devices


@pytest.fixture
def registry(pytester: pytest.Pytester) -> None:
    (pytester.path / "registry.json").write_text(
        json.dumps(
            [
                {"version": "tiny", "model_path": "tiny.bin"},
                {"version": "small", "model_path": "org/small", "quantization": "int8"},
            ]
        )
    )
    (pytester.path / "tiny.bin").write_text("x")


def test_models_and_devices_make_cases_with_readable_ids(
    pytester: pytest.Pytester, registry: None, runs: Runs
) -> None:
    pytester.makepyfile(
        test_of_registry="""
        import pytest

        @pytest.mark.modelbench(models=["tiny", {"quantization": "int8"}],
                                devices=["CPU", "gpu.1"], registry="registry.json")
        @pytest.mark.parametrize("size", [1])
        def test_it(modelbench, model, device, size):
            modelbench.metric("size", size)

        @pytest.mark.modelbench(registry="registry.json")
        def test_all(modelbench, model):
            pass
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=6)
    (run,) = runs()
    assert sorted(case.id.partition("::")[2] for case in run.cases) == sorted(
        [
            "test_it[1-tiny-CPU]",
            "test_it[1-tiny-GPU.1]",
            "test_it[1-small-CPU]",
            "test_it[1-small-GPU.1]",
            "test_all[tiny]",
            "test_all[small]",
        ]
    )
    case = run.case("test_it[1-tiny-GPU.1]")
    assert (case.model, case.device, case.params) == ("tiny", "GPU.1", {"size": 1})
    assert case.model_path == str(pytester.path / "tiny.bin")
    assert sorted(one.version for one in run.candidates) == ["small", "tiny"]


def test_the_command_line_chooses_models_and_devices(
    pytester: pytest.Pytester, registry: None, runs: Runs
) -> None:
    (pytester.path / "other.json").write_text('[{"version": "tiny", "model_path": "org/x"}]')
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.modelbench(models="t*", devices="CPU", registry="registry.json")
        def test_it(modelbench, model, device):
            pass
        """
    )
    pytester.runpytest_inprocess("--suite-device=GPU", "--suite-registry=other.json")
    pytester.runpytest_inprocess("--suite-model=small").assert_outcomes(skipped=1)
    assert [(case.model_path, case.device) for run in runs() for case in run.cases] == [
        ("org/x", "GPU")
    ]


def test_a_model_of_tests_alone_is_no_mistake_where_a_suite_is_collected_too(
    pytester: pytest.Pytester, registry: None, echo_suite: EchoSuite
) -> None:
    echo_suite()
    pytester.makepyfile(
        test_it="""
        import pytest

        @pytest.mark.modelbench(models="t*", registry="registry.json")
        def test_it(modelbench, model):
            pass
        """
    )
    both = ("echo.json", "test_it.py")
    pytester.runpytest_inprocess(*both, "--suite-model=tiny").assert_outcomes(passed=1)
    result = pytester.runpytest_inprocess(*both, "--suite-model=huge")
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_a_device_that_is_parametrized_cannot_be_chosen_on_the_command_line(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        test_it="import pytest\n"
        "@pytest.mark.parametrize('device', ['npu'])\n"
        "def test_it(modelbench, device): pass\n"
    )
    result = pytester.runpytest_inprocess("--suite-device=GPU")
    result.assert_outcomes(errors=1)
    said = "'device' is parametrized here, so --suite-device cannot say it: leave one out"
    result.stdout.fnmatch_lines([f"test_it.py::test_it: {said}"])


def test_a_device_of_the_users_own_wins_and_one_of_another_plugin_does_not(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    fixture = "import pytest\n@pytest.fixture\ndef device():\n    return {!r}\n"
    pytester.makepyfile(other_plugin=fixture.format("theirs"))
    test = "def test_it(modelbench, device):\n    assert device == {!r}\n"
    pytester.makepyfile(test_plain=test.format("CPU"))
    mine = pytester.mkpydir("mine")
    (mine / "conftest.py").write_text(fixture.format("cuda:3"))
    (mine / "test_mine.py").write_text(test.format("cuda:3"))
    (pytester.path / "test_module.py").write_text(
        fixture.format("xpu") + test.format("xpu")
        + "@pytest.mark.parametrize('device', ['npu'])\n"
        + test.format("npu").replace("test_it", "test_parametrized")
    )  # fmt: skip
    result = pytester.runpytest_subprocess("-p", "other_plugin")
    result.assert_outcomes(passed=4)
    assert {case.id: case.device for case in runs()[0].cases} == {
        "mine/test_mine.py::test_it": "cuda:3",
        "test_module.py::test_it": "xpu",
        "test_module.py::test_parametrized[npu]": "npu",
        "test_plain.py::test_it[CPU]": "CPU",
    }


# Tests that end in other ways

FROM_ITS_BODY = """
def test_late(request):
    modelbench = request.getfixturevalue("modelbench")
    modelbench.metric("accuracy", 0, min=1)
"""

OF_UNITTEST = """
import unittest

import pytest


class TestOfUnittest(unittest.TestCase):
    @pytest.fixture(autouse=True)
    def _bench(self, modelbench):
        modelbench.metric("accuracy", 1, min=1)

    def test_fails(self):
        self.fail("not so")

    def test_skips(self):
        self.skipTest("not here")

    def test_is_well(self):
        pass
"""

OF_SUBTESTS = """
def test_parts(modelbench, subtests):
    modelbench.metric("accuracy", 0, min=1)
    for number in range(3):
        with subtests.test(number=number):
            assert number != 1


def test_good_parts(modelbench, subtests):
    modelbench.metric("accuracy", 1, min=1)
    with subtests.test():
        pass
"""


def test_bounds_are_judged_in_a_session_that_begins_in_the_midst_of_its_first_test(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(FROM_ITS_BODY)
    result = pytester.runpytest_inprocess()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["broken: accuracy is 0, below its min 1"])
    (case,) = runs()[0].cases
    assert (case.status, [check.outcome for check in case.bounds]) == ("ok", ["failed"])


def test_a_test_of_unittest_is_in_the_run_as_it_ended(
    pytester: pytest.Pytester, runs: Runs
) -> None:
    pytester.makepyfile(OF_UNITTEST)
    pytester.runpytest_inprocess().assert_outcomes(failed=1, skipped=1, passed=1)
    assert {case.benchmark: (case.status, case.detail[-8:]) for case in runs()[0].cases} == {
        "test_fails": ("error", ": not so"),
        "test_skips": ("skipped", "not here"),
        "test_is_well": ("ok", ""),
    }


@pytest.mark.skipif(not hasattr(pytest, "Subtests"), reason="pytest 9 brings subtests")
def test_a_test_with_failed_subtests_is_an_error(pytester: pytest.Pytester, runs: Runs) -> None:
    pytester.makepyfile(OF_SUBTESTS)
    result = pytester.runpytest_inprocess("--suite-output=run.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    parts, good = runs()[0].cases
    assert (parts.status, parts.detail) == ("error", "1 of its subtests failed")
    assert parts.metrics["accuracy"].value == 0
    assert (good.status, [check.outcome for check in good.bounds]) == ("ok", ["passed"])


def test_a_doctest_is_refused_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile('"""\n>>> getfixture("modelbench").metric("a", 0, min=1)\n"""\n')
    result = pytester.runpytest_inprocess("--doctest-modules")
    result.assert_outcomes(failed=1)
    said = "*the modelbench fixture is for test functions, not for a DoctestItem*"
    result.stdout.fnmatch_lines([said])


# The session

MANY = """
import pytest

@pytest.mark.parametrize("number", range(6))
def test_it(modelbench, number):
    modelbench.measure(str, [1], min_samples=5, min_seconds=0, warmup=0)
    modelbench.metric("number", number)
"""


def test_parallel_workers_make_one_run_of_all_tests(pytester: pytest.Pytester, runs: Runs) -> None:
    """No suite says beforehand that there will be a run: the first result does."""
    pytester.makepyfile(test_one=MANY, test_two=MANY, test_none="def test_nothing(): pass")
    pytester.runpytest_subprocess("-n", "2").assert_outcomes(passed=13)
    (run,) = runs()
    assert sorted(case.metrics["number"].value for case in run.cases) == sorted(2 * [*range(6)])
    assert [suite.id for suite in run.suites] == ["test_one.py", "test_two.py"]
    assert {case.conditions.workers for case in run.cases} == {2}
    assert {case.worker for case in run.cases} <= {"gw0", "gw1"}


@pytest.mark.parametrize("arguments", [[], ["-n", "1"]])
def test_a_session_that_measures_nothing_writes_no_run(
    pytester: pytest.Pytester, runs: Runs, arguments: list[str]
) -> None:
    pytester.makepyfile("def test_plain(): pass")
    result = pytester.runpytest_subprocess(*arguments)
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*modelbench: *")
    assert runs() == []


@pytest.mark.parametrize("arguments", [[], ["-n", "2"]])
def test_suites_and_tests_in_one_session_make_one_run(
    pytester: pytest.Pytester, echo_suite: EchoSuite, runs: Runs, arguments: list[str]
) -> None:
    echo_suite()
    pytester.makepyfile(test_one=MANY)
    result = pytester.runpytest_subprocess("echo.json", "test_one.py", *arguments)
    result.assert_outcomes(passed=8)
    (run,) = runs()
    assert sorted(case.suite for case in run.cases) == ["echo"] * 2 + ["test_one.py"] * 6
    assert {case.engine for case in run.cases if case.suite == "echo"} == {"isolated"}
    assert run.case("test_it[3]").metrics["number"].value == 3
