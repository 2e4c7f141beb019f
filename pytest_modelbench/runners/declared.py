"""What a runner says it measures, before it measures anything."""

from __future__ import annotations

from pytest_modelbench.catalogue import AUDIO_METRICS, LOAD_METRICS, STREAM_METRICS
from pytest_modelbench.endpoints.contract import EndpointRunner
from pytest_modelbench.runners.contract import Runner


def metrics_of_runner(runner: Runner, *, quality: bool = True) -> set[str]:
    """The names a runner adds to what is measured for every case."""
    audio = AUDIO_METRICS if runner.input_kind in ("audio", "audio_url") else ()
    load = LOAD_METRICS if isinstance(runner, EndpointRunner) else ()
    stream = STREAM_METRICS if load and audio else ()
    return {*runner.metrics, *audio, *load, *stream, *(runner.quality if quality else ())}
