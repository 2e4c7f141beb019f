"""Servers with a known truth."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load.share import Asked


@dataclass
class Truth:
    port: int

    @property
    def arrivals(self) -> list[tuple[str, int]]:
        """The name of each request and when it came."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/log") as answer:
            return [tuple(one) for one in json.load(answer)]

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.arrivals]


@pytest.fixture
def truth() -> Iterator[Callable[..., Truth]]:
    """Starts a server with the options of `truth_server.py`."""
    with ExitStack() as servers:

        def start(**options: Any) -> Truth:
            command = [sys.executable, str(Path(__file__).with_name("truth_server.py"))]
            server = servers.enter_context(
                subprocess.Popen(
                    [*command, json.dumps(options)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            servers.callback(server.kill)
            assert server.stdout is not None
            return Truth(int(server.stdout.readline()))

        yield start


@pytest.fixture
def asked() -> Callable[[Endpoint, int], list[Asked]]:
    """So many samples, named by their numbers, ready for an endpoint."""

    def make(endpoint: Endpoint, count: int) -> list[Asked]:
        samples = [Sample(str(number), "hello") for number in range(count)]
        return [(sample, endpoint.prepare(sample)) for sample in samples]

    return make
