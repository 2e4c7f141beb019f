"""What is told of a suite's setup commands."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_modelbench.comparison.setup_commands import run_setup
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.suite.compare import Revisions


def test_what_is_said_of_a_command_has_no_secrets(tmp_path: Path) -> None:
    setup = "echo from https://me:hunter2@host/x with TOKEN=hunter2; false --api-key hunter2"
    with pytest.raises(ModelbenchError) as caught:
        run_setup(tmp_path, "0" * 40, Revisions(setup=[setup]), tmp_path / "log")
    assert "hunter2" not in str(caught.value)
    assert str(caught.value).count("https://***@host/x") == 2, "the command and what it said"
