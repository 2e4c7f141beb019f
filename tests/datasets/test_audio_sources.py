from __future__ import annotations

import json
import wave
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.datasets.audio import audio_source, audio_url
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.samples import AudioAddress, Sample
from pytest_modelbench.datasets.spec import DatasetSpec, InputKind
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.content import content


def reader(folder: Path, kind: InputKind, *rows: dict[str, Any]) -> SampleReader:
    (folder / "rows.json").write_text(json.dumps(rows))
    spec = DatasetSpec(
        source="json", path="rows.json", input_column=["audio"], reference_column="text"
    )
    return SampleReader(spec, folder, kind)


def test_a_row_of_sound_keeps_the_path_it_names(tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(3200))
    (sample,) = reader(tmp_path, "audio", {"audio": "a.wav", "text": "a"})
    assert sample.source == "a.wav"
    assert sample.input.duration_seconds == 0.1


def test_a_row_of_text_has_no_source(tmp_path: Path) -> None:
    (sample,) = reader(tmp_path, "text", {"audio": "a text", "text": "a"})
    assert sample.source is None


@pytest.mark.parametrize(
    ("value", "url", "source"),
    [
        ("https://h/a.wav", "https://h/a.wav", "https://h/a.wav"),
        (" https://h/a.wav?sig=x&e=1#f ", "https://h/a.wav?sig=x&e=1#f", "https://h/a.wav"),
        ("https://me:pw@h:1/a", "https://me:pw@h:1/a", "https://h:1/a"),
        ({"url": "http://h/a"}, "http://h/a", "http://h/a"),
        ({"bytes": None, "path": "http://h/a"}, "http://h/a", "http://h/a"),
        ([{"src": "https://h/a?k=1", "type": "audio/wav"}], "https://h/a?k=1", "https://h/a"),
        ("clips/a.wav", None, "clips/a.wav"),
        ({"bytes": b"RIFF", "path": "a.wav"}, None, "a.wav"),
        ({"array": [0.0], "sampling_rate": 1, "path": None}, None, None),
        ("ftp://h/a", None, "ftp://h/a"),
        ("https://", None, "https://"),
        ("http://[::1", None, "http://[::1"),
        (b"RIFF", None, None),
        ([], None, None),
        (5, None, None),
    ],
)
def test_addresses_are_told_from_other_sound_and_their_secrets_are_not_kept(
    value: Any, url: str | None, source: str | None
) -> None:
    assert audio_url(value) == url
    assert audio_source(value) == source


def test_rows_with_addresses_are_read_without_fetching_them(tmp_path: Path) -> None:
    samples: list[Sample] = list(
        reader(
            tmp_path,
            "audio_url",
            {"audio": "https://h/a.wav?sig=x", "text": "a", "duration": 2},
            {"audio": {"src": "https://h/b.wav"}, "text": "b", "audio_length_s": 0.5},
            {"audio": "https://h/c.wav", "text": "c", "duration": -1},
            {"audio": "https://h/d.wav", "text": "d", "duration": "long"},
        )
    )
    assert [(sample.input.url, sample.input.duration_seconds) for sample in samples] == [
        ("https://h/a.wav?sig=x", 2.0),
        ("https://h/b.wav", 0.5),
        ("https://h/c.wav", None),
        ("https://h/d.wav", None),
    ]
    assert [sample.source for sample in samples][:2] == ["https://h/a.wav", "https://h/b.wav"]


def test_an_address_that_is_signed_anew_is_the_same_sample() -> None:
    amazon = "X-Amz-Date=20260101T000000Z&X-Amz-Signature=abc"
    first = AudioAddress(f"https://h/a.wav?id=7&{amazon}", 2.0)
    for signature in ("Expires=1&Signature=a~b&Key-Pair-Id=K", "sv=2026&se=1&sr=b&sp=r&sig=a%2B"):
        again = AudioAddress(f"https://h/a.wav?id=7&{signature}", 2.0)
        assert content(again) == content(first)
        assert again == first
        assert repr(again) == (
            "AudioAddress(duration_seconds=2.0, unsigned='https://h/a.wav?id=7')"
        )
    for other in ("https://h/a.wav?id=8", "https://h/b.wav?id=7", "https://h/a.wav"):
        assert content(AudioAddress(other, 2.0)) != content(first)


def test_a_row_without_an_address_is_unusable_where_addresses_are_sent(tmp_path: Path) -> None:
    rows = ({"audio": "clips/a.wav", "text": "a"}, {"audio": "https://h/b.wav", "text": "b"})
    reading = reader(tmp_path, "audio_url", *rows)
    assert [sample.id for sample in reading] == ["1"]
    assert [(row.row, row.reason) for row in reading.unusable] == [
        (0, "the input 'audio' is no http or https address")
    ]
    with pytest.raises(ModelbenchError, match="row 0: the input 'audio' is no http or https addr"):
        list(reader(tmp_path, "audio_url", rows[0]))
