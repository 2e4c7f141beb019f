"""The plugins people have beside this one, all at once: nothing breaks, in suites or elsewhere."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

OTHERS = ["pytest-asyncio", "pytest-randomly", "pytest-rerunfailures", "pytest-timeout"]
WITH_PARTS = ["hypothesis", "sortedcontainers"]

ORDINARY_TESTS = """
import asyncio
import pytest
from hypothesis import given, strategies

@pytest.mark.asyncio
async def test_asynchronous():
    await asyncio.sleep(0)

@given(strategies.integers())
def test_property(number):
    assert number + 0 == number

def test_timed(benchmark):
    assert benchmark(lambda: 1) == 1

@pytest.fixture
def device():
    return "mine"

@pytest.mark.parametrize("model", ["theirs"])
def test_names_of_our_fixtures_are_free(model, device):
    assert (model, device) == ("theirs", "mine")
"""


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the other plugins, which `PYTHONPATH` puts beside what is installed."""
    folder = tmp_path_factory.mktemp("others")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(folder)]
    subprocess.run([*command, *OTHERS, *WITH_PARTS], check=True, timeout=300)
    return folder


def session(pytester: pytest.Pytester, others: Path, *arguments: str) -> pytest.RunResult:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(others), os.environ.get("PYTHONPATH", "")]))
        return pytester.runpytest_subprocess(*arguments)


@pytest.mark.parametrize("arguments", [[], ["-n", "2"], ["--timeout=60", "--reruns=1"]])
def test_suites_and_ordinary_tests_run_together(
    pytester: pytest.Pytester,
    echo_suite: Callable[..., Path],
    runs: Callable[[], list],
    others: Path,
    arguments: list[str],
) -> None:
    echo_suite()
    pytester.makepyfile(test_ordinary=ORDINARY_TESTS)
    options = ["-p", "no:cacheprovider", "--benchmark-max-time=0.1", *arguments]
    result = session(pytester, others, "echo.json", "test_ordinary.py", *options)
    result.assert_outcomes(passed=6)
    for name in ("asyncio", "randomly", "rerunfailures", "timeout", "hypothesis", "benchmark"):
        assert name in result.stdout.str()
    assert {case.status for case in runs()[0].cases} == {"ok"}


def test_a_case_that_fails_once_passes_on_its_rerun_and_is_recorded_once(
    pytester: pytest.Pytester,
    echo_suite: Callable[..., Path],
    runs: Callable[[], list],
    others: Path,
) -> None:
    echo_suite(benchmarks=[{"id": "shout", "runner": "echo", "model": "one"}])
    conftest = pytester.path / "conftest.py"
    flaky = (
        "import pathlib\n        marker = pathlib.Path(__file__).with_name('tried')\n"
        "        if not marker.exists():\n            marker.touch()\n"
        "            raise OSError('not yet')\n        return EchoSession()"
    )
    conftest.write_text(conftest.read_text().replace("return EchoSession()", flaky))
    result = session(pytester, others, "echo.json", "--reruns=2")
    assert "1 passed" in result.stdout.str()
    assert "1 rerun" in result.stdout.str()
    (case,) = runs()[0].cases
    assert case.status == "ok"


LIMIT = """
import pytest


def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.timeout(5 if "hangs" in item.name else 60))
"""


def test_a_hanging_case_is_ended_by_the_timeout_plugin(
    pytester: pytest.Pytester,
    echo_suite: Callable[..., Path],
    runs: Callable[[], list],
    others: Path,
) -> None:
    echo_suite(benchmarks=[{"id": "shout", "runner": "echo", "models": ["hangs", "fine"]}])
    conftest = pytester.path / "conftest.py"
    slow = (
        "import time\n        time.sleep(60 if candidate.version == 'hangs' else 0)\n"
        "        return EchoSession()"
    )
    conftest.write_text(conftest.read_text().replace("return EchoSession()", slow))
    with conftest.open("a") as file:
        file.write(LIMIT)
    result = session(pytester, others, "echo.json", "-p", "no:randomly")
    result.assert_outcomes(passed=1, failed=1)
    hanging, fine = runs()[0].cases
    assert (hanging.status, fine.status) == ("error", "ok")
    assert "Timeout" in hanging.detail
