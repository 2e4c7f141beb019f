"""Any OpenVINO model on arrays: its shapes, inputs and answers, alone, in batches, in flight."""

from __future__ import annotations

import json
import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError, Unavailable
from pytest_modelbench.measure.in_flight import InFlight
from pytest_modelbench.registry import Candidate
from pytest_modelbench.runners.contract import Session
from pytest_modelbench.runners.openvino_model import OpenvinoModel, OpenvinoModelParams

ov = pytest.importorskip("openvino")
from openvino import opset13 as ops  # noqa: E402
from tiny_openvino import save_model, save_onnx_relu, save_sum  # noqa: E402


def load(path: Path, **params: Any) -> Session:
    params = {"precision": "f32"} | params
    return OpenvinoModel().load(Candidate("m", str(path)), "CPU", params)


def batches_of(session: Session, inputs: Sequence[Any]) -> list[list[Any]]:
    prepared = [session.prepare(Sample(str(at), one)) for at, one in enumerate(inputs)]
    size = session.batch_size
    batches = [prepared[start : start + size] for start in range(0, len(prepared), size)]
    return [list(session.prepare_batch(batch)) for batch in batches]


def values(session: Session, answers: Sequence[Any]) -> list[dict[str, Any]]:
    flat = [one for answer in answers for one in answer]
    return [session.finish(Sample(str(at), None), one).value for at, one in enumerate(flat)]


def answers_to(session: Session, *inputs: Any) -> list[dict[str, Any]]:
    """All batches are called before any answer is looked at, as when a dataset is measured."""
    return values(session, [session.predict(batch) for batch in batches_of(session, inputs)])


ONE = {"a": [[1, 2, 3]], "b": [[0.5, 0.5, 0.5]]}
TWO = {"a": [[10, 20, 30]], "b": [[1, 1, 1]]}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return save_sum(tmp_path / "sum.xml")


@pytest.fixture
def open_model(tmp_path: Path) -> Path:
    return save_sum(tmp_path / "open.xml", (-1, 3))


def test_a_model_answers_arrays_with_arrays(model: Path) -> None:
    one, two = answers_to(load(model), ONE, TWO)
    assert one.keys() == {"sum", "rows"}
    assert one["sum"].tolist() == [[1.5, 2.5, 3.5]]
    assert two["sum"].tolist() == [[11, 21, 31]]
    assert two["rows"].tolist() == [63]
    assert one["sum"].dtype == np.float32


def test_an_answer_is_a_copy_that_later_calls_leave_alone(model: Path) -> None:
    session = load(model)
    [[place]] = batches_of(session, [ONE])
    [answer] = session.predict([place])
    value = session.finish(Sample("0", None), answer).value
    place.filled.inputs[0].fill(100)
    session.predict([place])
    assert value["sum"].tolist() == [[1.5, 2.5, 3.5]]


def test_the_properties_tell_what_it_runs_with(model: Path) -> None:
    session = load(model, threads=1, streams=1)
    found = session.properties
    assert (found["mode"], found["requests"]) == ("latency", 1)
    assert (found["threads"], found["streams"]) == (1, 1)
    assert (found["performance_hint"], found["inference_precision"]) == ("LATENCY", "f32")
    assert found["inputs"] == {"a": "f32[1,3]", "b": "f32[1,3]"}
    assert found["outputs"] == {"sum": "f32[1,3]", "rows": "f32[1]"}
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert session.compile_seconds is not None
    assert session.compile_seconds > 0
    assert session.timed.startswith("inference alone")


@pytest.mark.parametrize(
    ("type_name", "seeds_span"),
    [("f32", (0, 255)), ("f16", (0, 255)), ("i64", (0, 255)), ("u8", (0, 255)), ("i8", (0, 127))],
)
def test_a_seed_fills_inputs_the_same_way_every_time(
    tmp_path: Path, type_name: str, seeds_span: tuple[int, int]
) -> None:
    session = load(save_sum(tmp_path / "m.xml", (50, 200), type_name))
    least, most = seeds_span
    same, again, other = (place for [place] in batches_of(session, [7, 7, 8]))
    a, b = same.filled.inputs
    assert (a == again.filled.inputs[0]).all()
    assert (a != other.filled.inputs[0]).any()
    assert (a != b).any()
    spread = most - least
    assert least <= a.min() <= least + spread / 20
    assert most - spread / 20 <= a.max() <= most


def test_booleans_are_filled_with_both(tmp_path: Path) -> None:
    x = ops.parameter([200], np.bool_, name="x")
    session = load(save_model(tmp_path / "m.xml", [ops.logical_not(x)], [x]))
    [[place]] = batches_of(session, [0])
    filled = place.filled.inputs[0]
    assert 0 < filled.sum() < 200
    [answer] = answers_to(session, {"x": [True, False] * 100})
    assert next(iter(answer.values())).tolist() == [False, True] * 100


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("text", "the sample is a str: give an object with an array for each input"),
        (True, "the sample is a bool"),
        (-1, "the sample is -1: a seed is 0 or more"),
        ({"a": [[1, 2, 3]]}, r"the sample has no input 'b', which is f32\[1,3\]"),
        ({**ONE, "c": 1}, "the sample: the model has no input 'c'; it has a, b"),
        ({**ONE, "a": [1, 2]}, r"input 'a' is f32\[1,3\]: a sample has the shape \[1,3\], not \[2"),
        ({**ONE, "a": [[1, 2], [3]]}, "input 'a' is .*inhomogeneous"),
        ({**ONE, "a": [["x", "y", "z"]]}, r"input 'a' is .* the sample's is of type <U1"),
        ({**ONE, "a": [[1e300, 0, 0]]}, r"input 'a' .* of type float64, do not fit"),
        ({**ONE, "a": [[None, 0, 0]]}, "input 'a' is .* of type object"),
    ],
)
def test_an_input_that_does_not_fit_is_a_fault(model: Path, given: Any, said: str) -> None:
    session = load(model)
    with pytest.raises(ModelbenchError, match=said):
        session.prepare(Sample("0", given))
    assert answers_to(session, ONE)[0]["rows"].tolist() == [7.5]


@pytest.mark.parametrize("wrong", [300, -1, 1.5])
def test_integers_are_neither_wrapped_nor_rounded(tmp_path: Path, wrong: float) -> None:
    session = load(save_sum(tmp_path / "m.xml", (2,), "u8"))
    assert answers_to(session, {"a": [1.0, 250], "b": [2, 0]})[0]["sum"].tolist() == [3, 250]
    with pytest.raises(ModelbenchError, match=r"input 'a' is u8\[2\]: .* do not fit"):
        session.prepare(Sample("0", {"a": [0, wrong], "b": [0, 0]}))


def test_a_dimension_left_open_is_a_fault_that_names_the_input(open_model: Path) -> None:
    with pytest.raises(ModelbenchError) as caught:
        load(open_model)
    assert "input 'a' of the model has the shape [?,3]" in str(caught.value)
    assert 'params.shapes, such as {"a": [1, 3]}' in str(caught.value)


def test_shapes_close_what_is_open(open_model: Path) -> None:
    session = load(open_model, shapes={"a": [2, 3], "b": [2, 3]})
    assert session.properties["inputs"] == {"a": "f32[2,3]", "b": "f32[2,3]"}
    [answer] = answers_to(session, {"a": [[1, 1, 1], [2, 2, 2]], "b": [[0, 0, 0], [1, 1, 1]]})
    assert answer["rows"].tolist() == [3, 9]


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ({"aa": [1, 3]}, r"params\.shapes: the model has no input 'aa'; it has a, b"),
        ({"a": [2, 3], "b": [5, 3]}, r"params\.shapes .*: the model cannot take these shapes"),
        ({"a": [2, 3]}, r"input 'b' of the model has the shape \[\?,3\]"),
    ],
)
def test_shapes_that_do_not_fit_are_faults(
    open_model: Path, shapes: dict[str, list[int]], said: str
) -> None:
    with pytest.raises(ModelbenchError, match=said):
        load(open_model, shapes=shapes)


@pytest.mark.parametrize("shape", [(-1, 3), (1, 3), (5, 3)])
@pytest.mark.parametrize("rank", ["with", "without"])
def test_a_batch_answers_each_sample_as_if_it_were_alone(
    tmp_path: Path, shape: tuple[int, int], rank: str
) -> None:
    """Five samples, two a call: the last call is not full."""
    session = load(save_sum(tmp_path / "m.xml", shape), batch_size=2)
    assert session.batch_size == 2
    assert session.properties["inputs"]["a"] == "f32[2,3]"
    rows = [[number, 1, 1] for number in range(5)]
    inputs = [{"a": [row] if rank == "with" else row, "b": [0, 0, 0.5]} for row in rows]
    answers = answers_to(session, *inputs)
    assert [answer["rows"].tolist() for answer in answers] == [2.5, 3.5, 4.5, 5.5, 6.5]
    assert [answer["sum"].shape for answer in answers] == [(3,)] * 5


def test_a_sample_that_does_not_fit_leaves_no_hole_in_its_batch(open_model: Path) -> None:
    session = load(open_model, batch_size=2)
    first = session.prepare(Sample("0", {"a": [1, 1, 1], "b": [0, 0, 0]}))
    with pytest.raises(ModelbenchError):
        session.prepare(Sample("1", {"a": [1, 1, 1], "b": [0]}))
    second = session.prepare(Sample("2", {"a": [2, 2, 2], "b": [0, 0, 0]}))
    found = values(session, [session.predict(session.prepare_batch([first, second]))])
    assert [one["rows"].tolist() for one in found] == [3, 6]


def test_a_batch_is_put_together_of_any_samples_and_in_one_request(open_model: Path) -> None:
    session = load(open_model, batch_size=2)
    inputs = [{"a": [number, 0, 0], "b": [0, 0, 0]} for number in range(4)]
    places = [session.prepare(Sample(str(at), one)) for at, one in enumerate(inputs)]
    batch = session.prepare_batch([places[3], places[0]])
    assert len({id(place.filled) for place in batch}) == 1
    assert [one["rows"].tolist() for one in values(session, [session.predict(batch)])] == [3, 0]


def test_a_batch_that_nobody_put_together_is_a_fault(model: Path) -> None:
    session = load(model, mode="throughput", requests=2)
    batch = [session.prepare(Sample("0", 0))]
    with pytest.raises(ModelbenchError, match="give it to prepare_batch first"):
        session.predict(batch)
    with pytest.raises(ModelbenchError, match="give it to prepare_batch first"):
        session.start(batch, print)


@pytest.mark.parametrize("params", [{}, {"mode": "throughput", "requests": 3}])
def test_no_request_is_made_by_a_call(
    model: Path, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    session: Any = load(model, **params)
    batches = batches_of(session, range(5))
    monkeypatch.setattr(session, "_compiled", None)
    for batch in batches:
        session.predict(batch)
    if params:
        calls = InFlight(3, patience_seconds=60).run(
            session.start, batches[:1], lambda count, seconds: count >= 50, session.wait
        )
        assert (calls.errors, calls.late_error) == ({}, None)


def test_a_sample_holds_its_share_of_inputs_and_outputs(tmp_path: Path) -> None:
    """Two inputs and `sum` of 3 numbers, and one row, of 4 bytes each."""
    assert load(save_sum(tmp_path / "one.xml")).prepared_bytes == 40
    assert load(save_sum(tmp_path / "two.xml"), batch_size=8).prepared_bytes == 40
    session = load(save_sum(tmp_path / "three.xml"))
    place = session.prepare(Sample("0", 0))
    session.prepare_batch([place])
    assert place.arrays == ()


def test_without_a_first_dimension_for_it_there_is_no_batch(tmp_path: Path) -> None:
    x, y = ops.parameter([4, 2], np.float32, name="x"), ops.parameter([3], np.float32, name="y")
    several = save_model(tmp_path / "several.xml", [ops.relu(x), ops.relu(y)], [x, y])
    scalar = ops.parameter([], np.float32, name="s")
    none = save_model(tmp_path / "none.xml", [ops.relu(scalar)], [scalar])
    z = ops.parameter([1, 4], np.float32, name="z")
    added = save_model(tmp_path / "added.xml", [ops.reduce_sum(z, 0, keep_dims=False)], [z])
    fixed = ops.reshape(z, ops.constant(np.array([1, 4])), special_zero=False)
    stuck = save_model(tmp_path / "stuck.xml", [fixed], [z])
    for file, said in (
        (several, r"first dimensions differ \('x' 4, 'y' 3\), so they are no batch"),
        (none, r"input 's' has the shape \[\], without a first dimension"),
        (added, r"has the shape \[4\], whose first dimension is not the batch"),
        (stuck, "batch_size 2: the model cannot take these shapes"),
    ):
        with pytest.raises(ModelbenchError, match=said):
            load(file, batch_size=2)


def test_outputs_of_a_size_known_only_afterwards_are_read(tmp_path: Path) -> None:
    x = ops.parameter([4], np.float32, name="x")
    session = load(save_model(tmp_path / "m.xml", [ops.non_zero(x), ops.relu(x)], [x]))
    first, second = answers_to(session, {"x": [0, 1, 0, 1]}, {"x": [0, 0, -3, 0]})
    assert [one.tolist() for one in first.values()] == [[[1, 3]], [0, 1, 0, 1]]
    assert [one.tolist() for one in second.values()] == [[[2]], [0, 0, 0, 0]]


def test_a_model_with_a_state_begins_each_call_without_it(tmp_path: Path) -> None:
    x = ops.parameter([1], np.float32, name="x")
    kept = ops.read_value(ops.constant(np.zeros(1, np.float32)), "state")
    total = ops.add(kept, x)
    graph = ov.Model([total.output(0)], [ops.assign(total, "state")], [x], "stateful")
    ov.save_model(graph, tmp_path / "m.xml")
    session = load(tmp_path / "m.xml")
    assert session.timed.startswith("reset of the model's state")
    answers = answers_to(session, {"x": [2]}, {"x": [3]}, {"x": [4]})
    assert [next(iter(one.values())).tolist() for one in answers] == [[2], [3], [4]]


def test_an_onnx_file_is_a_model(tmp_path: Path) -> None:
    session = load(save_onnx_relu(tmp_path / "relu.onnx", 3))
    assert answers_to(session, {"x": [-1, 0, 2]})[0]["y"].tolist() == [0, 0, 2]


def test_the_only_model_of_a_directory_is_taken(tmp_path: Path) -> None:
    save_sum(tmp_path / "any.xml")
    assert answers_to(load(tmp_path), ONE)[0]["rows"].tolist() == [7.5]
    save_sum(tmp_path / "more.xml", (2, 3))
    with pytest.raises(ModelbenchError, match=r"has several models \(any\.xml, more\.xml\)"):
        load(tmp_path)
    save_sum(tmp_path / "openvino_model.xml", (1, 3))
    assert answers_to(load(tmp_path), ONE)[0]["rows"].tolist() == [7.5]


def test_what_is_no_model_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(ModelbenchError, match=r"has no OpenVINO IR \(\.xml\) and no ONNX file"):
        load(tmp_path)
    text = tmp_path / "model.txt"
    text.write_text("no model")
    with pytest.raises(ModelbenchError, match=r"model\.txt is neither an OpenVINO IR"):
        load(text)
    broken = tmp_path / "broken.xml"
    broken.write_text("<net>")
    with pytest.raises(ModelbenchError, match="model 'm' could not be read"):
        load(broken)
    with pytest.raises(ModelbenchError, match="is not a directory"):
        load(tmp_path / "none")


def test_a_type_that_numpy_lacks_is_a_fault(tmp_path: Path) -> None:
    x = ops.parameter([2], ov.Type.bf16, name="x")
    file = save_model(tmp_path / "m.xml", [ops.relu(x)], [x])
    with pytest.raises(ModelbenchError, match="'x' of the model is of type bf16"):
        load(file)


def test_an_absent_device_skips(model: Path) -> None:
    with pytest.raises(Unavailable, match=r"device 'GPU\.7' is not present"):
        OpenvinoModel().load(Candidate("m", str(model)), "GPU.7", {})


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"mode": "fast"}, "mode"),
        ({"batch_size": 0}, "batch_size"),
        ({"shapes": {"a": [0]}}, "shapes"),
        ({"nireq": 2}, "nireq"),
        ({"requests": 2}, "fault"),
    ],
)
def test_params_are_strict(params: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        OpenvinoModelParams.model_validate(params)


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"requests": 2}, "'requests' is for mode 'throughput'"),
        ({"batch_size": 2, "shapes": {"a": [3, 1]}}, "'shapes' gives 'a' a first dimension of 3"),
    ],
)
def test_params_that_contradict_each_other_are_told(params: dict[str, Any], said: str) -> None:
    [sentence] = OpenvinoModelParams.conflicts(params)
    assert sentence.startswith(said)


def test_throughput_has_as_many_calls_under_way_as_the_device_asks_for(model: Path) -> None:
    session = load(model, mode="throughput")
    core = ov.Core()
    compiled = core.compile_model(core.read_model(model), "CPU", {"PERFORMANCE_HINT": "THROUGHPUT"})
    wanted = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
    assert session.max_in_flight == session.properties["requests"] == wanted
    assert session.properties["performance_hint"] == "THROUGHPUT"
    assert load(model, mode="throughput", requests=7).max_in_flight == 7


def test_one_batch_may_be_under_way_several_times(model: Path) -> None:
    session = load(model, mode="throughput", requests=4)
    calls = InFlight(4, patience_seconds=60).run(
        session.start, batches_of(session, [ONE]), lambda count, seconds: count >= 200, session.wait
    )
    assert (calls.errors, calls.late_error, len(calls.durations_ns)) == ({}, None, 200)
    assert values(session, calls.answers)[0]["rows"].tolist() == [7.5]


@pytest.mark.parametrize("batch_size", [None, 2])
def test_calls_in_flight_give_the_answers_of_calls_one_by_one(
    tmp_path: Path, batch_size: int | None
) -> None:
    file = save_sum(tmp_path / "m.xml", (1, 64))
    alone = answers_to(load(file), *range(9))
    params: dict[str, Any] = {"mode": "throughput", "requests": 3, "batch_size": batch_size}
    session = load(file, **{name: one for name, one in params.items() if one is not None})
    batches = batches_of(session, range(9))
    calls = InFlight(session.max_in_flight, patience_seconds=60).run(
        session.start, batches, lambda count, seconds: count >= 200, session.wait
    )
    assert calls.errors == {}
    assert len(calls.durations_ns) == 200
    for one, other in zip(alone, values(session, calls.answers), strict=True):
        np.testing.assert_array_equal(one["sum"].ravel(), other["sum"].ravel())
    again = values(session, [session.predict(batch) for batch in batches])
    np.testing.assert_array_equal(again[8]["sum"].ravel(), alone[8]["sum"].ravel())


def test_a_call_in_flight_that_fails_is_its_own_failure_alone(tmp_path: Path) -> None:
    """OpenVINO's own queue would raise it at every later start."""
    table, at = np.arange(4, dtype=np.float32), ops.parameter([1], np.int64, name="at")
    size = ops.reshape(at, ops.constant(np.array([1])), special_zero=False)
    picked = ops.slice(
        ops.constant(table),
        ops.constant(np.array([0])),
        size,
        ops.constant(np.array([1])),
        ops.constant(np.array([0])),
    )
    # Shapes that only fit when the slice has one element or two.
    summed = ops.add(picked, ops.constant(np.ones(2, np.float32)))
    session = load(save_model(tmp_path / "m.xml", [summed], [at]), mode="throughput", requests=2)
    batches = batches_of(session, [{"at": [count]} for count in (1, 3, 2, 1)])
    calls = InFlight(2, patience_seconds=60).run(
        session.start, batches, lambda count, seconds: count >= 40, session.wait
    )
    assert list(calls.errors) == [1]
    assert isinstance(calls.errors[1], RuntimeError)
    assert len(calls.durations_ns) >= 39
    good = [answer for answer in calls.answers if not isinstance(answer, Exception)]
    assert [next(iter(one.values())).tolist() for one in values(session, good)] == [
        [1, 1],
        [1, 2],
        [1, 1],
    ]


def test_a_closed_session_keeps_no_thread_and_no_model(model: Path) -> None:
    before = threading.active_count()
    session = load(model, mode="throughput", requests=3)
    compiled = weakref.ref(session._compiled)  # type: ignore[attr-defined]
    batches = batches_of(session, range(3))
    InFlight(3, patience_seconds=60).run(
        session.start, batches, lambda count, seconds: count > 20, session.wait
    )
    session.close()
    assert threading.active_count() == before
    assert compiled() is None
