"""Scores of predictions for other programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pytest_modelbench.errors import encodable
from pytest_modelbench.quality.bootstrap import CONFIDENCE
from pytest_modelbench.quality.rate_interval import FLAWLESS_METHOD, RATE_METHOD

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_modelbench.predictions.score import DatasetScore, Figure, ModelScore


def score_text(
    scores: Sequence[ModelScore], normalizer: str, files: Sequence[Path], notes: Sequence[str]
) -> str:
    """One JSON document; a figure that is not there is null, and says why beside it."""
    document = {
        "normalizer": normalizer,
        "interval": {
            "confidence": CONFIDENCE,
            "method": RATE_METHOD,
            "method_without_errors": FLAWLESS_METHOD,
        },
        "files": [encodable(str(file)) for file in files],
        "notes": list(notes),
        "models": [_model(one) for one in scores],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1) + "\n"


def _model(one: ModelScore) -> dict[str, Any]:
    return {
        "model": one.model,
        "variant": one.variant or None,
        "samples": one.samples,
        "errors": one.error_count,
        "audio_seconds": one.audio_seconds,
        **_figure("wer_mean_of_datasets", one.mean_wer),
        **_figure("wer_weighted_by_audio", one.wer_by_audio),
        **_figure("rtfx", one.rtfx),
        **_figure("rtfx_aggregate", one.rtfx_aggregate),
        "datasets": [_dataset(row) for row in one.datasets],
    }


def _dataset(one: DatasetScore) -> dict[str, Any]:
    held = one.gathered
    return {
        "dataset": one.key.dataset,
        "split": one.key.split or None,
        "case": one.key.case or None,
        "samples": len(one.scored),
        "errors": [{"sample": said.place, "error": said.error} for said in one.errors],
        "without_reference": one.without_reference,
        "words": one.words,
        "audio_seconds": one.audio_seconds,
        **_figure("wer", one.wer),
        "wer_interval": None if one.interval is None else list(one.interval),
        **_figure("rtfx", one.rtfx),
        **_figure("rtfx_aggregate", one.rtfx_aggregate),
        "answers_timed": held.timed,
        "answers_untimed": held.untimed,
        "answers_without_duration": held.without_length,
        "lines_repeated": held.repeated,
    }


def _figure(name: str, figure: Figure) -> dict[str, Any]:
    if figure.value is None:
        return {name: None, f"why_no_{name}": figure.reason}
    return {name: figure.value}
