"""How long looking at kept runs takes when there are thousands of them.

A real run of the quickstart is copied as often as asked for, with other ids, dates, revisions and
figures (some noise, and a step now and then). Then whole commands are timed in turn: those that
read every run against a bare loop over the same summaries (`json.loads` of each, in a process of
its own), those that look for one run against the same in a store that has only that one.
Targets, at 5,000 runs: lists and histories under 3 times the bare loop, and under 2 s.

    python benchmarks/store.py --runs 5000 --rounds 10
"""

from __future__ import annotations

import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import common

COMMAND = (sys.executable, "-m", "pytest_modelbench.cli")
ALONE = """
import json, os, sys
count = 0
for name in sorted(os.listdir(sys.argv[1]), reverse=True):
    with open(os.path.join(sys.argv[1], name, "summary.json"), "rb") as file:
        count += len(json.loads(file.read())["cases"])
print(count)
"""
FIND = """
import sys
from pathlib import Path
from pytest_modelbench.results.find_run import find_run
print(find_run(sys.argv[2], Path(sys.argv[1]))[0])
"""
EVERY_RUN = {
    "modelbench runs": ("runs",),
    "modelbench runs --limit 0": ("runs", "--limit", "0"),
    "modelbench runs --json": ("runs", "--json"),
    "modelbench history p50_latency_ms": ("history", "p50_latency_ms"),
    "modelbench history p50_latency_ms --limit 0": ("history", "p50_latency_ms", "--limit", "0"),
}
ONE_RUN = {
    "modelbench show last": (*COMMAND, "show", "last", "--dir", "{store}"),
    "--suite-baseline=last": (sys.executable, "-c", FIND, "{store}", "last"),
    "--suite-baseline=branch:first": (sys.executable, "-c", FIND, "{store}", "branch:first"),
}
STEP_EVERY = 400
NOISE = 0.03


def main() -> None:
    parser = common.arguments(__doc__, rounds=10)
    parser.add_argument("--runs", type=int, default=5000)
    options = parser.parse_args()
    common.need("openvino_genai")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        many, one = work / "many", work / "one"
        real = real_run(work)
        fill(many, real, options.runs, options.seed)
        fill(one, real, 1, options.seed)
        seen = common.in_turn(sides(many, one, work), options.rounds, options.seed)
    report(seen, options.runs, options.rounds).finish(options.json)


def sides(many: Path, one: Path, work: Path) -> dict[str, Callable[[], float]]:
    """Each command, and what it is held against, as a call that gives its seconds."""
    found = {"alone": lambda: seconds((sys.executable, "-c", ALONE, str(many)), work)}
    for name, words in EVERY_RUN.items():
        command = (*COMMAND, *words, "--dir", str(many))
        found[name] = lambda command=command: seconds(command, work)
    for name, words in ONE_RUN.items():
        for store in (many, one):
            command = tuple(word.replace("{store}", str(store)) for word in words)
            found[f"{name} {store.name}"] = lambda command=command: seconds(command, work)
    return found


def seconds(command: tuple[str, ...], work: Path) -> float:
    """Of a whole process."""
    begin = time.perf_counter()
    common.run(command, cwd=work)
    return time.perf_counter() - begin


def report(seen: dict[str, list[float]], runs: int, rounds: int) -> common.Report:
    made = common.Report(
        f"{runs:,} kept runs: {common.how_often(rounds)}",
        ["what", "seconds", "against", "ratio", "target", "met"],
    )
    made.row("listing and parsing the summaries alone", figure(seen["alone"]), "-", "-", "-", "-")
    for name in EVERY_RUN:
        ratio = common.ratios(seen[name], seen["alone"])
        met = (
            common.verdict(ratio, at_most=3),
            common.verdict(common.estimate(seen[name]), at_most=2),
        )
        both = met[0] if met[0] == met[1] else "; ".join(met)
        made.row(name, figure(seen[name]), "that", common.figure(ratio), "3, and 2 s", both)
    for name in ONE_RUN:
        ratio = common.ratios(seen[f"{name} many"], seen[f"{name} one"])
        against = f"a store of 1 run: {figure(seen[f'{name} one'])}"
        made.row(name, figure(seen[f"{name} many"]), against, common.figure(ratio), "-", "-")
    made.notes.append("branch:first is the oldest run alone: the worst case of a search")
    made.figures = dict(seen)
    return made


def figure(values: list[float]) -> str:
    return common.figure(common.estimate(values), "s")


def real_run(work: Path) -> Path:
    """The directory of a run of the quickstart."""
    common.run(
        [sys.executable, "-m", "pytest", "--suite=quickstart", "--suite-output-dir=real", "-q"],
        cwd=work,
    )
    (folder,) = (work / "real").iterdir()
    return folder


def fill(store: Path, real: Path, runs: int, seed: int) -> None:
    """The run so many times over, one every three hours up to now."""
    draw = random.Random(seed)
    now = datetime.now(UTC)
    text = (real / "run.json").read_text()
    summary = json.loads((real / "summary.json").read_text())
    level = 1.0
    for number in range(runs):
        if number % STEP_EVERY == STEP_EVERY - 1:
            level *= draw.choice((0.8, 1.25))
        when = now - timedelta(hours=3 * (runs - number))
        run_id = f"benchmark_{when:%Y%m%d_%H%M%S}_{number:012x}"
        branch = "first" if number == 0 else draw.choice(("main", "dev", "topic/faster"))
        about = {
            "run_id": run_id,
            "timestamp": when.isoformat(timespec="milliseconds"),
            "git_sha": f"{draw.getrandbits(160):040x}",
            "git_branch": branch,
            "git_dirty": False,
        }
        copy(store / run_id, real, text, altered(summary, about, level, draw))


def altered(
    summary: dict[str, Any], about: dict[str, Any], level: float, draw: random.Random
) -> dict[str, Any]:
    """With other metadata, and times that differ as those of sessions do."""
    changed: dict[str, Any] = json.loads(json.dumps(summary))
    changed["metadata"] |= about
    for case in changed["cases"]:
        factor = level * draw.lognormvariate(0, NOISE)
        for metric in case["metrics"].values():
            if metric["unit"] in ("ms", "s"):
                for name in ("value", "low", "high"):
                    metric[name] = None if metric[name] is None else metric[name] * factor
    return changed


def copy(folder: Path, real: Path, text: str, summary: dict[str, Any]) -> None:
    """A run's directory. Nobody reads the journals of a finished run: they are the real one's."""
    for part in ("journal", "answers", "live", "logs"):
        (folder / part).mkdir(parents=True)
    (folder / "alive.lock").touch()
    os.link(real / "journal" / "main.jsonl", folder / "journal" / "main.jsonl")
    run = json.loads(text)
    run["metadata"] = summary["metadata"]
    written = json.dumps(run, indent=2, ensure_ascii=False) + "\n"
    (folder / "run.json").write_text(written)
    document = summary | {"size": len(written.encode())}
    (folder / "summary.json").write_text(json.dumps(document, ensure_ascii=False))


if __name__ == "__main__":
    main()
