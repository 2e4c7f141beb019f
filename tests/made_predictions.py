"""Lines of predictions as a run and as the speech leaderboard leave them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)
RUN = "benchmark_20260301_000000_000000000001"


def prediction(number: int, reference: str, answer: str | None, **fields: Any) -> dict[str, Any]:
    """A line of ours: 10 s of sound, answered in 1 s; without an answer, an error."""
    begin = BEGAN + timedelta(seconds=number)
    usual = {
        "audio_filepath": f"sample_{number}",
        "duration": 10.0,
        "time": None if answer is None else 1.0,
        "text": reference,
        "pred_text": answer,
        "sample_id": f"{number:016x}-{number}",
        "row": str(number),
        "model": "acme/listen-1",
        "dataset": "corpus",
        "split": "test",
        "case": "speech::corpus[listen]",
        "status": "error" if answer is None else "ok",
        "error": "429 four times" if answer is None else None,
        "attempts": 1,
        "run_id": RUN,
        "sent_at": begin.isoformat(),
        "ended_at": (begin + timedelta(seconds=1)).isoformat(),
    }
    return {**usual, **fields}


def leaderboard(number: int, reference: str, answer: str, **fields: Any) -> dict[str, Any]:
    """A line as the speech leaderboard writes it."""
    usual = {"audio_filepath": f"sample_{number}", "duration": 10.0, "time": 0.5}
    return {**usual, "text": reference, "pred_text": answer, **fields}


def written(file: Path, *lines: dict[str, Any] | str) -> Path:
    """A file of these lines; a text is written as it is."""
    file.parent.mkdir(parents=True, exist_ok=True)
    texts = [line if isinstance(line, str) else json.dumps(line) + "\n" for line in lines]
    file.write_text("".join(texts), encoding="utf-8")
    return file
