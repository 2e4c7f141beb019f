"""What is told of loads: what they were, and what came of each rate of a sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from run_builder import make_case, make_run

from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.report.columns import columns
from pytest_modelbench.report.html.page import html_of
from pytest_modelbench.report.loads import load_lines
from pytest_modelbench.report.markdown import markdown_of
from pytest_modelbench.report.terminal import suite_lines
from pytest_modelbench.results.load_record import LoadRecord, LoadStage
from pytest_modelbench.results.metric import Metric, measured
from pytest_modelbench.results.packed import pack
from pytest_modelbench.views.case_details import case_lines

BUSY = "the client kept a core 99% busy, more than 95%: try more workers"
LIMITED = {"flag": "client_limited"}


def stage(
    rate: float | None = None, figures: Mapping[str, float] | None = None, **fields: Any
) -> LoadStage:
    """With the flag of client-limited figures where `client_limits` are given."""
    flag = LIMITED if fields.get("client_limits") else {}
    given = {"request_throughput": 9.7, **({"sent_rate": 9.8} if rate else {}), **(figures or {})}
    counter = fields.pop("counted_by", "usage")
    metrics: dict[str, Metric] = {name: measured(one, **flag) for name, one in given.items()}
    metrics["output_tokens_per_second"] = measured(100.0, "tokens/s", counted_by=counter)
    usual: dict[str, Any] = {
        "rate": rate,
        "concurrency": None,
        "seconds": 30.1234,
        "requests": 300,
        "failed": 0,
        "meets_slo": None,
        "detail": "",
        "client_limits": [],
        "metrics": metrics,
    }
    made = {**usual, **fields}
    outcome = "client" if made["client_limits"] else "not met" if made["detail"] else "met"
    return LoadStage(**{"outcome": outcome, **made})


def record(spec: Mapping[str, Any], *stages: LoadStage, **fields: Any) -> LoadRecord:
    made = LoadSpec.model_validate(dict(spec))
    usual: dict[str, Any] = {
        "mode": "sweep" if made.sweep else "open" if made.is_open else "closed",
        "spec": made.model_dump(mode="json"),
        "workers": made.workers,
        "stages": list(stages),
        "best": None,
        "ended": "",
        "notes": [],
        "addresses": {},
        "errors": {},
        "sent_at": pack([]),
        "ttft": None,
    }
    return LoadRecord(**{**usual, **fields})


def lines(spec: Mapping[str, Any], *stages: LoadStage, **fields: Any) -> list[str]:
    return list(load_lines(record(spec, *stages, **fields)))


@pytest.mark.parametrize(
    ("spec", "one", "line"),
    [
        (
            {"concurrency": 8},
            stage(concurrency=8),
            "8 requests at once: 300 requests in 30.1 s, 9.70 requests/s answered",
        ),
        (
            {"warmup_requests": 5, "workers": 2, "verify_tls": False},
            stage(concurrency=1, failed=3, requests=1, counted_by="chunks, tokenizer"),
            "one request at a time, 5 before as warm-up, 2 worker processes, certificates not "
            "checked: 1 request in 30.1 s, 9.70 requests/s answered, 3 failed, tokens counted as "
            "chunks and by the tokenizer",
        ),
        (
            {"rate": 10, "arrival": "poisson", "seconds": 30, "warmup_requests": 20},
            stage(10, {"peak_concurrency": 14}),
            "10 requests/s (poisson) for 30 s, 20 before as warm-up: 300 requests in 30.1 s, "
            "9.80 requests/s sent, 9.70 answered, at most 14 at once",
        ),
        (
            {"rate": 10, "arrival": "gamma", "burstiness": 0.5, "concurrency": 16,
             "requests": 300, "ramp_seconds": 2},
            stage(10, concurrency=16),
            "10 requests/s (gamma, burstiness 0.5, at most 16 at once), a ramp of 2 s: "
            "300 requests in 30.1 s, 9.80 requests/s sent, 9.70 answered",
        ),
    ],
)  # fmt: skip
def test_every_load_is_told_in_a_line(spec: dict[str, Any], one: LoadStage, line: str) -> None:
    assert lines(spec, one) == [line]


@pytest.mark.parametrize("is_met", [True, False])
def test_whether_the_slo_is_met_is_told_by_its_own_figures(is_met: bool) -> None:
    slo = {"p99_ttft_ms": 500.0, "mean_latency_ms": 900.0, "max_error_share": 0.05}
    found = {"p99_ttft_ms": 310.0, "mean_latency_ms": 1000.0, "error_share": 0.02}
    detail = "" if is_met else "mean_latency_ms is 1000 ms, more than 900"
    one = stage(10, found, meets_slo=is_met, detail=detail)
    (_, line) = lines({"rate": 10, "slo": slo}, one)
    assert line == (
        f"the slo is {'met' if is_met else 'not met'}: p99 TTFT 310 ms (at most 500), mean latency "
        "1000 ms (at most 900), 2 % failed (at most 5 %)"
    )


def test_figures_of_the_client_say_nothing_of_the_slo() -> None:
    one = stage(10, {"p99_ttft_ms": 610.0}, meets_slo=False, client_limits=[BUSY])
    (_, slo, client) = lines({"rate": 10, "slo": {"p99_ttft_ms": 500.0}}, one)
    assert slo.startswith("whether the slo is met is not known, since the client was the bottlen")
    assert client == f"its figures say how fast the client was: {BUSY}"


def test_but_an_slo_that_is_met_in_spite_of_the_client_is_met() -> None:
    one = stage(10, {"p99_ttft_ms": 310.0}, meets_slo=True, client_limits=[BUSY])
    (_, slo, client) = lines({"rate": 10, "slo": {"p99_ttft_ms": 500.0}}, one)
    assert slo.startswith("the slo is met, even with what the client added: p99 TTFT 310 ms")
    assert client == f"its figures say how fast the client was: {BUSY}"


def test_a_client_that_spoils_some_figures_is_told_by_these_alone() -> None:
    gaps = "the gaps between tokens (itl): the client noticed them late"
    one = stage(10, meets_slo=None)
    one = one.model_copy(update={"client_limits": [gaps]})
    (_, client) = lines({"rate": 10}, one)
    assert client == f"not the endpoint's but the client's: {gaps}"


def test_rates_of_a_sweep_are_told_from_the_lowest_with_what_the_slo_demands() -> None:
    slo = {"p95_ttft_ms": 200.0}
    too_long = "p95_ttft_ms is 612 ms, more than 200"
    late = "requests were answered at 80% of the rate at which they came"
    found = lines(
        {"sweep": {"start": 5}, "seconds": 30, "slo": slo},
        stage(5, {"p95_ttft_ms": 100.0, "p50_latency_ms": 1.0}, meets_slo=True),
        stage(20, {"p95_ttft_ms": 612.0, "sent_rate": 19.4}, meets_slo=False,
              detail=f"{late}; {too_long}"),
        stage(10, {"p95_ttft_ms": 150.0}, meets_slo=True),
        best=2,
    )  # fmt: skip
    assert found == [
        "sweep (constant), for 30 s at each rate, or more where these tell nothing: the case's "
        "figures are those at 10 requests/s",
        "5 requests/s: 9.80 requests/s sent, 9.70 answered, p95 TTFT 100 ms (at most 200)",
        "10 requests/s, the best: 9.80 requests/s sent, 9.70 answered, p95 TTFT 150 ms "
        "(at most 200)",
        "20 requests/s, too much: 19.4 requests/s sent, 9.70 answered, p95 TTFT 612 ms "
        f"(at most 200), {late}",
    ]


def test_the_highest_rate_is_the_best_only_where_a_higher_one_was_too_much() -> None:
    spec = {"sweep": {"rates": [5, 10]}, "requests": 10}
    (*_, last) = lines(spec, stage(5), stage(10, {"p50_latency_ms": 7.0}), best=1)
    assert last == (
        "10 requests/s, the highest tried: 9.80 requests/s sent, 9.70 answered, p50 latency 7 ms"
    )


def test_a_sweep_that_the_client_ended_says_why_once() -> None:
    ended = f"at 10 requests/s the client was the bottleneck, so nothing is known: {BUSY}"
    limited = stage(10, meets_slo=False, detail=BUSY, client_limits=[BUSY])
    spec = {"sweep": {"rates": [5, 10]}, "requests": 10}
    found = lines(spec, stage(5), limited, best=0, ended=ended)
    assert "5 requests/s, the highest that this client could ask for: " in found[1]
    assert found[2].startswith("10 requests/s, the client was the bottleneck: ")
    assert found[3:] == [ended]
    assert "\n".join(found).count(BUSY) == 1
    again = limited.model_copy(update={"outcome": "held again"})
    alone = lines(spec, again, again, limited, ended=ended)
    assert alone[0].endswith("the first that was tried: none was met, and the client was the bottl"
                             "eneck")  # fmt: skip
    assert len(alone) == 4  # of the rate the first time, whose figures are shown, and the last
    assert "\n".join(alone).count(BUSY) == 1


def test_a_sweep_of_which_no_rate_was_met_says_why_once() -> None:
    why = "3 of 10 requests failed, 3 with: 503"
    found = lines(
        {"sweep": {"start": 5}, "requests": 10},
        stage(5, detail=why),
        ended=f"no rate was met, not even 5 requests/s: {why}",
    )
    assert found[1].endswith(why)
    assert found[2] == "no rate was met, not even 5 requests/s"


def test_every_report_shows_the_load_and_what_the_slo_speaks_of() -> None:
    metrics = {"p95_latency_ms": measured(4.0, "ms", **LIMITED)}
    load = record({"concurrency": 8, "slo": {"p95_latency_ms": 5.0}}, stage(concurrency=8))
    case = make_case("m", metrics, load=load)
    run = make_run([case])
    (suite,) = run.suites
    assert columns(suite, run.cases) == ["p95_latency_ms"]
    line = "8 requests at once: 300 requests in 30.1 s"
    text = "\n".join(suite_lines(suite, run.cases, 200, 0.0))
    assert f"m: {line}" in text
    assert "4^" in text
    assert "^: the client was the bottleneck" in text
    assert "!" not in text
    for shown in (html_of([run]), markdown_of(run), "\n".join(case_lines(run.cases[0]))):
        assert line in shown
