"""The whole command, from the shell's prompt to the written result, against optimum-benchmark.

all-MiniLM-L6-v2 on OpenVINO's CPU device, 10 warm-up and 50 timed calls of batch size 1 and 16
tokens. Both commands are given the same directory with the IR in it, exported once beforehand by
us, from a disk cache that is warm; each has a process of its own for the model, as is its default.
optimum-benchmark runs in an environment of its own, on the same OpenVINO and torch, with the older
Transformers it needs (`OPTIMUM_BENCHMARK_PINS` in common.py), without NNCF, which would only slow
its imports down. Only its forward pass is timed; our calls tokenise and pool as well.

    python benchmarks/whole_command.py

Target: ours is 5 times faster. `--environment DIR` keeps its environment for the next time;
`--as-downloaded` adds the same commands on the directory without an IR, which optimum-benchmark
exports at every run and we once.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import (
    OPTIMUM_BENCHMARK_PINS,
    Report,
    arguments,
    environment,
    estimate,
    figure,
    how_often,
    in_turn,
    minilm_directory,
    need,
    ratios,
    run,
    stop,
    verdict,
)

TARGET = 5.0
CALLS, WARM_UP_CALLS = 50, 10
# 16 tokens with the two that mark beginning and end.
TEXT = "The quick brown fox jumps over the lazy dog and then runs home."
TOKENS = 16
OFFLINE = {"HF_HUB_OFFLINE": "1"}

THEIR_CONFIG = f"""
defaults: [benchmark, {{backend: openvino}}, {{scenario: inference}}, {{launcher: process}}, _self_]
name: minilm
backend: {{model: MODEL, library: transformers, task: feature-extraction, model_type: bert,
  device: cpu, export: EXPORT}}
scenario: {{iterations: {CALLS}, duration: 0, warmup_runs: {WARM_UP_CALLS},
  input_shapes: {{batch_size: 1, sequence_length: {TOKENS}}}}}
hydra: {{run: {{dir: .}}}}
"""


class Ours:
    """`pytest --suite=...`"""

    def __init__(self, work: Path, model: Path) -> None:
        self._work = work
        work.mkdir()
        (work / "texts.jsonl").write_text(json.dumps({"text": TEXT}) + "\n")
        benchmark = {"id": "minilm", "runner": "embedding_text", "model": str(model), "quality": []}
        measure = {
            "warmup": WARM_UP_CALLS,
            "min_samples": CALLS,
            "max_samples": CALLS,
            "min_seconds": 0,
        }
        dataset = {"source": "jsonl", "path": "texts.jsonl"}
        suite = {"dataset": dataset, "measure": measure, "benchmarks": [benchmark]}
        (work / "suite.json").write_text(json.dumps(suite))

    def seconds(self) -> float:
        output = self._work / "run.json"
        output.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--suite=suite.json"]
        start = time.perf_counter()
        run([*command, f"--suite-output={output}"], cwd=self._work, more=OFFLINE)
        taken = time.perf_counter() - start
        metric = json.loads(output.read_text())["cases"][0]["metrics"]["p50_latency_ms"]
        self.p50_ms = metric["value"]
        calls = metric["metadata"]["samples"]
        if calls != CALLS:
            stop(f"ours timed {calls} calls, not {CALLS}")
        return taken


class Theirs:
    """`optimum-benchmark --config-name ...`"""

    def __init__(self, work: Path, model: Path, python: str, *, export: bool) -> None:
        self._work = work
        work.mkdir()
        text = THEIR_CONFIG.replace("MODEL", json.dumps(str(model)))
        (work / "config.yaml").write_text(text.replace("EXPORT", str(export).lower()))
        program = str(Path(python).with_name("optimum-benchmark"))
        self._command = [program, "--config-dir", str(work), "--config-name", "config"]

    def seconds(self) -> float:
        report = self._work / "benchmark_report.json"
        report.unlink(missing_ok=True)  # otherwise it does nothing
        start = time.perf_counter()
        run(self._command, cwd=self._work, more=OFFLINE)
        taken = time.perf_counter() - start
        latency: dict[str, Any] = json.loads(report.read_text())["forward"]["latency"]
        self.p50_ms = latency["p50"] * 1e3
        if latency["count"] != CALLS:
            stop(f"optimum-benchmark timed {latency['count']} calls, not {CALLS}")
        return taken


def with_ir(source: Path, target: Path) -> Path:
    """A copy of `source` with the IR instead of the weights."""
    from pytest_modelbench.registry import Candidate
    from pytest_modelbench.runners.openvino_export import ensure_ir

    files = ensure_ir(Candidate("minilm", str(source)), "feature-extraction")
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("*.safetensors", "*.bin"))
    for name in ("openvino_model.xml", "openvino_model.bin"):
        shutil.copy(files.ir / name, target)
    return target


def main() -> None:
    parser = arguments(__doc__, rounds=6)
    parser.add_argument("--model", type=Path, metavar="DIR", help="of all-MiniLM-L6-v2")
    parser.add_argument("--environment", type=Path, metavar="DIR", help="optimum-benchmark's")
    parser.add_argument("--as-downloaded", action="store_true", help="also without an IR")
    options = parser.parse_args()
    need("pytest_modelbench", "optimum.intel", "openvino")
    source = minilm_directory(options.model)
    columns = ("MiniLM, 50 calls", "ours", "optimum-benchmark 0.6", "times faster", "target", "met")
    report = Report("Whole command", columns)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        python = environment(options.environment or work / "optimum", *OPTIMUM_BENCHMARK_PINS)
        ready = with_ir(source, work / "model")
        compared = [("IR beside the model", ready, False)]
        if options.as_downloaded:
            compared.append(("as downloaded", source, True))
        for number, (title, model, export) in enumerate(compared):
            ours = Ours(work / f"ours{number}", model)
            theirs = Theirs(work / f"theirs{number}", model, python, export=export)
            sides = {"ours": ours.seconds, "theirs": theirs.seconds}
            taken = in_turn(sides, options.rounds, options.seed)
            faster = ratios(taken["theirs"], taken["ours"])
            report.row(
                title,
                figure(estimate(taken["ours"]), "s"),
                figure(estimate(taken["theirs"]), "s"),
                figure(faster),
                f"at least {TARGET:g}" if not export else "-",
                verdict(faster, at_least=TARGET) if not export else "-",
            )
            report.figures[title] = {
                "seconds": taken,
                "times_faster": faster,
                "p50_ms": {"ours": ours.p50_ms, "theirs": theirs.p50_ms},
            }
            report.notes.append(
                f"{title}: p50 {ours.p50_ms:.2f} ms reported by us (tokenising and pooling "
                f"included), {theirs.p50_ms:.2f} ms by optimum-benchmark (forward pass)"
            )
    report.notes.append(how_often(options.rounds))
    report.notes.append(f"optimum-benchmark's environment: {', '.join(OPTIMUM_BENCHMARK_PINS)}")
    report.finish(options.json)


if __name__ == "__main__":
    main()
