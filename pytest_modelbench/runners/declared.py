"""What a runner says it measures, before it measures anything."""

from __future__ import annotations

from pytest_modelbench.catalogue import AUDIO_METRICS
from pytest_modelbench.runners.contract import Runner


def metrics_of_runner(runner: Runner, *, quality: bool = True) -> set[str]:
    """The names a runner adds to what is measured for every case."""
    audio = AUDIO_METRICS if runner.input_kind == "audio" else ()
    return {*runner.metrics, *audio, *(runner.quality if quality else ())}
