"""The hooks this plugin calls; a conftest or another plugin may implement them."""

from __future__ import annotations

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:  # spelled out so that `typing` is not imported into every test session
    from pathlib import Path

    from pytest_modelbench.extensions import Extensions
    from pytest_modelbench.results.run import BenchmarkRun


@pytest.hookspec(historic=True)
def pytest_modelbench_register(modelbench: Extensions) -> None:
    """Add runners, dataset sources and quality metrics.

    `modelbench.runners.add("name", RunnerClass)`, and likewise `dataset_sources` and
    `quality_metrics`. Called once per implementation, also for a conftest that is found late.
    """


def pytest_modelbench_run_written(run: BenchmarkRun, path: Path, config: pytest.Config) -> None:
    """The session's run was written to `path`. Called in the controlling process only."""
