"""Runners and suites that are legal, or wrong, in ways that are easily forgotten."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EchoSuite = Callable[..., Path]
Runs = Callable[[], list[Any]]


@pytest.fixture
def echo(pytester: pytest.Pytester, echo_suite: EchoSuite) -> Callable[..., Path]:
    """A suite of one model whose runner has some lines replaced."""

    def write(*changes: tuple[str, str], **fields: Any) -> Path:
        model = {"id": "shout", "runner": "echo", "model": "one"}
        file = echo_suite(**{"benchmarks": [model], **fields})
        conftest = pytester.path / "conftest.py"
        text = conftest.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        conftest.write_text(text)
        return file

    return write


ANSWER = "return [text.upper() for text in batch]"
LOAD = "        return EchoSession()\n"


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("name", ["request_throughput", "x_realtime", "mean_ttft_ms"])
def test_a_criterion_may_be_called_as_a_metric_that_the_case_has_not(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs, name: str
) -> None:
    text = "throughput_items_per_second * 1"
    echo(criteria=[{"id": name, "expression": text, "goal": "max", "min": 0}])
    pytester.runpytest("echo.json").assert_outcomes(passed=1)
    [case] = runs()[0].cases
    assert name not in case.metrics
    assert [check.outcome for check in case.bounds] == ["passed"]


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("answer", ["{'logits': 1}", "{'a'}", "'a'", "b'a'"])
def test_what_has_a_length_but_is_no_list_is_no_answer(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs, answer: str
) -> None:
    echo((ANSWER, f"return {answer}"))
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    kind = type(eval(answer)).__name__
    assert f"the runner's predict gave a {kind}: it must give a list" in runs()[0].cases[0].detail


@pytest.mark.usefixtures("inline")
def test_a_runner_s_own_metric_in_another_unit_than_the_catalogue_s_costs_itself_alone(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    summary = (
        "    def summarize(self, samples, predictions):\n"
        "        from pytest_modelbench.results.metric import measured\n"
        "        return {'output_tokens_per_second': measured(40, 'tok/s'), 'mine': 1.0,\n"
        "                'mean_ttft_ms': measured(-1.0, 'ms')}\n\n"
    )
    echo(("    def predict", f"{summary}    def predict"))
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    metrics = runs()[0].cases[0].metrics
    assert metrics["mine"].value == 1.0
    assert metrics["p50_latency_ms"].is_ok
    said = metrics["output_tokens_per_second"].error_message
    assert said == (
        "the runner gives 'output_tokens_per_second' in 'tok/s': it is a metric in 'tokens/s'"
    )
    assert "as -1, below 0" in str(metrics["mean_ttft_ms"].error_message)


@pytest.mark.usefixtures("inline")
def test_what_a_fixture_says_of_an_address_is_kept_without_its_password(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    echo()
    with (pytester.path / "conftest.py").open("a") as file:
        file.write(
            "\nimport pytest\n@pytest.fixture(autouse=True)\ndef there():\n"
            "    raise RuntimeError('cannot reach ' + 'https://user:' + 'hush@host/a')\n"
        )
    pytester.runpytest("echo.json").assert_outcomes(errors=1)
    assert "cannot reach https://***@host/a" in runs()[0].cases[0].detail
    assert "user:hush@" not in runs()[0].to_json()


@pytest.mark.slow
def test_a_trial_whose_quality_goes_wrong_fails_though_it_compares_nothing(
    pytester: pytest.Pytester, echo: Callable[..., Path]
) -> None:
    model = {"id": "shout", "runner": "echo", "model": "one", "quality": ["own:score"]}
    echo(benchmarks=[model])
    (pytester.path / "own.py").write_text("def score(*pair, **more):\n    raise ValueError('no')\n")
    pytester.syspathinsert()
    result = pytester.runpytest("echo.json", "--suite-quick", "--suite-against=model:two")
    result.assert_outcomes(failed=1)


@pytest.mark.slow
def test_a_resumed_case_whose_model_now_fails_says_so(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    is_gone = "__import__('os').path.exists('gone')"
    breaks = f"if {is_gone}: raise ValueError('no device')\n        {ANSWER}"
    bad = {"quality": ["own:score"]}
    model = {"id": "shout", "runner": "echo", "model": "one"}
    echo((ANSWER, breaks), benchmarks=[{**model, **bad}])
    (pytester.path / "own.py").write_text("def score(*pair, **more):\n    raise ValueError('no')\n")
    pytester.syspathinsert()
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    (pytester.path / "gone").touch()
    pytester.runpytest("echo.json", "--suite-retry-failed=last").assert_outcomes(failed=1)
    assert "ValueError: no device" in runs()[1].cases[0].detail


@pytest.mark.usefixtures("inline")
def test_a_runner_s_name_may_have_capitals(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    model = {"id": "shout", "runner": "SayIt", "model": "one"}
    criterion = {"id": "right", "metric": "exact_match", "goal": "max", "runner": "SayIt"}
    echo(('runners.add("echo"', 'runners.add("SayIt"'), benchmarks=[model], criteria=[criterion])
    pytester.runpytest("echo.json").assert_outcomes(passed=1)
    assert runs()[0].cases[0].runner == "sayit"


@pytest.mark.usefixtures("inline")
def test_entries_of_one_path_that_differ_in_quantization_are_loaded_each_for_itself(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    """And are measured again where the registry says another one than the resumed run."""
    registry = pytester.path / "registry.json"

    def write(quantization: str) -> None:
        entries = [
            {"version": "m-fp16", "model_path": "org/m"},
            {"version": "m-small", "model_path": "org/m", "quantization": quantization},
        ]
        registry.write_text(json.dumps(entries))

    own = "session = EchoSession()\n        session.properties = {'bits': candidate.quantization}"
    echo(
        (LOAD, f"        {own}\n        return session\n"),
        registry="registry.json",
        benchmarks=[{"id": "shout", "runner": "echo"}],
    )
    write("int8")
    pytester.runpytest("echo.json").assert_outcomes(passed=2)
    write("int4")
    pytester.runpytest("echo.json", "--suite-resume=last").assert_outcomes(passed=2)
    seen = [[case.properties["bits"] for case in run.cases] for run in runs()]
    assert seen == [[None, "int8"], [None, "int4"]]
    assert [bool(case.taken_over) for case in runs()[1].cases] == [True, False]


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize(
    ("promised", "gives", "said"),
    [
        ("()", "1 / 0", "summarize: ZeroDivisionError: division by zero"),
        ("('mine',)", "1 / 0", "mine: ZeroDivisionError: division by zero"),
        ("()", "{'tokens_per_sec': 1.0}", "summarize: the runner gives 'tokens_per_sec', which is"),
        ("('tokens_per_sec',)", "{'tokens_per_sec': 1.0}", "choose another name"),
    ],
)
def test_what_goes_wrong_in_summarize_is_told_whatever_is_promised(
    pytester: pytest.Pytester,
    echo: Callable[..., Path],
    runs: Runs,
    promised: str,
    gives: str,
    said: str,
) -> None:
    summary = f"    def summarize(self, samples, predictions):\n        return {gives}\n\n"
    echo(
        ("    def predict", f"{summary}    def predict"),
        ('    name = "echo"', f'    name = "echo"\n    metrics = {promised}'),
    )
    result = pytester.runpytest("echo.json")
    result.assert_outcomes(failed=1)
    assert said in result.stdout.str()
    assert "did not give it" not in result.stdout.str()
    assert runs()[0].cases[0].metrics["tokens_per_sec"].is_ok


@pytest.mark.usefixtures("inline")
def test_a_batch_of_another_length_than_its_samples_is_what_prepare_batch_did(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs
) -> None:
    own = (
        "    batch_size = 4\n\n    def prepare_batch(self, prepared):\n"
        "        return list(prepared), [1] * len(prepared)\n\n"
    )
    echo(("    def predict", f"{own}    def predict"))
    pytester.runpytest("echo.json").assert_outcomes(failed=1)
    said = "the runner's prepare_batch gave a tuple of 2 parts for 3 samples: it must give a batch"
    assert said in runs()[0].cases[0].detail


ADD = 'modelbench.runners.add("echo", Echo)'


@pytest.mark.parametrize(
    ("slip", "said"),
    [
        (
            'modelbench.runner.add("echo", Echo)',
            "AttributeError: 'Extensions' object has no attrib",
        ),
        ('modelbench.runners.add(Echo, "echo")', "the name of a runner is <class 'conftest.Echo'>"),
        ('modelbench.runners.add("echo", Echo())', "add the class Echo itself"),
        ("import gone_for_good", "ModuleNotFoundError: No module named 'gone_for_good'"),
    ],
)
def test_a_slip_in_registering_is_told_in_a_sentence_with_its_file(
    pytester: pytest.Pytester, echo: Callable[..., Path], slip: str, said: str
) -> None:
    echo((ADD, slip))
    result = pytester.runpytest("echo.json")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in result.stderr.lines if "ERROR: " in line]
    assert f"{pytester.path / 'conftest.py'} cannot be used: " in line
    assert said in line


@pytest.mark.parametrize("engine", ["isolated", "inline"])
def test_of_two_runners_of_one_name_that_of_the_inner_conftest_is_used(
    pytester: pytest.Pytester, echo: Callable[..., Path], runs: Runs, engine: str
) -> None:
    echo()
    outer, inner = pytester.path / "conftest.py", pytester.path / "inner"
    inner.mkdir()
    for file in ("echo.json", "data.jsonl"):
        (pytester.path / file).rename(inner / file)
    named = outer.read_text().replace(LOAD, f"{LOAD[:-14]}EchoSession.named('%s')\n")
    maker = "    @classmethod\n    def named(cls, name):\n        made = cls()\n"
    maker += "        made.properties = {'of': name}\n        return made\n\n"
    named = named.replace("    def predict", f"{maker}    def predict")
    outer.write_text(named % "outer")
    (inner / "conftest.py").write_text(named % "inner")
    pytester.runpytest("inner/echo.json", f"--suite-engine={engine}").assert_outcomes(passed=1)
    assert runs()[0].cases[0].properties == {"of": "inner"}


def test_fixtures_of_another_plugin_that_are_called_as_ours_go_on_working(
    pytester: pytest.Pytester,
) -> None:
    pytester.makepyfile(
        my_fixtures="import pytest\n@pytest.fixture\ndef model():\n    return 'mine'\n",
        test_it="def test_it(model):\n    assert model == 'mine'\n",
    )
    pytester.makeconftest("pytest_plugins = ['my_fixtures']\n")
    result = pytester.runpytest_subprocess("test_it.py", "--suite-output=run.json")
    result.assert_outcomes(passed=1)
