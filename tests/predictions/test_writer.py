"""The file of predictions grows with every answer, and is in nobody's way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from made_predictions import prediction, written

from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.predictions.reader import read_predictions
from pytest_modelbench.predictions.writer import PredictionsFile

KILLED = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from made_predictions import prediction
from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.predictions.writer import PredictionsFile

file = PredictionsFile(Path(sys.argv[1]))
for number in range(50):
    file.add(PredictionLine.model_validate(prediction(number, "a", "b")))
os.kill(os.getpid(), signal.SIGKILL)
"""
FULL = """
import resource, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from made_predictions import prediction
from pytest_modelbench.predictions import writer
from pytest_modelbench.predictions.line import PredictionLine

writer.TRIES_AGAIN_SECONDS = 0.0
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
lines = [PredictionLine.model_validate(prediction(number, "a", "b")) for number in range(6)]
file = writer.PredictionsFile(Path(sys.argv[1]))
file.add(lines[0])
resource.setrlimit(resource.RLIMIT_FSIZE, (len(lines[0].as_bytes()) + 100, hard))
file.add(*lines[1:3])
file.add(lines[3])
print(file.warning)
if sys.argv[3] == "mended":
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
file.add(lines[4])
file.add(lines[5])
file.close()
print(file.warning)
"""


def line(number: int) -> PredictionLine:
    return PredictionLine.model_validate(prediction(number, "a", "b"))


def rows(file: Path) -> list[str | None]:
    return [one.row for one in read_predictions(file)]


def ended(script: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_lines_are_there_in_the_order_in_which_they_came(tmp_path: Path) -> None:
    file = PredictionsFile(tmp_path / "predictions" / "p.jsonl")  # the directory is made
    file.add(line(2), line(0))
    file.add(line(1))
    assert rows(tmp_path / "predictions" / "p.jsonl") == ["2", "0", "1"]  # before it is closed
    file.close()
    file.close()
    file.add(line(3))  # nothing happens any more
    assert rows(tmp_path / "predictions" / "p.jsonl") == ["2", "0", "1"]
    assert file.warning is None


def test_whoever_is_killed_has_written_what_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    assert ended(KILLED, file, Path(__file__).parent.parent).returncode == -signal.SIGKILL
    assert rows(file) == [str(number) for number in range(50)]


def test_a_file_that_was_cut_short_is_continued_on_a_line_of_its_own(tmp_path: Path) -> None:
    file = written(tmp_path / "p.jsonl", prediction(0, "a", "b"), '{"audio_filepath": "sam')
    continued = PredictionsFile(file)
    continued.add(line(1))
    continued.close()
    assert rows(file) == ["0", "1"]


def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    done = ended(FULL, file, Path(__file__).parent.parent, "mended")
    before, after = done.stdout.splitlines()
    assert before == (
        f"{file}: 3 predictions could not be written ({os.strerror(27)}): scores are without them"
    )
    assert after == "None", done.stderr
    assert rows(file) == [str(number) for number in range(6)]


def test_a_disk_that_stays_full_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    done = ended(FULL, file, Path(__file__).parent.parent, "full")
    assert done.stdout.splitlines()[1].startswith(f"{file}: 5 predictions could not be written")
    assert done.stderr == ""
    assert rows(file) == ["0"]


def test_what_is_too_much_to_keep_for_a_full_disk_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pytest_modelbench.predictions.writer.MOST_UNWRITTEN_BYTES", 1000)
    (tmp_path / "no directory").write_text("")
    file = PredictionsFile(tmp_path / "no directory" / "p.jsonl")
    for number in range(5):
        file.add(line(number))
    file.close()
    assert file.warning is not None
    assert "5 predictions could not be written" in file.warning


def test_without_a_file_nothing_is_kept() -> None:
    file = PredictionsFile(None)
    file.add(line(0))
    file.close()
    assert file.warning is None
