"""`modelbench history`: a metric over the runs that are kept."""

from __future__ import annotations

import csv
import io
import json
import random
from typing import Any

import pytest
from made_runs import (
    BUSY,
    SYSTEM,
    begun_run,
    kept_run,
    made_case,
    milliseconds,
    run_id,
    stored_run,
)

from pytest_modelbench.cli import main
from pytest_modelbench.results.metric import measured
from pytest_modelbench.results.run import TakenOver
from pytest_modelbench.results.store import runs_folder

Printed = pytest.CaptureFixture[str]


def kept(number: int, latency: float, name: str = "b[m-CPU]", **fields: Any) -> None:
    metrics = {"p50_latency_ms": milliseconds(latency)}
    kept_run(runs_folder(), number, [made_case(name, metrics)], **fields)


def steps() -> None:
    """Twenty quiet runs at 10 ms, then five at 13 ms."""
    draw = random.Random(4)
    for number in range(25):
        level = 10.0 if number < 20 else 13.0
        kept(number, level * draw.lognormvariate(0, 0.005), git_branch="main",
             git_sha=f"{number:040x}")  # fmt: skip


def said(capsys: Printed, *arguments: str) -> str:
    assert main(["history", *arguments]) == 0
    return capsys.readouterr().out


def records(capsys: Printed, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in said(capsys, *arguments, "--json").splitlines()]


def test_each_case_has_a_line_a_run_oldest_first_and_only_the_step_is_a_change(
    capsys: Printed,
) -> None:
    steps()
    title, blank, case, *lines = said(capsys, "p50_latency_ms", "--limit=0").splitlines()
    assert (title, blank) == ("p50_latency_ms (lower is better)", "")
    assert case.startswith("s::b[m-CPU]  ▁")
    assert case.endswith("  25 runs")
    assert case.split()[1][-1] in "▇█"
    assert len(lines) == 25
    assert lines[0].split()[2] == "main@0000000"
    changes = [at for at, line in enumerate(lines) if "worse" in line or "better" in line]
    assert changes == [20]
    assert "ms  [" in lines[20]
    assert lines[20].split("]")[1].split()[0].startswith("+3")  # per cent
    assert lines[20].endswith("% worse")


def test_a_list_is_short_and_says_so_while_programs_get_all(capsys: Printed) -> None:
    steps()
    lines = said(capsys, "p50_latency_ms").splitlines()
    assert "  ... and 5 before: --limit 0 shows all" in lines
    assert len([line for line in lines if " ms  [" in line]) == 20
    assert sum("worse" in line for line in lines) == 1
    assert len(records(capsys, "p50_latency_ms")) == 25
    last = records(capsys, "p50_latency_ms", "--limit=6")
    assert [one["run_id"] for one in last] == [run_id(number) for number in range(19, 25)]
    assert [one["change_is_proven"] for one in last] == [False, True, *[False] * 4]
    assert last[1]["judgement"] == "worse"
    assert last[1]["change"] == pytest.approx(0.3, abs=0.05)


def test_which_way_is_better_is_the_catalogue_s(capsys: Printed) -> None:
    for number, value in enumerate((10.0, 100.0)):
        case = made_case(metrics={"throughput_items_per_second": measured(value, "items/s")})
        kept_run(runs_folder(), number, [case])
    assert said(capsys, "throughput_items_per_second").endswith("100 items/s    +900.0 % better\n")


def test_filters_choose_runs_and_cases(capsys: Printed) -> None:
    kept(1, 10.0, git_branch="main")
    kept(2, 11.0, "b[n-CPU]", git_branch="dev")
    kept_run(
        runs_folder(), 3, [made_case(suite="t"), made_case("c[m-GPU]", device="GPU", suite="t")]
    )
    for option, expected in {
        "--branch=main": ["s::b[m-CPU]"],
        "--suite=t": ["t::b[m-CPU]", "t::c[m-GPU]"],
        "--model=n": ["s::b[n-CPU]"],
        "--device=gpu": ["t::c[m-GPU]"],
        "--case=b[*-CPU]": ["s::b[m-CPU]", "s::b[n-CPU]", "t::b[m-CPU]"],
        "--case=t::*": ["t::b[m-CPU]", "t::c[m-GPU]"],
    }.items():
        found = records(capsys, "p50_latency_ms", option)
        assert [one["case"] for one in found] == expected, option


def test_a_metric_that_no_run_has_is_told_with_the_nearest(capsys: Printed) -> None:
    kept(1, 10.0)
    assert main(["history", "p50_latency"]) == 2
    assert "has no value of it; did you mean 'p50_latency_ms'?" in capsys.readouterr().err
    assert main(["history", "xyz"]) == 2
    assert "has no value of it; they have p50_latency_ms" in capsys.readouterr().err
    assert main(["history", "p50_latency_ms", "--suite=other"]) == 2
    assert "no run there has a case that was asked for" in capsys.readouterr().err


def test_what_measured_nothing_of_its_own_has_no_place_in_it(capsys: Printed) -> None:
    kept(1, 10.0)
    kept(2, 50.0, dry_run=True)
    kept(3, 60.0, quick=True)
    before = TakenOver(run_id=run_id(1), what="case", samples=None)
    kept_run(runs_folder(), 4, [made_case(taken_over=[before])])
    begun_run(runs_folder(), 5, [made_case()], total=2)
    kept_run(runs_folder(), 6, [made_case(status="error", detail="it broke")])
    assert [one["run_id"] for one in records(capsys, "p50_latency_ms")] == [run_id(1)]


def test_what_cannot_be_read_is_told_and_the_rest_is_shown(capsys: Printed) -> None:
    kept(1, 10.0)
    kept_run(runs_folder(), 2).run_file.write_text("[]")
    stored_run(runs_folder(), 3)
    assert main(["history", "p50_latency_ms"]) == 0
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{run_id(2)}: ")
    assert "2 runs" in captured.out


def test_another_machine_s_figures_are_not_held_against_each_other(capsys: Printed) -> None:
    there = SYSTEM.model_copy(update={"cpu_info": "Processor B"})
    kept(1, 10.0)
    kept(2, 40.0, system=there)
    kept(3, 10.1)
    found = records(capsys, "p50_latency_ms")
    assert [one["change_is_proven"] for one in found] == [None, None, False]
    assert found[2]["change"] == pytest.approx(0.01)


def test_a_disturbed_run_is_not_called_slower(capsys: Printed) -> None:
    kept(1, 10.0)
    case = made_case(metrics={"p50_latency_ms": 16.0}, conditions=BUSY)
    kept_run(runs_folder(), 2, [case])
    assert "worse" not in said(capsys, "p50_latency_ms")


def test_a_figure_that_is_the_client_s_is_shown_and_neither_a_change_nor_held_against(
    capsys: Printed,
) -> None:
    for number, latency in enumerate((10.0, 90.0, 10.0)):
        flag = {"flag": "client_limited"} if latency > 10.0 else {}
        metric = milliseconds(latency)
        metric = metric.model_copy(update={"metadata": metric.metadata | flag})
        folder = kept_run(runs_folder(), number, [made_case(metrics={"p50_latency_ms": metric})])
        # An earlier version's summary does not say it.
        summary = json.loads(folder.summary_file.read_text())
        summary["version"] -= 1
        del summary["cases"][0]["metrics"]["p50_latency_ms"]["is_client_limited"]
        folder.summary_file.write_text(json.dumps(summary))
    found = records(capsys, "p50_latency_ms")
    assert [one["value"] for one in found] == [10.0, 90.0, 10.0]
    assert [one["change"] for one in found] == [None, None, 0.0]
    assert [one["client_limited"] for one in found] == [False, True, False]
    lines = said(capsys, "p50_latency_ms").splitlines()[-3:]
    assert ["the client was the bottleneck" in line for line in lines] == [False, True, False]


def test_another_dataset_is_named_instead_of_a_change(capsys: Printed) -> None:
    kept(1, 10.0)
    digests = made_case().digests
    assert digests is not None
    other = made_case(
        metrics={"p50_latency_ms": 90.0},
        digests=digests.model_copy(update={"dataset": "1" * 32}),
        fingerprint="1" * 32,
    )
    kept_run(runs_folder(), 2, [other])
    assert said(capsys, "p50_latency_ms").splitlines()[-1].endswith("  other dataset")


def test_another_unit_is_another_series(capsys: Printed) -> None:
    for number, (value, unit) in enumerate([(1.0, "s"), (1000.0, "ms")]):
        kept_run(runs_folder(), number, [made_case(metrics={"own": measured(value, unit)})])
    assert [one["change"] for one in records(capsys, "own")] == [None, None]


def test_csv_has_no_formula_in_a_cell(capsys: Printed) -> None:
    kept(1, 10.0, git_branch='=HYPERLINK("x")', git_sha="ab" * 20)
    kept(2, -1.0, git_branch="main", git_sha="ab" * 20)
    rows = list(csv.DictReader(io.StringIO(said(capsys, "p50_latency_ms", "--csv"))))
    assert rows[0]["git_branch"] == '\'=HYPERLINK("x")'
    assert (rows[1]["git_branch"], float(rows[1]["value"])) == ("main", -1.0)
    assert list(rows[0])[:3] == ["case", "run_id", "timestamp"]


def test_csv_and_json_at_once_are_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        main(["history", "p50_latency_ms", "--csv", "--json"])
    assert caught.value.code == 2


def test_an_increase_of_a_device_s_memory_is_as_uncertain_as_its_peak(capsys: Printed) -> None:
    for number, increase in ((1, 19_500.0), (2, 19_600.0)):
        metrics = {
            "peak_ram_mb": measured(2_000.0, "MB"),
            "device_peak_vram_mb": measured(20_000.0, "MB"),
            "device_vram_increase_mb": measured(increase, "MB"),
        }
        kept_run(runs_folder(), number, [made_case(metrics=metrics)])
    _, newer = records(capsys, "device_vram_increase_mb")
    assert newer["change_is_proven"] is False
