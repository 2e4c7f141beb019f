"""What a report draws: every figure is one of the run's, and long series are told in few."""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from page_reader import Element, data_in, read_page, table_called
from report_runs import paired, run_of, timed_case, timing, usual_run
from run_builder import make_case, make_comparison, make_run, make_verdict_of

from pytest_modelbench.judge.paired.data import PairedData
from pytest_modelbench.report.html import html_of
from pytest_modelbench.report.html.page_data import json_for_script
from pytest_modelbench.report.html.reduce import (
    distribution,
    envelope,
    exponent_of,
    in_units,
    shares,
    thinned,
)
from pytest_modelbench.report.html.tradeoffs import front
from pytest_modelbench.report.html.view import Report
from pytest_modelbench.report.numbers import shown
from pytest_modelbench.results.metric import measured
from pytest_modelbench.results.run import BenchmarkRun

LARGEST_BYTES = 1_000_000


def page_of(*runs: BenchmarkRun) -> Element:
    return read_page(html_of(runs))


def draws(seed: int, count: int) -> list[int]:
    chance = random.Random(seed)
    return [round(1e7 * chance.lognormvariate(0, 0.5)) for _ in range(count)]


def test_a_short_distribution_is_told_call_by_call() -> None:
    calls = draws(1, len(shares(1)))
    assert distribution(calls, shares(1)).tolist() == sorted(calls)


@pytest.mark.parametrize("count", [104, 1000, 54321])
def test_a_long_distribution_is_told_by_calls_that_were_made(count: int) -> None:
    calls = draws(2, count)
    told = distribution(calls, shares(1)).tolist()
    assert set(told) <= set(calls)
    assert (told[0], told[-1]) == (min(calls), max(calls))
    for share, value in zip(shares(1)[1:], told[1:], strict=True):
        within = sum(one <= value for one in calls) / count
        assert share <= within + 1e-12
        assert sum(one < value for one in calls) / count < share


@pytest.mark.parametrize(("count", "most"), [(0, 10), (1, 10), (10, 10), (11, 10), (999, 40)])
def test_an_envelope_hides_no_call(count: int, most: int) -> None:
    calls = draws(3, count)
    step, parts = envelope(calls, most)
    pieces = [calls[start : start + step] for start in range(0, count, step)]
    assert len(pieces) == len(parts[0]) <= most
    assert parts[0].tolist() == [statistics.median(one) for one in pieces]
    if step > 1:
        assert parts[1].tolist() == [min(one) for one in pieces]
        assert parts[2].tolist() == [max(one) for one in pieces]


@pytest.mark.parametrize("scale", [1, 37, 10**6, 10**12])
def test_durations_of_any_size_are_whole_numbers_of_four_digits_or_so(scale: int) -> None:
    calls = [scale * one for one in range(900, 1100)]
    exponent = exponent_of(calls)
    told = in_units(np.asarray(calls, dtype=float), exponent)
    assert 1000 <= statistics.median(told) < 10_000
    assert [one * 10.0**exponent for one in told] == pytest.approx(calls, rel=1e-3)
    assert exponent_of([]) == exponent_of([0]) == 0


def test_what_is_thinned_is_spread_evenly() -> None:
    assert thinned([1.0, 2.0, 3.0, 4.0, 5.0], 3) == [1.0, 3.0, 5.0]
    assert thinned([1.0], 0) == [1.0]


def test_json_in_a_page_begins_no_tag_and_reads_as_it_was() -> None:
    import json

    value = {"</script><!--": ["&amp;\u2028\u2029", 1, None], "__proto__": 2}
    text = json_for_script(value)
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == value


def test_every_call_of_a_case_is_behind_its_chart() -> None:
    durations, warmup = [4_000_000, 1_000_000, 3_000_000], [90_000_000, 5_000_000, 6_000_000]
    case = timed_case("a").model_copy(update={"timing": timing(durations, warmup)})
    data = data_in(page_of(make_run([case])))["latency"]["cases"]["0"]
    unit = 10.0 ** data["exponent"]
    assert [unit * one for one in data["sorted"]] == pytest.approx([1.0, 3.0, 4.0])
    assert [unit * one for one in data["timed"]["parts"][0]] == pytest.approx([4.0, 1.0, 3.0])
    assert [unit * one for one in data["first"]["parts"][0]] == pytest.approx([90.0])
    assert [unit * one for one in data["warmup"]["parts"][0]] == pytest.approx([5.0, 6.0])
    assert (data["timed"]["count"], data["warmup"]["count"]) == (3, 2)


def test_the_table_of_latencies_has_the_percentiles_of_the_run() -> None:
    case = timed_case("a", 3)
    assert case.timing is not None
    ordered = sorted(one / 1e6 for one in case.timing.durations_ns())
    titles, row = table_called(page_of(make_run([case])), "Latencies of every case").rows()
    told = dict(zip(titles, row, strict=True))
    assert told["calls"] == "200"
    assert told["50 %"] == shown(statistics.median(ordered))
    assert told["95 %"] == shown(float(np.percentile(ordered, 95)))
    assert (told["fastest"], told["slowest"]) == (shown(ordered[0]), shown(ordered[-1]))
    assert (told["first call"], told["warm-up calls"]) == ("117", "20")


def test_the_phases_are_those_of_the_run() -> None:
    case = timed_case("a", 0)
    assert case.timing is not None
    titles, row = table_called(page_of(make_run([case])), "Phases of every case").rows()
    warmup = sum(case.timing.warmup_ns()[1:]) / 1e9
    assert dict(zip(titles, row, strict=True)) == {
        "case": "a",
        "load s": shown(0.3),  # without the 0.2 s of compiling
        "compile s": "0.200",
        "first call s": shown(0.09),
        "warm-up s": shown(warmup),
        "timed calls s": shown(2.0),
        "first call / median": "9",
    }


def test_a_case_that_was_never_called_has_no_charts() -> None:
    page = page_of(make_run([make_case("a", {"accuracy": measured(0.5, better="higher")})]))
    links = [one.attributes["href"] for one in page.one("nav").all("a")]
    assert links == ["#summary", "#leaderboard", "#errors", "#cases", "#machine"]
    assert data_in(page)["latency"]["cases"] == {}


@pytest.mark.parametrize("better", list(itertools.product(["lower", "higher"], repeat=2)))
def test_the_front_is_what_no_other_point_beats(better: Sequence[Any]) -> None:
    chance = random.Random(4)
    points = [(chance.randrange(8), chance.randrange(8)) for _ in range(60)]

    def as_good(one: int, other: int, way: str) -> bool:
        return one <= other if way == "lower" else one >= other

    def beats(one: tuple[int, int], other: tuple[int, int]) -> bool:
        pairs = zip(one, other, better, strict=True)
        return one != other and all(as_good(*pair) for pair in pairs)

    expected = [not any(beats(other, one) for other in points) for one in points]
    assert front(points, better) == expected
    assert 0 < sum(expected) < len(points)


def test_the_usual_axes_are_latency_quality_and_memory() -> None:
    page = page_of(usual_run())
    assert data_in(page)["axes"] == [{"x": "p50_latency_ms", "y": "wer", "size": "peak_ram_mb"}]
    titles, *rows = table_called(page, "speech: p50 ms against WER").rows()
    assert titles[1:3] == ["p50 ms lower is better", "WER lower is better"]
    assert [row[-1] for row in rows] == ["yes"] * 4, "the faster, the worse"


def test_a_metric_of_a_tests_own_is_an_axis_if_it_says_which_way_is_better() -> None:
    cases = [
        make_case(
            name,
            {
                "p50_latency_ms": measured(p50, "ms"),
                "tokens_kept": measured(kept, "%", better="higher"),
            },
        )
        for name, p50, kept in (("a", 1.0, 5.0), ("b", 2.0, 9.0), ("c", 3.0, 7.0))
    ]
    page = page_of(make_run(cases))
    assert data_in(page)["axes"][0]["y"] == "tokens_kept"
    _, *rows = table_called(page, "speech: p50 ms against tokens_kept").rows()
    assert [row[-1] for row in rows] == ["yes", "yes", "no"]


def test_history_has_every_run_in_its_order_and_gaps_where_a_case_is_missing() -> None:
    runs = [
        run_of(1, [timed_case("a", 0), timed_case("gone", 9)]),
        run_of(2, [timed_case("a", 1)]),
        run_of(3, [timed_case("a", 2), timed_case("new", 5)]),
    ]
    page = page_of(*reversed(runs))
    history = data_in(page)["history"][0]
    assert [one["commit"] for one in history["runs"]] == ["000000000"] * 3
    assert [one["when"] for one in history["runs"]] == [
        f"2026-03-0{day} 12:00 UTC" for day in (1, 2, 3)
    ]
    assert {one["machine"] for one in history["runs"]} == {0}
    assert sorted(history["cases"]) == ["a", "gone", "new"]
    metric = next(one for one in history["metrics"] if one["name"] == "p50_latency_ms")
    values = dict(zip(history["cases"], metric["values"], strict=True))
    assert values["a"] == [[10, 9, 11], [11, 9.9, 12.1], [12, 10.8, 13.2]]
    assert values["gone"] == [[19, 17.1, 20.9], None, None]
    titles, *rows = table_called(page, "speech: p50 ms from run to run").rows()
    assert len(titles) == 4
    assert ["gone", "19 [17.1, 20.9]", "not in this run", "not in this run"] in rows


def test_history_says_on_how_many_machines_and_what_else_changed() -> None:
    runs = [run_of(1, [timed_case("a")]), run_of(2, [timed_case("a")])]
    other = runs[1].system_info.model_copy(
        update={"cpu_info": "Processor B", "packages": {"numpy": "9.9"}}
    )
    page = page_of(runs[0], runs[1].model_copy(update={"system_info": other}))
    assert [one["machine"] for one in data_in(page)["history"][0]["runs"]] == [0, 1]
    said = page.one(id="history").text
    assert "machine: processor Processor A -> Processor B (a)" in said
    assert "numpy 2.1.0 -> 9.9" in said


def test_one_run_has_no_history() -> None:
    page = page_of(usual_run())
    assert page.all(id="history") == []
    assert data_in(page)["history"] == []


def test_the_verdicts_of_a_run_are_in_a_table_and_drawn() -> None:
    run = make_run([timed_case("a")], [paired("a")])
    page = page_of(run)
    titles, *rows = table_called(page, "What this run was held against").rows()
    told = [dict(zip(titles, row, strict=True)) for row in rows]
    assert [one["verdict"] for one in told] == ["regression", "inconclusive", "pass"]
    assert told[0]["change"] == "+4.0 % [+3.0, +5.0]"
    assert (told[0]["before"], told[0]["after"], told[0]["allowed"]) == ("10 ms", "10.4 ms", "5 %")
    assert told[1]["why, or what else to know"] == "40 more blocks would settle it"
    drawn = data_in(page)["changes"]
    assert [(one["change"], one["interval"], one["tolerance"]) for one in drawn] == [
        (4, [3, 5], 5),
        (20, [19, 21], 5),
        (-1, [-2, 0], 5),
    ]
    said = page.one(id="comparisons").text
    assert all(verdict.message in said for one in run.comparisons for verdict in one.verdicts)
    assert "numpy 2.1 -> 2.2" in said


def test_blocks_are_those_that_the_verdict_rests_on() -> None:
    comparison = paired("a")
    (drawn,) = data_in(page_of(make_run([timed_case("a")], [comparison])))["blocks"]
    assert comparison.procedure is not None
    data = PairedData(("baseline", "candidate"), comparison.procedure, comparison.launches)
    for told, launch in zip(drawn["launches"], data.decision, strict=True):
        assert len(told["changes"]) == launch.block_count
        ratio = statistics.median(launch.calls[1].ravel()) / statistics.median(
            launch.calls[0].ravel()
        )
        assert statistics.median(told["changes"]) == pytest.approx(100 * (ratio - 1), abs=1.5)


def test_a_launch_that_does_not_add_up_is_left_out_of_the_chart_alone() -> None:
    comparison = paired("a")
    spoilt = comparison.launches[0].model_copy(update={"sides": comparison.launches[0].sides[:1]})
    comparison = comparison.model_copy(update={"launches": [spoilt, *comparison.launches[1:]]})
    page = page_of(make_run([timed_case("a")], [comparison]))
    assert [one["number"] for one in data_in(page)["blocks"][0]["launches"]] == [2, 3]


def test_a_change_that_is_no_share_is_in_the_table_alone() -> None:
    verdict = make_verdict_of("pass", 0.01, metric="wer", is_relative=False)
    page = page_of(make_run([make_case("a")], [make_comparison("a", [verdict])]))
    assert data_in(page)["changes"] == []
    assert table_called(page, "What this run was held against").rows()[1][4] == "+0.01 [+0, +0.02]"


def test_the_newest_run_is_held_against_the_one_before_it() -> None:
    runs = [run_of(day, [timed_case("a", number)]) for day, number in ((1, 0), (2, 0), (3, 30))]
    page = page_of(*runs)
    caption = f"{runs[1].metadata.run_id} to {runs[2].metadata.run_id}"
    titles, *rows = table_called(page, caption).rows()
    told = [dict(zip(titles, row, strict=True)) for row in rows]
    median = next(one for one in told if one["metric"] == "p50 latency")
    assert (median["before"], median["after"], median["verdict"]) == (
        "10 ms",
        "40 ms",
        "regression",
    )
    assert median["change"].startswith("+300.0 % [")
    assert "noted" in {one["verdict"] for one in told}, "what else is in the leaderboard"


@pytest.mark.parametrize("kind", ["quick", "dry_run"])
def test_a_trial_is_held_against_nothing_nor_anything_against_it(kind: str) -> None:
    first, third, fourth = (run_of(day, [timed_case("a", day)]) for day in (1, 3, 4))
    trials = [run_of(day, [timed_case("a", 30)], **{kind: True}) for day in (2, 5)]
    assert page_of(first, third, trials[1]).all(id="comparisons") == []
    assert page_of(trials[0], third).all(id="comparisons") == []
    caption = f"{third.metadata.run_id} to {fourth.metadata.run_id}"
    wanted = table_called(page_of(first, third, fourth), caption).rows()
    assert table_called(page_of(first, trials[0], third, fourth), caption).rows() == wanted
    caption = f"{first.metadata.run_id} to {third.metadata.run_id}"
    assert table_called(page_of(first, trials[0], third), caption)


def test_runs_without_a_case_in_common_are_not_held_against_each_other() -> None:
    page = page_of(run_of(1, [timed_case("a")]), run_of(2, [timed_case("b")]))
    assert page.all(id="comparisons") == []


@pytest.mark.parametrize("calls", [200, 5000])
def test_a_hundred_cases_fit_into_a_megabyte(calls: int) -> None:
    properties = {f"property_{number}": "a value of some length" for number in range(16)}
    metrics = {
        f"{name}_latency_ms": measured(9.87654321, "ms", interval=[9.1234567, 10.987654321])
        for name in ("p90", "p99", "max", "latency", "short_p50", "long_p50", "long_p95")
    }
    metrics |= {f"more_{number}_mb": measured(number + 0.123456789, "MB") for number in range(15)}
    cases = [
        timed_case(
            f"transcribe-long-clips[some-model-of-ours-{number}-CPU]",
            number, calls, metrics=metrics, properties=properties,
        )
        for number in range(100)
    ]  # fmt: skip
    text = html_of([usual_run(0, *cases)])
    assert len(text.encode()) < LARGEST_BYTES


def test_the_states_of_cases_are_the_worst_that_is_known() -> None:
    run = make_run([timed_case("a"), timed_case("b")], [paired("a", launches=0)])
    states = {case.result.model: case.state for case in Report([run]).cases}
    assert states == {"a": "regression", "b": "ok"}
