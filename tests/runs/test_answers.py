"""Answers that an earlier session left are used again where nothing else has changed."""

from __future__ import annotations

from pathlib import Path

from pytest_modelbench.runs.answers import Answered, AnswersFile, answers_name, earlier_answers

FACTS = {"device": "CPU", "model": "a" * 32}


def kept(file: Path, *blocks: list[Answered], facts: dict[str, str] = FACTS) -> None:
    answers = AnswersFile(file, "s::b[m-CPU]", facts)
    for block in blocks:
        answers.add(block)
    answers.close()


def test_answers_are_found_by_sample_each_as_often_as_it_was_given(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    one, two, again = Answered(7, "A", 1), Answered(-8, [0.5], None), Answered(7, "A", 1)
    kept(file, [one], [two, again])
    assert earlier_answers(file, FACTS) == {7: [one, again], -8: [two]}


def test_nothing_is_used_where_anything_else_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    kept(file, [Answered(7, "A", 1)])
    assert earlier_answers(file, {**FACTS, "model": "b" * 32}) == {}
    assert earlier_answers(tmp_path / "none.jsonl", FACTS) == {}
    assert earlier_answers(None, FACTS) == {}


def test_where_one_answer_cannot_be_kept_none_is(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    kept(file, [Answered(1, "A", 1)], [Answered(2, object(), 1)], [Answered(3, "C", 1)])
    assert not file.exists()


def test_a_damaged_file_is_as_good_as_none(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    kept(file, [Answered(1, "A", 1)])
    text = file.read_text()
    for damaged in ("", text.replace("answers", "facts"), text.replace('"A"', "{}"), "[]"):
        file.write_text(damaged)
        assert earlier_answers(file, FACTS) == {}


def test_files_of_cases_are_called_differently_and_fit_any_file_system() -> None:
    names = {answers_name(f"s::b[m{number}/é-CPU]" * 30) for number in range(1000)}
    assert len(names) == 1000
    assert all(name.isascii() and len(name) < 60 and "/" not in name for name in names)
