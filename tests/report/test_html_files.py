"""Where a report goes: the file that the command or a session's option names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from page_reader import read_page, table_called
from report_runs import run_of, timed_case, usual_run

from pytest_modelbench.cli import main as modelbench
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.recording.html_file import HtmlFile
from pytest_modelbench.report.html import html_of
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder

Saved = Callable[..., Path]


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    def save(run: BenchmarkRun, name: str = "") -> Path:
        return run.save(tmp_path / (name or f"{run.metadata.run_id}.json"))

    return save


def days(*numbers: int) -> list[BenchmarkRun]:
    return [run_of(day, [timed_case("a", number)]) for day, number in enumerate(numbers, 1)]


@pytest.mark.parametrize("option", ["-o", "--output"])
@pytest.mark.parametrize("name", ["a.html", "A.HTM", "new/folder/a.html"])
def test_the_command_writes_html_where_the_name_says_so(
    saved: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, name: str
) -> None:
    file = saved(usual_run())
    assert modelbench(["report", str(file), option, str(tmp_path / name)]) == 0
    assert capsys.readouterr().out == f"report written to {tmp_path / name}\n"
    assert (tmp_path / name).read_text("utf-8") == html_of([BenchmarkRun.load(file)])


def test_several_runs_are_one_report_in_whatever_order_they_are_named(
    saved: Saved, tmp_path: Path
) -> None:
    files = [str(saved(run)) for run in days(0, 1, 2)]
    pages = []
    for order in (files, files[::-1]):
        assert modelbench(["report", *order, "-o", str(tmp_path / "a.html")]) == 0
        pages.append((tmp_path / "a.html").read_text("utf-8"))
    assert pages[0] == pages[1]
    assert len(table_called(read_page(pages[0]), "The 3 runs of this report").rows()) == 4


def test_runs_are_found_by_the_names_that_other_commands_know(tmp_path: Path) -> None:
    runs = days(0, 1)
    for run in runs:
        run.save(runs_folder() / f"{run.metadata.run_id}.json")
    names = ["last", "branch:main", runs[0].metadata.run_id[:20]]
    assert modelbench(["report", *names, "-o", str(tmp_path / "a.html")]) == 0
    page = read_page((tmp_path / "a.html").read_text("utf-8"))
    _, *rows = table_called(page, "The 2 runs of this report").rows()
    assert [row[1] for row in rows] == [run.metadata.run_id for run in runs[::-1]]


def test_two_runs_have_the_verdicts_that_comparing_them_gives(
    saved: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [str(saved(run)) for run in days(0, 0, 0, 1, 30)]
    assert modelbench(["compare", files[3], files[4]]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert modelbench(["report", *files[3:], "-o", str(tmp_path / "a.html")]) == 0
    page = read_page((tmp_path / "a.html").read_text("utf-8"))
    titles, *rows = table_called(page, "benchmark_20260304").rows()
    told = dict(zip(titles, rows[0], strict=True))
    assert line.startswith("a: p50 latency 11 -> 40 ms, ")
    assert f", {told['change']}, tolerance {told['allowed']}: {told['verdict']} (" in line
    assert f"detects {told['finds changes from']})" in line


@pytest.mark.parametrize("output", [[], ["-o", "a.md"], ["-o", "a"]])
def test_markdown_is_of_one_run(
    saved: Saved, capsys: pytest.CaptureFixture[str], output: list[str]
) -> None:
    files = [str(saved(run)) for run in days(0, 1)]
    with pytest.raises(SystemExit) as ended:
        modelbench(["report", *files, *output])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.endswith(
        "Markdown is of one RUN, not of 2: name one; -o report.html writes them as one HTML report"
    )


def test_a_run_that_is_not_there_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert modelbench(["report", "gone.json", "-o", str(tmp_path / "a.html")]) == 2
    assert capsys.readouterr().err == "'gone.json': no such file\n"
    assert not (tmp_path / "a.html").exists()


def test_a_report_that_cannot_be_written_is_one_line(
    saved: Saved, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = str(saved(usual_run()))
    (tmp_path / "blocked").write_text("a file")
    target = tmp_path / "blocked" / "a.html"
    assert modelbench(["report", file, "-o", str(target)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{target}: the report cannot be written (")
    assert said.endswith("give a writable place with --output\n")


def config_with(pytester: pytest.Pytester, **options: str) -> pytest.Config:
    config = pytester.parseconfig()
    config.option.suite_report = None
    vars(config.option).update(options)
    return config


def test_the_option_writes_the_run_beside_the_session(pytester: pytest.Pytester) -> None:
    run = usual_run()
    (pytester.path / "a.html").write_text("of an earlier session")
    report = HtmlFile(config_with(pytester, suite_report="a.html"))
    assert report.write(run)
    assert report.lines == [f"report written to {pytester.path / 'a.html'}"]
    assert (pytester.path / "a.html").read_text("utf-8") == html_of([run])


def test_without_the_option_nothing_is_written(pytester: pytest.Pytester) -> None:
    before = list(pytester.path.iterdir())
    report = HtmlFile(config_with(pytester))
    assert report.write(usual_run())
    assert report.lines == []
    assert list(pytester.path.iterdir()) == before


def test_what_cannot_be_written_is_said(pytester: pytest.Pytester) -> None:
    (pytester.path / "blocked").write_text("a file")
    report = HtmlFile(config_with(pytester, suite_report="blocked/a.html"))
    assert not report.write(usual_run())
    (line,) = report.lines
    assert line.endswith("give a writable place with --suite-report")


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"suite_report": "."}, "--suite-report '.' is a directory: name a file in it"),
        (
            {"suite_report": "a.md"},
            "--suite-report 'a.md' should end in .html (--suite-markdown writes Markdown)",
        ),
        (
            {"suite_report": "a.html", "suite_output": "a.html"},
            "--suite-report and --suite-output are both 'a.html': name two files",
        ),
        (
            {"suite_report": "a.html", "suite_markdown": "./a.html"},
            "--suite-report and --suite-markdown are both 'a.html': name two files",
        ),
    ],
)
def test_a_file_that_never_could_be_the_report_is_refused(
    pytester: pytest.Pytester, options: dict[str, str], fault: str
) -> None:
    with pytest.raises(ModelbenchError) as refused:
        HtmlFile(config_with(pytester, **options))
    assert str(refused.value) == fault
