"""Verdicts in the XML that pytest itself writes."""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from run_builder import make_comparison, make_verdict_of

from pytest_modelbench.report.junit import NAME, junit_properties

TEST = """
import sys
sys.path.insert(0, {folder!r})
from run_builder import make_comparison, make_verdict_of
from pytest_modelbench.report.junit import junit_properties

def test_it(request):
    verdicts = [make_verdict_of("regression", 0.3), make_verdict_of("pass", metric="wer")]
    request.node.user_properties += junit_properties([make_comparison("<&>", verdicts)])
"""


def test_each_verdict_is_a_property_with_its_line() -> None:
    verdicts = [make_verdict_of("pass"), make_verdict_of("inconclusive", reason="two\nlines\x1b")]
    properties = junit_properties([make_comparison("a", verdicts), make_comparison("b")])
    assert [name for name, _ in properties] == [NAME, NAME]
    assert properties[0][1] == verdicts[0].message
    assert properties[1][1].endswith("inconclusive: two lines\\x1b")


@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_they_arrive_in_the_xml_also_from_a_worker(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    pytester.makepyfile(TEST.format(folder=str(Path(__file__).parent)))
    result = pytester.run(
        sys.executable, "-m", "pytest", "--junitxml=junit.xml", *arguments, timeout=120
    )
    assert result.ret == 0
    tree = ElementTree.parse(pytester.path / "junit.xml")
    found = [(one.get("name"), one.get("value")) for one in tree.iter("property")]
    assert [name for name, _ in found] == [NAME, NAME]
    assert found[0][1] is not None
    assert found[0][1].startswith("p50 latency 10 -> 13 ms, +30.0 % [+29.0, +31.0]")
