"""`@pytest.mark.modelbench(models=..., devices=...)`: tests over registry models and devices."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pytest_modelbench.bench.arguments import check_mark, first_fault, mark_names
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.paths import path_from
from pytest_modelbench.registry import Candidate, load_registry
from pytest_modelbench.suite.device_names import usual_device_name
from pytest_modelbench.suite.document import ModelSelector
from pytest_modelbench.suite.models import distinct, find_models, is_selected

USUAL_DEVICE = "CPU"


def mark_arguments(item: pytest.Item | pytest.Function) -> dict[str, Any]:
    """What the marks of a test say, the nearest first. Raises `ModelbenchError`."""
    found: dict[str, Any] = {}
    for mark in item.iter_markers("modelbench"):
        if mark.args:
            raise ModelbenchError(
                f"mark modelbench takes keywords ({', '.join(mark_names())}), not {mark.args[0]!r}"
            )
        check_mark(mark.kwargs)
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
        is_parametrized = _parametrizes(metafunc, "device")
        if is_parametrized and metafunc.config.option.suite_device:
            raise ModelbenchError(
                "'device' is parametrized here, so --suite-device cannot say it: leave one out"
            )
        if "device" in metafunc.fixturenames and not is_parametrized:
            chosen = metafunc.config.option.suite_device or given.get("devices")
            if chosen or not _is_of_the_user(metafunc, "device"):
                metafunc.parametrize("device", _devices(chosen or [USUAL_DEVICE]))
    except ModelbenchError as error:
        name = metafunc.definition.nodeid
        raise pytest.Collector.CollectError(f"{name}: {error}") from None


def _parametrizes(metafunc: pytest.Metafunc, argument: str) -> bool:
    """Whether the test or a hook of the user's does so, which needs no help of ours."""
    if any(argument in call.params for call in getattr(metafunc, "_calls", ())):
        return True
    marks = metafunc.definition.iter_markers("parametrize")
    return any(argument in _argument_names(mark) for mark in marks)


def _argument_names(mark: pytest.Mark) -> list[str]:
    names = mark.args[0] if mark.args else mark.kwargs.get("argnames", ())
    return [name.strip() for name in names.split(",")] if isinstance(names, str) else list(names)


def _is_of_the_user(metafunc: pytest.Metafunc, fixture: str) -> bool:
    """Whether a conftest or test module defines it: another plugin's `device` is not meant."""
    known: Mapping[str, Any] = getattr(metafunc, "_arg2fixturedefs", {})
    return any(
        # The base of what the conftest of the rootdir defines is empty, as that of a plugin.
        one.baseid or Path(inspect.getfile(one.func)).name == "conftest.py"
        for one in known.get(fixture, ())
    )


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
    if not isinstance(model, Mapping):
        return str(model)
    try:
        return ModelSelector.model_validate(model)
    except ValidationError as error:
        fault = first_fault(error, ModelSelector, model)
        raise ModelbenchError(f"mark modelbench: models: {fault}") from None


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
