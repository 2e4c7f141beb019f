"""docs/scoring-predictions.md: each command typed as written, and the fields it names."""

from __future__ import annotations

import doctest
import json
import random
import re
import shlex
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from made_predictions import BEGAN, prediction, written
from made_runs import kept_run

from pytest_modelbench.cli import main
from pytest_modelbench.predictions.line import PredictionLine
from pytest_modelbench.predictions.reader import read_predictions
from pytest_modelbench.results.store import runs_folder

pytest.importorskip("jiwer")
pytest.importorskip("whisper_normalizer")

PAGE = Path(__file__).parent.parent / "docs" / "scoring-predictions.md"
TEXT = PAGE.read_text(encoding="utf-8")
CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.M | re.S)
WORDS = ("so", "the", "remote", "control", "should", "be", "yellow", "and", "rubber", "I", "think")
CORPORA = {
    ("esb/librispeech", "test.clean"): (60, 8.0, 0.02, 0.01),
    ("esb/ami", "test"): (40, 3.0, 0.16, 0.11),
}
"""Samples, seconds of each, and the share of words that the first and the second model miss."""
MODELS = {"deepgram/nova-3": 0.35, "openai/whisper-1": 1.9}
"""Seconds that an answer takes; eight are under way at once."""


def commands() -> Iterator[Any]:
    """Each command of the page and what it prints; `...` stands for anything."""
    for block in CONSOLE.findall(TEXT):
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block, re.M):
            yield pytest.param(command, output, id=command)


@pytest.fixture
def _kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run of two models on two corpora, in which one request was never answered."""
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.chdir(tmp_path)
    folder = kept_run(runs_folder(), 1)
    draw, began = random.Random(5), 0.0
    for model_at, (model, seconds) in enumerate(MODELS.items()):
        for (dataset, split), (count, length, *missed) in CORPORA.items():
            facts = {"model": model, "dataset": dataset, "split": split, "duration": length,
                     "case": f"{model} {dataset}", "run_id": folder.run_id}  # fmt: skip
            lines = []
            for row in range(count):
                reference = draw.choices(WORDS, k=int(length * 2.5))
                answer = [word for word in reference if draw.random() >= missed[model_at]]
                sent = BEGAN + timedelta(seconds=began + row // 8 * seconds)
                times = {"sent_at": sent.isoformat(), "time": seconds,
                         "ended_at": (sent + timedelta(seconds=seconds)).isoformat()}  # fmt: skip
                lines.append(
                    prediction(row, " ".join(reference), " ".join(answer), **facts | times)
                )
            if (model_at, split) == (1, "test"):
                why = "https://api.openai.com answered 429 Too Many Requests (4 attempts)"
                lines[7] |= {"status": "error", "pred_text": None, "time": None, "error": why}
            written(folder.predictions / f"{model_at}{split}.jsonl", *lines)
            began += 100


@pytest.mark.usefixtures("_kept")
@pytest.mark.parametrize(("command", "output"), list(commands()))
def test_commands_print_what_the_page_says(
    command: str, output: str, capsys: pytest.CaptureFixture[str]
) -> None:
    program, *arguments = shlex.split(command)
    assert program == "modelbench"
    main(arguments)
    printed = capsys.readouterr()
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    said = printed.out + printed.err
    assert doctest.OutputChecker().check_output(output, said, flags), said


def test_every_field_of_a_line_is_in_the_table_in_order() -> None:
    fields = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", TEXT, re.M)
    assert fields == list(PredictionLine.model_fields)


def test_the_lines_of_the_page_are_lines(tmp_path: Path) -> None:
    blocks = re.findall(r"^```jsonl\n(.*?)^```$", TEXT, re.M | re.S)
    assert len(blocks) == 2
    for block in blocks:
        assert list(read_predictions(written(tmp_path / "p.jsonl", block)))
    ours = json.loads(blocks[0].splitlines()[0])
    assert list(ours) == list(PredictionLine.model_fields)
