"""What `from pytest_modelbench import ...` offers, and the fixture's methods."""

from __future__ import annotations

from generating.markdown import code, page
from generating.objects import described, methods

SECTIONS = {
    "Run and read": ("run_benchmark", "BenchmarkRun", "CaseResult", "BenchmarkCandidate"),
    "Metrics": ("Metric", "MetricStatus", "measured", "skipped", "failed"),
    "Errors": ("ModelbenchError", "Unavailable"),
}
_FIRST = ("Runner", "Session", "Requirement", "Prediction", "Candidate", "Sample", "Audio")
FIXTURE = ("load", "measure", "metric", "bound")


def contract_names() -> list[str]:
    """The public names that stand on the page on extending: all that are not here."""
    from pytest_modelbench.public import __all__

    here = {name for names in SECTIONS.values() for name in names}
    return [*_FIRST, *(name for name in __all__ if name not in here and name not in _FIRST)]


def python_page() -> str:
    """The page of the public names."""
    from pytest_modelbench.public import find

    parts: list[str] = []
    for heading, names in SECTIONS.items():
        parts += [
            f"## {heading}",
            *(part for name in names for part in described(name, find(name))),
        ]
    return page(
        "Python",
        "`from pytest_modelbench import ...` offers what stands here, and "
        f"{', '.join(code(name) for name in contract_names())}, which are for "
        "[runners of your own](reference-extending.md). Everything else is internal.",
        [*parts, *_fixture()],
    )


def _fixture() -> list[str]:
    from pytest_modelbench.bench.bench import Bench
    from pytest_modelbench.bench.measured import Measured

    return [
        "## The fixture modelbench",
        "A test that requests it is measured: [a guide](python.md). Its attribute `device` is the "
        "device the test is measured for.",
        *methods("modelbench", Bench, FIXTURE),
        *described("Measured", Measured),
    ]
