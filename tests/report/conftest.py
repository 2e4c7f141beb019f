"""A browser for the tests that open a report, started once for all tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import chromium
import pytest
from chromium import Browser

from pytest_modelbench.report.html import html_of
from pytest_modelbench.results.run import BenchmarkRun


@pytest.fixture(scope="module")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if reason := chromium.missing():
        pytest.skip(reason)
    with chromium.browser(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def show(window: Browser, tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Opens a report; at the end of the test nothing must have been said or asked for."""
    window.size(1280)
    window.media()
    window.requested()
    opened: list[str] = []

    def open_report(*runs: BenchmarkRun) -> Path:
        file = tmp_path / f"report{len(opened)}.html"
        file.write_text(html_of(runs), encoding="utf-8")
        window.open(file)
        opened.append(file.as_uri())
        return file

    yield open_report
    assert window.said() == []
    assert [one for one in window.requested() if one not in ("data:,", *opened)] == []
    assert opened
    window.run("localStorage.clear()")
