"""A run as Markdown: the verdict first, everything from data as text, never too long."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from made_runs import CONDITIONS
from run_builder import bound, make_case, make_comparison, make_run, make_verdict_of, milliseconds

from pytest_modelbench.report.headline import headline
from pytest_modelbench.report.markdown import MOST_COMMENT_BYTES, MOST_SUMMARY_BYTES, markdown_of
from pytest_modelbench.report.markdown_text import bullet, escaped
from pytest_modelbench.results.metric import failed, skipped
from pytest_modelbench.results.run import BenchmarkRun

HOSTILE = [
    "<script>alert(1)</script>",
    "a|b\\|c\\",
    "`code` ``two`` ```",
    "two\nlines\r\nand | a pipe",
    "@everyone and org/team@1a2b3c",
    "#123, org/repo#4, GH-5",
    "**bold** _low_ __init__ ~~gone~~ $x^2$",
    "[text](https://example.com) ![image](www.example.com) :tada:",
    "</details><!-- --> &lt;b&gt; &#124;",
    "# heading",
    "- item",
    "1. item",
    "---",
    "\x1b[31mred\x1b[0m \u202eright to left",
]


def cells_of(line: str) -> list[str]:
    """What a reader of GitHub's tables takes for cells."""
    assert line.startswith("| ")
    assert line.endswith(" |")
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables_of(text: str) -> Iterator[list[list[str]]]:
    """Each table's rows; every one has as many cells as its titles."""
    for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
        titles, rule, *rows = map(cells_of, table.splitlines())
        assert all(re.fullmatch(r"-{3}:?", cell) for cell in rule)
        assert {len(titles)} == {len(row) for row in (rule, *rows)}
        yield [titles, *rows]


def shown(markdown: str) -> str:
    """What a browser shows of a line whose Markdown is all escaped."""
    text = re.sub(r"</?span>", "", markdown)
    text = re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)
    return html.unescape(text).replace("\u200b", "")


def plain(text: str) -> str:
    """`text` in one line, as it is to be shown."""
    return re.sub(
        r"[\x00-\x1f\u202e]",
        lambda found: found[0].encode("unicode_escape").decode(),
        " ".join(text.split()),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_what_comes_from_data_is_shown_as_it_is_and_does_nothing(text: str) -> None:
    for line in (escaped(text), bullet(text).removeprefix("- ")):
        assert shown(line) == plain(text)
        assert "\n" not in line
        without_spans = line.replace("<span>$</span>", "")
        assert not re.search(r"[<>|$]", without_spans)
        assert not re.search(r"(?<!\\)[`*\[~]", line), "each is escaped"
        assert not re.search(r"@\w|(?<!&)#\w|GH-\d|www\.|://|:\w+:", line, re.IGNORECASE)
    assert re.match(r"- (?![-+=#]+(\s|$)|\d+[.)])", bullet(text)), "no list or heading begins"


def test_underscores_stay_bare_within_names_and_emphasise_nothing() -> None:
    assert escaped("p50_latency_ms") == "p50_latency_ms"
    assert escaped("_a_ __b__") == r"\_a\_ \_\_b\_\_"


def test_long_texts_are_cut_before_they_are_escaped() -> None:
    assert escaped("|" * 1000, 10) == "&#124;" * 7 + "..."


def run_with(*outcomes: str, **fields: Any) -> BenchmarkRun:
    verdicts = [make_verdict_of(one) for one in outcomes]
    return make_run([make_case("a")], [make_comparison("a", verdicts)], **fields)


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (
            run_with("pass", "inconclusive", "regression", "pass", "noted"),
            "**1 regression**, 1 inconclusive, 2 pass, 1 change noted",
        ),
        (run_with("pass", "pass"), "**all 2 within tolerance**"),
        (run_with("pass"), "**1 within tolerance**"),
        (run_with("pass", "inconclusive"), "1 inconclusive, 1 pass"),
        (run_with("pass", problems=["no such file"]), "**1 faulty suite**, 1 pass"),
        (run_with("pass", exit_status=2), "**the session was interrupted**, 1 pass"),
        (run_with("pass", exit_status=1), "**1 within tolerance**"),
        (make_run([make_case("a"), make_case("b")]), "**2 cases measured**"),
        (make_run([make_case("a", bounds=[bound("passed")] * 2)]), "**all 2 bounds hold**"),
        (
            make_run([make_case("a", bounds=[bound("failed"), bound("passed")])]),
            "**1 broken bound**, 1 bound holds",
        ),
        (make_run([make_case("a", bounds=[bound("inconclusive")])]), "1 inconclusive"),
        (
            make_run([make_case("a"), make_case("b", status="error", detail="crashed")]),
            "**1 error**",
        ),
        (make_run([make_case("a", {"wer": failed("no words")})]), "**1 error**"),
        (
            make_run([make_case("a"), make_case("b", status="skipped", detail="no GPU")]),
            "**1 case measured**, 1 skipped",
        ),
        (
            make_run([make_case("b", status="skipped", detail="no GPU")]),
            "**nothing was measured**, 1 skipped",
        ),
        (
            make_run([make_case("b", status="skipped", detail="dry run")], dry_run=True),
            "**dry run: 1 case, nothing was measured**",
        ),
    ],
)
def test_the_first_line_is_the_verdict_on_the_whole(run: BenchmarkRun, line: str) -> None:
    assert headline(run) == line
    assert markdown_of(run).splitlines()[0] == line


def test_a_comparison_and_its_case_that_went_wrong_together_are_one_error() -> None:
    broken = make_comparison("a", status="error", detail="crashed")
    case = make_case("a", status="error", detail="crashed")
    assert headline(make_run([case], [broken])) == "**1 error**"
    text = markdown_of(make_run([make_case("a")], [broken]))
    assert text.startswith("**1 error**\n")
    assert "- error: a: crashed\n" in text


def test_verdicts_stand_in_a_table_with_regressions_first() -> None:
    comparisons = [
        make_comparison("fine", [make_verdict_of("pass", -0.02)]),
        make_comparison("slow", [make_verdict_of("regression", 0.3)]),
        make_comparison("dim", [make_verdict_of("inconclusive", None)]),
        make_comparison("three", [make_verdict_of("noted", sides=("a", "b"), metric="wer")]),
    ]
    text = markdown_of(make_run([make_case("fine")], comparisons))
    rows = [" | ".join(map(shown, row)) for row in next(tables_of(text))]
    assert rows == [
        "case | metric | baseline | candidate | change | tolerance | outcome",
        "slow | p50 latency | 10 ms | 13 ms | +30.0 % [+29.0, +31.0] | 5 % | **regression**",
        "dim | p50 latency | 10 ms | 10 ms | - | 5 % | inconclusive",
        "fine | p50 latency | 10 ms | 9.8 ms | -2.0 % [-3.0, -1.0] | 5 % | pass",
        "three (b against a) | wer | 10 | 10.1 | +1.0 % [+0.0, +2.0] | - | noted",
    ]


def test_a_reason_is_given_once_with_all_that_it_is_about() -> None:
    comparisons = [make_comparison(f"c{n}", [make_verdict_of("inconclusive")]) for n in range(5)]
    text = markdown_of(make_run([make_case("c0")], comparisons))
    line = (
        "- inconclusive: 40 more blocks would settle it "
        "(c0 p50 latency, c1 p50 latency, c2 p50 latency and 2 more)"
    )
    assert line in text.splitlines()


def test_ids_are_whole_where_there_are_several_suites() -> None:
    cases = [make_case("a", suite="one"), make_case("a", suite="two")]
    text = markdown_of(
        make_run(cases, [make_comparison("a", [make_verdict_of("pass")], suite="two")])
    )
    assert next(tables_of(text))[1][0] == "two::a"
    assert "### one (1 case)" in text


def test_each_suite_has_the_table_that_the_terminal_shows() -> None:
    criteria = [{"id": "wer", "metric": "wer", "goal": "min"}]
    cases = [
        make_case("slow", {"p50_latency_ms": milliseconds(30.0), "wer": failed("no words")}),
        make_case("quick", {"p50_latency_ms": milliseconds(10.0), "wer": milliseconds(0.1)}),
    ]
    text = markdown_of(make_run(cases, criteria=criteria))
    titles, first, second = next(tables_of(text))
    assert titles[:2] == ["rank", "case"]
    assert titles[-2:] == ["WER", "p50 ms"]
    assert shown(first[-1]) == "*10 [9, 11]"
    assert [first[1], second[1], second[-2]] == ["quick", "slow", "error"]
    assert "95 % interval of this run's samples; \\*: best" in text


def section(text: str, summary: str) -> list[str]:
    """The lines that are folded away under `summary`."""
    _, _, rest = text.partition(f"<details><summary>{summary}</summary>\n\n")
    assert rest
    return rest.partition("\n\n</details>")[0].splitlines()


def test_what_else_a_reader_may_ask_is_folded_away() -> None:
    conditions = CONDITIONS.model_copy(
        update={"disturbances": ["other programs used 40 % of the processors"]}
    )
    metrics = {"p50_latency_ms": milliseconds(10.0), "peak_vram_mb": skipped("no GPU", "MB")}
    run = make_run(
        [make_case("a", metrics, conditions=conditions)],
        [make_comparison("a", [make_verdict_of("pass")], differences=["numpy 1 and numpy 2"])],
    )
    text = markdown_of(run)
    assert section(text, "Why numbers are missing") == ["- skipped: peak_vram_mb: no GPU"]
    assert section(text, "What the verdicts rest on")[0].startswith("- a: p50 latency 10 -")
    sides = ["- baseline: revision main", "- candidate: speech::a"]
    assert section(text, "What was compared") == sides
    assert section(text, "What differs besides") == ["- numpy 1 and numpy 2 (a)"]
    assert section(text, "What disturbed the measurements") == [
        "- latencies are disturbed: other programs used 40 % of the processors"
    ]
    machine = "\n".join(section(text, "Machine and versions"))
    assert f"- run {run.metadata.run_id}" in machine
    assert run.system_info.python_version in machine
    named = run.model_copy(
        update={"system_info": run.system_info.model_copy(update={"hostname": "box-of-jane"})}
    )
    assert "box-of-jane" not in markdown_of(named)


def test_nothing_is_folded_away_where_there_is_nothing_to_say() -> None:
    text = markdown_of(make_run([make_case("a")]))
    assert re.findall("<summary>(.*?)</summary>", text) == ["Machine and versions"]


def test_faults_are_named_and_not_folded_away() -> None:
    cases = [
        make_case("a", bounds=[bound("failed", "broken: p50_latency_ms is 30 ms, above max")]),
        make_case("b", bounds=[bound("inconclusive", "p50_latency_ms is 20 ms: at its max")]),
        make_case("c", status="error", detail="killed by SIGSEGV"),
        make_case("d", {"wer": failed("no words")}),
    ]
    text = markdown_of(make_run(cases, problems=["other.json: no such file"]))
    visible, _, _ = text.partition("<details>")
    assert [line for line in visible.splitlines() if line.startswith("- ")] == [
        "- broken bound: a: p50_latency_ms is 30 ms, above max",
        "- inconclusive bound: b: p50_latency_ms is 20 ms: at its max",
        "- error: c: killed by SIGSEGV",
        "- error: d: wer: no words",
        "- faulty suite: other.json: no such file",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_anywhere_break_no_table_and_open_no_tag(name: str) -> None:
    metrics = {name: failed(name), "wer": milliseconds(1.0)}
    case = make_case(name, metrics, suite=name, bounds=[bound("failed", name)])
    verdict = make_verdict_of("inconclusive", metric=name, sides=(name, "x"), reason=name)
    comparison = make_comparison(name, [verdict], suite=name, differences=[name])
    run = make_run(
        [case, make_case("other")],
        [comparison, make_comparison("b", suite=name, status="error", detail=name)],
        problems=[name],
        criteria=[{"id": name, "expression": "1", "goal": "min"}],
        command_line=name,
    )
    text = markdown_of(run)
    assert [len(table) - 1 for table in tables_of(text)] == [1, 1, 1]
    tags = re.findall(r"<[^>]*>", text)
    ours = {f"<{end}{tag}>" for end in ("", "/") for tag in ("details", "summary", "span")}
    assert set(tags) <= ours
    assert text.count("<details>") == text.count("</details>") > 0
    assert not re.search(r"@\w|(?<!&)#\w|GH-\d", text)
    begins = (r"### ", r"- \S", r"\| ", r"<details>", r"</details>", r"\*\*", r"\\\[low")
    assert all(re.match("|".join(begins), line) for line in text.splitlines() if line)


@pytest.mark.parametrize("most_bytes", [MOST_COMMENT_BYTES, MOST_SUMMARY_BYTES])
def test_thousands_of_cases_are_cut_between_rows_and_counted(most_bytes: int) -> None:
    number = 5000
    names = [f"übersetzung[modell-{index}-CPU]" for index in range(number)]
    run = make_run(
        [make_case(name) for name in names],
        [make_comparison(name, [make_verdict_of("pass")]) for name in names],
    )
    text = markdown_of(run, most_bytes)
    assert most_bytes / 2 < len(text.encode()) <= most_bytes
    assert text.startswith("**all 5000 within tolerance**\n")
    verdicts, cases = tables_of(text)
    for table, kind in ((verdicts, "verdicts"), (cases, "cases")):
        left = re.search(rf"^\.\.\. and (\d+) more {kind} in the run file$", text, re.M)
        assert len(table) - 1 + int(left[1] if left else 0) == number
    assert text.count("<details>") == text.count("</details>")
    assert f"run {run.metadata.run_id}" in text, "what is last has its place, too"


def test_the_comment_fits_into_what_github_takes() -> None:
    assert MOST_COMMENT_BYTES < 65_536
    assert MOST_SUMMARY_BYTES <= 1024 * 1024


def test_thousands_of_suites_are_cut_between_sections_and_counted() -> None:
    cases = [make_case("a", suite=f"suite-{index}") for index in range(3000)]
    text = markdown_of(make_run(cases))
    assert len(text.encode()) <= MOST_COMMENT_BYTES
    sections = text.count("\n### ")
    left = re.search(r"^\.\.\. and (\d+) more sections in the run file\n\Z", text, re.M)
    assert left
    assert sections + int(left[1]) == 3001, "the suites and the machine"


@pytest.mark.parametrize("most_bytes", [-5, 0, 10, 200, 500, 1000, 2000])
def test_however_little_room_there_is_it_is_not_passed(most_bytes: int) -> None:
    text = markdown_of(run_with("pass", "regression"), most_bytes)
    assert len(text.encode()) <= max(0, most_bytes)
    assert text == "" or text.startswith("**1 regression**, 1 pass\n")
    assert most_bytes < 200 or text
    list(tables_of(text))
