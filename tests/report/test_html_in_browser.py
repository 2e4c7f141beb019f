"""A report opened in Chromium: it is drawn, it is safe, and it fits screens and paper.

Every test that opens one fails, too, when anything is said on the console or asked of a network.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chromium import Browser
from report_runs import SCRIPT, everything, hostile_run, run_of, timed_case, usual_run
from run_builder import make_run

from pytest_modelbench.report.html import html_of

pytestmark = pytest.mark.slow
Show = Callable[..., Path]
CHARTS = ("tradeoffs", "distribution", "series", "phases", "history", "changes", "blocks")
SECONDS = 10.0
THEME = "#theme select"

PIXELS = """
const canvas = document.querySelector(`#${arguments[0]}-chart canvas`);
// Of a copy: the browser warns of a canvas that is read often and was not made for it.
const copy = new OffscreenCanvas(canvas.width, canvas.height);
const drawn = copy.getContext("2d", { willReadFrequently: true });
drawn.drawImage(canvas, 0, 0);
const { data } = drawn.getImageData(0, 0, canvas.width, canvas.height);
const seen = new Map();
for (let at = 0; at < data.length; at += 4) {
  if (data[at + 3] < 128) continue;
  const colour = `${data[at]},${data[at + 1]},${data[at + 2]}`;
  seen.set(colour, (seen.get(colour) || 0) + 1);
}
return Object.fromEntries([...seen].sort((one, other) => other[1] - one[1]).slice(0, 12));
"""
CANVAS = "document.querySelector(`#${arguments[0]}-chart canvas`)"
SETS = f"return Chart.getChart({CANVAS}).data.datasets"
GROUND = r"""
const colour = getComputedStyle(document.body).backgroundColor;
return colour.match(/\d+/g).map(Number).reduce((one, other) => one + other);
"""
MOVING = """
return [...document.querySelectorAll("*")].filter((one) => {
  const { transitionDuration, animationName } = getComputedStyle(one);
  return transitionDuration !== "0s" || animationName !== "none";
}).length;
"""
SEEN = """JSON.stringify([".board", ".chart", "#filter", "noscript p"].map(
  (one) => document.querySelector(one).checkVisibility()))"""
IS_UNFOLDED = "return document.querySelector('details.printed').open"


def wait_until(is_so: Callable[[], bool]) -> None:
    """What the browser does in its own time."""
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until, "it never was so"
        time.sleep(0.05)


def colours(window: Browser, chart: str) -> dict[str, int]:
    """The most frequent colours of a chart, with their numbers of pixels."""
    found: dict[str, int] = window.run(PIXELS, chart)
    return found


def points(window: Browser, chart: str) -> list[Any]:
    """Of each set of points that a chart draws."""
    told = "map((set) => set.data.map(({ x, y }) => [x, y]))"
    found: list[Any] = window.run(f"{SETS}.{told}", chart)
    return found


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_chart_is_drawn(show: Show, window: Browser, scheme: str) -> None:
    window.media(prefers_color_scheme=scheme)
    show(*everything())
    for chart in CHARTS:
        found = colours(window, chart)
        assert len(found) > 4, f"{chart} shows {found}"
        assert sum(found.values()) > 500
    said = "return [...document.querySelectorAll('canvas')].map((one) => one.ariaLabel)"
    labels = window.run(said)
    assert len(labels) == len(CHARTS)
    assert all(len(label) > 30 for label in labels)


def test_charts_draw_the_cases_of_the_run(show: Show, window: Browser) -> None:
    run = usual_run()
    show(run)
    (drawn, *_) = points(window, "tradeoffs")
    assert sorted(drawn) == sorted(
        [case.metrics["p50_latency_ms"].value, case.metrics["wer"].value]
        for case in run.cases
        if case.status == "ok"
    )


def test_warm_up_is_drawn_before_the_timed_calls_and_marked(show: Show, window: Browser) -> None:
    show(make_run([timed_case("a")]))
    timed, warm = points(window, "series")
    assert window.run(f"{SETS}.map((set) => set.pointStyle || '')", "series") == ["", "triangle"]
    assert len(warm) == 21
    assert max(x for x, _ in warm) < 0 < min(x for x, _ in timed)
    assert [x for x, _ in warm] == sorted(x for x, _ in warm)
    assert warm[0][1] == pytest.approx(90.0), "the first call"


def test_whatever_comes_from_data_is_text_and_runs_nothing(show: Show, window: Browser) -> None:
    earlier = hostile_run().model_copy(update={"metadata": run_of(1, []).metadata})
    show(hostile_run(), earlier)
    state = "return [typeof window.ran, document.images.length, document.scripts.length]"
    assert window.run(state) == ["undefined", 0, 3]
    assert window.text("h1") == SCRIPT
    assert window.text("title").startswith(f"{SCRIPT}: ")
    assert SCRIPT in window.text(".board caption")
    assert SCRIPT in window.text("#tradeoffs-controls select")
    for chart in ("tradeoffs", "distribution", "series", "phases", "history", "changes"):
        assert len(colours(window, chart)) > 3, chart
    window.run("for (const one of document.querySelectorAll('.sort, .why')) one.click()")
    assert window.run(state) == ["undefined", 0, 3]


def test_the_theme_is_the_systems_until_the_reader_chooses(show: Show, window: Browser) -> None:
    window.media(prefers_color_scheme="dark")
    file = show(*everything())
    assert window.run(GROUND) < 150
    dark = colours(window, "tradeoffs")
    window.choose(THEME, "light")
    assert window.run(GROUND) > 600
    assert colours(window, "tradeoffs") != dark
    window.open(file)
    assert window.run(GROUND) > 600, "the choice is kept"
    window.choose(THEME, "")
    assert window.run(GROUND) < 150
    assert colours(window, "tradeoffs") == dark
    window.media(prefers_color_scheme="light")
    wait_until(lambda: colours(window, "tradeoffs") != dark)
    assert window.run(GROUND) > 600


def test_it_prints_in_light_with_what_is_folded_and_without_controls(
    show: Show, window: Browser
) -> None:
    window.media(prefers_color_scheme="dark")
    show(*everything(), usual_run())
    assert window.is_seen("nav")
    assert not window.run(IS_UNFOLDED)
    dark = colours(window, "tradeoffs")
    window.media("print", prefers_color_scheme="dark")
    wait_until(lambda: bool(window.run(IS_UNFOLDED)))
    assert colours(window, "tradeoffs") != dark
    for selector in ("nav", "#filter", "#theme", "#tradeoffs-controls", ".picker input"):
        assert not window.is_seen(selector), selector
    assert window.is_seen(".picks label"), "which colour is which case"
    assert window.run("return getComputedStyle(document.body).color") == "rgb(28, 35, 48)"
    window.media(prefers_color_scheme="dark")
    wait_until(lambda: not window.run(IS_UNFOLDED))
    assert colours(window, "tradeoffs") == dark
    window.run("dispatchEvent(new Event('beforeprint'))")
    assert colours(window, "tradeoffs") != dark, "a canvas is painted before it is printed"
    window.run("dispatchEvent(new Event('afterprint'))")
    assert colours(window, "tradeoffs") == dark
    assert len(window.devtools("Page.printToPDF", printBackground=True)["data"]) > 20_000


@pytest.mark.parametrize("width", [360, 768, 1920])
def test_the_body_never_scrolls_sideways(show: Show, window: Browser, width: int) -> None:
    window.size(width)
    for runs in (everything(), [usual_run()], [hostile_run()]):
        show(*runs)
        window.run("for (const one of document.querySelectorAll('details')) one.open = true")
        assert window.run("return document.documentElement.scrollWidth") <= width


def test_nothing_moves_for_those_who_want_it_so(show: Show, window: Browser) -> None:
    window.media(prefers_reduced_motion="reduce")
    show(*everything())
    behaviour = "return getComputedStyle(document.documentElement).scrollBehavior"
    assert window.run(behaviour) == "auto"
    assert window.run(MOVING) == 0
    animations = "return Object.values(Chart.instances).map((one) => one.options.animation)"
    assert window.run(animations) == [False] * len(CHARTS)


def test_without_scripts_every_table_is_there(window: Browser, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(html_of(everything()), encoding="utf-8")
    window.devtools("Emulation.setScriptExecutionDisabled", value=True)
    try:
        window.open(file)
        answer = window.devtools("Runtime.evaluate", expression=SEEN)
        assert answer["result"]["value"] == "[true,false,false,true]"
    finally:
        window.devtools("Emulation.setScriptExecutionDisabled", value=False)
