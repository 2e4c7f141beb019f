"""`modelbench score`: figures worked out by hand, and what is wrong with files in a sentence."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from made_predictions import leaderboard, prediction, written
from made_runs import kept_run, made_case

from pytest_modelbench.cli import main
from pytest_modelbench.quality.word_error_rate import wer
from pytest_modelbench.results.metric import measured
from pytest_modelbench.results.store import runs_folder

pytest.importorskip("jiwer")
pytest.importorskip("whisper_normalizer")

Printed = pytest.CaptureFixture[str]
ONE_WRONG_IN_TEN = [
    ("the cat sat on the mat", "the cat sat on the hat"),
    ("a dog ran home", "a dog ran home"),
]
"""References of six and four words, and answers; one word is wrong."""


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.chdir(tmp_path)


def said(capsys: Printed, *arguments: object, status: int = 0) -> str:
    assert main(["score", *map(str, arguments)]) == status
    return capsys.readouterr().out


def document(capsys: Printed, *arguments: object, status: int = 0) -> dict[str, Any]:
    text = said(capsys, *arguments, "--json", "-", status=status)

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not strict JSON")

    found: dict[str, Any] = json.loads(text, parse_constant=refuse)
    return found


def only_dataset(capsys: Printed, *arguments: object) -> dict[str, Any]:
    (model,) = document(capsys, *arguments)["models"]
    (dataset,) = model["datasets"]
    return dict(dataset)


def file_of(pairs: list[tuple[str, str | None]], name: str = "p.jsonl", **fields: Any) -> Path:
    lines = [prediction(number, *pair, **fields) for number, pair in enumerate(pairs)]
    return written(Path(name), *lines)


def test_figures_are_those_worked_out_by_hand(capsys: Printed) -> None:
    """1 of 10 words is wrong; 2 x 10 s of sound in 2 x 1 s, by the clock from 0 s to 2 s. Of two
    samples hardly anything is known."""
    found = only_dataset(capsys, file_of(ONE_WRONG_IN_TEN))
    assert found["wer"] == 0.1
    assert found["words"] == 10
    low, high = found["wer_interval"]
    assert low == 0
    assert 0.5 < high < 2
    assert (found["samples"], found["errors"], found["audio_seconds"]) == (2, [], 20.0)
    assert (found["rtfx"], found["rtfx_aggregate"]) == (10.0, 10.0)
    assert (found["dataset"], found["split"]) == ("corpus", "test")


def test_speed_by_the_clock_counts_that_requests_overlap(capsys: Printed) -> None:
    same = {"sent_at": "2026-03-01T00:00:00Z", "ended_at": "2026-03-01T00:00:01Z"}
    found = only_dataset(capsys, file_of(ONE_WRONG_IN_TEN, **same))
    assert (found["rtfx"], found["rtfx_aggregate"]) == (10.0, 20.0)


def test_a_sample_without_an_answer_is_all_deletions_and_is_listed(capsys: Printed) -> None:
    file = file_of([*ONE_WRONG_IN_TEN, ("two more", None)])
    found = only_dataset(capsys, file)
    assert found["wer"] == pytest.approx(3 / 12)
    assert found["errors"] == [{"sample": "row 2", "error": "429 four times"}]
    assert found["audio_seconds"] == 30.0
    assert found["rtfx"] == 10.0  # of what was answered
    text = said(capsys, file)
    assert "1 of 3 samples were not answered: all their words count as deletions" in text
    assert "429" not in text
    assert "acme/listen-1, corpus test, row 2: 429 four times" in said(capsys, file, "--detailed")


def test_without_a_reference_nothing_is_scored_and_nothing_breaks(capsys: Printed) -> None:
    """What is empty after the normalizer alone has words that were said too much, as in a run."""
    pairs = [*ONE_WRONG_IN_TEN, ("", "never said"), ("  ", None), ("[laughs]", "ha ha")]
    found = only_dataset(capsys, file_of(pairs))
    assert found["without_reference"] == 2
    assert found["samples"] == 3
    assert found["wer"] == pytest.approx((1 + 2) / 10)
    assert "without a reference, and so not scored: 2" in said(capsys, "p.jsonl")
    file_of([("", "x")], text=None)
    (model,) = document(capsys, "p.jsonl")["models"]
    assert model["datasets"][0]["wer"] is None
    assert model["datasets"][0]["why_no_wer"] == "no sample has a reference"
    assert "no WER: no sample has a reference" in said(capsys, "p.jsonl")


def test_references_that_are_all_empty_have_no_rate(capsys: Printed) -> None:
    file_of([("[laughs]", "ha"), ("(music)", "")])
    text = said(capsys, "p.jsonl")
    assert "all 2 references are empty after the normalizer 'whisper-english'" in text


def test_the_normalizer_is_the_leaderboards_unless_another_is_asked_for(capsys: Printed) -> None:
    file = file_of([("Mr. Fox owes $20.", "mister fox owes twenty dollars")])
    assert only_dataset(capsys, file)["wer"] == 0.0
    assert only_dataset(capsys, file, "--normalizer=none")["wer"] == 1.0
    assert "after the normalizer basic" in said(capsys, file, "--normalizer=basic")


def test_a_file_of_the_leaderboard_is_scored_as_it_is(capsys: Printed) -> None:
    name = "results/MODEL_acme-listen-1.5_DATASET_esb_librispeech_test.clean.jsonl"
    written(Path(name), *(leaderboard(at, *pair) for at, pair in enumerate(ONE_WRONG_IN_TEN)))
    (model,) = document(capsys, "results")["models"]
    (found,) = model["datasets"]
    assert (model["model"], found["dataset"]) == (
        "acme-listen-1.5",
        "esb_librispeech_test.clean",
    )
    assert (found["wer"], found["rtfx"]) == (0.1, 20.0)
    assert found["rtfx_aggregate"] is None
    assert found["why_no_rtfx_aggregate"] == (
        "2 of 2 timed answers do not say when they were sent and ended"
    )


def two_datasets() -> None:
    """Right in 30 s of one corpus, half wrong in 10 s of another; they took 15 s and 5 s."""
    first = prediction(0, "one small step", "one small step", dataset="a", duration=30.0, time=15.0,
                       ended_at="2026-03-01T00:00:15Z")  # fmt: skip
    second = prediction(20, "good dogs", "good cats", dataset="b", duration=10.0, time=5.0,
                        ended_at="2026-03-01T00:00:25Z")  # fmt: skip
    written(Path("x/a.jsonl"), first)
    written(Path("x/b.jsonl"), second)


def test_means_of_datasets_are_both_unweighted_and_by_audio(capsys: Printed) -> None:
    two_datasets()
    (model,) = document(capsys, "x")["models"]
    assert [one["wer"] for one in model["datasets"]] == [0.0, 0.5]
    assert model["wer_mean_of_datasets"] == 0.25
    assert model["wer_weighted_by_audio"] == 0.5 * 10 / 40
    assert (model["rtfx"], model["rtfx_aggregate"]) == (40 / 20, 40 / 20)
    lines = said(capsys, "x").splitlines()
    (mean,) = [line.split() for line in lines if line.startswith("mean of datasets")]
    (weighted,) = [line.split() for line in lines if line.startswith("weighted by audio")]
    assert mean[3:] == ["2", "0", "0.2500", "40", "2", "2"]
    assert weighted[3:] == ["0.1250"]


def test_a_mean_is_not_made_of_less_than_all_datasets(capsys: Printed) -> None:
    two_datasets()
    written(Path("x/c.jsonl"), prediction(0, "", "x", dataset="c", duration=None))
    (model,) = document(capsys, "x")["models"]
    assert model["wer_mean_of_datasets"] is None
    assert model["why_no_wer_mean_of_datasets"] == "c test: no sample has a reference"
    written(Path("x/c.jsonl"), prediction(0, "a b", "a b", dataset="c", duration=None))
    (model,) = document(capsys, "x")["models"]
    assert model["wer_mean_of_datasets"] == pytest.approx(0.5 / 3)
    assert model["why_no_wer_weighted_by_audio"] == "c test: 1 sample has no duration"


def test_models_with_other_datasets_are_not_silently_compared(capsys: Printed) -> None:
    two_datasets()
    written(
        Path("x/other.jsonl"),
        *(prediction(at, "a b", "a b", model="other", dataset="a") for at in range(3)),
    )
    text = said(capsys, "x")
    assert "other: its means are without b test, which others have" in text
    assert "a test: models have 1 to 3 samples of it" in text


def test_answers_of_a_cache_are_scored_and_in_no_speed(capsys: Printed) -> None:
    lines = [prediction(at, *pair) for at, pair in enumerate(ONE_WRONG_IN_TEN)]
    lines[0]["time"] = 0
    written(Path("p.jsonl"), *lines)
    found = only_dataset(capsys, "p.jsonl")
    assert (found["wer"], found["rtfx"], found["answers_untimed"]) == (0.1, 10.0, 1)
    assert "answers without a service time, and so not in RTFx: 1" in said(capsys, "p.jsonl")
    lines[1]["time"] = None
    written(Path("p.jsonl"), *lines)
    assert only_dataset(capsys, "p.jsonl")["rtfx"] is None
    row = next(line for line in said(capsys, "p.jsonl").splitlines() if "corpus test " in line)
    assert row.split()[-2:] == ["-", "-"]


def test_the_last_answer_of_a_sample_counts_in_whatever_order_samples_ended(
    capsys: Printed,
) -> None:
    pairs: list[tuple[int, str | None]] = [(1, "a dog ran home"), (0, None), (0, "the cat")]
    later: list[tuple[int, str | None]] = [(0, "the cat sat on the hat"), (1, None)]
    references = [reference for reference, _ in ONE_WRONG_IN_TEN]
    lines = [
        prediction(at, references[at], answer, ended_at=f"2026-03-01T00:00:{second:02}Z",
                   time=None if answer is None else 1.0)
        for second, (at, answer) in enumerate([*pairs, *later], 5)
    ]  # fmt: skip
    written(Path("p.jsonl"), *lines)
    found = only_dataset(capsys, "p.jsonl")
    assert (found["wer"], found["errors"], found["lines_repeated"]) == (0.1, [], 3)
    assert "lines of samples that have another: 3" in said(capsys, "p.jsonl")


def test_a_line_that_was_cut_short_is_said_and_passed_over(capsys: Printed) -> None:
    file = file_of(ONE_WRONG_IN_TEN)
    file.write_bytes(file.read_bytes() + b'{"audio_filepath": "sample_3", "dura')
    assert main(["score", str(file)]) == 0
    printed = capsys.readouterr()
    assert printed.err == f"{file.absolute()}:3: cut short: passed over\n"
    assert "0.1000" in printed.out


def test_a_model_is_chosen_by_its_whole_name_or_a_glob(capsys: Printed) -> None:
    for model in ("acme/listen-1", "acme/listen-1-large", "other/listen-1", "acme/[x]"):
        file_of(ONE_WRONG_IN_TEN, f"x/{model.replace('/', '_')}.jsonl", model=model)

    def chosen(*options: str) -> list[str]:
        return [one["model"] for one in document(capsys, "x", *options)["models"]]

    assert chosen("--model=acme/listen-1") == ["acme/listen-1"]
    assert chosen("--model=*/listen-1") == ["acme/listen-1", "other/listen-1"]
    assert chosen("--model=acme/*", "--model=other/listen-?") == [
        "acme/[x]", "acme/listen-1", "acme/listen-1-large", "other/listen-1",
    ]  # fmt: skip
    assert chosen("--model=acme/[x]") == ["acme/[x]"]
    assert main(["score", "x", "--model=acme/*", "--model=listen-1"]) == 2
    assert "--model 'listen-1'" in capsys.readouterr().err
    assert main(["score", "x", "--model=listen-1"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("--model 'listen-1': no predictions are of such a model")
    assert "acme/listen-1-large" in error


def test_by_dataset_models_stand_below_each_other_best_first(capsys: Printed) -> None:
    two_datasets()
    for at, name in ((0, "a"), (1, "b")):
        written(Path(f"x/other{name}.jsonl"),
                prediction(at, "good dogs", "good dogs", model="other", dataset=name))  # fmt: skip
    text = said(capsys, "x", "--by-dataset")
    blocks = [block.strip("= \n") for block in text.split("=====\n")]
    assert len(blocks) == 4
    assert [line.split()[0] for line in blocks[2].splitlines()[1:3]] == ["other", "acme/listen-1"]
    last = blocks[3].splitlines()
    assert last[0].split()[:2] == ["model", "datasets"]
    assert [line.split()[:2] for line in last[1:3]] == [["other", "2"], ["acme/listen-1", "2"]]


def test_a_narrow_terminal_gets_every_figure_too(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(ONE_WRONG_IN_TEN)
    for columns in ("70", "30"):
        monkeypatch.setenv("COLUMNS", columns)
        text = said(capsys, file)
        table = text.partition("WER after")[0]
        assert "0.1000" in table
        assert "RTFx aggregate" in table
        assert max(map(len, table.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("limit", "status"), [("0.1", 0), ("10%", 0), ("0.0999", 1), ("9.99%", 1), ("0", 1)]
)
def test_the_gate_is_the_exit_code(capsys: Printed, limit: str, status: int) -> None:
    assert main(["score", str(file_of(ONE_WRONG_IN_TEN)), "--max-wer", limit]) == status
    error = capsys.readouterr().err
    assert error.startswith("acme/listen-1: WER 0.1000 is above --max-wer") == (status == 1)


def test_the_gate_judges_the_mean_of_datasets_and_what_has_none(capsys: Printed) -> None:
    two_datasets()
    assert main(["score", "x", "--max-wer=0.2"]) == 1
    error = capsys.readouterr().err
    assert error == "acme/listen-1: mean WER of 2 datasets 0.2500 is above --max-wer 0.2\n"
    assert main(["score", "x", "--max-wer=0.2499999"]) == 1
    assert "0.25" in capsys.readouterr().err
    written(Path("p.jsonl"), prediction(0, "", "x"))
    assert main(["score", "p.jsonl", "--max-wer=0.9"]) == 1
    assert "no WER to hold against --max-wer 0.9: " in capsys.readouterr().err


@pytest.mark.parametrize("limit", ["", "much", "-1", "nan", "inf", "%"])
def test_a_limit_that_is_no_rate_is_wrong_usage(capsys: Printed, limit: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["score", "p.jsonl", f"--max-wer={limit}"])
    assert caught.value.code == 2
    assert "should be a rate such as 0.08 or 8%" in capsys.readouterr().err


@pytest.mark.parametrize(("limit", "right"), [("8", "8% or 0.08"), ("1.5", "1.5% or 0.015")])
def test_a_limit_in_percent_needs_its_sign(capsys: Printed, limit: str, right: str) -> None:
    with pytest.raises(SystemExit):
        main(["score", "p.jsonl", f"--max-wer={limit}"])
    assert f"{limit} would be {float(limit):.0%}".replace("%", " %: write ") + right in (
        capsys.readouterr().err
    )
    assert main(["score", str(file_of(ONE_WRONG_IN_TEN)), "--max-wer=150%"]) == 0


def test_a_run_that_was_broken_off_is_scored_with_a_remark(capsys: Printed) -> None:
    lines = [prediction(at, *pair) for at, pair in enumerate(ONE_WRONG_IN_TEN)]
    cases = [made_case(metrics={"sample_count": measured(10)})]
    whole, cut, killed, late = (kept_run(runs_folder(), number, cases) for number in (1, 2, 3, 4))
    for folder in (whole, cut, killed, late):
        written(folder.predictions / "p.jsonl", *lines)
    killed.run_file.unlink()
    document_of_cut = json.loads(cut.run_file.read_text())
    for case in document_of_cut["cases"][:1]:
        case.update(status="skipped", detail="unfinished: the session ended while it was measured")
    cut.run_file.write_text(json.dumps(document_of_cut))
    document_of_late = json.loads(late.run_file.read_text())
    for case in document_of_late["cases"]:
        case.update(status="error", detail="not done after 3600 s", metrics={})
    late.run_file.write_text(json.dumps(document_of_late))
    rest = "what is scored is what was answered so far"
    for folder, what in (
        (cut, "this run was broken off before"),
        (late, "this run was broken off before"),
        (killed, "this run's session did not end"),
    ):
        assert main(["score", folder.run_id]) == 0
        error = capsys.readouterr().err
        assert error.startswith(f"{folder.run_id}: {what}")
        assert error.endswith(f": {rest}\n")
        (note,) = document(capsys, folder.run_id)["notes"]
        assert rest in note
    assert main(["score", whole.run_id]) == 0
    assert not capsys.readouterr().err


def test_runs_are_scored_by_id_last_directory_or_run_file(capsys: Printed) -> None:
    kept_run(runs_folder(), 1)
    folder = kept_run(runs_folder(), 2)
    lines = [prediction(at, *pair) for at, pair in enumerate(ONE_WRONG_IN_TEN)]
    written(folder.predictions / "p.jsonl", *lines)
    for name in ("last", folder.run_id, folder.path, folder.run_file, folder.predictions):
        assert only_dataset(capsys, name)["wer"] == 0.1, name
    assert only_dataset(capsys, "last", folder.path)["lines_repeated"] == 0  # one file, once
    assert main(["score", "benchmark_20260301_000001"]) == 1
    assert "the run kept no predictions" in capsys.readouterr().err


def test_a_file_with_a_fault_is_left_out_told_of_and_fails(capsys: Printed) -> None:
    bad = written(Path("x/bad.jsonl"), prediction(0, "a", "a"), '{"text": 5, "pred_text": ""}\n')
    empty = written(Path("x/empty.jsonl"))
    file_of(ONE_WRONG_IN_TEN, "x/good.jsonl")
    assert main(["score", "x"]) == 1
    printed = capsys.readouterr()
    assert printed.err.splitlines() == [
        f"{bad.absolute()}:2: text: 5 should be a string: the file is left out",
        f"{empty.absolute()}: no prediction is in it",
    ]
    assert "0.1000" in printed.out
    assert document(capsys, "x", status=1)["notes"] == printed.err.splitlines()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nothing.jsonl", "'nothing.jsonl': no such file"),
        ("folder", "'folder' is a directory without any file of predictions (*.jsonl)"),
        ("nonsense", "'nonsense' is neither a file nor 'last'"),
        ("empty.jsonl", "there is nothing to score"),
        ("bad.jsonl", "not a line of JSON"),
    ],
)
def test_without_anything_to_score_a_sentence_says_so(
    capsys: Printed, name: str, message: str
) -> None:
    Path("folder").mkdir()
    written(Path("empty.jsonl"))
    written(Path("bad.jsonl"), "what?\n")
    # What there is not is wrong usage; what cannot be used is a fault.
    assert main(["score", name]) == (1 if Path(name).is_file() else 2)
    printed = capsys.readouterr()
    assert message in printed.err
    assert printed.out == ""


def test_json_goes_to_a_file_beside_the_table(capsys: Printed) -> None:
    text = said(capsys, file_of(ONE_WRONG_IN_TEN), "--json=out/scores.json")
    assert "0.1000" in text
    assert text.splitlines()[-1] == f"written to {Path('out/scores.json').absolute()}"
    found = json.loads(Path("out/scores.json").read_text())
    assert found["normalizer"] == "whisper-english"
    assert found["models"][0]["model"] == "acme/listen-1"
    Path("folder").mkdir()
    assert main(["score", "p.jsonl", "--json=folder"]) == 1
    assert "is a directory" in capsys.readouterr().err


def test_cases_on_the_same_data_have_rows_of_their_own(capsys: Printed) -> None:
    file_of(ONE_WRONG_IN_TEN, "x/1.jsonl")
    file_of([ONE_WRONG_IN_TEN[1]], "x/2.jsonl", case="speech::prompted[listen]")
    text = said(capsys, "x")
    assert "corpus test (speech::prompted[listen])" in text
    assert "2 cases: each counts as a dataset in the means" in text
    file_of(ONE_WRONG_IN_TEN, "x/2.jsonl", variant="language=en")
    names = [(one["model"], one["variant"]) for one in document(capsys, "x")["models"]]
    assert names == [("acme/listen-1", None), ("acme/listen-1", "language=en")]


def test_what_stands_in_lines_steers_no_terminal(capsys: Printed) -> None:
    file = file_of([("a b", None)], model="x\x1b[31m", dataset="d\x07", error="no\x1b[2J\nway")
    text = said(capsys, file, "--detailed")
    assert "\x1b" not in text
    assert "\x07" not in text


def test_figures_are_those_of_a_run_over_many_samples(
    capsys: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is done at a time, and in however many processes."""
    monkeypatch.setattr("pytest_modelbench.predictions.score.ALIGNED_AT_ONCE", 7)
    monkeypatch.setattr("pytest_modelbench.predictions.normalized.FEW", 10)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(3), raising=False)
    draw = random.Random(3)
    words = [
        "the",
        "fox",
        "doesn't",
        "owe",
        "mister",
        "jones",
        "twenty",
        "one",
        "dollars",
        "colour",
    ]
    references = [" ".join(draw.choices(words, k=draw.randrange(1, 9))) for _ in range(100)]
    answers: list[str | None] = [
        None if draw.random() < 0.1 else " ".join(draw.choices(words, k=5)) for _ in references
    ]
    found = only_dataset(capsys, file_of(list(zip(references, answers, strict=True))))
    metric = wer(answers, references, normalizer="whisper-english")
    assert found["wer"] == metric.value
    assert found["wer_interval"] == metric.metadata["interval"]


def test_it_is_one_process_of_the_command_with_nothing_else_on_the_output(tmp_path: Path) -> None:
    file_of(ONE_WRONG_IN_TEN)
    command = [sys.executable, "-W", "error", "-m", "pytest_modelbench.cli", "score", "p.jsonl"]
    done = subprocess.run([*command, "--json=-"], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["models"][0]["datasets"][0]["wer"] == 0.1


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_file_that_may_not_be_read_is_told(capsys: Printed) -> None:
    file = file_of(ONE_WRONG_IN_TEN)
    file.chmod(stat.S_IWUSR)
    assert main(["score", str(file)]) == 1
    assert "cannot be read (Permission denied)" in capsys.readouterr().err
