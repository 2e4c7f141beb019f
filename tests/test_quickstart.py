"""The embedded quickstart: real inference, from any directory, offline."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

QUICKSTART = Path(__file__).parent.parent / "pytest_modelbench" / "quickstart"


def test_it_recognises_speech_it_has_not_heard_and_two_workers_do_as_well(
    pytester: pytest.Pytester, runs: Callable[[], list]
) -> None:
    result = pytester.runpytest_subprocess("--suite=quickstart")
    result.assert_outcomes(passed=2)
    (serial,) = runs()
    for case in serial.cases:
        assert case.metrics["sample_count"].value == 24
        assert case.metrics["wer"].value < 0.1
        assert case.metrics["p50_latency_ms"].value > 0
        assert case.metrics["ram_increase_mb"].value > 1
    fp32, int8 = (candidate.file_size_mb for candidate in serial.candidates)
    assert int8 < fp32 / 2
    words = result.stdout.str()
    assert "digits-fp32" in words
    assert "95 % interval" in words
    pytester.runpytest_subprocess("--suite=quickstart", "-n", "2").assert_outcomes(passed=2)
    for one, other in zip(serial.cases, runs()[-1].cases, strict=True):
        assert (one.id, one.fingerprint) == (other.id, other.fingerprint)
        assert one.metrics["wer"] == other.metrics["wer"]
        assert one.metrics["cer"] == other.metrics["cer"]


def test_it_is_as_small_as_promised() -> None:
    models = sum(file.stat().st_size for file in (QUICKSTART / "models").rglob("*"))
    clips = sum(file.stat().st_size for file in (QUICKSTART / "clips").rglob("*"))
    assert models < 3.2e6
    assert clips < 1.05e6
