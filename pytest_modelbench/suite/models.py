"""From what a suite says of models to candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.paths import path_from
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.registry import Candidate, Registry, RegistryEntry, resolve_model_path
from pytest_modelbench.suite.document import ModelSelector

GLOB_CHARACTERS = "*?["


def find_models(
    wanted: str | ModelSelector,
    registry: Registry | None,
    base_dir: Path,
    *,
    is_up: bool = False,
) -> list[Candidate]:
    """The candidates `wanted` stands for. Raises `ModelbenchError` when there is none.

    `is_up`: a server has the model already, which is asked for it by the name as it is written; a
    directory here that is called the same is none of its business.
    """
    if isinstance(wanted, ModelSelector):
        return _selected(wanted, registry)
    entries = registry.entries if registry else ()
    for entry in entries:
        if entry.version == wanted and registry:
            return [registry.candidate(entry)]
    is_name = is_up and not wanted.startswith((".", "/", "~"))
    path = wanted if is_name else resolve_model_path(wanted, base_dir)
    is_local = Path(path).is_absolute()
    if is_local and Path(path).exists():
        return [Candidate(Path(path).name or path, path)]
    if any(character in wanted for character in GLOB_CHARACTERS):
        return _selected(ModelSelector(version=wanted), registry)
    if is_local:
        served = "; a server's own name for a model goes into params.served_model" if is_up else ""
        raise ModelbenchError(f"{wanted!r}: there is no such file or directory ({path}){served}")
    is_version = not is_up and "/" not in wanted  # a hub id, and a server's own name, are none
    if is_version and (hint := did_you_mean(wanted, [entry.version for entry in entries])):
        raise ModelbenchError(f"{wanted!r} is not in the registry{hint}")
    return [Candidate(wanted, wanted)]


def _selected(selector: ModelSelector, registry: Registry | None) -> list[Candidate]:
    shown = selector.model_dump(exclude_unset=True)
    if registry is None:
        raise ModelbenchError(
            f"{shown} selects from a registry, and there is none: give 'registry' in the suite "
            "or --suite-registry"
        )
    chosen = [registry.candidate(entry) for entry in registry.entries if _matches(selector, entry)]
    if not chosen:
        versions = ", ".join(entry.version for entry in registry.entries) or "none"
        raise ModelbenchError(f"{shown} matches no model of {registry.file} (versions: {versions})")
    return chosen


def _matches(selector: ModelSelector, entry: RegistryEntry) -> bool:
    for name, wanted in selector.model_dump(exclude_unset=True).items():
        value = getattr(entry, name)
        if isinstance(wanted, str):
            if value is None or not fnmatchcase(value, wanted):
                return False
        elif value != wanted:
            return False
    return True


def distinct(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Without repetitions; those of one name but different files get a longer name."""
    unique = list({(one.version, one.model_path): one for one in candidates}.values())
    names = [one.version for one in unique]
    return [
        one if names.count(one.version) == 1 else _renamed(one, "/".join(_last_parts(one)))
        for one in unique
    ]


def _last_parts(candidate: Candidate) -> Sequence[str]:
    return Path(candidate.model_path).parts[-2:]


def _renamed(candidate: Candidate, version: str) -> Candidate:
    return Candidate(
        version,
        candidate.model_path,
        candidate.base_model,
        candidate.distilled_from,
        candidate.quantization,
    )


def is_selected(candidate: Candidate, patterns: Sequence[str]) -> bool:
    """Whether `--suite-model` lets it through: by version, hub id, path or directory name."""
    names = {candidate.version, candidate.model_path, Path(candidate.model_path).name}
    return not patterns or any(
        fnmatchcase(name, pattern) or name == str(path_from(pattern, Path.cwd()))
        for pattern in patterns
        for name in names
    )
