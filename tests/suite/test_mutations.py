"""A suite or registry altered in any way is loaded or refused in words; it never crashes."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from mutations import (
    ALL,
    MAY_BE_FINE,
    MUST_BE_REFUSED,
    REGISTRY,
    SUITE,
    deleted,
    junk,
    out_of_range,
    swapped,
    unknown_key,
    wrong_type,
)

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.registry import Registry, load_registry
from pytest_modelbench.suite.load import LoadedSuite, load_suite
from pytest_modelbench.suite.selection import Selection

MUTATIONS = 300


@pytest.fixture
def files(folder: Any) -> dict[str, Path]:
    for version in ("one", "two"):
        (folder.path / "models" / version).mkdir(parents=True)
    return {
        "suite": folder.write("whole.json", SUITE),
        "registry": folder.write("registry.json", REGISTRY),
    }


def _loaded(kind: str, files: dict[str, Path]) -> LoadedSuite | Registry | ModelbenchError:
    try:
        if kind == "registry":
            return load_registry(files["registry"])
        return load_suite(files["suite"], Selection())
    except ModelbenchError as error:
        return error


def _check_refusal(error: ModelbenchError, folder: Path) -> None:
    lines = str(error).split("\n")
    assert all(line.startswith(f"{folder}/") for line in lines), lines
    assert all(": " in line for line in lines), lines
    str(error).encode()  # can be printed


@pytest.mark.parametrize("kind", ["suite", "registry"])
def test_the_unaltered_files_are_right(kind: str, files: dict[str, Path]) -> None:
    loaded = _loaded(kind, files)
    assert isinstance(loaded, LoadedSuite | Registry), str(loaded)
    if isinstance(loaded, LoadedSuite):
        assert len(loaded.cases) == 5


@pytest.mark.parametrize("kind", ["suite", "registry"])
@pytest.mark.parametrize("seed", range(MUTATIONS))
def test_an_altered_file_is_loaded_or_refused_in_words(
    kind: str, seed: int, files: dict[str, Path]
) -> None:
    source = random.Random(f"{kind}{seed}")
    mutate = ALL[seed % len(ALL)]
    text = mutate(copy.deepcopy(SUITE if kind == "suite" else REGISTRY), source)
    files[kind].write_bytes(text if isinstance(text, bytes) else text.encode())
    outcome = _loaded(kind, files)
    if isinstance(outcome, ModelbenchError):
        _check_refusal(outcome, files[kind].parent)
    else:
        assert mutate in MAY_BE_FINE, text


@pytest.mark.parametrize("seed", range(60))
def test_a_suite_with_a_broken_registry_names_the_registry(
    seed: int, files: dict[str, Path]
) -> None:
    source = random.Random(seed)
    mutate = MUST_BE_REFUSED[seed % len(MUST_BE_REFUSED)]
    files["registry"].write_text(str(mutate(copy.deepcopy(REGISTRY), source)))
    outcome = _loaded("suite", files)
    assert isinstance(outcome, ModelbenchError)
    _check_refusal(outcome, files["registry"].parent)
    assert "registry.json" in str(outcome)


@pytest.mark.parametrize("seed", range(60))
def test_several_alterations_at_once_are_refused_in_words(
    seed: int, files: dict[str, Path]
) -> None:
    source = random.Random(f"many{seed}")
    document = copy.deepcopy(SUITE)
    for _ in range(source.randrange(2, 7)):
        mutate = source.choice([unknown_key, wrong_type, out_of_range, deleted, swapped, junk])
        try:
            mutate(document, source)
        except (IndexError, KeyError, TypeError, AttributeError):
            break  # an earlier alteration left nothing to alter
    files["suite"].write_text(json.dumps(document, indent=1))
    outcome = _loaded("suite", files)
    if isinstance(outcome, ModelbenchError):
        _check_refusal(outcome, files["suite"].parent)
