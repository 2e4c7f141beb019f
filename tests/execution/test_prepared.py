"""Interpreters that are made ready before their processes are wanted, several at a time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pytest_modelbench.case import Case
from pytest_modelbench.comparison.messages import Load
from pytest_modelbench.datasets.spec import DatasetSpec
from pytest_modelbench.execution.isolated import IsolatedEngine
from pytest_modelbench.measure.spec import MeasureSpec
from pytest_modelbench.registry import Candidate

NOTHING = "\n\ndef pytest_modelbench_register(modelbench):\n    pass\n"
MEETING = """
import time
from pathlib import Path

here = Path(__file__)
here.with_suffix(".here").touch()
end = time.monotonic() + 30
while not all(here.with_name(f"{name}.here").exists() for name in ("one", "other")):
    if time.monotonic() > end:
        raise TimeoutError("nobody else is importing")
    time.sleep(0.01)
here.with_suffix(".met").touch()
"""
LEAVING = """
import atexit
from pathlib import Path

atexit.register(Path(__file__).with_suffix(".left").touch)
"""


@pytest.fixture
def case(tmp_path: Path) -> Case:
    return Case(
        suite_id="s",
        suite_file=tmp_path / "s.json",
        benchmark_id="b",
        runner="absent_runner",
        candidate=Candidate("m", "m"),
        device="CPU",
        params={},
        dataset=DatasetSpec(source="generated"),
        measure=MeasureSpec(),
    )


def engine_with(folder: Path, name: str, code: str) -> IsolatedEngine:
    """An engine whose interpreter runs `code` when it gets ready."""
    file = folder / f"{name}.py"
    file.write_text(code + NOTHING)
    return IsolatedEngine(extensions=[(name, str(file))], lock="none")


def test_two_that_are_prepared_import_at_the_same_time(tmp_path: Path, case: Case) -> None:
    engines = [engine_with(tmp_path, name, MEETING) for name in ("one", "other")]
    try:
        for engine in engines:
            engine.prepare(case)
        for engine in engines:
            engine.begin(case)
    finally:
        for engine in engines:
            engine.close()
    assert {file.stem for file in tmp_path.glob("*.met")} == {"one", "other"}


def test_what_fails_while_preparing_is_told_once_there_is_a_process(
    tmp_path: Path, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = engine_with(tmp_path, "broken", "raise RuntimeError('not today')")
    try:
        engine.prepare(case)
        assert b"absent_runner" in engine.ask(case, Load(case))
    finally:
        engine.close()
    assert "RuntimeError: not today" in capsys.readouterr().err


def test_nobody_waits_for_the_end_of_what_is_imported_for_nothing(
    tmp_path: Path, case: Case
) -> None:
    code = "import time; from pathlib import Path\nPath(__file__).with_suffix('.here').touch()\n"
    engine = engine_with(tmp_path, "endless", code + "time.sleep(600)")
    engine.prepare(case)
    start = time.monotonic()
    while not (tmp_path / "endless.here").exists() and time.monotonic() < start + 60:
        time.sleep(0.01)
    start = time.monotonic()
    engine.close()
    assert time.monotonic() - start < 20


def test_what_an_extension_left_to_be_done_at_the_end_is_done(tmp_path: Path, case: Case) -> None:
    engine = engine_with(tmp_path, "leaving", LEAVING)
    engine.begin(case)
    assert not (tmp_path / "leaving.left").exists()
    engine.close()
    assert (tmp_path / "leaving.left").exists()
