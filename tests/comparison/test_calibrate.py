"""A machine compared with itself, and what that means for comparisons."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from pytest_modelbench.calibration import (
    Calibration,
    calibration_file,
    machine_name,
    save_calibration,
    saved_calibration,
)
from pytest_modelbench.cli import main
from pytest_modelbench.comparison.calibrate import floor_from, smallest_detectable
from pytest_modelbench.judge.launch_noise import LAUNCH_SD, launch_floor

COMMAND = (sys.executable, "-m", "pytest_modelbench.cli")
CONFTEST = """
import time
from pytest_modelbench import Runner, Session


class Clock(Session):
    def predict(self, batch):
        end = time.perf_counter_ns() + 500_000
        while time.perf_counter_ns() < end:
            pass
        return batch


class ClockRunner(Runner):
    name = "clock"

    def load(self, candidate, device, params):
        return Clock()


def pytest_modelbench_register(modelbench):
    modelbench.runners.add("clock", ClockRunner)
"""


@pytest.fixture(autouse=True)
def _forget() -> None:
    saved_calibration.cache_clear()


@pytest.fixture
def calibrated_suite(pytester: pytest.Pytester) -> str:
    (pytester.path / "rows.json").write_text('[{"text": "a"}]')
    suite = {
        "dataset": {"source": "json", "path": "rows.json"},
        "benchmarks": [
            {"runner": "chat_api", "model": "asked", "params": {"base_url": "http://localhost:1"}},
            {"runner": "clock", "model": "org/one"},
        ],
    }
    (pytester.path / "s.json").write_text(json.dumps(suite))
    return "s.json"


def made(**fields: object) -> Calibration:
    given = {
        "machine": machine_name(),
        "timestamp": "2026-01-02T03:04:05Z",
        "model": "one on CPU",
        "launches": 10,
        "blocks": 20,
        "between_launches": 0.02,
        "launch_floor": 0.03,
    }
    return Calibration.model_validate({**given, **fields})


def test_the_floor_is_what_launches_surely_scatter_by_and_never_below_the_usual() -> None:
    quiet = [0.0001, -0.0002, 0.0001, 0.0]
    assert floor_from(quiet)[1] == LAUNCH_SD
    between, floor = floor_from([0.03, -0.03] * 5)
    assert between == pytest.approx(0.03, rel=0.01)
    assert 0.03 < floor < 0.05


def test_the_floor_covers_the_true_scatter_as_often_as_it_says() -> None:
    draw = random.Random(5)
    floors = [floor_from([draw.gauss(0, 0.02) for _ in range(10)])[1] for _ in range(1000)]
    assert sum(floor >= 0.02 for floor in floors) / 1000 == pytest.approx(0.8, abs=0.04)


def test_more_launches_and_a_lower_floor_detect_less() -> None:
    usual = smallest_detectable(0.01, 6)
    assert 0.01 < usual < 0.03
    assert smallest_detectable(0.01, 24) < 0.6 * usual
    assert smallest_detectable(0.02, 6) == pytest.approx(2 * usual, rel=0.05)


def test_a_calibration_is_kept_for_this_machine_and_no_other() -> None:
    assert launch_floor() == (0.01, "default")
    save_calibration(made())
    assert launch_floor() == (0.03, "calibrated with one on CPU on 2026-01-02T03:04:05Z")
    save_calibration(made(machine="1 x another"))
    assert launch_floor() == (0.01, "default")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"launch_floor": 2}'])
def test_a_damaged_file_counts_as_none(text: str) -> None:
    calibration_file().parent.mkdir(parents=True, exist_ok=True)
    calibration_file().write_text(text)
    assert saved_calibration() is None


def test_what_is_known_can_be_forgotten(capsys: pytest.CaptureFixture[str]) -> None:
    save_calibration(made())
    assert main(["calibrate", "--reset"]) == 0
    assert launch_floor() == (0.01, "default")
    assert main(["calibrate", "--reset"]) == 0
    assert capsys.readouterr().out == "forgotten\nthis machine is not calibrated\n"


@pytest.mark.slow
def test_what_no_quiet_machine_shows_is_not_kept(
    pytester: pytest.Pytester, calibrated_suite: str
) -> None:
    """Each process of this model is slower than others by a share of its own."""
    numbered = """        with open("loads", "a") as loads:
            loads.write("x")
            Clock.share = 1 + loads.tell() % 3  # never that of the one before
        return Clock()"""
    uneven = CONFTEST.replace("500_000", "500_000 * self.share")
    pytester.makeconftest(uneven.replace("        return Clock()", numbered))
    save_calibration(made())
    result = pytester.run(*COMMAND, "calibrate", calibrated_suite, "--launches=4", timeout=120)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["launch floor * % (raised by this calibration)*"])
    result.stderr.fnmatch_lines(["not saved: launches differ by so much where something else*"])
    saved_calibration.cache_clear()
    assert launch_floor()[0] == 0.03


def test_endpoints_have_no_launches(
    pytester: pytest.Pytester,
    calibrated_suite: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytester.makeconftest(CONFTEST)
    monkeypatch.chdir(pytester.path)
    assert main(["calibrate", calibrated_suite, "--model=asked"]) == 1
    assert "s.json: every case asks an endpoint, and those have no" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_measures_the_first_case_of_a_suite_whose_model_is_loaded_here(
    pytester: pytest.Pytester, calibrated_suite: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pytester.makeconftest(CONFTEST)
    result = pytester.run(*COMMAND, "calibrate", calibrated_suite, "--launches=4", timeout=120)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*: launches of org/one on CPU differ by * %*", "launch floor * is detected in 8 of 10*"]
    )
    known = saved_calibration()
    assert known is not None
    assert known.launches == 4
    assert main(["calibrate", "--show"]) == 0
    assert "org/one on CPU" in capsys.readouterr().out


def test_what_cannot_be_measured_is_said_in_pytest_s_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["calibrate", "nosuch"]) == 1
    assert "there is no such file" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["calibrate", "--launches", "3"])
    assert "should be a whole number from 4 to 1000" in capsys.readouterr().err
