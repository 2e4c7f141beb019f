"""Whether the paired gate cries wolf, and whether it finds what is slower.

Whole commands on a small OpenVINO model whose slow-downs are made, and so known:
`pytest --suite=...` with `compare`, judged by its exit code, and beside it what people use today:
a session of pytest-benchmark that saves a baseline and another that compares with it
(`--benchmark-compare-fail=mean:5%`, `median:5%`, `min:5%`), `pyperf compare_to` of 6 processes with
3 values a side, and a Mann-Whitney test of 200 calls in one process a side. Equal sides show false
alarms, slower ones what is found; on a quiet machine and beside a process that spins all the time
or in bursts, and by `--conditions` one that copies memory, or begins to spin half-way. In each
round all trials come in an order drawn anew.

    python benchmarks/verdict.py --trials 200 --json verdict.json

`--peers` without a name leaves the others out, `--pairs` without one leaves ours out; `--earlier
FILE` counts what was saved before (unpacked, if its name ends in `.gz`), with `--trials 0` only
that, so a long series can be made in parts, each with another `--seed`. Interrupted, or when
`--minutes` are over, it reports what there is.

Targets: false alarms in at most 1 % in every kind of noise; a true 5 % found in at least 98 %, a
true 10 % in at least 99.5 %, where the tolerance is at most 0.6 of it; median measuring under 3 s
for a model of 1 ms, and for a longer one (`--model-ms`) within what the comparison may take.
"""

from __future__ import annotations

import gzip
import json
import signal
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from common import arguments, need, stop
from gate_peers import PEERS, PYTEST_BENCHMARK, peers
from gate_report import show
from gate_series import Seen, Series
from gate_trials import OURS, Kind, Ours, Trial, fit_model
from noise import CONDITIONS


def main() -> None:
    options = _options()
    need("pytest_modelbench", "openvino", "scipy")
    need(*(["pytest_benchmark"] if PYTEST_BENCHMARK in options.peers else []))
    settings: dict[str, Any] = {"model_ms": options.model_ms, "threads": options.threads}
    earlier: list[Seen] = []
    found = dict(settings)
    for file in options.earlier:
        figures = json.loads(_text(file))["figures"]
        earlier += _saved(file, figures, settings)
        found |= figures["settings"]
    if options.rounds == 0:
        if not earlier:
            stop("--trials 0 needs --earlier FILE")
        show(earlier, found).finish(options.json)
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        model = work / "model.xml"
        size, call_ms = fit_model(model, options.model_ms, options.threads)
        settings |= {"size": size, "call_ms": call_ms}
        kinds = [Kind(OURS, *_pair(text)) for text in options.pairs]
        gates, missing = peers(options.peers, work, model, options.threads, options.environment)
        ours = Ours(work / "ours", model, options.threads, kinds, options.max_seconds)
        kinds += [Kind(peer, *_pair(text)) for peer in gates for text in options.their_pairs]
        series = Series({OURS: ours.trial, **gates}, kinds, options.conditions, options.seed)
        try:
            series.plan(options.rounds, options.minutes)
            for number in range(options.rounds):
                series.round()
                if options.json and number + 1 < options.rounds:  # a long series may be lost
                    show([*earlier, *series.seen], settings).save(options.json)
        except KeyboardInterrupt:
            series.stopped = f"interrupted after {len(series.seen)} trials"
    report = show([*earlier, *series.seen], settings)
    report.notes += [*missing, *([series.stopped] if series.stopped else [])]
    report.finish(options.json)


def _options() -> Any:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--trials", type=int, dest="rounds", help="another name of --rounds")
    parser.add_argument(
        "--conditions", nargs="+", choices=CONDITIONS, default=["quiet", "steady", "bursts"]
    )
    parser.add_argument("--model-ms", type=float, default=1.0, help="how long a call takes, about")
    parser.add_argument("--threads", type=int, default=1, help="that the model computes with")
    parser.add_argument("--max-seconds", type=float, help="the comparison's; else its default")
    parser.add_argument(
        "--pairs",
        nargs="*",
        default=["0:3", "3:3", "5:3", "10:3"],
        metavar="SLOWER:TOLERANCE",
        help="what modelbench is to judge, in whole per cent",
    )
    parser.add_argument(
        "--their-pairs",
        nargs="+",
        default=["0:5", "5:5"],
        metavar="SLOWER:TOLERANCE",
        help="the same for each peer",
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS)
    parser.add_argument("--environment", type=Path, metavar="DIR", help="pyperf's, to be kept")
    parser.add_argument("--minutes", type=float, default=600.0, help="no further trial after them")
    parser.add_argument("--earlier", nargs="+", type=Path, default=[], metavar="FILE")
    return parser.parse_args()


def _pair(text: str) -> tuple[int, int]:
    try:
        slower, tolerance = map(int, text.split(":"))
    except ValueError:
        stop(f"a pair {text!r} should be two whole numbers such as 5:3")
    return slower, tolerance


def _text(file: Path) -> str:
    """Of a report, which may be packed: thousands of trials are mostly alike."""
    if file.suffix == ".gz":
        return gzip.decompress(file.read_bytes()).decode()
    return file.read_text()


def _saved(file: Path, figures: dict[str, Any], settings: dict[str, Any]) -> Iterable[Seen]:
    """The trials of an earlier report."""
    if settings.items() - figures["settings"].items():
        stop(f"{file} is of other settings: {figures['settings']}, not {settings}")
    for one in figures["trials"]:
        kind = Kind(**one["trial"].pop("kind"))
        yield Seen(Trial(kind, **one.pop("trial")), **one)


if __name__ == "__main__":
    main()
