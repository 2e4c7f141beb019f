"""Writes the parts of the docs that come from code; `--check` only says whether they are stale."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from pytest_modelbench.catalogue import AUDIO_METRICS, CATALOGUE, TIMING_METRICS
from pytest_modelbench.quality import QUALITY_METRICS
from pytest_modelbench.runners import RUNNERS

PAGE = Path(__file__).parent / "metrics.md"
START, END = "<!-- catalogue -->\n", "<!-- /catalogue -->"
SHIPPED = ("whisper_asr", "embedding_text")


def catalogue_table() -> str:
    """The catalogue as a Markdown table, in its own order."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| metric | unit | better | measured for | definition |"
    yield "| --- | --- | --- | --- | --- |"
    for info in CATALOGUE.values():
        cells = (f"`{info.name}`", info.unit or "-", info.better, where(info.name), info.definition)
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def where(name: str) -> str:
    """Which cases have the metric."""
    if name in TIMING_METRICS:
        return "every case"
    if name in AUDIO_METRICS:
        return "sound"
    runners = [runner for runner in SHIPPED if name in _names_of(runner)]
    if runners:
        return ", ".join(f"`{runner}`" for runner in runners)
    return "on request in `quality`" if name in QUALITY_METRICS.names() else "not yet"


def _names_of(runner: str) -> tuple[str, ...]:
    kind = RUNNERS.get(runner)
    return (*kind.metrics, *kind.quality)


def up_to_date(text: str) -> str:
    """The page with its table made anew."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}{catalogue_table()}{END}{after}"


def main(arguments: list[str]) -> int:
    text = PAGE.read_text(encoding="utf-8")
    wanted = up_to_date(text)
    if "--check" in arguments:
        return int(text != wanted)
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
