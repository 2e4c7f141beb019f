"""A run as HTML: one whole, well-formed file that needs nothing else and says what the run says."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

import pytest
from made_runs import BUSY
from page_reader import Element, data_in, read_page, table_called
from report_runs import (
    CRITERIA,
    HOSTILE,
    SCRIPT,
    TRACE,
    hostile_run,
    paired,
    run_of,
    timed_case,
    usual_run,
)
from run_builder import bound, make_case, make_comparison, make_run, make_verdict_of

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.report.headline import headline
from pytest_modelbench.report.html import html_of
from pytest_modelbench.report.html.assets import LIBRARY, LICENCES, SCRIPTS, asset
from pytest_modelbench.report.html.markup import plain
from pytest_modelbench.report.html.view import Report
from pytest_modelbench.report.numbers import shown, with_interval
from pytest_modelbench.results.metric import failed, measured, skipped
from pytest_modelbench.results.run import BenchmarkRun

LANDMARKS = {"header": 1, "nav": 1, "main": 1, "footer": 1, "h1": 1, "title": 1}
NO_CASES = make_run([])


def page_of(*runs: BenchmarkRun) -> Element:
    return read_page(html_of(runs))


RUNS = [
    [usual_run()],
    [hostile_run()],
    [NO_CASES],
    [make_run([make_case("a")], dry_run=True)],
    [make_run([make_case("a", {"wer": failed("x")}, status="error", detail="x")])],
    [run_of(1, [timed_case("a")]), run_of(2, [timed_case("a", 1)])],
    [make_run([timed_case("a")], [paired("a")])],
]


@pytest.mark.parametrize("runs", RUNS)
def test_the_page_is_well_formed_and_its_parts_are_named(runs: list[BenchmarkRun]) -> None:
    page = page_of(*runs)
    assert {name: len(page.all(name)) for name in LANDMARKS} == LANDMARKS
    ids = [str(one.attributes["id"]) for one in page.all() if "id" in one.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert str(link.attributes["href"]).removeprefix("#") in ids
    for button in page.all("button"):
        assert button.attributes["popovertarget"] in ids
        assert button.text
    linked = [link.attributes["href"] for link in page.one("nav").all("a")]
    sections = [one for one in page.one("main").children if isinstance(one, Element)]
    ours = [one for one in sections if one.name == "section"]
    assert linked == [f"#{one.attributes['id']}" for one in ours]
    for section in ours:
        assert section.one("h2").attributes["id"] == section.attributes["aria-labelledby"]


@pytest.mark.parametrize("runs", RUNS)
def test_tables_have_captions_and_titles_and_as_many_cells_in_each_row(
    runs: list[BenchmarkRun],
) -> None:
    for table in page_of(*runs).all("table"):
        assert table.one("caption").text
        titles, *rows = table.rows()
        assert all(len(row) == len(titles) for row in rows)
        assert all(title.attributes["scope"] == "col" for title in table.one("thead").all("th"))
        for row in table.one("tbody").all("tr"):
            assert [one.attributes["scope"] for one in row.all("th")] == ["row"]


@pytest.mark.parametrize("runs", RUNS)
def test_nothing_outside_the_file_is_referred_to(runs: list[BenchmarkRun]) -> None:
    page = page_of(*runs)
    for one in page.all():
        for name in ("src", "href", "action", "srcset", "poster", "background", "formaction"):
            value = one.attributes.get(name)
            assert value is None or value.startswith("#") or value == "data:,"
        assert "style" not in one.attributes
        assert not any(name.startswith("on") for name in one.attributes)
    style = page.one("style").raw
    assert "url(" not in style
    assert "@import" not in style
    assert "sourceMappingURL" not in html_of(runs)


def test_the_policy_allows_these_scripts_and_this_style_and_nothing_else() -> None:
    page = page_of(usual_run())
    policy = page.one("meta", http_equiv="Content-Security-Policy").attributes["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in str(policy).split(";"))
    scripts = [one.raw for one in page.all("script") if "type" not in one.attributes]
    assert rules == {
        "default-src": "'none'",
        "script-src": " ".join(map(hash_of, scripts)),
        "style-src": hash_of(page.one("style").raw),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert len(scripts) == 2


def hash_of(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_what_is_vendored_is_what_its_note_says() -> None:
    content = asset(LIBRARY)
    note = asset("vendor/README.md")
    digest = hashlib.sha256(content.encode()).hexdigest()
    assert f"{digest}  {Path(LIBRARY).name}" in note
    version = re.search(r"Chart\.js v(\S+)", content)
    assert version is not None
    assert f"`chart.js`, version {version[1]}" in note
    footer = page_of(usual_run()).one("footer").text
    for licence in LICENCES:
        assert " ".join(asset(licence).split()) in footer, "it goes with every copy"
    assert not re.search(r"\beval\(|new Function\(|</script", content)


def test_every_script_of_ours_is_in_the_page() -> None:
    folder = Path(str(asset.__wrapped__.__code__.co_filename)).parent / "scripts"
    assert sorted(SCRIPTS) == sorted(file.name for file in folder.glob("*.js"))
    text = html_of([usual_run()])
    assert all(asset(f"scripts/{name}").strip() in text for name in SCRIPTS)
    ours = "".join(asset(f"scripts/{name}") for name in SCRIPTS)
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|fetch\(|XMLHttp|import\("
    )
    assert not re.search(forbidden, ours), "texts are set as text, and nothing is asked for"


def test_the_first_lines_say_what_ran_when_where_and_how_it_went() -> None:
    run = usual_run(git_sha="a" * 40, git_branch="main", git_dirty=True)
    page = page_of(run)
    summary = page.one(id="summary").text
    assert page.one("title").text == f"speech: {headline(run).replace('**', '')}"
    assert "Failed 1 error, 4 bounds hold, 1 skipped" in summary
    assert "speech: 6 cases, 4 measured, 1 skipped, 1 error" in summary
    assert "aaaaaaaaa on main, with changes that are not committed" in summary
    assert run.system_info.cpu_info in summary
    assert page.one(id="summary").one("time").attributes["datetime"] == run.metadata.timestamp
    assert "error clips[broken-CPU]: ValueError: no such voice" in summary
    assert "Best of speech" in summary


@pytest.mark.parametrize(
    ("run", "word"),
    [
        (make_run([make_case("a", bounds=[bound("passed")])]), "Passed"),
        (make_run([make_case("a", bounds=[bound("failed")])]), "Failed"),
        (make_run([make_case("a", bounds=[bound("inconclusive")])]), "Undecided"),
        (make_run([make_case("a")]), "Nothing judged"),
        (make_run([make_case("a", bounds=[bound("passed")])], exit_status=2), "Failed"),
        (make_run([make_case("a", bounds=[bound("passed")])], problems=["no file"]), "Failed"),
        (make_run([make_case("a")], [make_comparison("a", [make_verdict_of("pass")])]), "Passed"),
        (
            make_run([make_case("a")], [make_comparison("a", [make_verdict_of("regression")])]),
            "Failed",
        ),
    ],
)
def test_the_verdict_is_one_word(run: BenchmarkRun, word: str) -> None:
    (found,) = [one for one in page_of(run).all("strong") if one.attributes.get("class") == "word"]
    assert found.text == word


def test_the_leaderboard_has_the_figures_of_the_run() -> None:
    run = usual_run()
    titles, *rows = table_called(page_of(run), "Leaderboard of speech").rows()
    assert titles[:4] == ["rank", "case", "state", "score higher is better"]
    assert titles[-2:] == ["model", "device"]
    assert titles[4:6] == ["WER lower is better", "p50 ms lower is better"]
    cases = {case.id.partition("::")[2]: case for case in run.cases}
    assert [row[1] for row in rows[:4]] == [
        one.case_id.partition("::")[2] for one in run.suites[0].leaderboard
    ]
    for row in rows[:4]:
        case = cases[row[1]]
        assert case.score is not None
        assert case.score.total is not None
        assert row[0].startswith(str(case.rank))
        assert row[3].startswith(f"{case.score.total:.3f}")
        assert row[4].lstrip("★") == with_interval(case.metrics["wer"])
        assert row[5].lstrip("★") == with_interval(case.metrics["p50_latency_ms"])
    assert [row[2] for row in rows[4:]] == ["skipped", "error"]


def test_all_metrics_stand_in_a_table_of_their_own() -> None:
    run = usual_run()
    page = page_of(run)
    titles, *rows = table_called(page, "All metrics of speech").rows()
    heads = table_called(page, "All metrics of speech").all("th", scope="col")
    names = [one.attributes.get("data-metric") for one in heads]
    assert len(titles) == len(names)
    for row in rows[:4]:
        case = run.case(row[0])
        for name, cell in zip(names[1:], row[1:], strict=True):
            assert cell == with_interval(case.metrics[str(name)])


def test_the_best_value_is_marked() -> None:
    board = table_called(page_of(usual_run()), "Leaderboard of speech")
    marked = [one for one in board.all("td") if one.all("span", aria_label="best")]
    assert [one.text for one in marked] == ["★0.100 [0.0980, 0.102]", "★100"]


def test_ties_are_shown() -> None:
    cases = [timed_case("a"), timed_case("b"), timed_case("c", 9, metrics={"wer": measured(0.9)})]
    _, *rows = table_called(
        page_of(make_run(cases, criteria=CRITERIA)), "Leaderboard of speech"
    ).rows()
    assert [row[0] for row in rows] == ["1", "2= ties with best", "3"]


def test_what_is_worst_is_told_first_and_the_rest_folded() -> None:
    cases = [make_case(f"a{number}", bounds=[bound("failed")]) for number in range(20)]
    cases.append(make_case("z", {"wer": failed("boom")}, status="error", detail="boom"))
    summary = page_of(make_run(cases)).one(id="summary")
    lists = [one.all("li") for one in summary.all("ul")]
    assert [len(one) for one in lists] == [12, 9]
    assert lists[0][0].text == "error z: boom"
    assert summary.one("summary").text == "and 9 more"


def test_cases_say_once_what_they_have_in_common() -> None:
    cases = [
        timed_case(name, properties={"threads": 2, "precision": name}, params={"beams": 1})
        for name in ("f16", "f32")
    ]
    section = page_of(make_run(cases)).one(id="cases")
    assert section.text.count("threads 2") == section.text.count("beams 1") == 1
    blocks = section.all("details")
    assert "precision f16" in blocks[0].text
    assert "precision f32" in blocks[1].text
    assert all("p50_latency_ms is 10 ms, within max 20 ms" in one.text for one in blocks)


def test_no_folder_of_the_machine_is_told() -> None:
    dataset = {"source": "jsonl", "path": "/home/somebody/clips.jsonl"}
    case = timed_case("a", dataset=dataset, model_path="/home/somebody/model")
    text = html_of([make_run([case])])
    assert "source jsonl, path clips.jsonl" in read_page(text).one(id="cases").text
    assert "/home/somebody" not in text


def test_a_missing_figure_has_its_reason_behind_a_button() -> None:
    page = page_of(usual_run())
    (row,) = [one for one in page.all("tr", data_case="4") if one.all("button")][:1]
    button = row.all("button")[0]
    assert button.text == "skipped"
    note = page.one(id=str(button.attributes["popovertarget"]))
    assert "popover" in note.attributes
    assert note.text == "device 'GPU' is not present"
    assert "device 'GPU' is not present (1 of 6 cases)" in page.one(id="leaderboard").text


def test_every_error_is_there_in_full_and_the_same_one_once() -> None:
    long = "".join(f"  line {number} of a long trace\n" for number in range(400))
    wrong = [
        make_case(f"a{number}", {"wer": failed("boom")}, status="error", detail="boom", trace=long)
        for number in range(30)
    ]
    own = make_case("b", {"wer": failed("no words at all")})
    text = html_of([make_run([*wrong, own], problems=["s.json:3: no such field\nsecond line"])])
    errors = read_page(text).one(id="errors")
    assert text.count("line 399 of a long trace") == 1
    assert long.rstrip("\n") in errors.raw
    assert all(f"a{number}" in errors.text for number in range(30))
    assert "wer: no words at all" in errors.text
    assert "s.json:3: no such field\nsecond line" in errors.raw
    assert TRACE.rstrip("\n") in read_page(html_of([usual_run()])).one(id="errors").raw


def test_what_was_skipped_stands_there_with_its_reason() -> None:
    errors = page_of(usual_run()).one(id="errors").text
    assert "clips[model-0-GPU]: device 'GPU' is not present; present: CPU" in errors


def test_conditions_and_the_machine_are_told_but_not_its_name() -> None:
    run = usual_run(4, timed_case("noisy", 7, conditions=BUSY))
    secret = run.system_info.model_copy(update={"hostname": "secret-host-17"})
    run = run.model_copy(update={"system_info": secret})
    text = html_of([run])
    machine = read_page(text).one(id="machine").text
    assert "other processes kept 1.00 of 2 processors busy" in machine
    assert run.system_info.python_version in machine
    versions = table_called(read_page(text), "Versions of packages").rows()
    assert dict(versions[1:]) == run.system_info.packages
    assert "secret-host-17" not in text


def test_whatever_comes_from_data_stays_text() -> None:
    text = html_of([hostile_run()])
    page = read_page(text)
    assert [one.attributes.get("type") for one in page.all("script")] == [
        "application/json",
        None,
        None,
    ]
    assert not page.all("img")
    assert "\u2028" not in text
    assert text.count("</script>") == 3
    assert page.one("title").text.startswith(SCRIPT)
    assert page.one("h1").text == SCRIPT
    hostile = " ".join(plain(HOSTILE).split())
    for section in ("summary", "leaderboard", "errors", "cases", "comparisons", "machine"):
        assert hostile in page.one(id=section).text, section
    data = data_in(page)
    assert data["suites"] == [SCRIPT]
    assert {one["name"] for one in data["cases"]} >= {
        f"{plain(HOSTILE)}[{number}]" for number in range(3)
    }


def test_signs_that_steer_a_browser_or_a_terminal_are_written_out() -> None:
    text = html_of([make_run([make_case("a\x1b[31m\x00\u202eb")])])
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e]", text)
    assert "a\\x1b[31m\\x00\\u202eb" in read_page(text).one(id="leaderboard").text


def test_a_report_needs_a_run() -> None:
    with pytest.raises(ModelbenchError, match="a report needs one run at least"):
        html_of([])


def test_a_run_that_is_named_twice_is_one() -> None:
    run = usual_run()
    assert html_of([run, run]) == html_of([run])


def test_of_several_runs_each_suite_is_shown_as_the_newest_has_it() -> None:
    old = run_of(1, [timed_case("a", suite="one"), timed_case("b", suite="two")])
    new = run_of(2, [timed_case("a", 3, suite="one")])
    page = page_of(new, old)
    titles = [one.text for one in page.one(id="leaderboard").all("h3")]
    assert titles == [
        f"one (1 case, of run {new.metadata.run_id})",
        f"two (1 case, of run {old.metadata.run_id})",
    ]
    assert shown(13.0) in table_called(page, "Leaderboard of one").rows()[1][5]
    assert page.one(id="summary").all("time")[0].attributes["datetime"] == new.metadata.timestamp
    _, *runs = table_called(page, "The 2 runs of this report").rows()
    assert [row[1] for row in runs] == [new.metadata.run_id, old.metadata.run_id]


def test_the_newest_run_is_the_one_that_began_last_wherever_that_was() -> None:
    times = ("2026-03-01T01:00:00+05:00", "2026-02-28T22:00:00Z", "2026-02-29T00:00:00Z")
    early, late, never = (
        usual_run(timestamp=time, run_id=f"benchmark_20260301_00000{number}_{'0' * 12}")
        for number, time in enumerate(times)
    )
    assert Report([early, never, late]).runs == [never, early, late]
    assert "2026-02-29T00:00:00Z" in page_of(never).one(id="summary").text, "as the file says it"


def test_a_metric_that_nobody_could_have_is_no_column() -> None:
    page = page_of(make_run([make_case("a", {"wer": skipped("no words"), "cer": measured(0.5)})]))
    titles = table_called(page, "All metrics of speech").rows()[0]
    assert titles == ["case", "CER lower is better"]
    assert "skipped: wer: no words" in page.one(id="leaderboard").text
