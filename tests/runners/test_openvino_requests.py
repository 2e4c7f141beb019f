"""Infer requests run at the same time, each with its own answer or failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.openvino_requests import InferRequests, requests_wanted

ov = pytest.importorskip("openvino")
from tiny_openvino import save_sum  # noqa: E402

PATIENCE_SECONDS = 20


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[InferRequests]:
    """Two requests of a model that adds vectors of any length."""
    file = save_sum(tmp_path / "sum.xml", (-1,))
    made = InferRequests(ov.Core().compile_model(file, "CPU"), 2)
    yield made
    made.close()


def adding(first: int, second: int) -> Callable[[Any], None]:
    """Starts the sum of two vectors of these lengths, which works when they are equal."""
    inputs = {"a": np.ones(first, np.float32), "b": np.ones(second, np.float32)}
    return lambda request: request.start_async(inputs)


def read_sum(request: Any) -> list[float]:
    found: list[float] = request.get_tensor("sum").data.tolist()
    return found


class Answers:
    """Waits for what `done` is given."""

    def __init__(self, wanted: int) -> None:
        self.found: list[Any] = []
        self._wanted = wanted
        self._all = threading.Event()

    def __call__(self, answer: Any) -> None:
        self.found.append(answer)
        if len(self.found) == self._wanted:
            self._all.set()

    def wait(self) -> list[Any]:
        assert self._all.wait(PATIENCE_SECONDS)
        return self.found


def test_a_request_whose_answer_is_being_read_is_not_free(requests: InferRequests) -> None:
    go_on, answers = threading.Event(), Answers(2)

    def read(request: Any) -> list[float]:
        go_on.wait(PATIENCE_SECONDS)
        return read_sum(request)

    requests.start(adding(1, 1), read, answers)
    requests.start(adding(2, 2), read, answers)
    with pytest.raises(ModelbenchError, match="all 2 infer requests are under way"):
        requests.start(adding(3, 3), read, answers)
    go_on.set()
    assert sorted(answers.wait()) == [[2], [2, 2]]


def test_done_may_start_the_next_call(requests: InferRequests) -> None:
    answers = Answers(30)

    def done(answer: Any) -> None:
        answers(answer)
        if len(answers.found) < 30:
            requests.start(adding(1, 1), read_sum, done)

    requests.start(adding(1, 1), read_sum, done)
    assert answers.wait() == [[2]] * 30


def test_a_failure_is_that_call_s_alone(requests: InferRequests) -> None:
    """OpenVINO's own queue would never tell of it, and raise it at every later start."""
    for _ in range(3):
        failed, worked = Answers(1), Answers(1)
        requests.start(adding(2, 3), read_sum, failed)
        [error] = failed.wait()
        assert isinstance(error, RuntimeError)
        requests.start(adding(2, 2), read_sum, worked)
        assert worked.wait() == [[2, 2]]


@pytest.mark.parametrize("times", [1, 5])
def test_a_start_that_fails_is_raised_and_keeps_no_request(
    requests: InferRequests, times: int
) -> None:
    for _ in range(times):
        with pytest.raises(RuntimeError, match="nonsense"):
            requests.start(lambda request: request.start_async({"nonsense": 1}), read_sum, print)
    answers = Answers(1)
    requests.start(adding(1, 1), read_sum, answers)
    assert answers.wait() == [[2]]


def test_what_cannot_be_read_is_a_failure(requests: InferRequests) -> None:
    answers = Answers(1)
    requests.start(adding(1, 1), lambda request: request.get_tensor("none"), answers)
    assert isinstance(answers.wait()[0], RuntimeError)


def test_threads_are_begun_when_needed_and_ended_in_the_end(requests: InferRequests) -> None:
    before = threading.active_count()
    requests.first.infer({"a": np.ones(1, np.float32), "b": np.ones(1, np.float32)})
    assert threading.active_count() == before
    answers = Answers(1)
    requests.start(adding(1, 1), read_sum, answers)
    answers.wait()
    assert threading.active_count() == before + 2
    requests.close()
    assert threading.active_count() == before


def test_latency_has_one_request_and_throughput_as_many_as_the_device_asks_for() -> None:
    class Compiled:
        def get_property(self, name: str) -> int:
            return {"OPTIMAL_NUMBER_OF_INFER_REQUESTS": 6}[name]

    assert requests_wanted(Compiled(), "latency") == 1
    assert requests_wanted(Compiled(), "throughput") == 6
    assert requests_wanted(Compiled(), "throughput", 4) == 4
