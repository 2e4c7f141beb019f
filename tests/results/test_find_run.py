"""A run is found by what a person calls it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from made_runs import begun_run, made_case, made_run, run_id, stored_run

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results import find_run as module
from pytest_modelbench.results.find_run import find_run
from pytest_modelbench.results.run import BenchmarkRun
from pytest_modelbench.results.store import runs_folder


def found(text: str, folder: Path, **options: Any) -> str:
    file, run = find_run(text, folder, **options)
    assert file.is_file()
    return run.metadata.run_id


def refusal(text: str, folder: Path, **options: Any) -> str:
    with pytest.raises(ModelbenchError) as caught:
        find_run(text, folder, **options)
    (line,) = str(caught.value).splitlines()
    return line


def test_last_is_the_newest_run(tmp_path: Path) -> None:
    for number in (7, 3, 5):
        stored_run(tmp_path, number)
    assert found("last", tmp_path) == run_id(7)


def test_without_a_folder_it_looks_among_the_user_s_runs() -> None:
    stored_run(runs_folder(), 1)
    assert find_run("last")[1].metadata.run_id == run_id(1)


def test_last_is_never_a_dry_run_nor_a_faulty_file_nor_another_document(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    stored_run(tmp_path, 2, dry_run=True)
    (tmp_path / f"{run_id(3)}.json").write_text('{"metadata": {"run_id": 1}')
    (tmp_path / f"{run_id(4)}.json").write_text("[]")
    (tmp_path / "zzz.json").write_text(made_run(5).to_json())
    assert found("last", tmp_path) == run_id(1)


def test_last_of_a_suite_is_the_newest_that_has_it(tmp_path: Path) -> None:
    stored_run(tmp_path, 1, [made_case(suite="one"), made_case(suite="two")])
    stored_run(tmp_path, 2, [made_case(suite="two")])
    assert found("last", tmp_path, suites=["one"]) == run_id(1)
    assert found("last", tmp_path, suites=["two"]) == run_id(2)
    assert found("last", tmp_path, suites=["one", "two"]) == run_id(1)
    assert "there are 2 runs" in refusal("last", tmp_path, suites=["three"])
    assert "none of suite three" in refusal("last", tmp_path, suites=["three"])


def test_a_branch_s_newest_run_of_clean_files_comes_before_newer_ones_of_changed_files(
    tmp_path: Path,
) -> None:
    stored_run(tmp_path, 1, git_branch="main", git_dirty=False)
    stored_run(tmp_path, 2, git_branch="main", git_dirty=True)
    stored_run(tmp_path, 3, git_branch="other", git_dirty=False)
    assert found("branch:main", tmp_path) == run_id(1)


def test_a_branch_with_runs_of_changed_files_alone_gives_the_newest_of_them(
    tmp_path: Path,
) -> None:
    for number in (1, 2):
        stored_run(tmp_path, number, git_branch="main", git_dirty=True)
    assert found("branch:main", tmp_path) == run_id(2)


def test_a_branch_without_runs_is_told_which_there_are(tmp_path: Path) -> None:
    stored_run(tmp_path, 1, git_branch="dev", git_dirty=False)
    line = refusal("branch:main", tmp_path)
    assert "none of branch 'main' (newest: dev)" in line
    stored_run(tmp_path / "x", 1)
    assert "none in a git repository" in refusal("branch:main", tmp_path / "x")


def test_where_there_is_no_run_yet_it_says_how_to_make_one(tmp_path: Path) -> None:
    for text in ("last", "branch:main", "benchmark_2026"):
        line = refusal(text, tmp_path)
        assert "yet" in line
        assert "without --suite-dry-run or --suite-quick makes one" in line
        assert f"(pytest --suite=quickstart --suite-output-dir {tmp_path})" in line
    assert "(pytest --suite=quickstart)" in refusal("last", runs_folder())


def test_a_session_that_was_killed_has_no_run_file_and_is_told_how_to_make_it(
    tmp_path: Path,
) -> None:
    stored_run(tmp_path, 1)
    folder = begun_run(tmp_path, 3600, [made_case()], total=2)
    for text, command in {
        run_id(3600): f"{run_id(3600)} --dir {tmp_path}",
        "benchmark_20260301_01": f"{run_id(3600)} --dir {tmp_path}",
        str(folder.path): str(folder.path),
    }.items():
        line = refusal(text, tmp_path)
        assert line.startswith(f"{text!r}: its session has not ended, or was killed: ")
        assert f"modelbench recover {command} makes its run file" in line
    assert found("benchmark_2026", tmp_path) == run_id(1)


def without_python(file: Path) -> Path:
    """As a version would have left it whose runs had one field less."""
    value = json.loads(file.read_text())
    del value["system_info"]["python_version"]
    file.write_text(json.dumps(value, indent=1))
    return file


def test_where_nothing_is_found_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for number in (1, 2):
        stored_run(tmp_path, number, git_branch="other", git_dirty=False)
    only = without_python(stored_run(tmp_path, 3, git_branch="main", git_dirty=False))
    line = refusal("branch:main", tmp_path)
    assert f"; 1 run file there cannot be read: {only}:" in line
    assert ": system_info.python_version: " in line
    newest = without_python(stored_run(tmp_path, 4, git_branch="main", git_dirty=True))
    (tmp_path / f"{run_id(0)}.json").write_text("[]")
    line = refusal("branch:main", tmp_path)
    assert f"; 3 run files there cannot be read, the newest: {newest}:" in line
    assert "cannot be read" not in refusal("branch:none", tmp_path / "x")


def test_a_run_that_can_be_read_is_found_beside_those_that_cannot(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    without_python(stored_run(tmp_path, 2))
    assert found("last", tmp_path) == run_id(1)
    line = refusal("last", tmp_path, suites=["another"])
    assert "none of suite another" in line
    assert "1 run file there cannot be read" in line


def test_an_id_or_its_beginning_names_a_run(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    stored_run(tmp_path, 3600)
    assert found(run_id(1), tmp_path) == run_id(1)
    assert found("benchmark_20260301_01", tmp_path) == run_id(3600)


def test_a_beginning_of_several_ids_is_refused_with_the_newest_of_them(tmp_path: Path) -> None:
    for number in range(5):
        stored_run(tmp_path, number)
    line = refusal("benchmark_2026", tmp_path)
    assert "the beginning of 5 runs" in line
    assert [run_id(number) in line for number in range(5)] == [False, False, True, True, True]


def test_what_is_neither_of_these_is_refused(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    assert "neither a file nor 'last'" in refusal("lats", tmp_path)
    assert run_id(1) in refusal("lats", tmp_path)
    assert refusal("no/such.json", tmp_path) == "'no/such.json': no such file"
    assert "is a directory" in refusal(".", tmp_path, base_dir=tmp_path)
    assert "no such file" in refusal("", tmp_path, base_dir=tmp_path / "none")


def test_a_file_is_named_by_its_path(tmp_path: Path) -> None:
    made_run(9).save(tmp_path / "here" / "main.json")
    assert found("main.json", tmp_path, base_dir=tmp_path / "here") == run_id(9)
    assert found(str(tmp_path / "here" / "main.json"), tmp_path) == run_id(9)


def test_a_faulty_file_that_is_asked_for_is_named_with_its_first_fault(tmp_path: Path) -> None:
    value = made_run(1).to_dict()
    value["metadata"]["run_id"] = value["metadata"]["dry_run"] = 5
    file = tmp_path / f"{run_id(1)}.json"
    file.write_text(json.dumps(value, indent=1))
    for text in (str(file), run_id(1)):
        line = refusal(text, tmp_path)
        assert re.search(rf"{re.escape(str(file))}:\d+: metadata.run_id: ", line)
        assert f"and 1 more: modelbench validate {file}" in line


def test_a_dry_run_that_is_asked_for_is_refused(tmp_path: Path) -> None:
    file = stored_run(tmp_path, 1, dry_run=True)
    assert "a dry run" in refusal(str(file), tmp_path)
    assert "a dry run" in refusal(run_id(1), tmp_path)


def test_the_file_that_is_about_to_be_written_is_no_answer(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    mine = stored_run(tmp_path, 2)
    assert found("last", tmp_path, not_this=mine) == run_id(1)
    assert "this session writes" in refusal(str(mine), tmp_path, not_this=mine)
    link = tmp_path / "sub" / ".." / mine.name
    (tmp_path / "sub").mkdir()
    assert "this session writes" in refusal(run_id(2), tmp_path, not_this=link)


def test_keys_in_another_order_make_no_difference(tmp_path: Path) -> None:
    stored_run(tmp_path, 1, git_branch="main", git_dirty=False)
    file = stored_run(tmp_path, 2, git_branch="main", git_dirty=False)
    file.write_text(json.dumps(json.loads(file.read_text()), sort_keys=True))
    assert found("branch:main", tmp_path) == run_id(2)


def test_a_command_line_of_any_length_makes_no_difference(tmp_path: Path) -> None:
    stored_run(tmp_path, 1, git_branch="main", command_line="x" * 100_000)
    assert found("branch:main", tmp_path) == run_id(1)


def test_no_more_is_read_than_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(50):
        stored_run(tmp_path, number, git_branch="main" if number == 20 else "other")
    read: list[str] = []

    def counted(file: Path) -> BenchmarkRun | None:
        read.append(file.stem)
        return BenchmarkRun.load(file)

    monkeypatch.setattr(module, "read_run", counted)
    assert found("last", tmp_path) == run_id(49)
    assert found("branch:main", tmp_path) == run_id(20)
    assert read == [run_id(49), run_id(20)]
