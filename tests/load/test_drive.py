"""Loads on a server whose truth is known: what a busy machine makes longer is bounded below."""

from __future__ import annotations

import asyncio
import itertools
import os
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from truth_endpoint import Blocks, DiesAt, NotPicklable, NotUnderstood, SaysWho, TruthEndpoint

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.load import health
from pytest_modelbench.load.driver import Progress, drive
from pytest_modelbench.load.figures import window_metrics
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.share import Share
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.load.timer import Alarm
from pytest_modelbench.wire.client import Client

MS = 1_000_000
Start = Callable[..., Any]
Asked = Callable[..., Any]


def spec(**fields: Any) -> LoadSpec:
    return LoadSpec.model_validate(fields)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("load", [{"rate": 200.0}, {"concurrency": 4}])
def test_every_sample_is_asked_and_answered_exactly_once(
    truth: Start, asked: Asked, load: dict[str, Any], workers: int
) -> None:
    server = truth(tokens=2)
    endpoint, replies = TruthEndpoint(server.port), []
    values: list[Any] = []

    def take(reply: Reply) -> None:
        assert reply.answer is not None
        values.append(reply.answer.value)
        replies.append(reply)

    window = drive(endpoint, asked(endpoint, 60), spec(**load, workers=workers), on_reply=take)
    names = [str(number) for number in range(60)]
    assert sorted(server.names, key=int) == names
    assert sorted(values, key=int) == names
    assert [reply.answer for reply in replies] == [None] * 60, "answers are let go"
    assert (window.requests, window.failed, window.retries) == (60, 0, 0)
    assert len(window.loops) == workers
    assert not window.broken


def test_latencies_are_never_less_than_the_truth(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.05, gap=0.02, tokens=4, role_only=True).port)
    found = window_metrics(drive(endpoint, asked(endpoint, 40), spec(rate=100.0)))
    values = {name: metric.value or 0.0 for name, metric in found.items()}
    # asyncio's timers, which the server waits with, may ring a little early.
    assert values["p50_ttft_ms"] > 49
    assert values["mean_itl_ms"] > 15  # one that is noticed late is the nearer to the next one
    assert values["mean_tpot_ms"] == pytest.approx(values["mean_itl_ms"])
    assert values["p50_latency_ms"] > 108
    assert values["p50_latency_ms"] >= values["p50_service_latency_ms"] > 108
    assert values["output_tokens_per_second"] == pytest.approx(4 * values["request_throughput"])
    assert found["mean_itl_ms"].metadata["samples"] == 40 * 3


def test_answers_that_come_whole_are_measured_as_well(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.03).port, streams=False)
    found = window_metrics(drive(endpoint, asked(endpoint, 10), spec(rate=100.0)))
    assert (found["p50_latency_ms"].value or 0) > 29
    assert found["p50_ttft_ms"].value is None


def test_an_open_loop_sends_whether_or_not_earlier_ones_are_answered(
    truth: Start, asked: Asked
) -> None:
    server = truth(ttft=2.0, tokens=1)
    endpoint = TruthEndpoint(server.port)
    window = drive(endpoint, asked(endpoint, 40), spec(rate=200.0))
    # All were sent before the first was answered: how late is the machine's business.
    assert window_metrics(window)["peak_concurrency"].value == 40
    gaps = [
        after - before for before, after in itertools.pairwise(sorted(window.answered.intended))
    ]
    assert set(gaps) == {5 * MS}


@pytest.mark.slow
def test_a_server_that_stalls_in_an_open_loop_makes_all_late_that_were_to_be_sent_meanwhile(
    truth: Start, asked: Asked
) -> None:
    """What was to be sent in a stall of 2 s waits 1 s on average, though nothing was slow after."""
    endpoint = TruthEndpoint(truth(stall_at=0.5, stall_for=2.0, tokens=1).port)
    window = drive(endpoint, asked(endpoint, 200), spec(rate=50.0, requests=200))
    found = window_metrics(window)
    late = [took for took in window.answered.latencies if took > 1000 * MS]
    assert window.failed == 0
    assert len(late) >= 48  # those of the stall's first second
    assert (found["max_latency_ms"].value or 0) > 1950
    assert (found["p95_latency_ms"].value or 0) > 1500
    # The same of one place that waits for each answer: one request alone is late.
    closed = TruthEndpoint(truth(stall_at=0.01, stall_for=2.0, tokens=1).port)
    one = drive(closed, asked(closed, 200), spec(concurrency=1))
    assert sum(took > 1900 * MS for took in one.answered.latencies) == 1


def test_a_limit_of_concurrency_holds_in_an_open_loop_and_the_wait_counts(
    truth: Start, asked: Asked
) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.1, tokens=1).port)
    window = drive(endpoint, asked(endpoint, 12), spec(rate=1000.0, concurrency=3))
    found = window_metrics(window)
    assert found["peak_concurrency"].value == 3
    assert (found["max_latency_ms"].value or 0) > 390  # the fourth three
    assert (found["max_send_lag_ms"].value or 0) > 280
    assert (found["p50_service_latency_ms"].value or 0) > 99
    # Waiting for a place is not the client's fault.
    lag = found["mean_send_lag_ms"].value or 0
    assert sum(window.answered.late) / 12 / MS < lag / 2


def test_a_closed_loop_keeps_so_many_under_way_and_no_more(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.05, tokens=1).port)
    window = drive(endpoint, asked(endpoint, 60), spec(concurrency=5))
    found = window_metrics(window)
    assert found["peak_concurrency"].value == 5
    assert (found["mean_concurrency"].value or 0) > 3


@pytest.mark.parametrize("load", [{}, {"rate": 200.0}])
def test_each_worker_sends_as_large_a_part_of_the_requests_as_it_has_places(
    truth: Start, asked: Asked, load: dict[str, Any]
) -> None:
    """Three places on two workers: with half of the requests each, one would be left alone."""
    server = truth(tokens=1, ttft=0.02)
    endpoint, replies = SaysWho(server.port), list[Reply]()
    processes = Counter[Any]()

    def take(reply: Reply) -> None:
        assert reply.answer is not None
        processes[reply.answer.value] += reply.part == "measured"
        replies.append(reply)

    given = spec(**load, concurrency=3, workers=2, warmup_requests=2)
    window = drive(endpoint, asked(endpoint, 60), given, on_reply=take)
    assert sorted(processes.values()) == [20, 40]
    measured = sorted(reply.place for reply in replies if reply.part == "measured")
    assert measured == list(range(60))
    assert len(server.names) == 62
    assert len(window.loops) == 2
    assert (window_metrics(window)["peak_concurrency"].value or 0) <= 3


@pytest.mark.parametrize("load", [{"concurrency": 3}, {"rate": 200.0, "concurrency": 3}])
def test_a_lost_worker_loses_the_requests_of_its_places(
    truth: Start, asked: Asked, load: dict[str, Any]
) -> None:
    endpoint = DiesAt(truth(tokens=1, ttft=0.01).port, fatal="10", not_in=os.getpid())
    replies = list[Reply]()
    window = drive(endpoint, asked(endpoint, 30), spec(**load, workers=2), on_reply=replies.append)
    assert sorted(reply.place for reply in replies) == list(range(30))
    assert "worker process 2 of 2 is lost" in window.broken[0]
    failed = {reply.place for reply in replies if reply.error}
    assert 10 in failed
    assert all(place % 3 == 1 for place in failed), "every third is the second worker's"


@pytest.mark.parametrize(("workers", "places"), [(1, 0), (2, 0), (2, 3), (3, 7), (4, 4), (5, 13)])
def test_shares_are_disjoint_complete_and_as_large_as_their_places(
    workers: int, places: int
) -> None:
    shares = [Share(worker, workers, places) for worker in range(workers)]
    for count in (0, 1, places, 100):
        own = [[share.number(at) for at in range(share.of(count))] for share in shares]
        assert sorted(itertools.chain(*own)) == list(range(count))
        for share, numbers in zip(shares, own, strict=True):
            assert numbers == [number for number in range(count) if share.owns(number)]
    if places:
        parts = [share.of(100 * places) / share.of(places) for share in shares]
        assert parts == [100] * workers
    before = [share.number(-at) for share in shares for at in range(1, 10)]
    assert len(set(before)) == len(before)
    assert max(before) == -1


def test_gaps_that_the_client_spoils_are_flagged_and_nothing_else(
    truth: Start, asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """80 ms are little beside a second, and all there is to gaps of 5 ms."""
    # What else this machine does must not spoil the time to the first token as well.
    monkeypatch.setattr(health, "_late", lambda *_: "")
    monkeypatch.setattr(health, "_slow", lambda *_: "")
    monkeypatch.setattr(health, "_busy", lambda *_: "")
    endpoint = Blocks(truth(ttft=1.0, gap=0.005, tokens=8).port, every=2, seconds=0.08)
    window = drive(endpoint, asked(endpoint, 30), spec(rate=15.0))
    found = window_metrics(window)
    flagged = {name for name, one in found.items() if one.metadata.get("flag") == "client_limited"}
    names = ("mean", "p50", "p90", "p95", "p99", "max")
    assert flagged == {f"{one}_{kind}_ms" for one in names for kind in ("itl", "tpot")}
    assert window.gap_limits[0].startswith("the gaps between tokens (itl): the client noticed 99 %")


def test_requests_go_round_the_samples_and_begin_with_those_that_are_to_come_first(
    truth: Start, asked: Asked
) -> None:
    server = truth(tokens=1)
    endpoint = TruthEndpoint(server.port)
    drive(endpoint, asked(endpoint, 4), spec(concurrency=1, requests=8), order=[2, 3])
    assert server.names == ["2", "3", "0", "1", "2", "3", "0", "1"]


def test_without_bounds_the_order_is_gone_through_once(truth: Start, asked: Asked) -> None:
    server = truth(tokens=1)
    endpoint = TruthEndpoint(server.port)
    assert drive(endpoint, asked(endpoint, 4), spec(concurrency=1), order=[3, 1]).requests == 2
    assert server.names == ["3", "1"]
    assert drive(endpoint, [], spec(concurrency=1)).requests == 0
    assert drive(endpoint, asked(endpoint, 4), spec(rate=10.0), order=[]).requests == 0


@pytest.mark.parametrize("load", [{"rate": 100.0}, {"concurrency": 2}])
def test_warm_up_and_ramp_are_sent_before_what_is_measured(
    truth: Start, asked: Asked, load: dict[str, Any]
) -> None:
    server = truth(tokens=1, ttft=0.005)
    endpoint, replies = TruthEndpoint(server.port), list[Reply]()
    given = spec(**load, ramp_seconds=0.3, warmup_requests=7)
    window = drive(endpoint, asked(endpoint, 20), given, on_reply=replies.append)
    parts = Counter(reply.part for reply in replies)
    assert parts["measured"] == window.requests == 20
    assert parts["warmup"] == 7
    assert parts["ramp"] > 0
    assert len(server.names) == len(replies) == window.parts.total()
    by_time = sorted(replies, key=lambda reply: reply.intended_ns)
    order = {"ramp": 0, "warmup": 1, "measured": 2}
    assert [order[one.part] for one in by_time] == sorted(order[one.part] for one in by_time)
    assert sorted(one.place for one in replies if one.part == "measured") == list(range(20))


@pytest.mark.parametrize(
    "load", [{"rate": 50.0, "seconds": 0.6}, {"concurrency": 3, "seconds": 2.0}]
)
def test_nothing_is_sent_after_the_time_is_over(
    truth: Start, asked: Asked, load: dict[str, Any]
) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.02, tokens=1).port)
    replies = list[Reply]()
    drive(endpoint, asked(endpoint, 5), spec(**load), on_reply=replies.append)
    intended = [reply.intended_ns for reply in replies]
    assert max(intended) - min(intended) < load["seconds"] * 1000 * MS
    if "rate" in load:
        assert len(replies) == 30
    else:
        assert len(replies) > 5, "samples are gone round"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_has_no_place_long_after_the_time_is_over_is_not_sent_and_fails(
    truth: Start, asked: Asked, workers: int
) -> None:
    server = truth(ttft=600.0, tokens=1)
    endpoint, replies = TruthEndpoint(server.port), list[Reply]()
    given = spec(rate=20.0, concurrency=2, seconds=0.5, workers=workers)
    samples = asked(endpoint, 4)
    window = drive(endpoint, samples, given, on_reply=replies.append, drain_seconds=0.1)
    assert window.errors == {
        "was not sent: no place of 'concurrency' (2) was free for it within twice 'seconds' (0.5): "
        "give more 'concurrency' or a lower 'rate'": 8,
        "given up 0.1 s after the last request was sent: there was no answer": 2,
    }
    assert len(server.names) == len(window.sent_ns) == 2
    assert sorted(reply.attempts for reply in replies) == [0] * 8 + [1] * 2


@pytest.mark.parametrize("workers", [1, 2])
def test_requests_that_fail_have_a_reason_and_the_others_are_measured(
    truth: Start, asked: Asked, workers: int
) -> None:
    endpoint = TruthEndpoint(truth(tokens=1, fail_every=5).port)
    replies = list[Reply]()
    given = spec(rate=200.0, workers=workers, retries=0)
    window = drive(endpoint, asked(endpoint, 50), given, on_reply=replies.append)
    assert (window.requests, window.failed) == (50, 10)
    failed = [reply for reply in replies if reply.error]
    assert len(failed) == 10
    assert all("400" in reply.error and reply.ended_ns > reply.first_sent_ns for reply in failed)


def test_retries_are_counted_and_kept_out_of_service_time(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth(tokens=1, fail_first=2).port)
    replies, given = list[Reply](), spec(concurrency=1, retries=5)
    window = drive(endpoint, asked(endpoint, 1), given, on_reply=replies.append)
    assert (window.requests, window.failed, window.retries) == (1, 0, 2)
    [reply] = replies
    assert reply.attempts == 3
    assert reply.first_sent_ns + reply.retry_ns == reply.sent_ns > reply.first_sent_ns
    found = {name: metric.value or 0 for name, metric in window_metrics(window).items()}
    service_ms = (reply.ended_ns - reply.sent_ns) / MS
    assert found["p50_service_latency_ms"] == pytest.approx(service_ms)
    assert found["p50_latency_ms"] > service_ms
    assert found["retry_wait_seconds"] == reply.retry_ns / 1e9


def test_a_server_that_is_not_there_fails_every_request_and_is_not_asked_without_end(
    asked: Asked,
) -> None:
    endpoint = TruthEndpoint(1)
    window = drive(endpoint, asked(endpoint, 3), spec(concurrency=2, seconds=0.4, retries=0))
    assert 0 < window.failed == window.requests < 40
    assert any("127.0.0.1:1" in text for text in window.errors)


def test_an_answer_without_sense_is_a_failed_request(truth: Start, asked: Asked) -> None:
    endpoint = NotUnderstood(truth(tokens=1).port)
    window = drive(endpoint, asked(endpoint, 4), spec(concurrency=1))
    assert window.answers == 2
    assert set(window.errors) == {
        "the answer makes no sense",
        "KeyError: 'a fault of this code'",
    }


def test_what_is_not_answered_long_after_the_last_was_sent_is_given_up(
    truth: Start, asked: Asked
) -> None:
    endpoint = TruthEndpoint(truth(ttft=30.0, tokens=1).port)
    begun = time.monotonic()
    window = drive(endpoint, asked(endpoint, 5), spec(rate=100.0), drain_seconds=0.2)
    assert time.monotonic() - begun < 25
    assert window.failed == 5
    [text] = window.errors
    assert text == "given up 0.2 s after the last request was sent: there was no answer"


@pytest.mark.parametrize("workers", [1, 2])
def test_what_on_reply_raises_ends_the_load(truth: Start, asked: Asked, workers: int) -> None:
    endpoint = TruthEndpoint(truth(ttft=0.01, tokens=1).port)

    def full(reply: Reply) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        drive(
            endpoint,
            asked(endpoint, 5),
            spec(rate=20.0, seconds=600.0, workers=workers),
            on_reply=full,
        )


def test_progress_is_told_while_it_goes_on_and_at_its_end(truth: Start, asked: Asked) -> None:
    endpoint, told = TruthEndpoint(truth(tokens=1).port), list[Progress]()
    for workers in (1, 2):
        told.clear()
        requests = 40 * workers
        given = spec(rate=50.0, requests=requests, workers=workers)
        drive(endpoint, asked(endpoint, 40), given, on_progress=told.append)
        assert len(told) >= 2
        last = told[-1]
        assert (last.sent, last.done, last.failed) == (requests, requests, 0)
        assert last.planned == requests
        assert last.in_flight == 0
        assert last.seconds_left == 0
        assert told[0].done < requests


def test_inside_a_running_event_loop_another_process_sends(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth(tokens=1).port)
    samples = asked(endpoint, 5)

    async def inside() -> Any:
        return drive(endpoint, samples, spec(concurrency=1))

    assert asyncio.run(inside()).answers == 5


def test_a_loop_that_is_kept_is_the_clients_fault(truth: Start, asked: Asked) -> None:
    endpoint = Blocks(truth(ttft=0.02, tokens=2).port, every=10, seconds=0.1)
    window = drive(endpoint, asked(endpoint, 40), spec(rate=50.0))
    assert any("the client was late" in text for text in window.client_limits)
    assert any("the client was slow" in text for text in window.client_limits)
    assert window_metrics(window)["p50_ttft_ms"].metadata["flag"] == "client_limited"


@pytest.mark.parametrize(
    "load", [{"rate": 100.0}, {"concurrency": 4}, {"concurrency": 2, "seconds": 2.5}]
)
def test_a_worker_process_that_dies_costs_its_requests_and_nothing_hangs(
    truth: Start, asked: Asked, load: dict[str, Any]
) -> None:
    endpoint = DiesAt(truth(tokens=1, ttft=0.01).port, fatal="11", not_in=os.getpid())
    replies = list[Reply]()
    given = spec(**load, workers=2)
    window = drive(endpoint, asked(endpoint, 40), given, on_reply=replies.append)
    [text] = window.broken
    assert text.startswith("worker process 2 of 2 is lost: it ended by SIGKILL before it was done")
    assert window.client_limits[0] == text
    assert window.failed > 0
    places = [reply.place for reply in replies]
    if "seconds" not in load:
        assert sorted(places) == list(range(40))
        assert all(places[at] % 2 for at, reply in enumerate(replies) if reply.error)
    lost = "the worker process that had to send it is lost: it ended by SIGKILL before it was done"
    assert set(window.errors) == {lost}
    if "seconds" not in load:  # else nobody knows which were under way
        assert 11 in {reply.place for reply in replies if reply.error}


def test_an_endpoint_that_cannot_be_sent_to_other_processes_is_refused_in_a_sentence(
    truth: Start, asked: Asked
) -> None:
    endpoint = NotPicklable(truth().port)
    with pytest.raises(
        ModelbenchError, match=r"truth_endpoint\.NotPicklable cannot be sent to"
    ) as e:
        drive(endpoint, asked(endpoint, 5), spec(concurrency=2, workers=2))
    assert "'workers' of 'load' to 1" in str(e.value)
    assert drive(endpoint, asked(endpoint, 5), spec(concurrency=2)).answers == 5


def broken_client(given: LoadSpec) -> Client:
    raise ModelbenchError("there is no client")


def test_a_worker_that_cannot_begin_says_why(truth: Start, asked: Asked) -> None:
    endpoint = TruthEndpoint(truth().port)
    given = spec(rate=50.0, workers=2)
    said = r"^worker process \d of 2 cannot send: there is no client$"
    with pytest.raises(ModelbenchError, match=said):
        drive(endpoint, asked(endpoint, 6), given, client_factory=broken_client)


@pytest.mark.parametrize("factory", ["asyncio", "uvloop"])
def test_an_alarm_rings_after_its_time_and_only_for_the_last_setting(factory: str) -> None:
    new_loop = asyncio.new_event_loop
    if factory == "uvloop":
        new_loop = pytest.importorskip("uvloop").new_event_loop
    rang: list[int] = []

    async def wait() -> None:
        over = asyncio.get_running_loop().create_future()

        def ring() -> None:
            rang.append(time.perf_counter_ns())
            if len(rang) == 1:
                alarm.set(rang[0] + 3 * MS)
            else:
                over.set_result(None)

        alarm = Alarm(asyncio.get_running_loop(), ring)
        begun = time.perf_counter_ns()
        alarm.set(begun + 3600 * 1000 * MS)
        alarm.set(begun + 5 * MS)
        await over
        alarm.close()
        assert rang[0] - begun >= 5 * MS
        assert rang[1] - rang[0] >= 3 * MS

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(wait())
    assert len(rang) == 2
