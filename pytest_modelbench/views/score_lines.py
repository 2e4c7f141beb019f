"""Scores of predictions as people read them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pytest_modelbench.redaction import printable
from pytest_modelbench.report.numbers import NOTHING, shown

if TYPE_CHECKING:
    from pytest_modelbench.predictions.score import DatasetScore, Figure, ModelScore

INTERVAL = "95 %"
TITLES = ("samples", "errors", "WER", INTERVAL, "audio s", "RTFx", "RTFx aggregate")
MEAN, BY_AUDIO = "mean of datasets", "weighted by audio"
Row = tuple[str, ...]
Block = tuple[str, list[str]]
"""A title, and lines."""


def by_model(scores: Sequence[ModelScore], width: int) -> Iterator[Block]:
    """A table a model: a row a dataset, and below them the two means."""
    for one in scores:
        rows: list[Row] = [("dataset", *TITLES)]
        rows += [(name, *_cells(row)) for name, row in labelled(one)]
        if len(one.datasets) > 1:
            rows += _composite(one)
        yield printable(one.name), _table(rows, width)


def by_dataset(scores: Sequence[ModelScore], width: int) -> Iterator[Block]:
    """A table a dataset: a row a model, best first; then one of the means."""
    rows: dict[str, list[tuple[str, DatasetScore]]] = {}
    for one in scores:
        for name, row in labelled(one):
            rows.setdefault(name, []).append((one.name, row))
    for name, found in sorted(rows.items()):
        found.sort(key=lambda pair: _rank(pair[1].wer))
        table: list[Row] = [("model", *TITLES), *((model, *_cells(row)) for model, row in found)]
        yield printable(name), _table(table, width)
    if any(len(one.datasets) > 1 for one in scores):
        yield "all datasets", _table(_means(scores), width)


def labelled(score: ModelScore) -> list[tuple[str, DatasetScore]]:
    """Each dataset by its name; those that several cases have, with the case."""
    names = Counter(one.name for one in score.datasets)
    return [
        (f"{one.name} ({one.key.case})" if names[one.name] > 1 else one.name, one)
        for one in score.datasets
    ]


def _means(scores: Sequence[ModelScore]) -> list[Row]:
    titles = ("samples", "errors", "mean WER", "WER by audio", *TITLES[4:])
    rows: list[Row] = [("model", "datasets", *titles)]
    for one in sorted(scores, key=lambda one: _rank(one.mean_wer)):
        counts = (str(len(one.datasets)), str(one.samples), str(one.error_count))
        rates = (_rate(one.mean_wer), _rate(one.wer_by_audio))
        speeds = (f"{one.audio_seconds:.0f}", _number(one.rtfx), _number(one.rtfx_aggregate))
        rows.append((one.name, *counts, *rates, *speeds))
    return rows


def _rank(wer: Figure) -> tuple[bool, float]:
    return wer.value is None, wer.value or 0.0


def _composite(one: ModelScore) -> list[Row]:
    counts = (str(one.samples), str(one.error_count))
    speeds = (f"{one.audio_seconds:.0f}", _number(one.rtfx), _number(one.rtfx_aggregate))
    return [
        (MEAN, *counts, _rate(one.mean_wer), "", *speeds),
        (BY_AUDIO, "", "", _rate(one.wer_by_audio), "", "", "", ""),
    ]


def _cells(one: DatasetScore) -> Row:
    ends = "" if one.interval is None else f"[{', '.join(f'{end:.4f}' for end in one.interval)}]"
    return (
        str(len(one.scored)),
        str(len(one.errors)),
        _rate(one.wer),
        ends,
        f"{one.audio_seconds:.0f}",
        _number(one.rtfx),
        _number(one.rtfx_aggregate),
    )


def _rate(figure: Figure) -> str:
    return NOTHING if figure.value is None else f"{figure.value:.4f}"


def _number(figure: Figure) -> str:
    return NOTHING if figure.value is None else shown(figure.value)


def _table(rows: Sequence[Row], width: int) -> list[str]:
    """The first that fits: all columns, all but the interval, a block a row."""
    rows = [tuple(map(printable, row)) for row in rows]
    titles = rows[0]
    without = [number for number, title in enumerate(titles) if title != INTERVAL]
    for some in (rows, [tuple(row[number] for number in without) for row in rows]):
        lines = _aligned(some)
        if max(map(len, lines)) <= width:
            return lines
    blocks: list[str] = []
    for name, *cells in rows[1:]:
        pairs = zip(titles[1:], cells, strict=True)
        blocks += [name, *(f"   {title} {cell}" for title, cell in pairs if cell)]
    return blocks


def _aligned(rows: Sequence[Row]) -> list[str]:
    """Names to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def reason_lines(scores: Sequence[ModelScore]) -> list[str]:
    """Why figures are missing or rest on less than all lines, a sentence each."""
    found = [line for one in scores for line in (*_of_datasets(one), *_of_model(one))]
    found += _unequal(scores)
    return [printable(line) for line in found]


def _of_datasets(score: ModelScore) -> Iterator[str]:
    for name, one in labelled(score):
        where, held = f"{score.name}, {name}", one.gathered
        if one.wer.value is None:
            yield f"{where}: no WER: {one.wer.reason}"
        if one.without_reference:
            yield f"{where}: without a reference, and so not scored: {one.without_reference}"
        if one.errors:
            yield (
                f"{where}: {len(one.errors)} of {len(one.scored)} samples were not answered: "
                "all their words count as deletions"
            )
        if held.untimed:
            yield f"{where}: answers without a service time, and so not in RTFx: {held.untimed}"
        if held.without_length:
            yield f"{where}: answers without a duration, and so not in RTFx: {held.without_length}"
        if held.repeated:
            yield (
                f"{where}: lines of samples that have another: {held.repeated}; the last answer is "
                "scored, and all count for RTFx"
            )


def _of_model(score: ModelScore) -> Iterator[str]:
    if score.rtfx_aggregate.value is None and score.rtfx.value is not None:
        yield f"{score.name}: no RTFx aggregate: {score.rtfx_aggregate.reason}"
    if score.mean_wer.value is not None and score.wer_by_audio.value is None:
        yield f"{score.name}: no WER weighted by audio: {score.wer_by_audio.reason}"
    for name, count in Counter(one.name for one in score.datasets).items():
        if count > 1:
            yield f"{score.name}, {name}: {count} cases: each counts as a dataset in the means"


def _unequal(scores: Sequence[ModelScore]) -> Iterator[str]:
    """What makes means of models that are not to be compared."""
    counts: dict[str, set[int]] = {}
    for score in scores:
        for one in score.datasets:
            counts.setdefault(one.name, set()).add(len(one.scored))
    for score in scores:
        missing = sorted(counts.keys() - {one.name for one in score.datasets})
        if missing:
            yield f"{score.name}: its means are without {', '.join(missing)}, which others have"
    for name, sizes in counts.items():
        if len(sizes) > 1:
            yield f"{name}: models have {min(sizes)} to {max(sizes)} samples of it, not the same"


def error_lines(scores: Sequence[ModelScore]) -> Iterator[str]:
    """Each sample without an answer."""
    for score in scores:
        for name, one in labelled(score):
            for said in one.errors:
                yield printable(
                    f"{score.name}, {name}, {said.place}: {' '.join(said.error.split())}"
                )
