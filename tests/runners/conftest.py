"""What tests of real models share: each is exported once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Runner, Session


@pytest.fixture(scope="session")
def kept_exports(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where models are exported to: one folder for all tests, in parallel workers too."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if hasattr(request.config, "workerinput") else own
    return shared / "exports"


@pytest.fixture(scope="session")
def load_kept(kept_exports: Path) -> Callable[..., Session]:
    """Loads a model whose export is kept.

    The cache is set while it loads: each test has a home of its own, set after any wider fixture.
    """

    def load(runner: Runner, candidate: Candidate, params: dict[str, object]) -> Session:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_CACHE_HOME", str(kept_exports))
            return runner.load(candidate, "CPU", params)

    return load
