"""`modelbench export`: runs as other programs read them."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from made_runs import kept_run, made_case, made_comparison, made_run, milliseconds, run_id

from pytest_modelbench.cli import main
from pytest_modelbench.export.rounds import stats_of_rounds
from pytest_modelbench.results.judgement import BoundCheck
from pytest_modelbench.results.metric import failed, measured, skipped
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import BenchmarkRun, CaseResult
from pytest_modelbench.results.store import runs_folder
from pytest_modelbench.results.timing_record import TimingRecord

Printed = pytest.CaptureFixture[str]
EchoSuite = Callable[..., Path]


def timing(*durations_ns: int, in_flight: int = 1) -> TimingRecord:
    return TimingRecord(
        warmup=pack([1]),
        warmup_ended_by="count",
        warmup_rule="one call",
        durations=pack(durations_ns),
        first_round=len(durations_ns),
        repeated=0,
        stopped_by="enough",
        in_flight=in_flight,
    )


def cases() -> list[CaseResult]:
    metrics = {
        "p50_latency_ms": milliseconds(2.0),
        "delta": measured(-1.5, "ms"),
        "peak_vram_mb": skipped("no GPU\nhere", "MB"),
        "odd": failed("division by zero"),
    }
    params = {"batch_size": 2, "text": "=1+1"}
    return [
        made_case("b[m-CPU]", metrics, params=params, timing=timing(2_000_000, 3_000_000)),
        made_case("b[x-CPU]", status="skipped", detail="no driver"),
    ]


def said(capsys: Printed, *arguments: str) -> str:
    assert main(["export", *arguments]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def test_csv_has_a_row_for_each_metric_of_each_case(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, cases(), git_sha="ab" * 20, git_branch="main", git_dirty=False)
    rows = list(csv.DictReader(io.StringIO(said(capsys, "last", "--format=csv"))))
    first, delta, vram, odd, second = rows
    assert first["run_id"] == run_id(1)
    assert (first["git_sha"], first["git_branch"], first["hostname"]) == ("ab" * 20, "main", "here")
    assert (first["case"], first["benchmark"], first["runner"]) == ("s::b[m-CPU]", "b", "echo")
    assert json.loads(first["params"]) == {"batch_size": 2, "text": "=1+1"}
    numbers = [float(first[name]) for name in ("value", "low", "high")]
    assert numbers == pytest.approx([2.0, 1.99, 2.01])
    assert (first["samples"], first["unit"], first["reason"]) == ("500", "ms", "")
    assert float(delta["value"]) == -1.5
    assert (vram["status"], vram["value"], vram["reason"]) == ("skipped", "", "no GPU\nhere")
    assert (odd["status"], odd["reason"]) == ("error", "division by zero")
    assert second["case"] == "s::b[x-CPU]"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "\uff1d"])
def test_no_text_in_a_csv_file_begins_like_a_formula(start: str, capsys: Printed) -> None:
    evil = f"{start}cmd|' /C calc'!A0"
    case = made_case(metrics={evil: skipped(evil)}, model=evil)
    kept_run(runs_folder(), 1, [case], git_branch=evil)
    text = said(capsys, "last", "--format=csv")
    for row in csv.reader(io.StringIO(text, newline="")):
        for cell in row:
            assert not cell.startswith(start)
    (found,) = csv.DictReader(io.StringIO(text, newline=""))
    expected = "'" + evil.replace("\r", "\n")
    assert found["model"] == found["metric"] == found["reason"] == expected
    (line,) = said(capsys, "last", "--format=jsonl").splitlines()
    assert json.loads(line)["model"] == evil  # where there are no formulas nothing is changed


def test_json_lines_have_values_of_their_own_kind(capsys: Printed) -> None:
    kept_run(runs_folder(), 1, cases())
    kept_run(runs_folder(), 2)
    lines = said(capsys, run_id(1), run_id(2), "--format=jsonl").splitlines()
    rows = [json.loads(line) for line in lines]
    assert [row["run_id"] for row in rows] == [run_id(1)] * 5 + [run_id(2)]
    assert rows[0]["params"]["batch_size"] == 2
    assert rows[1]["value"] == -1.5
    assert rows[2]["value"] is None
    assert rows[0]["samples"] == 500


def test_parquet_keeps_the_types(tmp_path: Path, capsys: Printed) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    kept_run(runs_folder(), 1, cases(), git_dirty=True)
    file = tmp_path / "new" / "out.parquet"
    assert said(capsys, "last", "--format=parquet", "-o", str(file)) == f"written to {file}\n"
    table = parquet.read_table(file)
    types = {field.name: str(field.type) for field in table.schema}
    assert types["value"] == "double"
    assert types["timestamp"] == "timestamp[ms, tz=UTC]"
    assert (types["git_dirty"], types["samples"]) == ("bool", "int64")
    rows = table.to_pylist()
    assert [row["value"] for row in rows] == [2.0, -1.5, None, None, 10.0]
    assert rows[0]["timestamp"].isoformat() == "2026-03-01T00:00:00+00:00"
    assert rows[0]["git_dirty"] is True
    assert [one.name for one in file.parent.iterdir()] == ["out.parquet"]


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept_run(runs_folder(), 1)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    assert main(["export", "last", "--format=parquet", "-o", str(tmp_path / "x")]) == 1
    assert 'pip install "pyarrow' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
    assert main(["export", "last", "--format=parquet"]) == 2
    assert "say where to write it with --output" in capsys.readouterr().err


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, capsys: Printed) -> None:
    kept_run(runs_folder(), 1, cases())
    file = tmp_path / "out.csv"
    assert said(capsys, "last", "--format=csv", "-o", str(file)) == f"written to {file}\n"
    assert file.read_text() == said(capsys, "last", "--format=csv")
    assert main(["export", "last", "--format=csv", "-o", str(tmp_path)]) == 1
    assert "is a directory: name a file in it" in capsys.readouterr().err
    for kind in ("csv", "junit", "parquet"):
        assert main(["export", "last", f"--format={kind}", "-o", str(file / "x")]) == 1
        assert "cannot be written" in capsys.readouterr().err


def test_junit_has_cases_as_tests_and_metrics_as_their_properties(capsys: Printed) -> None:
    broken = BoundCheck(
        criterion="c", what="p50_latency_ms", value=2.0, interval=None, unit="ms", min=None,
        max=1.0, outcome="failed", message="p50_latency_ms 2 ms is above 1 ms",
    )  # fmt: skip
    error = made_case("b[e-CPU]", status="error", detail="a \x00 <b>", trace="deep\x1b[31m")
    over = made_case("b[o-CPU]", bounds=[broken])
    kept_run(runs_folder(), 1, [*cases(), error, over], git_sha="ab" * 20)
    root = ElementTree.fromstring(said(capsys, "last", "--format=junit"))
    (suite,) = root
    counts = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counts == {"tests": "4", "failures": "1", "errors": "2", "skipped": "1"}
    good, missing, wrong, slow = suite.findall("testcase")
    assert (good.get("classname"), good.get("name")) == ("s", "b[m-CPU]")
    properties = {one.get("name"): one.get("value") for one in good.iter("property")}
    assert properties["p50_latency_ms"] == "2.0 ms"
    assert properties["odd"] == "error: division by zero"
    assert properties["model"] == "m"
    assert (good[1].tag, good[1].get("message")) == ("error", "odd: division by zero")
    assert missing[1].get("message") == "no driver"
    assert (wrong[1].tag, wrong[1].get("message")) == ("error", "a #x00 <b>")
    assert wrong[1].text == "deep#x1B[31m"
    assert (slow[1].tag, slow[1].get("message")) == ("failure", broken.message)
    of_suite = {one.get("name"): one.get("value") for one in suite.findall("properties/property")}
    assert of_suite == {"run_id": run_id(1), "git_sha": "ab" * 20}


def test_junit_has_a_comparison_that_broke_though_its_sides_are_well(
    tmp_path: Path, capsys: Printed
) -> None:
    what = "side 'candidate': broken in launch 3: RuntimeError: out of luck"
    broke = made_comparison("b[m-CPU-vs-main]", status="error", detail=what)
    run = made_run(1, [made_case("b[m-CPU-vs-main]@candidate")])
    file = run.model_copy(update={"comparisons": [broke]}).save(tmp_path / "broke.json")
    (suite,) = ElementTree.fromstring(said(capsys, str(file), "--format=junit"))
    assert (suite.get("tests"), suite.get("errors")) == ("2", "1")
    well, wrong = suite.findall("testcase")
    assert [one.tag for one in well] == ["properties"]
    assert wrong.get("name") == "b[m-CPU-vs-main]"
    assert wrong[0].get("message") == broke.detail


def test_junit_has_comparisons_that_were_cut_short_and_suites_that_could_not_be_used(
    tmp_path: Path, capsys: Printed
) -> None:
    why = "unfinished: the time of the session is over"
    cut = made_comparison("b[m-CPU-vs-main]", "candidate", status="skipped", detail=why)
    run = made_run(1, [made_case("b[m-CPU-vs-main]@candidate")])
    changed = {
        "comparisons": [cut],
        "problems": ["bad.json:3: no such field"],
    }
    file = run.model_copy(update=changed).save(tmp_path / "cut.json")
    suite, problems = ElementTree.fromstring(said(capsys, str(file), "--format=junit"))
    assert (suite.get("tests"), suite.get("errors"), suite.get("skipped")) == ("2", "0", "1")
    assert suite.findall("testcase")[1][0].tag == "skipped"
    assert suite.findall("testcase")[1][0].get("message") == cut.detail
    assert (problems.get("errors"), problems[0][0].get("message")) == ("1", changed["problems"][0])


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 7, 8, 9, 130])
def test_rounds_are_summed_up_as_pytest_benchmark_does(count: int) -> None:
    stats = pytest.importorskip("pytest_benchmark.stats").Stats()
    seconds = [((number * 7919) % 101 + 1) / 1e4 for number in range(count)]
    seconds[-1] *= 30  # an outlier
    for one in seconds:
        stats.update(one)
    found = stats_of_rounds(seconds)
    assert (found.pop("data"), found.pop("iterations")) == (seconds, 1)
    assert found == pytest.approx(stats.as_dict())


def benchmark_document(capsys: Printed, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(said(capsys, *arguments, "--format=pytest-benchmark"))
    return found


def test_what_is_no_rounds_is_left_out_and_told(capsys: Printed) -> None:
    flying = made_case("b[f-CPU]", timing=timing(5, 6, in_flight=2))
    kept_run(runs_folder(), 1, [*cases(), flying, made_case("b[n-CPU]")])
    assert main(["export", "last", "--format=pytest-benchmark"]) == 0
    captured = capsys.readouterr()
    (benchmark,) = json.loads(captured.out)["benchmarks"]
    assert benchmark["stats"]["data"] == [0.002, 0.003]
    assert captured.err.splitlines() == [
        "left out: s::b[x-CPU]: skipped: no driver",
        "left out: s::b[f-CPU]: its calls were in flight together: their times are no rate",
        "left out: s::b[n-CPU]: it has no timed calls",
    ]
    assert main(["export", "last", "last", "--format=pytest-benchmark"]) == 2
    assert "has one run a file" in capsys.readouterr().err


@pytest.mark.slow
def test_pytest_benchmark_s_own_commands_read_it(
    pytester: pytest.Pytester, echo_suite: EchoSuite, capsys: Printed
) -> None:
    if importlib.util.find_spec("pytest_benchmark") is None:
        pytest.skip("pytest-benchmark is not installed")
    echo_suite()
    session = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "echo.json"]
    subprocess.run(session, cwd=pytester.path, check=True, capture_output=True, timeout=120)
    for name in ("before.json", "after.json"):
        said(capsys, "last", "--format=pytest-benchmark", "-o", str(pytester.path / name))
    done = subprocess.run(
        [sys.executable, "-m", "pytest_benchmark", "compare", "before.json", "after.json",
         "--columns=min,max,mean,stddev,median,iqr,outliers,ops,rounds", "--csv=out.csv"],
        cwd=pytester.path, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Failed to load" not in done.stdout + done.stderr
    for name in ("shout[one-CPU] (before)", "shout[two-CPU] (after)"):
        assert name in done.stdout, done.stdout
    rows = list(csv.DictReader((pytester.path / "out.csv").read_text().splitlines()))
    run = BenchmarkRun.model_validate_json(raw_of_last(capsys))
    medians = sorted(float(row["median"]) for row in rows)
    expected = sorted(2 * [(c.metrics["p50_latency_ms"].value or 0) / 1e3 for c in run.cases])
    assert medians == pytest.approx(expected)
    compared = subprocess.run(
        [*session, "--benchmark-compare=before.json"],
        cwd=pytester.path, capture_output=True, text=True, timeout=120, check=False, env=os.environ,
    )  # fmt: skip
    assert compared.returncode == 0, compared.stdout
    for name in ("shout[one-CPU] (NOW)", "shout[one-CPU] (before)"):
        assert name in compared.stdout, compared.stdout


def raw_of_last(capsys: Printed) -> str:
    assert main(["show", "last", "--raw"]) == 0
    return capsys.readouterr().out
