"""`@pytest.mark.modelbench(models=..., devices=...)`: tests over registry models and devices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.paths import path_from
from pytest_modelbench.registered import did_you_mean
from pytest_modelbench.registry import Candidate, load_registry
from pytest_modelbench.suite.document import ModelSelector
from pytest_modelbench.suite.expand import usual_device_name
from pytest_modelbench.suite.models import distinct, find_models, is_selected

ARGUMENTS = ("models", "devices", "registry", "measure", "criteria")
USUAL_DEVICE = "CPU"


def mark_arguments(item: pytest.Item | pytest.Function) -> dict[str, Any]:
    """What the marks of a test say, the nearest first. Raises `ModelbenchError`."""
    found: dict[str, Any] = {}
    for mark in item.iter_markers("modelbench"):
        if mark.args:
            raise ModelbenchError(
                f"mark modelbench takes keywords ({', '.join(ARGUMENTS)}), not {mark.args[0]!r}"
            )
        for name in mark.kwargs:
            if name not in ARGUMENTS:
                hint = did_you_mean(name, list(ARGUMENTS))
                raise ModelbenchError(f"mark modelbench has no argument {name!r}{hint}")
        found = {**mark.kwargs, **found}
    return found


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test that requests `modelbench` its `model` and `device` arguments."""
    try:
        given = mark_arguments(metafunc.definition)
        folder = metafunc.definition.path.parent
        if "model" in metafunc.fixturenames and (given.keys() & {"models", "registry"}):
            models = _models(metafunc, given, folder)
            metafunc.parametrize("model", models, ids=[one.version for one in models])
        if "device" in metafunc.fixturenames:
            chosen = metafunc.config.option.suite_device or given.get("devices")
            if chosen or not _is_of_the_user(metafunc, "device"):
                metafunc.parametrize("device", list(_devices(chosen or [USUAL_DEVICE])))
    except ModelbenchError as error:
        name = metafunc.definition.nodeid
        raise pytest.Collector.CollectError(f"{name}: {error}") from None


def _is_of_the_user(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a conftest or test module defines it: another plugin's `device` is not meant."""
    known: Mapping[str, Any] = getattr(metafunc, "_arg2fixturedefs", {})
    already = any(fixture in mark_names(mark) for mark in _parametrized(metafunc))
    return already or any(getattr(one, "baseid", "") for one in known.get(fixture, ()))


def _parametrized(metafunc: pytest.Metafunc) -> Iterable[pytest.Mark]:
    return metafunc.definition.iter_markers("parametrize")


def mark_names(mark: pytest.Mark) -> list[str]:
    """The argument names of a `parametrize` mark."""
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _models(metafunc: pytest.Metafunc, given: Mapping[str, Any], folder: Path) -> list[Candidate]:
    option = metafunc.config.option
    registry = None
    if option.suite_registry:
        invoked = metafunc.config.invocation_params.dir
        registry = load_registry(path_from(option.suite_registry, invoked))
    elif given.get("registry"):
        registry = load_registry(path_from(str(given["registry"]), folder))
    wanted = given.get("models")
    if wanted is None:
        found = registry.candidates() if registry else []
    else:
        wanted = [wanted] if isinstance(wanted, str | Mapping) else list(wanted)
        found = [one for model in wanted for one in find_models(_selector(model), registry, folder)]
    return [one for one in distinct(found) if is_selected(one, tuple(option.suite_model))]


def _selector(model: Any) -> Any:
    return ModelSelector.model_validate(model) if isinstance(model, Mapping) else str(model)


def _devices(chosen: Any) -> list[str]:
    names = [chosen] if isinstance(chosen, str) else list(chosen)
    devices: list[str] = []
    for name in names:
        devices.extend(_present() if name == "auto" else [usual_device_name(str(name))])
    return list(dict.fromkeys(devices))


def _present() -> list[str]:
    """The devices OpenVINO sees; the processor alone without it."""
    from pytest_modelbench.runners.openvino_devices import present_devices

    try:
        return present_devices() or [USUAL_DEVICE]
    except Unavailable:
        return [USUAL_DEVICE]
