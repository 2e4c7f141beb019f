"""The metrics of a window, held against examples computed by hand."""

from __future__ import annotations

from array import array
from typing import Any

import pytest

from pytest_modelbench.load.concurrency import concurrency
from pytest_modelbench.load.definitions import DEFINITIONS
from pytest_modelbench.load.figures import window_metrics
from pytest_modelbench.load.following import answered_share
from pytest_modelbench.load.health import LoopHealth
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.slo import broken, meets
from pytest_modelbench.load.spec import Slo
from pytest_modelbench.load.window import Window
from pytest_modelbench.results.metric import Metric

MS = 1_000_000


def reply(
    intended: float, sent: float, ended: float, tokens: tuple[float, ...] = (), **more: Any
) -> Reply:
    """Times in ms."""
    token_ns = array("q", [int(at * MS) for at in tokens])
    fields = {"part": "measured", "attempts": 1, "input_tokens": 10, "counted_by": "usage"} | more
    fields.setdefault("output_tokens", len(tokens))
    times = {"intended_ns": intended, "first_sent_ns": sent, "sent_ns": sent, "ended_ns": ended}
    whole = {name: int(at * MS) for name, at in times.items()}
    return Reply(place=0, token_ns=token_ns, **whole, **fields)


def window(*replies: Reply) -> Window:
    made = Window()
    for one in replies:
        made.add(one)
    return made


def metrics(*replies: Reply, slo: Slo | None = None) -> dict[str, Metric]:
    return window_metrics(window(*replies), slo)


def value(found: dict[str, Metric], name: str) -> float | None:
    return found[name].value


# Two streamed answers. The first was sent 5 ms late; its tokens came at 60, 70 and 100.
FIRST = reply(10, 15, 110, (60, 70, 100))
SECOND = reply(20, 20, 150, (40, 140))


def test_latencies_count_from_the_intended_time() -> None:
    found = metrics(FIRST, SECOND)
    assert value(found, "mean_latency_ms") == (100 + 130) / 2
    assert value(found, "max_latency_ms") == 130
    assert value(found, "mean_ttft_ms") == (50 + 20) / 2
    assert value(found, "mean_service_latency_ms") == (95 + 130) / 2
    assert value(found, "mean_send_lag_ms") == 2.5
    assert found["latency_ms"] == found["p50_latency_ms"]


def test_gaps_are_pooled_over_requests_and_not_averaged_for_each() -> None:
    found = metrics(FIRST, SECOND)
    assert value(found, "mean_itl_ms") == pytest.approx((10 + 30 + 100) / 3)
    assert value(found, "p50_itl_ms") == 30
    assert found["mean_itl_ms"].metadata["samples"] == 3


def test_time_per_token_is_by_the_tokens_that_the_server_counts() -> None:
    assert value(metrics(FIRST, SECOND), "mean_tpot_ms") == (20 + 100) / 2
    # Five tokens in three chunks.
    several = reply(10, 15, 110, (60, 70, 100), output_tokens=5)
    assert value(metrics(several), "mean_tpot_ms") == 10
    unknown = reply(10, 15, 110, (60, 70, 100), output_tokens=None)
    assert value(metrics(unknown), "mean_tpot_ms") == 20


@pytest.mark.parametrize("tokens", [1, 7])
def test_an_answer_in_one_chunk_has_no_time_per_token(tokens: int) -> None:
    one = reply(0, 0, 90, (80,), output_tokens=tokens)
    found = metrics(one)
    assert value(found, "mean_ttft_ms") == 80
    assert found["mean_tpot_ms"].error_message == "no answer came in two chunks or more"
    assert metrics(one, FIRST)["mean_tpot_ms"].metadata["samples"] == 1
    assert value(metrics(one, FIRST, one), "mean_itl_ms") == 20


def test_answers_that_came_whole_have_no_token_times_and_the_reason_is_said() -> None:
    found = metrics(reply(0, 0, 100, output_tokens=7))
    for name in ("ttft", "tpot", "itl"):
        assert found[f"p99_{name}_ms"].value is None
        assert "came whole" in str(found[f"p99_{name}_ms"].error_message)
    assert value(found, "mean_latency_ms") == 100
    assert value(found, "output_tokens_per_second") == 70


def test_rates_are_over_the_window_from_the_first_intended_time_to_the_last_end() -> None:
    found = metrics(FIRST, SECOND)  # from 10 to 150
    assert value(found, "request_throughput") == pytest.approx(2 / 0.140)
    assert value(found, "output_tokens_per_second") == pytest.approx(5 / 0.140)
    assert value(found, "input_tokens_per_second") == pytest.approx(20 / 0.140)
    assert value(found, "total_tokens_per_second") == pytest.approx(25 / 0.140)
    assert found["output_tokens_per_second"].metadata["counted_by"] == "usage"


def test_tokens_that_nobody_counts_give_no_rate() -> None:
    found = metrics(FIRST, reply(0, 0, 9, input_tokens=None, output_tokens=None, counted_by=None))
    for name in ("input", "output", "total"):
        metric = found[f"{name}_tokens_per_second"]
        assert metric.value is None
        assert "nor can they be counted" in str(metric.error_message)


def test_failed_requests_are_counted_and_are_in_no_latency() -> None:
    failed = reply(30, 30, 30_030, (50, 60), error="no answer", attempts=4, retry_ns=2 * 10**9)
    found = metrics(FIRST, failed)
    assert value(found, "request_count") == 2
    assert value(found, "failed_request_count") == 1
    assert value(found, "error_share") == 0.5
    assert value(found, "max_latency_ms") == 100
    assert value(found, "mean_itl_ms") == 20
    assert value(found, "retry_count") == 3
    assert value(found, "retry_wait_seconds") == 2
    assert value(found, "request_throughput") == pytest.approx(1 / 30.020)
    assert window(failed, failed).errors == {"no answer": 2}


def test_attempts_that_were_not_answered_are_not_service_time() -> None:
    found = metrics(reply(10, 15, 1000, attempts=2, retry_ns=900 * MS))
    assert value(found, "mean_service_latency_ms") == 85
    assert value(found, "mean_latency_ms") == 990


def test_of_several_exchanges_the_last_one_is_measured() -> None:
    """It could be sent at 200 and was answered at the second attempt, sent at 230."""
    last = reply(0, 5, 300, (240, 250), asked_ns=200 * MS, retry_ns=40 * MS)
    last.sent_ns = 230 * MS
    found = metrics(last)
    assert value(found, "mean_latency_ms") == 100
    assert value(found, "mean_ttft_ms") == 40
    assert value(found, "mean_service_latency_ms") == 70
    assert value(found, "request_throughput") == pytest.approx(1 / 0.3)
    assert value(found, "mean_concurrency") == pytest.approx(295 / 300)


def test_the_warm_up_is_in_no_figure_but_in_concurrency() -> None:
    warmup = reply(1, 1, 60, part="warmup")
    found = metrics(warmup, FIRST, SECOND)
    assert value(found, "request_count") == 2
    assert value(found, "mean_latency_ms") == 115
    assert value(found, "peak_concurrency") == 3
    # Of the window from 10 to 150: 50 ms of the warm-up, 95 and 130 of the others.
    assert value(found, "mean_concurrency") == pytest.approx((50 + 95 + 130) / 140)


def test_concurrency_is_counted_from_overlaps() -> None:
    begins, ends = [0, 0, 10, 19, 30], [10, 20, 20, 20, 30]
    assert concurrency(begins, ends, (0, 40)) == ((10 + 20 + 10 + 1) / 40, 3)
    assert concurrency(begins, ends, (5, 10)) == (2.0, 2)
    assert concurrency([], [], (0, 40)) == (0.0, 0)
    assert concurrency([0], [5], (7, 7)) == (0.0, 0)


def test_the_rate_of_sending_is_what_was_sent_in_truth() -> None:
    found = metrics(*(reply(0, 10 * at, 500) for at in range(11)))
    assert value(found, "sent_rate") == pytest.approx(100)
    assert metrics(FIRST)["sent_rate"].value is None


def test_without_any_request_every_metric_has_a_reason() -> None:
    found = metrics()
    assert value(found, "request_count") == 0
    for name, metric in found.items():
        assert metric.is_ok == (name.endswith("count") or name == "retry_wait_seconds"), name


def test_every_metric_is_defined_with_its_unit() -> None:
    found = metrics(FIRST, SECOND)
    defined = {name: unit for name, unit, _, _ in DEFINITIONS}
    assert len(defined) == len(DEFINITIONS)
    assert {**defined, "latency_ms": "ms"} == {name: one.unit for name, one in found.items()}
    assert all(text.endswith(".") for _, _, _, text in DEFINITIONS)


def test_a_request_is_good_if_all_its_latencies_are_within_the_bounds() -> None:
    both = window(FIRST, SECOND)
    assert meets(both, Slo(p99_ttft_ms=50)) == 2
    assert meets(both, Slo(p99_ttft_ms=49)) == 1
    assert meets(both, Slo(p95_latency_ms=129)) == 1
    assert meets(both, Slo(mean_tpot_ms=20)) == 1
    assert meets(both, Slo(p99_itl_ms=30)) == 1
    assert meets(both, Slo(p99_ttft_ms=49, mean_tpot_ms=20)) == 0
    # The bound of a median is not that of each request.
    assert meets(both, Slo(p50_ttft_ms=30, p99_ttft_ms=50)) == 2


def test_goodput_counts_good_requests_for_each_second() -> None:
    found = metrics(FIRST, SECOND, slo=Slo(p99_ttft_ms=49))
    assert value(found, "goodput_requests_per_second") == pytest.approx(1 / 0.140)
    assert metrics(FIRST)["goodput_requests_per_second"].value is None


def test_an_answer_in_one_chunk_has_no_gap_that_is_too_long_but_one_that_came_whole_fails() -> None:
    one, whole = reply(0, 0, 90, (80,)), reply(0, 0, 90)
    assert meets(window(one, whole, FIRST), Slo(p99_itl_ms=30)) == 2
    assert meets(window(one, whole, FIRST), Slo(p99_tpot_ms=30)) == 2


def test_what_is_broken_is_said() -> None:
    slo = Slo(p95_tpot_ms=100, p99_ttft_ms=49)
    found = metrics(FIRST, SECOND, reply(30, 30, 40, error="no answer"))
    assert broken(found, slo) == [
        "p99_ttft_ms is 49.7 ms, more than 49",
        "33.33% of the requests failed, more than 0.00%",
    ]
    assert not broken(found, Slo(p95_tpot_ms=100, max_error_share=0.34))
    [text] = broken(metrics(reply(0, 0, 90)), Slo(mean_ttft_ms=500))
    assert text.startswith("mean_ttft_ms is not known: the answers came whole")


def test_a_server_that_falls_behind_shows_in_the_slope_of_its_latencies() -> None:
    times = [at * 10 * MS for at in range(100)]
    assert answered_share(times, [50 * MS] * 100) == 1
    behind = [50 * MS + at // 4 for at in times]  # 0.25 s more for each second: 80 %
    assert answered_share(times, behind) == pytest.approx(0.8)
    # Long and varied latencies are no sign of it.
    varied = [(5000 + 4000 * (at * 7919 % 100) / 100) * MS for at in range(100)]
    assert answered_share(times, varied) > 0.95


def test_a_window_of_a_client_that_was_too_slow_is_flagged_but_for_its_counts() -> None:
    slow = window(*(reply(at, at, at + 100, late_ns=20 * MS) for at in range(100)))
    found = window_metrics(slow)
    assert len(slow.client_limits) == 1
    assert found["p99_latency_ms"].metadata["flag"] == "client_limited"
    assert found["request_throughput"].metadata["flag"] == "client_limited"
    assert "flag" not in found["request_count"].metadata


def limits(late_ms: float = 0, delay_ms: float = 0, busy: float = 0.5) -> list[str]:
    """What is said beside a median time to the first token of 50 ms."""
    made = window(
        *(
            reply(at, at, at + 60, (at + 50, at + 60), late_ns=int(late_ms * MS))
            for at in range(100)
        )
    )
    delays = array("q", [int(delay_ms * MS)] * 100)
    made.loops = [LoopHealth(0, delays, int(busy * 10**9), 10**9)]
    return made.client_limits


def test_a_client_is_late_only_where_it_matters() -> None:
    assert not limits(late_ms=5, delay_ms=5)
    [late] = limits(late_ms=14.2)
    assert late.startswith(
        "the client was late: 99 % of the requests were taken up within 14.2 ms of when they could "
        "have been sent, more than 10% of the median time to the first token, 50 ms: "
    )
    [slow] = limits(delay_ms=6)
    assert slow.startswith("the client was slow: it noticed 99 % of what arrived within 6 ms")
    [busy] = limits(busy=0.97)
    assert busy.startswith("the client kept a core 97% busy, more than 95%")


def test_of_few_requests_one_late_one_does_not_decide() -> None:
    late = [0] * 49 + [100 * MS]
    made = window(*(reply(at, at, at + 60, late_ns=late[at]) for at in range(50)))
    assert not made.client_limits
    late = [0] * 40 + [100 * MS] * 10
    made = window(*(reply(at, at, at + 60, late_ns=late[at]) for at in range(50)))
    assert "90 % of the requests were taken up within 100 ms" in made.client_limits[0]


def test_one_long_stall_is_told_where_it_matters() -> None:
    made = window(*(reply(at, at, at + 100) for at in range(100)))
    delays = array("q", [0] * 1000 + [60 * MS])
    made.loops = [LoopHealth(0, delays, 0, 10**9), LoopHealth(1, array("q"), 0, 10**9)]
    [text] = made.client_limits
    assert text.startswith("worker process 1 of 2 stood still for 60 ms, more than 10% of the")
    harmless = window(*(reply(at, at, at + 5000) for at in range(99)))
    harmless.loops = made.loops
    assert not harmless.client_limits


def spoilt(delays_ms: list[float], gaps_ms: float = 10, tokens: int = 32) -> dict[str, str]:
    """Which gaps are said to be the client's: tokens come so far apart, the first after 1 s."""
    times = tuple(1000 + at * gaps_ms for at in range(tokens))
    made = window(*(reply(0, 0, times[-1], times) for _ in range(20)))
    made.loops = [LoopHealth(0, array("q", [int(one * MS) for one in delays_ms]), 0, 10**9)]
    assert not made.client_limits
    return made.gap_faults


def test_gaps_are_held_against_the_delays_of_the_loop() -> None:
    assert not spoilt([0.1] * 98 + [0.5] * 2), "an innocent client"
    assert not spoilt([0.1] * 98 + [8] * 2, gaps_ms=100)
    assert not spoilt([0.4] * 100, gaps_ms=2), "less than a millisecond"
    found = spoilt([0.1] * 98 + [8] * 2)
    assert found == {
        "itl_ms": "the gaps between tokens (itl): the client noticed 99 % of what arrived within "
        "8 ms, more than 10% of the p99 gap, 10 ms: give 'load' more 'workers', or the machine "
        "less else to do"
    }, "of the time per output token 8 ms in 310 are nothing"
    assert set(spoilt([0.1] * 90 + [40] * 10)) == {"itl_ms", "tpot_ms"}
    assert set(spoilt([8] * 100, tokens=3)) == {"itl_ms", "tpot_ms"}
    assert not spoilt([8] * 100, tokens=1), "one token has no gap"


def test_delays_that_are_rarer_than_long_gaps_spoil_neither() -> None:
    times = tuple(1000.0 + 5 * at + 200 * (at // 10) for at in range(100))
    made = window(*(reply(0, 0, times[-1], times) for _ in range(20)))
    delays = [0] * 950 + [15 * MS] * 50
    made.loops = [LoopHealth(0, array("q", delays), 0, 10**9)]
    assert not made.gap_faults, "the longest gaps are the endpoint's, and the median is untouched"
    made = window(*(reply(0, 0, times[-1], times) for _ in range(20)))
    made.loops = [LoopHealth(0, array("q", [2 * MS] * 1000), 0, 10**9)]
    assert "90 % of what arrived" in made.gap_faults["itl_ms"]


def test_one_pause_is_in_the_longest_gap_alone() -> None:
    pause = [0.1] * 999 + [60]
    assert set(spoilt(pause)) == {"max_itl_ms"}
    times = tuple(1000 + at * 10 for at in range(32))
    made = window(*(reply(0, 0, times[-1], times) for _ in range(20)))
    made.loops = [LoopHealth(0, array("q", [int(one * MS) for one in pause]), 0, 10**9)]
    flags = {name for name, one in window_metrics(made).items() if "client_limited" in _flag(one)}
    assert flags == {"max_itl_ms"}


def test_where_gaps_are_spoilt_what_counts_them_is_as_well() -> None:
    def of(slo: Slo) -> dict[str, str]:
        times = tuple(1000 + at * 10 for at in range(32))
        made = window(*(reply(0, 0, times[-1], times) for _ in range(20)))
        made.loops = [LoopHealth(0, array("q", [90 * MS] * 200), 0, 10**9)]
        found = window_metrics(made, slo)
        flags = {name: _flag(one) for name, one in found.items()}
        assert flags["p50_ttft_ms"] != "client_limited" != flags["request_throughput"]
        assert flags["mean_tpot_ms"] == flags["p99_itl_ms"] == "client_limited"
        return flags | {"slo": "; ".join(broken(found, slo))}

    with_gaps, without = of(Slo(p99_itl_ms=20)), of(Slo(p99_ttft_ms=2000))
    assert with_gaps["goodput_requests_per_second"] == "client_limited"
    assert with_gaps["slo"] == "p99_itl_ms is not known: the client was the bottleneck"
    assert (without["goodput_requests_per_second"], without["slo"]) == ("", "")


def _flag(metric: Metric) -> str:
    return str(metric.metadata.get("flag", ""))
