"""What runners, dataset sources, quality metrics and hooks have to look like."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from generating.markdown import cell_free, choices, code, page, table
from generating.objects import described, python
from generating.python_api import contract_names
from generating.source import signature, text_of_name, value_of_name


def extending_page() -> str:
    """The page of everything that can be added."""
    from pytest_modelbench.public import find

    contract = [part for name in contract_names() for part in described(name, find(name))]
    return page(
        "Extending",
        "What can be added, and what it has to look like. The guides show each at work: "
        "[a runner](runners.md#a-runner-of-your-own), "
        "[a dataset source](datasets.md#a-source-of-your-own), "
        "[a quality metric](own-metric.md).",
        [
            "## Where it is registered",
            "By an entry point of an installed package, or in a `conftest.py` or a plugin by the "
            "hook `pytest_modelbench_register`. A later one of the same name takes the place of "
            "an earlier one.",
            _kinds(),
            "## Hooks",
            *_hooks(),
            "## Runners",
            _module_text(),
            *contract,
            *_functions(),
        ],
    )


def _kinds() -> str:
    from pytest_modelbench.extensions import Extensions

    extensions = Extensions()
    rows = []
    for name in Extensions.__dataclass_fields__:
        kind = getattr(extensions, name)
        shipped = [
            point for point, entry in kind._points.items() if entry.value.startswith("pytest_model")
        ]
        rows.append(
            (
                f"{kind.noun}",
                code(kind.group),
                code(f"modelbench.{name}.add(name, it)"),
                choices(shipped, "and"),
            )
        )
    return table(["what", "entry point group", "in the hook", "there already"], rows)


def _hooks() -> Iterator[str]:
    from pytest_modelbench import hookspec

    for name, function in vars(hookspec).items():
        if name.startswith("pytest_") and inspect.isfunction(function):
            yield f"### {name}"
            yield python(f"def {signature(function)}")
            for paragraph in inspect.cleandoc(function.__doc__ or "").split("\n\n"):
                yield cell_free(paragraph)


def _module_text() -> str:
    """What the module of the contract says of the order of calls."""
    from pytest_modelbench.runners import contract

    paragraphs = inspect.cleandoc(contract.__doc__ or "").split("\n\n")[1:]
    return "\n\n".join(cell_free(one) for one in paragraphs)


def _functions() -> Iterator[str]:
    from pytest_modelbench import datasets, quality

    for heading, module, name in (
        ("Dataset sources", datasets, "DatasetSource"),
        ("Quality metrics", quality, "QualityMetric"),
    ):
        yield f"## {heading}"
        yield python(f"{name} = {value_of_name(module, name)}")
        for paragraph in text_of_name(module, name).split("\n\n"):
            yield cell_free(paragraph)
    yield (
        "A metric may have an attribute `terms`, [what it is computed from](own-metric.md#terms), "
        "so that two sides of a comparison are held against each other sample by sample."
    )
