"""Servers of a test; none is left behind by it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_servers import Servers


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    made = Servers(tmp_path)
    yield made
    made.kill_all()
