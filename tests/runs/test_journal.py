"""A journal keeps what it was given, through full disks and cut-off lines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_modelbench.runs.journal import Journal, read_journal, read_journals

LIMITED = """
import resource, signal, sys
from pathlib import Path
from pytest_modelbench.runs.journal import Journal

file, limit = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
journal = Journal(file)
assert journal.append({"event": "one", "text": "x" * 100})
hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
assert not journal.append({"event": "two", "text": "y" * 100})
assert journal.trouble is not None
assert not journal.append({"event": "three"})
print(file.stat().st_size)
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
assert journal.append({"event": "four"})
assert journal.trouble is None
"""


def events(file: Path) -> list[str]:
    return [event["event"] for event in read_journal(file)]


def test_what_is_appended_is_read(tmp_path: Path) -> None:
    file = tmp_path / "main.jsonl"
    journal = Journal(file)
    assert journal.append({"event": "said", "text": "zwei\nZeilen\u2028é"})
    journal.append({"event": "more"}, is_precious=False)
    journal.close()
    first, second = read_journal(file)
    assert (first["text"], second["event"]) == ("zwei\nZeilen\u2028é", "more")
    assert 0 < first["at_s"] <= second["at_s"]


@pytest.mark.parametrize("limit", [125, 150, 230])
def test_a_disk_that_is_full_for_a_while_costs_nothing(tmp_path: Path, limit: int) -> None:
    """Whether no byte of a line has room, or part of it."""
    file = tmp_path / "main.jsonl"
    command = [sys.executable, "-c", LIMITED, str(file), str(limit)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    while_full = file.read_bytes()[: int(done.stdout)]
    assert while_full.endswith(b"\n")  # never half a line
    assert events(file) == ["one", "two", "three", "four"]


@pytest.mark.parametrize("left", range(0, 130, 7))
def test_of_a_journal_that_was_cut_off_anywhere_the_whole_lines_are_read(
    tmp_path: Path, left: int
) -> None:
    file = tmp_path / "main.jsonl"
    journal = Journal(file)
    for number in range(5):
        journal.append({"event": "one", "number": number})
    journal.close()
    whole = file.read_bytes()
    file.write_bytes(whole[:left])
    faults: list[str] = []
    numbers = [event["number"] for event in read_journal(file, faults)]
    # The last line may be whole but for its end, which does not make it worse.
    assert numbers == list(range(len(numbers)))
    assert len(numbers) in (whole[:left].count(b"\n"), whole[:left].count(b"\n") + 1)
    is_half = not whole[:left].endswith((b"\n", b"}")) and left > 0
    assert len(faults) == is_half


def test_garbage_between_lines_is_told_and_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "gw0.jsonl"
    lines = [b'{"event": "one"}', b"\0" * 300, b"[1, 2]", b'{"no": "event"}', b'{"event": "two"}']
    file.write_bytes(b"\n".join(lines))
    faults: list[str] = []
    assert [event["event"] for event in read_journal(file, faults)] == ["one", "two"]
    assert [line.split(": ")[0].rpartition(":")[2] for line in faults] == ["2", "3", "4"]


def test_the_events_of_all_processes_come_in_the_order_of_time(tmp_path: Path) -> None:
    names = ["main", "gw1", "gw0", "main", "gw10", "gw2"]
    journals = {name: Journal(tmp_path / f"{name}.jsonl") for name in set(names)}
    for number, name in enumerate(names):
        journals[name].append({"event": name, "number": number})
    assert [event["number"] for event in read_journals(tmp_path)] == list(range(6))


def test_a_journal_that_cannot_be_made_keeps_trying(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    journal = Journal(folder / "main.jsonl")
    assert not journal.append({"event": "one"})
    folder.mkdir()
    assert journal.append({"event": "two"})
    assert events(folder / "main.jsonl") == ["one", "two"]
    assert [file.name for file in folder.iterdir()] == ["main.jsonl"]
