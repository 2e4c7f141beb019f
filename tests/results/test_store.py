"""Run files get where they belong whole, and no two are called the same."""

from __future__ import annotations

import os
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.results.store import new_run_id, runs_folder, write_atomically


def test_ids_made_in_one_second_all_differ() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(lambda _: new_run_id(moment), range(10_000)))
    assert len(set(ids)) == 10_000
    assert all(re.fullmatch("benchmark_20260102_030405_[0-9a-f]{12}", one) for one in ids)


def test_ids_sort_by_time() -> None:
    moments = [datetime(2026, 1, day, tzinfo=UTC) for day in range(1, 29)]
    ids = [new_run_id(moment) for moment in moments]
    assert ids == sorted(ids)


def test_runs_are_kept_under_the_user_s_state_directory() -> None:
    """The suite of tests gives each test a state directory of its own."""
    assert runs_folder().is_relative_to(os.environ["XDG_STATE_HOME"])


def test_a_file_is_written_with_its_folders_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a" / "b" / "run.json"
    assert write_atomically(file, "é\n") == file
    assert file.read_text(encoding="utf-8") == "é\n"
    assert list(file.parent.iterdir()) == [file]


def test_a_reader_sees_the_old_text_or_the_new_one_and_nothing_between(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    texts = {letter: letter * 2_000_000 for letter in "ab"}
    write_atomically(file, texts["a"])
    seen, enough, done = 0, threading.Event(), threading.Event()

    def write() -> None:
        for number in range(10_000):
            write_atomically(file, texts["ba"[number % 2]])
            if number >= 30 and enough.is_set():
                break
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while not done.is_set():
            text = file.read_text()
            assert text == texts[text[:1]]
            seen += 1
            if seen > 1:
                enough.set()
    finally:
        enough.set()
        writer.join()
    assert seen > 1


@pytest.mark.parametrize("place", ["file/run.json", "folder"])
def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(ModelbenchError) as caught:
        write_atomically(tmp_path / place, "{}")
    assert str(caught.value).startswith(f"{tmp_path / place}: the run file cannot be written (")
    assert str(caught.value).endswith("give a writable place with --suite-output")
    assert not [one for one in tmp_path.rglob("*") if one.name.endswith(".part")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_sentence(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ModelbenchError, match="Permission denied"):
        write_atomically(tmp_path / "run.json", "{}")


def test_text_that_cannot_be_written_leaves_the_old_file_untouched(tmp_path: Path) -> None:
    file = write_atomically(tmp_path / "run.json", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "new \ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
