"""Our side of `load_client.py`, in a process of its own: a load by `pytest_modelbench`."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

BEGAN_NS = time.perf_counter_ns()

from pytest_modelbench.datasets.samples import Sample  # noqa: E402 - the imports are timed as well
from pytest_modelbench.endpoints.chat_api import ChatEndpoint  # noqa: E402
from pytest_modelbench.endpoints.chat_params import ChatParams  # noqa: E402
from pytest_modelbench.load.driver import drive  # noqa: E402
from pytest_modelbench.load.figures import window_metrics  # noqa: E402
from pytest_modelbench.load.spec import LoadSpec  # noqa: E402
from pytest_modelbench.registry import Candidate  # noqa: E402
from pytest_modelbench.wire.request import Request  # noqa: E402

PROMPT = "Tell me how tall the tower is and who has built it, please. " * 2


class Numbered(ChatEndpoint):
    """The chat API, whose requests say which sample they ask, so that the server's log does."""

    def prepare(self, sample: Sample) -> Any:
        made = super().prepare(sample)
        assert isinstance(made, Request)
        body = made.body.removesuffix(b"}") + f',"user":"{sample.id}"}}'.encode()
        return Request(made.method, made.url, made.headers, body, made.secrets)


def main() -> None:
    given = json.loads(sys.argv[1])
    params = ChatParams(base_url=f"127.0.0.1:{given['port']}", max_tokens=given["tokens"])
    endpoint = Numbered(params, Candidate("true", "true"), None)
    samples = [Sample(str(number), PROMPT) for number in range(given["requests"])]
    asked = [(sample, endpoint.prepare(sample)) for sample in samples]
    spec = LoadSpec(
        rate=given["rate"],
        arrival=given["arrival"],
        requests=given["requests"],
        warmup_requests=given["warmup"],
        workers=given["workers"],
        seed=given["seed"],
    )
    window = drive(endpoint, asked, spec)
    found = {name: metric.value for name, metric in window_metrics(window).items()}
    begun = min(window.spans["begins"])
    said = {
        "ttft_ms": [found["mean_ttft_ms"], found["p99_ttft_ms"]],
        "itl_ms": [found["mean_itl_ms"], found["p99_itl_ms"]],
        "answered": window.answers,
        "is_numbered": True,
        "busy": [loop.busy_share for loop in window.loops],
        "client_limits": window.client_limits,
        "seconds_to_begin": (begun - BEGAN_NS) / 1e9,
    }
    print(json.dumps(said))
