"""Manifests and results of many workers and tests become one list of cases."""

from __future__ import annotations

from typing import Any

from pytest_modelbench.recording.ledger import NOT_RUN, UNFINISHED, Ledger
from pytest_modelbench.recording.manifest import Manifest, unmeasured
from pytest_modelbench.recording.so_far import so_far_event
from pytest_modelbench.results.comparison import Comparison, Launch, bare_comparison
from pytest_modelbench.results.packed import pack
from pytest_modelbench.results.run import CaseResult


class Looked(dict[str, Any]):
    """A case of a manifest; counts how often any of them is looked into."""

    times = 0

    def __getitem__(self, key: str) -> Any:
        Looked.times += 1
        return super().__getitem__(key)


def manifest(*names: str, file: str = "test_it.py") -> Manifest:
    cases: list[Any] = [
        Looked(
            nodeid=f"{file}::{name}",
            identity={
                "id": f"{file}::{name}",
                "suite": file,
                "benchmark": name,
                "runner": "python",
                "model": name,
                "model_path": name,
                "device": "CPU",
                "params": {},
            },
        )
        for name in names
    ]
    return {
        "id": file,
        "file": file,
        "description": "",
        "digest": "0" * 32,
        "criteria": [],
        "candidates": [{"version": "tiny"}],
        "cases": cases,
        "metric_names": {name: ["latency_ms"] for name in names},
    }


def names_in(ledger: Ledger) -> list[list[str]]:
    return [[one["nodeid"] for one in each["cases"]] for each in ledger.manifests.values()]


def test_what_several_workers_send_of_one_file_is_put_together_once() -> None:
    ledger = Ledger()
    for one in (manifest("a", "b"), manifest("b", "c"), manifest("a", file="other.py")):
        ledger.add({"manifests": [one]})
    assert names_in(ledger) == [
        ["test_it.py::a", "test_it.py::b", "test_it.py::c"],
        ["other.py::a"],
    ]
    assert [one["candidates"] for one in ledger.manifests.values()] == [[{"version": "tiny"}]] * 2
    assert set(ledger.manifests["test_it.py"]["metric_names"]) == {"a", "b", "c"}


def test_what_was_sent_is_left_as_it_was() -> None:
    sent = manifest("a")
    ledger = Ledger()
    ledger.add({"manifests": [sent]})
    ledger.add({"manifests": [manifest("b")]})
    assert len(sent["cases"]) == 1


def test_a_further_test_of_a_file_costs_no_look_at_those_before() -> None:
    ledger = Ledger()
    Looked.times = 0
    for number in range(500):
        ledger.add({"manifests": [manifest(f"test_{number}")]})
    assert len(ledger.manifests["test_it.py"]["cases"]) == 500
    assert Looked.times <= 5 * 500


def test_a_case_whose_process_died_before_its_result_is_an_error() -> None:
    ledger = Ledger()
    ledger.add({"manifests": [manifest("a", "b")]})
    ledger.add_death("test_it.py::a", "worker 'gw0' crashed")
    ((_, (dead, other)),) = ledger.suites()
    assert (dead.status, dead.detail) == ("error", "worker 'gw0' crashed")
    assert dead.metrics["latency_ms"].status == "error"
    assert (other.status, other.detail) == ("skipped", "not run: the session ended before")


def compared(name: str, detail: str = "") -> str:
    comparison = bare_comparison(
        id=f"test_it.py::{name}",
        suite="test_it.py",
        benchmark=name,
        kind="stored",
        status="skipped" if detail else "ok",
        detail=detail,
    )
    return comparison.model_dump_json()


def test_comparisons_stand_in_the_order_of_their_cases_and_a_rerun_s_replace_those_before() -> None:
    ledger = Ledger()
    ledger.add({"manifests": [manifest("a", "b", "c")]})
    for name, detail in (("c", ""), ("a", "first"), ("b", ""), ("a", "again")):
        parcel = {"results": [], "nodeid": f"test_it.py::{name}"}
        ledger.add({**parcel, "comparisons": [compared(name, detail)]})
    ledger.add({"results": [], "nodeid": "test_it.py::b"})  # this time nothing was compared
    found = [(one.benchmark, one.detail) for one in ledger.comparisons()]
    assert found == [("a", "again"), ("c", "")]


FILE = "test_it.py"


def result(nodeid: str, detail: str) -> CaseResult:
    whole = manifest("a", "b")
    [case] = [one for one in whole["cases"] if one["nodeid"] == nodeid]
    return unmeasured(whole, case, "skipped", detail)


def comparison(nodeid: str, *launches: str) -> Comparison:
    """Its launches are told apart by what disturbed them."""
    order = pack([0, 1])
    made = [
        Launch(series="decision", order=order, sides=[], disturbances=[one]) for one in launches
    ]
    bare = bare_comparison(
        id=nodeid,
        suite=FILE,
        benchmark="a",
        kind="paired",
        status="skipped",
        detail="unfinished",
    )
    return bare.model_copy(update={"launches": made, "duration_seconds": 1.0})


def test_what_an_item_gave_before_it_was_broken_off_is_its_result() -> None:
    ledger, nodeid = Ledger(), f"{FILE}::a"
    ledger.add({"manifests": [manifest("a", "b")]})
    ledger.add_start(nodeid)
    assert ledger.has_unfinished
    ledger.take(so_far_event(nodeid, [result(nodeid, "first")], None))
    [(_, [known, other])] = ledger.suites()
    assert (known.detail, other.detail) == ("first", NOT_RUN)
    # A rerun begins anew, and what a report brings holds in any case.
    ledger.add_start(nodeid)
    [(_, [known, _])] = ledger.suites()
    assert known.detail == UNFINISHED
    ledger.add({"nodeid": nodeid, "results": [result(nodeid, "whole").model_dump_json()]})
    ledger.add_what_came_of([so_far_event(nodeid, [result(nodeid, "late")], None)])
    [(_, [known, _])] = ledger.suites()
    assert known.detail == "whole"
    assert not ledger.has_unfinished


def test_launches_that_came_one_by_one_are_one_comparison() -> None:
    ledger, nodeid = Ledger(), f"{FILE}::a"
    ledger.add({"manifests": [manifest("a")]})
    ledger.add_start(nodeid)
    for launches in ([], ["one"], ["two"]):
        ledger.take(so_far_event(nodeid, [], comparison(nodeid, *launches)))
    [so_far] = ledger.comparisons()
    assert so_far.launches == comparison(nodeid, "one", "two").launches
    assert (so_far.status, so_far.detail) == ("skipped", UNFINISHED)
    ledger.goes_on = True
    assert list(ledger.comparisons()) == []
    ledger.goes_on = False
    ledger.add_death(nodeid, "killed")
    [so_far] = ledger.comparisons()
    assert (so_far.status, so_far.detail) == ("error", "killed")
