"""A report in Chromium as a person uses it, by mouse and by key: sorting, filtering, choosing."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import ENTER, ESCAPE, SPACE, TAB, Browser
from report_runs import CRITERIA, everything, timed_case, usual_run
from run_builder import make_run

from pytest_modelbench.report.html.tradeoffs import front

pytestmark = pytest.mark.slow
Show = Callable[..., Path]
SECONDS = 10.0

COLUMN = """
const head = [...document.querySelectorAll(".board thead th")]
  .find((one) => one.textContent.includes(arguments[0]));
const shown = [...head.closest("table").tBodies[0].rows].filter((row) => !row.hidden);
return [head.getAttribute("aria-sort"), ...shown.map((row) => row.cells[head.cellIndex].innerText)];
"""
SHOWN = """
return [...document.querySelectorAll(".board tbody tr, details.case")]
  .filter((one) => !one.hidden).map((one) => Number(one.dataset.case));
"""
NAMELESS = """
const label = (one) => one.labels?.[0]?.textContent.trim();
const isNamed = (one) => one.ariaLabel || one.textContent.trim() || label(one);
const used = document.querySelectorAll("input, select, button, a, summary, canvas");
return [...used].filter((one) => !isNamed(one)).map((one) => one.outerHTML);
"""
POINTS = """
const { metrics } = JSON.parse(document.getElementById("data").textContent);
const value = (name, row) => [metrics[name].values[row.dataset.case]].flat()[0];
return [...document.querySelectorAll("#points tbody tr")].map(
  (row) => [value(arguments[0], row), value(arguments[1], row), row.lastChild.textContent]);
"""
NOTE = "return document.querySelector('[popover]:popover-open')?.textContent ?? null"
DRAWN = """
const canvas = document.querySelector("#distribution-chart canvas");
return Chart.getChart(canvas).data.datasets.map((set) => set.label);
"""


def column(window: Browser, title: str) -> list[Any]:
    """How a column is sorted, and its cells."""
    found: list[Any] = window.run(COLUMN, title)
    return found


def figures(texts: list[str]) -> list[float]:
    """The numbers that cells begin with; what has none is left out."""
    firsts = [text.replace("★", "").split()[0] for text in texts]
    return [float(one) for one in firsts if one[0].isdigit()]


def head(metric: str) -> str:
    return f".board thead th[data-metric='{metric}'] button"


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until, "it never was so"
        time.sleep(0.05)


def test_a_table_sorts_by_click_both_ways_and_what_is_missing_stays_last(
    show: Show, window: Browser
) -> None:
    show(usual_run())
    for way, is_reversed in (("ascending", False), ("descending", True), ("ascending", False)):
        window.click(head("wer"))
        sort, *cells = column(window, "WER")
        assert sort == way
        assert figures(cells) == sorted(figures(cells), reverse=is_reversed)
        assert len(figures(cells[:4])) == 4
        assert {text.strip() for text in cells[4:]} == {"skipped", "error"}
    window.click(head("throughput_items_per_second"))
    sort, *cells = column(window, "items/s")
    assert sort == "descending", "the best first"
    assert figures(cells) == sorted(figures(cells), reverse=True)
    assert column(window, "WER")[0] is None, "one column at a time"
    window.click(".board thead th:nth-child(2) button")
    _, *names = column(window, "case")
    assert names == sorted(names)


def test_every_column_of_every_table_sorts(show: Show, window: Browser) -> None:
    show(*everything(), usual_run())
    window.run("for (const one of document.querySelectorAll('details')) one.open = true")
    unsorted = window.run(
        "return [...document.querySelectorAll('th .sort')].filter((one) => {"
        "one.click(); return !one.closest('th').ariaSort}).length"
    )
    assert unsorted == 0


@pytest.mark.parametrize("key", [ENTER, SPACE])
def test_a_table_sorts_by_key(show: Show, window: Browser, key: str) -> None:
    show(usual_run())
    window.focus(head("wer"))
    window.press(key)
    sort, *cells = column(window, "WER")
    assert (sort, figures(cells)) == ("ascending", sorted(figures(cells)))
    assert window.text("#said") == "sorted by WER, ascending"
    window.press(TAB)
    window.press(key)
    assert column(window, "p50 ms")[0] == "ascending", "the next title is the next stop"


def test_cases_are_filtered_by_text_in_tables_and_charts(show: Show, window: Browser) -> None:
    show(usual_run())
    assert window.run(SHOWN) == [0, 1, 2, 3, 4, 5] * 2
    window.write("#filter input", "MODEL-1 cpu")
    assert column(window, "case")[1:] == ["clips[model-1-CPU]"]
    assert window.text("#filter-status") == "1 of 6 cases shown"
    assert window.text("#tradeoffs-status").startswith("1 case.")
    window.write("#filter input", " no such thing")
    assert window.run(SHOWN) == []
    assert window.text("#phases-status") == "Nothing to show for this choice."


@pytest.mark.parametrize(
    ("place", "value", "cases"), [(2, "error", [5]), (3, "GPU", [4]), (4, "clips[broken-CPU]", [5])]
)
def test_cases_are_filtered_by_state_device_and_model(
    show: Show, window: Browser, place: int, value: str, cases: list[int]
) -> None:
    show(usual_run())
    selector = f"#filter label:nth-of-type({place}) select"
    window.choose(selector, value)
    assert window.run(SHOWN) == cases * 2
    window.choose(selector, "")
    assert window.run(SHOWN) == [0, 1, 2, 3, 4, 5] * 2


def test_a_missing_figure_says_why_by_key(show: Show, window: Browser) -> None:
    show(usual_run())
    window.focus(".board .why")
    window.press(ENTER)
    assert window.run(NOTE) == "device 'GPU' is not present"
    window.press(ESCAPE)
    assert window.run(NOTE) is None


def test_a_link_to_a_case_opens_it(show: Show, window: Browser) -> None:
    show(usual_run())
    window.click(".board tbody tr:nth-child(2) th a")
    wait_until(lambda: bool(window.run("return document.getElementById('case-1').open")))


def test_all_that_can_be_used_has_a_name_and_can_be_reached_by_key(
    show: Show, window: Browser
) -> None:
    show(*everything())
    assert window.run(NAMELESS) == []
    order = "return [...document.querySelectorAll('[tabindex]')].map((one) => one.tabIndex)"
    assert max(window.run(order)) <= 0
    window.run("document.activeElement.blur()")
    window.press(TAB)
    assert window.run("return document.activeElement.className") == "skip"
    window.press(ENTER)
    wait_until(lambda: bool(window.run("return document.activeElement.id === 'main'")))


@pytest.mark.parametrize("better", [("lower", "lower"), ("higher", "lower"), ("higher", "higher")])
def test_the_front_of_any_two_metrics_is_the_one_that_python_finds(
    show: Show, window: Browser, better: tuple[Any, Any]
) -> None:
    show(make_run([timed_case(f"c{number}", number) for number in range(12)], criteria=CRITERIA))
    metrics = {
        "lower": ("p50_latency_ms", "peak_ram_mb"),
        "higher": ("throughput_items_per_second", "(score)"),
    }
    names = [metrics[way][index] for index, way in enumerate(better)]
    for index, name in enumerate(names, 1):
        window.choose(f"#tradeoffs-controls label:nth-of-type({index}) select", name)
    rows = window.run(POINTS, *names)
    assert len(rows) == 12
    assert [row[2] == "yes" for row in rows] == front([row[:2] for row in rows], better)
    assert "yes" in {row[2] for row in rows}


def test_cases_are_chosen_for_the_charts_of_calls(show: Show, window: Browser) -> None:
    show(make_run([timed_case(f"c{number:02}", number) for number in range(20)]))
    box = "#cases-controls .picks label:nth-child({}) input"
    assert window.run(DRAWN) == ["c00", "c01", "c02", "c03"]
    window.click(box.format(20))
    window.click(box.format(1))
    assert window.run(DRAWN) == ["c01", "c02", "c03", "c19"]
    for number in range(5, 20):
        window.click(box.format(number))
    assert len(window.run(DRAWN)) == 12
    assert window.text("#said").startswith("12 at most")
    window.write("#cases-controls input[type=search]", "c07")
    assert window.is_seen("#cases-controls .picks label:nth-child(8)")
    assert not window.is_seen("#cases-controls .picks label:not(:nth-child(8))")
