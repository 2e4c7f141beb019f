"""What a large dataset costs: its first rows, and a million rows through an idle runner.

A case of a suite, in a process of its own, as `pytest --suite` runs it, against reading the same
file alone (`json.loads` of every line, in a process of its own). Time is that of the case (what the
run calls `duration_seconds`) and of the loop; memory is the peak above what was there before.
Targets: under 3 times the reading alone; memory that does not grow with the number of rows.

    python benchmarks/rows.py --rows 1000000 --rounds 3
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import common

CONFTEST = """
from pytest_modelbench import Runner, Session

class NullSession(Session):
    def __init__(self, batch_size):
        self.batch_size = batch_size
    def predict(self, batch):
        return batch

class Null(Runner):
    name = "null"
    input_kind = "text"
    def load(self, candidate, device, params):
        return NullSession(params["batch_size"])

def pytest_modelbench_register(modelbench):
    modelbench.runners.add("null", Null)
"""
ALONE = """
import json, sys, time
start = time.perf_counter()
count = 0
with open(sys.argv[1], encoding="utf-8") as file:
    for line in file:
        json.loads(line)
        count += 1
print(json.dumps(time.perf_counter() - start))
"""


def main() -> None:
    parser = common.arguments(__doc__, rounds=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        write(work, options.rows)
        small = options.rows // 10
        sides = {
            "alone": lambda: alone(work),
            "first 24": lambda: case(work, 24, 1),
            "tenth": lambda: case(work, small, 1),
            "all, one by one": lambda: case(work, options.rows, 1),
            "all, batches of 64": lambda: case(work, options.rows, 64),
        }
        seen = common.in_turn(sides, options.rounds, options.seed, warm_up=False)
    report = common.Report(
        f"{options.rows:,} rows of JSON lines through a null runner",
        ["what", "seconds", "against reading alone", "memory above the start, MB"],
    )
    read = [one["seconds"] for one in seen["alone"]]
    for name, values in seen.items():
        seconds = [one["seconds"] for one in values]
        share = common.figure(common.ratios(seconds, read)) if name != "alone" else "1"
        memory = "" if name == "alone" else common.figure(common.estimate(memories(values)))
        report.row(name, common.figure(common.estimate(seconds)), share, memory)
    report.figures = seen
    report.notes.append("targets: under 3 times, and memory that does not grow with the rows")
    report.finish(options.json)


def memories(values: list[dict[str, float]]) -> list[float]:
    return [one["ram_increase_mb"] for one in values]


def write(work: Path, rows: int) -> None:
    (work / "conftest.py").write_text(CONFTEST)
    with (work / "rows.jsonl").open("w", encoding="utf-8") as file:
        for number in range(rows):
            text = f"Row {number} holds a sentence of about as many words as a usual one has."
            file.write(json.dumps({"id": number, "text": text}) + "\n")


def alone(work: Path) -> dict[str, float]:
    said = common.run([sys.executable, "-c", ALONE, str(work / "rows.jsonl")], cwd=work)
    return {"seconds": json.loads(said)}


def case(work: Path, rows: int, batch_size: int) -> dict[str, float]:
    suite = {
        "dataset": {"source": "jsonl", "path": "rows.jsonl", "max_samples": rows},
        "measure": {"warmup": 0, "min_samples": 1, "min_seconds": 0},
        "benchmarks": [
            {"id": "b", "runner": "null", "model": "none", "params": {"batch_size": batch_size}}
        ],
    }
    (work / "suite.json").write_text(json.dumps(suite))
    common.run(
        [sys.executable, "-m", "pytest", "--suite=suite.json", "--suite-output=run.json", "-q"],
        cwd=work,
    )
    (result,) = json.loads((work / "run.json").read_text())["cases"]
    assert result["metrics"]["success_count"]["value"] == rows
    return {
        "seconds": result["duration_seconds"],
        "ram_increase_mb": result["metrics"]["ram_increase_mb"]["value"],
    }


if __name__ == "__main__":
    main()
