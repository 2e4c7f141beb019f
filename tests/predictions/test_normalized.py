"""Many texts go through the normalizer in several processes, and come out as from one."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from pytest_modelbench.predictions import normalized as module
from pytest_modelbench.predictions.normalized import normalized
from pytest_modelbench.quality.normalizers import normalizer

pytest.importorskip("whisper_normalizer")
TEXTS = ["Mr. Fox", "twenty-one colours", "", "übung", "line\nline \u2028 end", "a \ud800 half"]


def test_several_processes_and_one_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 2)
    normalize = normalizer("whisper-english")
    expected = {text: normalize(text) for text in TEXTS}
    assert normalized(TEXTS * 2, "whisper-english", processes=4) == expected
    assert normalized(TEXTS * 2, "whisper-english", processes=1) == expected


def test_a_process_that_cannot_help_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> Any:
        raise OSError("no more processes")

    monkeypatch.setattr(module, "FEW", 2)
    monkeypatch.setattr(subprocess, "run", fails)
    assert normalized(["A!", "B?"], "basic", processes=2) == {"A!": "a ", "B?": "b "}
