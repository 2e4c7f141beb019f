"""Earlier sessions of the same thing, as many as there are and no more than needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from made_runs import SYSTEM, digests, made_case, made_run, measured_case, run_id, stored_run

from pytest_modelbench.judge.stored import history as module
from pytest_modelbench.judge.stored.history import MOST_READ, MOST_SESSIONS, History
from pytest_modelbench.results.run import TakenOver


def ids(history: History, name: str = "b[m-CPU]") -> list[str | None]:
    wanted = measured_case(made_case(name), 999)
    return [one.run_id for one in history.sessions_of(wanted)]


def test_sessions_are_the_case_itself_and_the_same_thing_earlier_newest_first(
    tmp_path: Path,
) -> None:
    stored_run(tmp_path, 1)
    stored_run(tmp_path, 2, [made_case(digests=digests(model="a"))])
    stored_run(tmp_path, 3, [made_case("b[x-CPU]")])
    stored_run(tmp_path, 4, system=SYSTEM.model_copy(update={"cpu_count": 64}))
    stored_run(tmp_path, 5, [made_case(status="error", detail="it broke")])
    stored_run(tmp_path, 6, dry_run=True)
    (tmp_path / f"{run_id(7)}.json").write_text("{")
    stored_run(tmp_path, 8)
    assert ids(History([tmp_path])) == [run_id(999), run_id(8), run_id(1)]


def test_a_run_counts_once_wherever_it_lies(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        stored_run(folder, 1)
        stored_run(folder, 999)
    made_run(999).save(tmp_path / "a" / "main.json")
    history = History([tmp_path / "a", tmp_path / "b", tmp_path / "none"])
    assert ids(history) == [run_id(999), run_id(1)]


def test_a_run_can_be_left_out(tmp_path: Path) -> None:
    stored_run(tmp_path, 1)
    stored_run(tmp_path, 2)
    assert ids(History([tmp_path], without=[run_id(2)])) == [run_id(999), run_id(1)]


def test_it_ends_with_the_newest_thirty(tmp_path: Path) -> None:
    for number in range(40):
        stored_run(tmp_path, number)
    newest = [run_id(number) for number in range(39, 39 - MOST_SESSIONS + 1, -1)]
    assert ids(History([tmp_path])) == [run_id(999), *newest]


def test_no_run_is_read_twice_and_none_without_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = [made_case("b[one-CPU]"), made_case("b[two-CPU]")]
    for number in range(50):
        stored_run(tmp_path, number, both)
    read: list[str] = []
    really = module.read_run

    def counted(file: Path) -> object:
        read.append(file.stem)
        return really(file)

    monkeypatch.setattr(module, "read_run", counted)
    history = History([tmp_path])
    assert len(ids(history, "b[one-CPU]")) == MOST_SESSIONS
    assert len(ids(history, "b[two-CPU]")) == MOST_SESSIONS
    assert len(read) == len(set(read)) == MOST_SESSIONS - 1


def test_reading_ends_however_many_runs_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MOST_READ + 20):
        (tmp_path / f"{run_id(number)}.json").write_text("{}")
    read: list[Path] = []
    monkeypatch.setattr(module, "read_run", read.append)
    assert ids(History([tmp_path])) == [run_id(999)]
    assert len(read) == MOST_READ


def test_what_was_measured_once_counts_once_whichever_run_took_it_over(tmp_path: Path) -> None:
    """Neither as another session of the baseline, nor as one of its history by being judged."""
    stored_run(tmp_path, 1)
    stored_run(tmp_path, 2)
    copied = made_case(taken_over=[TakenOver(run_id=run_id(2), what="case", samples=None)])
    history = History([tmp_path])
    found = history.sessions_of(measured_case(copied, 3))
    assert [one.run_id for one in found] == [run_id(3), run_id(1)]
    baseline = measured_case(made_case(), 1)
    found = history.sessions_of(baseline, measured_case(copied, 3))
    assert [one.run_id for one in found] == [run_id(1)]
