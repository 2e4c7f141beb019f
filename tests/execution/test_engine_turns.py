"""What engines do beside `execute`, starting processes and unloading, is done in turn as well."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution.engine import Engine, InlineEngine
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners import RUNNERS

EXTENSION = """
from pathlib import Path
from pytest_modelbench import Runner, Session


class Closing(Session):
    def predict(self, batch):
        return batch

    def close(self):
        Path(__file__).with_name("closed").touch()


class ClosingRunner(Runner):
    name = "closing"
    input_kind = "text"

    def load(self, candidate, device, params):
        return Closing()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("closing", ClosingRunner)
"""


@pytest.fixture
def extension(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str]]:
    """The name and the file of the module that has the runner."""
    from pytest_modelbench.extensions import Extensions

    added = RUNNERS.added
    file = tmp_path / "closing_extension.py"
    file.write_text(EXTENSION)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("closing_extension")
    module.pytest_modelbench_register(modelbench=Extensions())
    yield "closing_extension", str(file)
    RUNNERS.forget_added(added)
    del sys.modules["closing_extension"]


@pytest.fixture
def case(tmp_path: Path) -> Case:
    (tmp_path / "rows.jsonl").write_text('{"text": "a", "ref": "A"}\n')
    return Case(
        suite_id="s",
        suite_file=tmp_path / "s.json",
        benchmark_id="b",
        runner="closing",
        candidate=Candidate("m", "m"),
        device="CPU",
        params={},
        dataset=DatasetSpec(
            source="jsonl", path="rows.jsonl", reference_column="ref", max_samples=1
        ),
        measure=MeasureSpec(warmup=0, min_samples=1, min_seconds=0),
    )


def until(true: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
    return true()


def closing(engine: Engine) -> threading.Thread:
    thread = threading.Thread(target=engine.close)
    thread.start()
    return thread


def test_no_fork_server_is_started_beside_timed_calls(
    extension: tuple[str, str], case: Case
) -> None:
    engine = IsolatedEngine(extensions=[extension])
    mine = psutil.Process()
    before = {child.pid for child in mine.children()}
    results: list[str] = []
    thread = threading.Thread(target=lambda: results.append(engine.submit(case).result().status))
    try:
        with Turns().alone("CPU"):
            thread.start()
            assert until(lambda: engine._watch.is_waiting)
            assert {child.pid for child in mine.children()} == before
        thread.join(60)
        assert results == ["ok"]
    finally:
        engine.close()


def test_an_isolated_model_is_unloaded_in_its_turn(
    extension: tuple[str, str], case: Case, tmp_path: Path
) -> None:
    engine = IsolatedEngine(extensions=[extension])
    assert engine.submit(case).result().status == "ok"
    with Turns().alone("CPU"):
        thread = closing(engine)
        assert until(lambda: engine._watch.is_waiting)
        assert not (tmp_path / "closed").exists()
    thread.join(60)
    assert (tmp_path / "closed").exists()


@pytest.mark.parametrize("last", [False, True])
def test_an_inline_model_is_unloaded_in_its_turn(
    extension: tuple[str, str], case: Case, tmp_path: Path, last: bool
) -> None:
    engine = InlineEngine()
    assert engine.submit(case).result().status == "ok"
    with Turns().alone("CPU"):
        thread = threading.Thread(target=engine.close if last else lambda: engine.expect_next(None))
        thread.start()
        time.sleep(0.5)
        assert not (tmp_path / "closed").exists()
    thread.join(60)
    assert (tmp_path / "closed").exists()


def test_an_inline_engine_with_nothing_loaded_waits_for_nobody(
    extension: tuple[str, str], case: Case
) -> None:
    engine = InlineEngine()
    engine.submit(case).result()
    engine.expect_next(None)
    with Turns().alone("CPU"):
        thread = closing(engine)
        thread.join(20)
        assert not thread.is_alive()
