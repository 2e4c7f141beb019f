"""How far what a load client says is from the truth, over rates; ours, a bare one, and peers.

`true_server.c` answers each request with streamed tokens at exact times, alone on a core, and logs
by its own clock when requests came and tokens went. Each client has the other cores, or with
`--client-cores` some of them, and sends at a constant rate. What it reports is divided by what
the server's log says.

    python benchmarks/load_client.py
    python benchmarks/load_client.py --rates 25 100 500 1000 2000 3000 --workers 1 2
    python benchmarks/load_client.py --environment FOLDER     with aiperf, guidellm or vllm in it

Targets, of ours on one core: mean and 99th percentile of the time to the first token within 10 %
up to 2,000 requests/s; each request sent exactly once; Poisson arrivals with an index of dispersion
of 1 and no correlation; ready to send within 2 s.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common import Report, arguments, estimate, figure, how_often, in_turn, need, run, stop, verdict
from load_peers import PEERS, Asked, installed
from load_truth import Log, build, true_server

WITHIN, TARGET_RATE, BEGIN_SECONDS = 0.10, 2000.0, 2.0
SURE = 3.3
"""Standard errors that chance leaves once in a thousand times."""


class Bench:
    """Runs one client against a fresh server."""

    def __init__(self, options: argparse.Namespace, work: Path) -> None:
        self._options, self._work = options, work
        self._program = build(work)
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) < 2:
            stop("this needs two cores: one for the server, one for the client")
        self.server_core = cores[-1]
        self.client_cores = cores[:-1][: options.client_cores]

    def run(
        self, rate: float, client: Callable[[dict[str, Any]], dict[str, Any]], **more: Any
    ) -> dict[str, Any]:
        """What a client said, divided by the truth."""
        options = self._options
        requests = max(options.least, int(rate * options.seconds))
        given = {"rate": rate, "requests": requests, "warmup": max(20, int(rate)), "seed": 7}
        given |= {"arrival": "constant", "tokens": options.tokens, "workers": 1} | more
        words = ["--ttft-ms", str(options.ttft_ms), "--gap-ms", str(options.gap_ms)]
        words += ["--jitter", str(options.jitter), "--tokens", str(options.tokens)]
        words += ["--role-only"] if options.role_only else []
        with true_server(self._program, self.server_core, words) as server:
            said = client({**given, "port": server.port, "url": server.url})
            before = given["warmup"] + said.get("before", 0)
            whole, log = server.log(), server.log(skip=before)
        return {**said, **self._held_against(whole, log, said, given)}

    def python(self, module: str, given: dict[str, Any]) -> dict[str, Any]:
        """A client of this folder."""
        program = f"import {module}; {module}.main()"
        command = [*self._pinned(), sys.executable, "-c", program, json.dumps(given)]
        here = Path(__file__).parent
        paths = filter(None, (str(here), str(here.parent), os.environ.get("PYTHONPATH")))
        more = {"PYTHONPATH": os.pathsep.join(paths)}
        said = run(command, cwd=self._work, more=more)
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        return found

    def peer(self, name: str, program: Path, given: dict[str, Any]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory(dir=self._work) as folder:
            fields = {field: given[field] for field in ("url", "rate", "requests", "tokens")}
            tokenizer = self._options.tokenizer
            place = {"folder": Path(folder), "pinned": tuple(self._pinned())}
            asked = Asked(**fields, warmup=given["warmup"], tokenizer=tokenizer, **place)
            return PEERS[name](program, asked)

    def _pinned(self) -> list[str]:
        alone = ["chrt", "--rr", "1"] if self._options.realtime else []
        return [*alone, "taskset", "-c", ",".join(map(str, self.client_cores))]

    def _held_against(
        self, whole: Log, log: Log, said: dict[str, Any], given: dict[str, Any]
    ) -> dict[str, Any]:
        truth = {"ttft_ms": log.ttft_ms, "itl_ms": log.gaps_ms}
        held = {
            name.removesuffix("_ms"): [
                said[name][0] / float(true.mean()),
                said[name][1] / float(np.percentile(true, 99)),
            ]
            for name, true in truth.items()
        }
        answered = said.get("answered", given["requests"])
        is_whole = len(log.ids) == given["requests"] == answered and not log.unanswered
        # The warm-up asks the last samples, and may overtake or be overtaken by what is measured.
        count = given["requests"]
        asked = [*range(count), *(-1 - at for at in range(given["warmup"]))]
        once = sorted(whole.ids.tolist()) == sorted(at % count for at in asked)
        return {
            **held,
            "true_ttft_ms": [float(log.ttft_ms.mean()), float(np.percentile(log.ttft_ms, 99))],
            "counts": is_whole and (once or "is_numbered" not in said),
            "arrived": len(log.ids),
            "asked": given["requests"],
            "dispersion": log.dispersion,
            "correlation": log.correlation,
        }


def main() -> None:
    options = _options()
    need("pytest_modelbench", "httptools")
    report = Report("what a client says, divided by the truth", COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for rate in options.rates:
            sides = _sides(options, bench, rate)
            found = in_turn(sides, options.rounds, options.seed, warm_up=False)
            for name, rounds in found.items():
                _show(report, name, rate, rounds)
        if options.poisson_rate:
            poisson = partial(bench.python, "load_ours")
            for workers in options.workers:
                seen = bench.run(options.poisson_rate, poisson, arrival="poisson", workers=workers)
                _show_poisson(report, options.poisson_rate, workers, seen)
        report.notes.append(
            f"{options.tokens} tokens, the first after {options.ttft_ms:g} ms, then "
            f"{options.gap_ms:g} ms apart; client on cores {bench.client_cores}"
            f"{', before all else there' if options.realtime else ''}, server on "
            f"{bench.server_core}; {how_often(options.rounds)}"
        )
    report.finish(options.json)


COLUMNS = (
    "requests/s",
    "client",
    "mean TTFT",
    "p99 TTFT",
    "mean ITL",
    "p99 ITL",
    "busy",
    "counts exact",
    "says it was too slow",
    "target met",
)


def _options() -> argparse.Namespace:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--rates", type=float, nargs="+", default=[100, 500, 1000, 2000])
    parser.add_argument("--seconds", type=float, default=5.0, help="of each rate, measured")
    parser.add_argument("--least", type=int, default=100, help="requests at low rates")
    parser.add_argument("--workers", type=int, nargs="+", default=[1], help="processes of ours")
    parser.add_argument("--client-cores", type=int, default=1, help="that a client may have")
    parser.add_argument(
        "--realtime",
        action="store_true",
        help="clients go before all else on their cores, as if alone there (as root)",
    )
    parser.add_argument("--tokens", type=int, default=32)
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--gap-ms", type=float, default=10.0)
    parser.add_argument("--jitter", type=float, default=0.0, help="of each wait, as a share")
    parser.add_argument("--role-only", action="store_true", help="a chunk without a token first")
    parser.add_argument("--poisson-rate", type=float, default=500.0, help="0: leave it out")
    parser.add_argument("--no-bare", action="store_true", help="leave the bare client out")
    parser.add_argument(
        "--environment",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="a virtual environment with aiperf, guidellm or vllm; may be given several times",
    )
    parser.add_argument(
        "--peer-rates", type=float, nargs="+", help="rates at which peers run as well; default all"
    )
    parser.add_argument("--tokenizer", help="of peers: a directory, or a name that they know")
    options = parser.parse_args()
    if options.environment and not options.tokenizer:
        stop("--environment needs --tokenizer DIR: peers make prompts and count tokens with it")
    return options


def _sides(
    options: argparse.Namespace, bench: Bench, rate: float
) -> dict[str, Callable[[], dict[str, Any]]]:
    sides: dict[str, Callable[[], dict[str, Any]]] = {}
    for workers in options.workers:
        name = "ours" if workers == 1 else f"ours, {workers} workers"
        client = partial(bench.python, "load_ours")
        sides[name] = partial(bench.run, rate, client, workers=workers)
    if not options.no_bare:
        sides["bare"] = partial(bench.run, rate, partial(bench.python, "load_bare"))
    if options.peer_rates is None or rate in options.peer_rates:
        for name, program in installed(options.environment).items():
            sides[name] = partial(bench.run, rate, partial(bench.peer, name, program))
    return sides


def _show(report: Report, name: str, rate: float, rounds: list[dict[str, Any]]) -> None:
    ratios = {
        f"{statistic} {kind}": estimate([one[kind][at] for one in rounds])
        for kind in ("ttft", "itl")
        for at, statistic in enumerate(("mean", "p99"))
    }
    busy = [sum(one["busy"]) for one in rounds if "busy" in one]
    counts = all(one["counts"] for one in rounds)
    slow = [one["client_limits"] for one in rounds if "client_limits" in one]
    met = "-"
    if name == "ours" and rate <= TARGET_RATE:
        within = [
            f"{which}: {verdict(ratios[f'{which} ttft'], at_least=1 - WITHIN, at_most=1 + WITHIN)}"
            for which in ("mean", "p99")
        ]
        ready = estimate([one["seconds_to_begin"] for one in rounds])
        met = f"{', '.join(within)}; ready: {verdict(ready, at_most=BEGIN_SECONDS)}"
    report.row(
        f"{rate:g}",
        name,
        *(figure(one, digits=4) for one in ratios.values()),
        f"{estimate(busy).median:.0%}" if busy else "-",
        "yes" if counts else "no",
        f"{sum(map(bool, slow))} of {len(slow)}" if slow and name != "bare" else "-",
        met,
    )
    report.figures[f"{rate:g} {name}"] = rounds


def _show_poisson(report: Report, rate: float, workers: int, seen: dict[str, Any]) -> None:
    """Over windows of 20 arrivals, and over pairs of gaps, chance alone gives these errors."""
    count = int(seen["answered"])
    dispersion, correlation = seen["dispersion"], seen["correlation"]
    of_dispersion = SURE * math.sqrt(2 / (count / 20))
    of_correlation = SURE / math.sqrt(count)
    holds = abs(dispersion - 1) < of_dispersion and abs(correlation) < of_correlation
    report.notes.append(
        f"Poisson arrivals at {rate:g} requests/s from {workers} workers, by the server's log: "
        f"index of dispersion {dispersion:.3f} (1 within {of_dispersion:.3f}), lag-1 correlation "
        f"{correlation:+.3f} (0 within {of_correlation:.3f}), counts exact: "
        f"{'yes' if seen['counts'] else 'no'}; target met: {'yes' if holds else 'no'}"
    )
    report.figures[f"poisson, {workers} workers"] = seen


if __name__ == "__main__":
    main()
