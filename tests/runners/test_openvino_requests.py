"""Infer requests run at the same time, each with its own answer or failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.openvino_requests import InferRequests, requests_wanted

ov = pytest.importorskip("openvino")
from tiny_openvino import save_sum  # noqa: E402


@pytest.fixture
def requests(tmp_path: Path) -> Iterator[InferRequests]:
    """Two requests of a model that adds vectors of any length."""
    file = save_sum(tmp_path / "sum.xml", (-1,))
    made = InferRequests(ov.Core().compile_model(file, "CPU"), 2)
    yield made
    made.close()


def sum_of(first: int, second: int) -> dict[str, Any]:
    """Vectors of these lengths, whose sum works when they are equal."""
    return {"a": np.ones(first, np.float32), "b": np.ones(second, np.float32)}


def read_sum(request: Any) -> list[float]:
    found: list[float] = request.get_tensor("sum").data.tolist()
    return found


class Answers:
    """What `done` is given."""

    def __init__(self) -> None:
        self.found: list[Any] = []
        self.ended: list[int | None] = []

    def __call__(self, answer: Any, ended_ns: int | None = None, /) -> None:
        self.found.append(answer)
        self.ended.append(ended_ns)

    def after(self, requests: InferRequests, wanted: int) -> list[Any]:
        """Its answers, once there are so many."""
        for _ in range(wanted):
            if len(self.found) < wanted:
                assert requests.wait()
        assert len(self.found) == wanted
        return self.found


def test_no_more_are_under_way_than_there_are(requests: InferRequests) -> None:
    answers = Answers()
    for size in (1, 2):
        requests.start(read_sum, answers, sum_of(size, size))
    with pytest.raises(ModelbenchError, match="all 2 infer requests are under way"):
        requests.start(read_sum, answers, sum_of(3, 3))
    assert sorted(answers.after(requests, 2)) == [[2], [2, 2]]
    assert not requests.wait(), "there is none"


def test_done_may_start_the_next_call(requests: InferRequests) -> None:
    answers = Answers()

    def done(answer: Any, ended_ns: int | None = None, /) -> None:
        answers(answer)
        if len(answers.found) < 30:
            requests.start(read_sum, done, sum_of(1, 1))

    requests.start(read_sum, done, sum_of(1, 1))
    assert answers.after(requests, 30) == [[2]] * 30


def test_a_failure_is_that_call_s_alone(requests: InferRequests) -> None:
    """OpenVINO's own queue would never tell whose it was, and raise it at every later start."""
    for _ in range(3):
        failed, beside, worked = Answers(), Answers(), Answers()
        requests.start(read_sum, failed, sum_of(2, 3))
        requests.start(read_sum, beside, sum_of(3, 3))
        [error] = failed.after(requests, 1)
        assert isinstance(error, RuntimeError)
        assert beside.after(requests, 1) == [[2, 2, 2]]
        requests.start(read_sum, worked, sum_of(2, 2))
        assert worked.after(requests, 1) == [[2, 2]]


@pytest.mark.parametrize("times", [1, 5])
def test_a_start_that_fails_is_raised_and_keeps_no_request(
    requests: InferRequests, times: int
) -> None:
    for _ in range(times):
        with pytest.raises(RuntimeError, match="nonsense"):
            requests.start(read_sum, print, {"nonsense": np.ones(1, np.float32)})
    answers = Answers()
    requests.start(read_sum, answers, sum_of(1, 1))
    assert answers.after(requests, 1) == [[2]]


def test_what_cannot_be_read_is_a_failure(requests: InferRequests) -> None:
    answers = Answers()
    requests.start(lambda request: request.get_tensor("none"), answers, sum_of(1, 1))
    assert isinstance(answers.after(requests, 1)[0], RuntimeError)


@pytest.mark.parametrize("is_read_timed", [False, True])
def test_a_call_ends_when_openvino_says_so_however_late_it_is_waited_for(
    requests: InferRequests, is_read_timed: bool
) -> None:
    answers = Answers()
    requests.start(read_sum, answers, sum_of(1, 1), is_read_timed=is_read_timed)
    time.sleep(1)
    before = time.perf_counter_ns()
    answers.after(requests, 1)
    [ended] = answers.ended
    assert (ended is None) is is_read_timed
    assert ended is None or ended < before - 0.1e9


def test_no_thread_of_python_takes_part(requests: InferRequests) -> None:
    before, threads, answers = threading.active_count(), [], Answers()

    def read(request: Any) -> None:
        threads.append(threading.current_thread())

    for _ in range(2):
        requests.start(read, answers, sum_of(1, 1))
    answers.after(requests, 2)
    assert threads == [threading.current_thread()] * 2
    assert threading.active_count() == before


def test_latency_has_one_request_and_throughput_as_many_as_the_device_asks_for() -> None:
    class Compiled:
        def get_property(self, name: str) -> int:
            return {"OPTIMAL_NUMBER_OF_INFER_REQUESTS": 6}[name]

    assert requests_wanted(Compiled(), "latency") == 1
    assert requests_wanted(Compiled(), "throughput") == 6
    assert requests_wanted(Compiled(), "throughput", 4) == 4
