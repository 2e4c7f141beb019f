"""A suite whose model transcribes over HTTP, in a session of its own."""

from __future__ import annotations

import json
import os
import sys
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from vendor_http import Call, Reply, serving
from vendor_jobs import AssemblyAiVendor, RevAiVendor
from vendor_server import KEY, DeepgramVendor, SelfHostedVendor, Vendor, words_of

Runs = Callable[[], list]
Write = Callable[..., Path]
FRAMES = (1600, 3200, 4800, 6400)
WORDS = 5
"""In each of the texts."""


@pytest.fixture
def speech(pytester: pytest.Pytester) -> Write:
    """A suite of four clips, of which one reference has another word than what is answered."""

    def write(model: str, params: dict[str, Any], **fields: Any) -> Path:
        rows = []
        for frames in FRAMES:
            with wave.open(str(pytester.path / f"{frames}.wav"), "wb") as file:
                file.setparams((1, 2, 16_000, 0, "NONE", ""))
                file.writeframes(bytes(2 * frames))
            rows.append({"audio": f"{frames}.wav", "text": words_of(frames)})
        rows[3]["text"] = rows[3]["text"].replace("6400", "99")
        if params.get("use_url"):
            for row in rows:
                row["audio"] = f"https://clips.example/{row['audio']}?Signature={KEY}"
        (pytester.path / "clips.json").write_text(json.dumps(rows))
        dataset = {"source": "json", "path": "clips.json", "input_column": "audio"}
        suite = {
            "id": "speech",
            "dataset": {**dataset, "reference_column": "text"},
            "benchmarks": [
                {"id": "clips", "runner": "transcription_api", "model": model, "params": params}
            ],
            **fields,
        }
        file = pytester.path / "speech.json"
        file.write_text(json.dumps(suite))
        return file

    return write


def store() -> Path:
    """Where runs are kept."""
    return Path(os.environ["XDG_STATE_HOME"])


def no_key_is_in_what_was_written(pytester: pytest.Pytester, output: str) -> None:
    assert KEY not in output
    folders = (pytester.path, store())
    written = [file for folder in folders for file in folder.rglob("*") if file.is_file()]
    assert "run.json" in {file.name for file in written}
    assert not [file for file in written if file.name != "clips.json" and KEY in _text(file)]


def _text(file: Path) -> str:
    return file.read_bytes().decode("latin-1")


@pytest.mark.parametrize("kind", [SelfHostedVendor, DeepgramVendor, RevAiVendor])
def test_a_vendor_is_measured_with_the_error_rates_of_its_texts(
    kind: type[Vendor],
    pytester: pytest.Pytester,
    speech: Write,
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vendor = kind()
    monkeypatch.setenv(vendor.variable, KEY)
    with serving(vendor) as server:
        params = {"base_url": server.url, "language": "en", "poll_seconds": 0.02}
        speech(f"{vendor.provider}/{vendor.model}", params, load={"concurrency": 2})
        result = pytester.runpytest("speech.json")
    result.assert_outcomes(passed=1)
    assert server.complaints == []
    (case,) = runs()[0].cases
    assert case.status == "ok"
    assert case.metrics["wer"].value == pytest.approx(1 / (WORDS * len(FRAMES)))
    assert case.metrics["audio_seconds"].value == pytest.approx(1.0)
    no_key_is_in_what_was_written(pytester, result.stdout.str() + result.stderr.str())


def test_a_sample_that_is_never_answered_counts_as_deletions_and_is_listed(
    pytester: pytest.Pytester, speech: Write, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = SelfHostedVendor()
    monkeypatch.setenv(vendor.variable, KEY)

    async def handler(call: Call) -> Reply:
        reply = await vendor(call)
        if words_of(3200).encode()[:16] in reply.body:
            return Reply.of({"error": {"message": f"refused, says {KEY}"}}, 400)
        return reply

    with serving(handler) as server:
        speech(
            f"{vendor.provider}/{vendor.model}",
            {"base_url": server.url, "language": "en"},
            measure={"max_failed_samples": 1},
        )
        result = pytester.runpytest("speech.json", "-W", "default")
    result.assert_outcomes(passed=1, warnings=1)
    (case,) = runs()[0].cases
    assert case.failed_samples.rows == ["1"]
    assert "400 Bad Request: refused, says ***" in case.failed_samples.first_error
    assert case.metrics["wer"].value == pytest.approx((1 + WORDS) / (WORDS * len(FRAMES)))
    no_key_is_in_what_was_written(pytester, result.stdout.str() + result.stderr.str())


def test_a_key_in_an_answer_is_in_nothing_that_is_written(
    pytester: pytest.Pytester, speech: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELBENCH_API_KEY", KEY)

    async def handler(call: Call) -> Reply:
        return Reply.of({"text": f"you said {KEY} to me", "usage": {"whose": KEY}})

    with serving(handler) as server:
        speech("self_hosted/m", {"base_url": server.url})
        result = pytester.runpytest("speech.json")
    result.assert_outcomes(passed=1)
    (file,) = store().rglob("predictions/*.jsonl")
    assert "you said *** to me" in file.read_text()
    no_key_is_in_what_was_written(pytester, result.stdout.str() + result.stderr.str())


@pytest.mark.parametrize("with_length", [0, 2, 4])
def test_rows_with_addresses_are_sent_as_addresses(
    pytester: pytest.Pytester,
    speech: Write,
    runs: Runs,
    monkeypatch: pytest.MonkeyPatch,
    with_length: int,
) -> None:
    vendor = AssemblyAiVendor()
    monkeypatch.setenv(vendor.variable, KEY)

    with serving(vendor) as server:
        params = {"base_url": server.url, "language": "en", "use_url": True, "poll_seconds": 0.02}
        speech(f"assembly/{vendor.model}", params)
        rows = json.loads((pytester.path / "clips.json").read_text())
        for row in rows[:with_length]:
            row["duration"] = 2.0
        (pytester.path / "clips.json").write_text(json.dumps(rows))
        result = pytester.runpytest("speech.json")
    result.assert_outcomes(passed=1)
    assert server.complaints == []
    assert not vendor.stored
    (case,) = runs()[0].cases
    speed = case.metrics.get("x_realtime")
    if with_length == 4:
        assert speed.is_ok
    elif with_length:  # else it would be as slow as if the others were silent
        assert speed.error_message == (
            "2 of 4 answered samples do not say how long their sound is (column 'duration')"
        )
    else:
        assert speed is None
    assert case.metrics["wer"].value == pytest.approx(1 / (WORDS * len(FRAMES)))
    no_key_is_in_what_was_written(pytester, result.stdout.str() + result.stderr.str())


def test_figures_and_predictions_name_the_address_that_was_asked(
    pytester: pytest.Pytester, speech: Write, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = SelfHostedVendor()
    monkeypatch.setenv(vendor.variable, KEY)
    with serving(vendor) as one, serving(vendor) as another:
        params = {"endpoints": [one.url, another.url], "language": "en"}
        speech(f"{vendor.provider}/{vendor.model}", params)
        result = pytester.runpytest("speech.json")
    result.assert_outcomes(passed=1)
    addresses = [f"{server.url}/v1/audio/transcriptions" for server in (one, another)]
    (case,) = runs()[0].cases
    assert {name: one.requests for name, one in case.load.addresses.items()} == dict.fromkeys(
        addresses, 2
    )
    (file,) = store().rglob("predictions/*.jsonl")
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    told = {line["audio_filepath"]: line for line in lines}
    assert sorted(told) == sorted(f"{frames}.wav" for frames in FRAMES)
    for number, frames in enumerate(FRAMES):
        line = told[f"{frames}.wav"]
        assert line["pred_text"] == words_of(frames)
        assert line["duration"] == pytest.approx(frames / 16_000)
        assert line["endpoint"] == addresses[number % 2]
        assert 0 < line["time"] <= line["wall_seconds"]


def test_a_resumed_run_can_be_scored_though_its_case_was_over_before(
    pytester: pytest.Pytester, speech: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = SelfHostedVendor()
    monkeypatch.setenv(vendor.variable, KEY)
    with serving(vendor) as server:
        params = {"base_url": server.url, "language": "en"}
        speech(f"{vendor.provider}/{vendor.model}", params)
        pytester.runpytest("speech.json").assert_outcomes(passed=1)
        asked = len(server.calls)
        for _ in range(2):  # the second one resumes a run that has measured nothing itself
            result = pytester.runpytest("speech.json", "--suite-resume=last")
            result.assert_outcomes(passed=1)
        assert len(server.calls) == asked
    files = list(store().rglob("predictions/*.jsonl"))
    assert [len(file.read_text().splitlines()) for file in files] == [len(FRAMES)] * 3
    scored = pytester.run(sys.executable, "-m", "pytest_modelbench.cli", "score", "last")
    assert scored.ret == 0
    scored.stdout.fnmatch_lines([f"clips.json * {len(FRAMES)} * 0 *"])


def test_without_a_key_the_case_is_skipped_and_nothing_is_sent(
    pytester: pytest.Pytester, speech: Write, runs: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = DeepgramVendor()
    monkeypatch.delenv(vendor.variable, raising=False)
    with serving(vendor) as server:
        speech(f"deepgram/{vendor.model}", {"base_url": server.url})
        result = pytester.runpytest("speech.json")
    result.assert_outcomes(skipped=1)
    assert not server.calls
    (case,) = runs()[0].cases
    assert case.status == "skipped"
    assert case.detail.startswith("DEEPGRAM_API_KEY is not set: provider 'deepgram' needs a key")


def test_a_key_in_the_suite_is_refused_at_collection(
    pytester: pytest.Pytester, speech: Write
) -> None:
    speech("deepgram/nova-3", {"api_key": KEY})
    result = pytester.runpytest("speech.json")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["*'api_key' is no parameter: keys are read from the environment*"])
    assert KEY not in result.stdout.str() + result.stderr.str()
