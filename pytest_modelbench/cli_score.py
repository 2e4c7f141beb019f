"""`modelbench score`: saved predictions, scored again."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_modelbench.cli_store import add_dir, print_lines, store_at_option, tell
from pytest_modelbench.errors import ModelbenchError, WrongUsage
from pytest_modelbench.quality.normalizers import NORMALIZERS

if TYPE_CHECKING:
    from pytest_modelbench.predictions.gather import Gathered, Key
    from pytest_modelbench.predictions.score import ModelScore

USUAL_NORMALIZER = "whisper-english"
MOST_REASONS = 12


def add_score(commands: Any) -> None:
    """The sub-command and its options."""
    parser = commands.add_parser(
        "score", help="score saved predictions again: WER and RTFx by model and dataset"
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="+",
        help="a file of predictions (JSON lines), a directory of them, or a run: last, "
        "branch:NAME, or the id of a run or its beginning",
    )
    parser.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="only predictions of this model; * and ? work",
    )
    parser.add_argument(
        "--normalizer",
        choices=NORMALIZERS,
        default=USUAL_NORMALIZER,
        help="what references and answers go through before they are compared",
    )
    parser.add_argument(
        "--by-dataset", action="store_true", help="a table a dataset, with a row a model"
    )
    parser.add_argument(
        "--detailed", action="store_true", help="also each sample that was not answered, and why"
    )
    parser.add_argument(
        "--max-wer",
        type=_rate,
        metavar="RATE",
        help="exit with 1 when the WER of a model, the mean of its datasets, is above it: 0.08 or "
        "8%%",
    )
    parser.add_argument(
        "--json", metavar="FILE", help="write all figures to this file as JSON; - prints them"
    )
    add_dir(parser)
    parser.set_defaults(command=_score)


def _rate(text: str) -> float:
    try:
        rate = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        rate = math.nan
    if not 0 <= rate < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} should be a rate such as 0.08 or 8%")
    if rate > 1 and not text.endswith("%"):
        raise argparse.ArgumentTypeError(
            f"{text} would be {100 * rate:g} %: write {text}% or {rate / 100:g}"
        )
    return rate


def _score(options: argparse.Namespace) -> int:
    from pytest_modelbench.paths import file_to_write
    from pytest_modelbench.predictions.find import prediction_files
    from pytest_modelbench.predictions.score import score
    from pytest_modelbench.predictions.unfinished import unfinished_runs
    from pytest_modelbench.views.score_lines import reason_lines

    is_printed = options.json == "-"
    json_file = None if is_printed else file_to_write("--json", options.json, Path.cwd())
    files = prediction_files(options.file, store_at_option(options))
    notes = list(unfinished_runs(files))
    gathered, faults = _gathered(files, notes)
    for line in (*notes, *faults):
        tell(line)
    scores = score(_of_models(gathered, options.model), options.normalizer)
    notes += reason_lines(scores)
    if not is_printed:
        _show(scores, options)
    if options.json:
        _write_json(scores, options.normalizer, files, [*notes, *faults], json_file)
    broken = _broken(scores, options.max_wer)
    for line in broken:
        tell(line)
    return 1 if faults or broken else 0


def _gathered(files: Sequence[Path], notes: list[str]) -> tuple[dict[Key, Gathered], list[str]]:
    """What all files say together; a file with a fault is left out as a whole."""
    from pytest_modelbench.predictions.gather import Gathered, gather
    from pytest_modelbench.predictions.reader import read_predictions

    gathered: dict[Key, Gathered] = {}
    faults: list[str] = []
    for file in files:
        try:
            found = gather(read_predictions(file, notes))
        except ModelbenchError as error:
            faults.append(f"{error}: the file is left out")
            continue
        if not found:
            faults.append(f"{file}: no prediction is in it")
        for key, one in found.items():
            gathered.setdefault(key, Gathered(key)).merge(one)
    if not gathered:
        raise ModelbenchError("\n".join([*notes, *faults, "there is nothing to score"]))
    return gathered, faults


def _of_models(gathered: dict[Key, Gathered], patterns: Sequence[str]) -> dict[Key, Gathered]:
    from pytest_modelbench.registered import did_you_mean
    from pytest_modelbench.views.wanted import fits

    kept = {
        key: one
        for key, one in gathered.items()
        if not patterns or any(fits(pattern, key.model) for pattern in patterns)
    }
    known = sorted({key.model for key in gathered})
    for pattern in patterns:
        if not any(fits(pattern, name) for name in known):
            raise WrongUsage(
                f"--model {pattern!r}: no predictions are of such a model"
                f"{did_you_mean(pattern, known)} (there are {', '.join(known)})"
            )
    return kept


def _write_json(
    scores: Sequence[ModelScore],
    normalizer: str,
    files: Sequence[Path],
    notes: Sequence[str],
    file: Path | None,
) -> None:
    from pytest_modelbench.results.store import write_atomically
    from pytest_modelbench.views.score_document import score_text

    text = score_text(scores, normalizer, files, notes)
    if file is not None:
        print(f"written to {write_atomically(file, text, 'the scores', '--json')}")
        return
    if hasattr(sys.stdout, "reconfigure"):  # a file of it is read as UTF-8 wherever it goes
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    sys.stdout.write(text)


def _show(scores: Sequence[ModelScore], options: argparse.Namespace) -> None:
    from pytest_modelbench.views import score_lines
    from pytest_modelbench.views.console import Console

    console = Console()
    blocks = score_lines.by_dataset if options.by_dataset else score_lines.by_model
    for title, lines in blocks(scores, console.fullwidth):
        console.write_sep("=", title)
        print_lines(lines)
    print(
        f"WER after the normalizer {options.normalizer}; RTFx: sound / service time, "
        "aggregate: sound / time by the clock"
    )
    reasons = score_lines.reason_lines(scores)
    shown = len(reasons) if options.detailed else MOST_REASONS
    print_lines(reasons[:shown])
    if len(reasons) > shown:
        print(f"... and {len(reasons) - shown} more: --detailed shows all")
    if options.detailed:
        print_lines(score_lines.error_lines(scores))


def _broken(scores: Sequence[ModelScore], most: float | None) -> list[str]:
    """A sentence for each model that `--max-wer` refuses."""
    from pytest_modelbench.judge.beyond import is_beyond

    if most is None:
        return []
    found = []
    for one in scores:
        wer, count = one.mean_wer, len(one.datasets)
        what = "WER" if count == 1 else f"mean WER of {count} datasets"
        if wer.value is None:
            found.append(f"{one.name}: no {what} to hold against --max-wer {most:g}: {wer.reason}")
        elif is_beyond(wer.value, most):
            shown = f"{wer.value:.4f}" if round(wer.value, 4) > most else f"{wer.value:.9g}"
            found.append(f"{one.name}: {what} {shown} is above --max-wer {most:g}")
    return found
