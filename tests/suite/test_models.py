"""From what a suite says of models to candidates."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import Candidate, Registry, load_registry
from pytest_modelbench.suite.document import ModelSelector
from pytest_modelbench.suite.models import distinct, find_models, is_selected

Write = Callable[..., Path]


@pytest.fixture
def models(registry: Write) -> Registry:
    return load_registry(
        registry(
            "base",
            "base-int8",
            "small",
            **{
                "base": {"active": True, "base_model": "org/m"},
                "base-int8": {"quantization": "int8", "base_model": "org/m"},
                "small": {"distilled_from": "base", "quantization": "int4"},
            },
        )
    )


def versions(found: list[Candidate]) -> list[str]:
    return [candidate.version for candidate in found]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("base", ["base"]),
        ("base*", ["base", "base-int8"]),
        (ModelSelector(version="*"), ["base", "base-int8", "small"]),
        (ModelSelector(model_type="quantized"), ["base-int8"]),
        (ModelSelector(model_type="quantized+distilled"), ["small"]),
        (ModelSelector(quantization="int*"), ["base-int8", "small"]),
        (ModelSelector(quantization=None), ["base"]),
        (ModelSelector(active=True), ["base"]),
        (ModelSelector(base_model="org/*", active=False), ["base-int8"]),
    ],
)
def test_models_are_chosen_by_version_glob_or_what_is_known_of_them(
    models: Registry, tmp_path: Path, wanted: Any, expected: list[str]
) -> None:
    assert versions(find_models(wanted, models, tmp_path)) == expected


def test_a_registry_s_version_comes_before_a_directory_of_that_name(
    models: Registry, tmp_path: Path
) -> None:
    (tmp_path / "base").mkdir()
    (found,) = find_models("base", models, tmp_path)
    assert found.model_path == str(tmp_path / "models" / "base")


def test_a_directory_is_called_by_its_name_and_a_hub_id_by_itself(tmp_path: Path) -> None:
    (tmp_path / "ir" / "tiny").mkdir(parents=True)
    (local,) = find_models("ir/tiny", None, tmp_path)
    assert (local.version, local.model_path) == ("tiny", str(tmp_path / "ir" / "tiny"))
    (hub,) = find_models("openai/whisper-tiny", None, tmp_path)
    assert (hub.version, hub.model_path) == ("openai/whisper-tiny", "openai/whisper-tiny")
    assert hub.file_size_mb is None


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ("bsae", "is not in the registry; did you mean 'base'?"),
        ("huge-*", "matches no model of"),
        (ModelSelector(model_type="distilled"), "versions: base, base-int8, small"),
        ("./nothing", "there is no such file or directory"),
        ("/nothing/here", "there is no such file or directory"),
        ("~nobody-here/x", "there is no such file or directory"),
        ("x" * 300, "cannot be used as a path: File name too long"),
        ("a\0b", "cannot be used as a path: embedded null byte"),
    ],
)
def test_a_model_that_is_not_there_is_said_to_be_missing(
    models: Registry, tmp_path: Path, wanted: Any, words: str
) -> None:
    with pytest.raises(ModelbenchError) as caught:
        find_models(wanted, models, tmp_path)
    assert words in str(caught.value)


def test_a_server_that_is_up_is_asked_for_a_model_as_it_is_written(tmp_path: Path) -> None:
    (tmp_path / "ir" / "tiny").mkdir(parents=True)
    (asked,) = find_models("ir/tiny", None, tmp_path, is_up=True)
    assert (asked.version, asked.model_path) == ("ir/tiny", "ir/tiny")
    for path in ("./ir/tiny", str(tmp_path / "ir" / "tiny")):
        (here,) = find_models(path, None, tmp_path, is_up=True)
        assert here.model_path == str(tmp_path / "ir" / "tiny")
    with pytest.raises(ModelbenchError, match=r"no such file .* goes into params.served_model$"):
        find_models("./nothing", None, tmp_path, is_up=True)


def test_a_selector_without_a_registry_says_where_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match="give 'registry' in the suite or --suite-registry"):
        find_models(ModelSelector(active=True), None, tmp_path)


def test_one_model_named_twice_is_one_candidate_and_namesakes_get_longer_names() -> None:
    found = [Candidate("m", "/a/m"), Candidate("m", "/b/m"), Candidate("m", "/a/m")]
    assert versions(distinct(found)) == ["a/m", "b/m"]


@pytest.mark.parametrize(
    ("patterns", "selected"),
    [
        ([], True),
        (["tiny"], True),
        (["t?ny"], True),
        (["/models/ti*"], True),
        (["tin", "other"], False),
        (["~nobody-here/x"], False),
    ],
)
def test_the_command_line_selects_by_version_path_or_directory(
    patterns: list[str], selected: bool
) -> None:
    assert is_selected(Candidate("v1", "/models/tiny"), patterns) is selected


def test_what_no_version_can_be_is_not_taken_for_a_misspelt_one(
    models: Registry, tmp_path: Path
) -> None:
    (hub,) = find_models("org/base", models, tmp_path)
    assert hub.model_path == "org/base"
    (served,) = find_models("bsae", models, tmp_path, is_up=True)
    assert served.version == "bsae"
