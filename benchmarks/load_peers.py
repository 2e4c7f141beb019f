"""Other load clients, run from environments of their own, as their documentation says.

Each is told the same: constant gaps, the same rate and count, streamed answers of so many tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common import run

Figures = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    url: str
    rate: float
    requests: int
    warmup: int
    tokens: int
    tokenizer: str
    """A directory, or a name that the peer knows."""
    folder: Path
    """Empty, for what it writes."""
    pinned: tuple[str, ...]
    """What keeps it on its core, before its command."""


def aiperf(program: Path, asked: Asked) -> Figures:
    command = [*asked.pinned, str(program), "profile", "--model", "true", "--url", asked.url]
    command += ["--endpoint-type", "chat", "--streaming", "--tokenizer", asked.tokenizer]
    command += ["--request-rate", f"{asked.rate:g}", "--request-rate-mode", "constant"]
    command += ["--request-count", str(asked.requests), "--isl", "8", "--isl-stddev", "0"]
    command += ["--warmup-request-count", str(asked.warmup), "--use-server-token-count"]
    command += ["--extra-inputs", f"max_tokens:{asked.tokens}", "--ui", "none"]
    command += ["--no-gpu-telemetry", "--no-server-metrics"]
    run([*command, "--output-artifact-dir", str(asked.folder)], cwd=asked.folder, seconds=300)
    said = json.loads((asked.folder / "profile_export_aiperf.json").read_text())
    return {
        "ttft_ms": [said["time_to_first_token"][name] for name in ("avg", "p99")],
        # Of each request its mean gap, not all gaps together.
        "itl_ms": [said["inter_token_latency"][name] for name in ("avg", "p99")],
        "answered": int(said["request_count"]["avg"]),
    }


def guidellm(program: Path, asked: Asked) -> Figures:
    output = asked.folder / "benchmarks.json"
    options = {
        "--backend": f"kind=openai_http,target={asked.url},model=truth",
        "--profile": f"kind=constant,rate={asked.rate:g},warmup={asked.warmup}",
        "--constraint": f"kind=max_requests,count={asked.requests + asked.warmup}",
        "--tokenizer": f"kind=hf_auto,model={asked.tokenizer}",
        "--data": f"kind=synthetic_text,prompt_tokens=8,output_tokens={asked.tokens}",
        "--output": f"kind=json,path={output}",
    }
    words = [word for option in options.items() for word in option]
    command = [*asked.pinned, str(program), "run", *words, "--disable-console"]
    run(command, cwd=asked.folder, seconds=300)
    [said] = json.loads(output.read_text())["benchmarks"]
    metrics = said["metrics"]
    names = {"ttft_ms": "time_to_first_token_ms", "itl_ms": "inter_token_latency_ms"}
    found: Figures = {}
    for ours, theirs in names.items():
        summary = metrics[theirs]["successful"]
        found[ours] = [summary["mean"], summary["percentiles"]["p99"]]
    return found  # how many its window has depends on when the warm-up's answers ended


def vllm(program: Path, asked: Asked) -> Figures:
    command = [*asked.pinned, str(program), "bench", "serve", "--backend", "openai-chat"]
    command += ["--base-url", asked.url, "--endpoint", "/v1/chat/completions", "--model", "true"]
    command += ["--tokenizer", asked.tokenizer, "--dataset-name", "random"]
    command += ["--random-input-len", "8", "--random-output-len", str(asked.tokens)]
    # A gamma process of a large shape is as good as constant.
    command += ["--request-rate", f"{asked.rate:g}", "--burstiness", "1e9"]
    command += ["--num-warmups", str(asked.warmup), "--num-prompts", str(asked.requests)]
    command += ["--percentile-metrics", "ttft,itl", "--metric-percentiles", "99"]
    command += ["--save-result", "--result-filename", "result.json"]
    run([*command, "--result-dir", str(asked.folder)], cwd=asked.folder, seconds=300)
    said = json.loads((asked.folder / "result.json").read_text())
    return {
        "ttft_ms": [said["mean_ttft_ms"], said["p99_ttft_ms"]],
        "itl_ms": [said["mean_itl_ms"], said["p99_itl_ms"]],
        "answered": said["completed"],
        "before": 1,  # it tries first whether the server answers
    }


PEERS: dict[str, Callable[[Path, Asked], Figures]] = {
    "aiperf": aiperf,
    "guidellm": guidellm,
    "vllm": vllm,
}


def installed(environments: list[Path]) -> dict[str, Path]:
    """The programs of peers that these environments have."""
    found = {}
    for folder in environments:
        programs = folder.absolute() / "bin"
        found |= {name: programs / name for name in PEERS if (programs / name).is_file()}
    return found
