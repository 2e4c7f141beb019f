"""The table of metrics, which stands within a page that people write."""

from __future__ import annotations

from generating.markdown import code, table

START, END = "<!-- catalogue -->\n", "<!-- /catalogue -->"
SHIPPED = ("whisper_asr", "embedding_text")


def with_catalogue(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{catalogue_table()}\n{END}{after}"


def catalogue_table() -> str:
    """The catalogue as a Markdown table, in its own order."""
    from pytest_modelbench.catalogue import CATALOGUE

    return table(
        ["metric", "unit", "better", "measured for", "definition"],
        [
            (code(info.name), info.unit, info.better, where(info.name), info.definition)
            for info in CATALOGUE.values()
        ],
    )


def where(name: str) -> str:
    """Which cases have the metric."""
    from pytest_modelbench.catalogue import (
        AUDIO_METRICS,
        LOAD_METRICS,
        STREAM_METRICS,
        TIMING_METRICS,
    )
    from pytest_modelbench.quality import QUALITY_METRICS

    if name in TIMING_METRICS:
        return "every case"
    if name in AUDIO_METRICS:
        return "sound"
    if name in STREAM_METRICS:
        return "sound, by endpoints"
    if name in LOAD_METRICS:
        return "endpoints"
    runners = [runner for runner in SHIPPED if name in _names_of(runner)]
    if runners:
        return ", ".join(code(runner) for runner in runners)
    return "on request in `quality`" if name in QUALITY_METRICS.names() else "not yet"


def _names_of(runner: str) -> tuple[str, ...]:
    from pytest_modelbench.runners import RUNNERS

    kind = RUNNERS.get(runner)
    return (*kind.metrics, *kind.quality)
