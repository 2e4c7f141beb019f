"""A compiled OpenVINO model that is given arrays, one call at a time or several.

Every batch is an infer request of its own, filled beforehand: a call then is inference and nothing
else. What a portion of a dataset takes so is bounded by `Session.prepared_bytes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.openvino_ports import Port, read_ports, sample_arrays
from pytest_modelbench.runners.openvino_requests import InferRequests

if TYPE_CHECKING:
    from pytest_modelbench.measure.in_flight import Done


class Filled:
    """A request whose inputs are in place, and where its outputs will be."""

    def __init__(self, compiled: Any, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self.request = compiled.create_infer_request()
        self.tensors = Tensors(self.request, inputs, outputs)
        self.inputs = [tensor.data for tensor in self.tensors.inputs]
        """Its inputs, to write into; the rows of a batch that is not full are zeros."""
        self.is_called = False
        """Whether a call in flight has written its outputs, or is about to."""
        self.open_outputs: dict[int, Any] = {}
        """Of outputs whose size is known only afterwards, what a call in flight gave."""
        written = (tensor.data for tensor in self.tensors.outputs.values())
        for array in (*self.inputs, *written):
            array.fill(0)  # so that no call is the first to touch its memory

    def output(self, at: int) -> Any:
        if at in self.open_outputs:
            return self.open_outputs[at]
        return self.request.get_output_tensor(at).data


class Tensors:
    """A request's inputs, and its outputs of known size."""

    def __init__(self, request: Any, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self.inputs = [request.get_input_tensor(at) for at in range(len(inputs))]
        self.outputs = {
            at: request.get_output_tensor(at)
            for at, port in enumerate(outputs)
            if port.shape is not None
        }


@dataclass(slots=True)
class Place:
    """A prepared sample: its arrays, then the row of a request where they lie and the answer will.

    The arrays go when they lie in the request, so that nothing is held twice.
    """

    arrays: Sequence[Any]
    filled: Filled | None = None
    row: int = 0


class ModelSession(Session):
    """Arrays in, arrays out."""

    def __init__(
        self, compiled: Any, requests: int, batch_size: int | None, is_stateful: bool
    ) -> None:
        self.inputs = read_ports(compiled.inputs)
        self.outputs = _distinct(read_ports(compiled.outputs))
        self.batch_size = batch_size or 1
        self.max_in_flight = requests
        self.timed = "inference alone: inputs are in place before, outputs are copied after"
        if is_stateful:
            self.timed = f"reset of the model's state, and {self.timed}"
        if requests > 1:
            self.timed += "; Python begins the next call some 10 us after one has ended"
        ports = [*self.inputs, *self.outputs]
        self.prepared_bytes = sum(map(_size_bytes, ports)) // self.batch_size
        self._compiled = compiled
        self._has_rows = batch_size is not None
        self._is_stateful = is_stateful
        self._in_flight = InferRequests(compiled, requests)
        self._laid: dict[Any, tuple[Filled | None, Filled | None]] = {}
        self._elsewhere = [self._new() for _ in range(requests)] if requests > 1 else []

    def prepare(self, sample: Sample) -> Place:
        """The sample's arrays. Raises `ModelbenchError` for a misfit."""
        shapes = [(port.shape or ())[1 if self._has_rows else 0 :] for port in self.inputs]
        return Place(sample_arrays(sample.input, self.inputs, shapes))

    def prepare_batch(self, prepared: Sequence[Place]) -> Sequence[Place]:
        """The samples in the rows of a request of their own."""
        filled = self._new()
        for row, place in enumerate(prepared):
            for target, array in zip(filled.inputs, place.arrays, strict=True):
                target[row if self._has_rows else ...] = array
            place.arrays, place.filled, place.row = (), filled, row
        return prepared

    def predict(self, batch: Sequence[Place]) -> Sequence[Place]:
        request = _filled(batch).request
        if self._is_stateful:
            request.reset_state()
        request.infer(share_outputs=True)
        return batch

    def start(self, batch: Sequence[Place], done: Done) -> None:
        """The next idle request computes the batch where it lies.

        The first call of a batch writes its outputs to where `finish` finds them. The others, of
        the same inputs, write theirs elsewhere: some of them may be under way at once.
        """
        filled = _filled(batch)
        at, request = self._in_flight.idle()
        is_first = not filled.is_called
        self._lay(request, filled, filled if is_first else self._elsewhere[at])
        if self._is_stateful:
            request.reset_state()
        if not is_first:
            self._in_flight.start(lambda request: batch, done)
            return

        def ended(answer: Any, ended_ns: int | None = None) -> None:
            filled.is_called = not isinstance(answer, Exception)
            done(answer, ended_ns)

        def read(request: Any) -> Sequence[Place]:
            for port in range(len(self.outputs)):
                if port not in filled.tensors.outputs:
                    filled.open_outputs[port] = request.get_output_tensor(port).data.copy()
            return batch

        self._in_flight.start(read, ended)
        filled.is_called = True

    def wait(self) -> bool:
        return self._in_flight.wait()

    def _lay(self, request: Any, inputs: Filled, outputs: Filled) -> None:
        """Give a request the memory it is to work on, where it has another; that takes a while."""
        had = self._laid.get(request, (None, None))
        if had[0] is not inputs:
            for port, tensor in enumerate(inputs.tensors.inputs):
                request.set_input_tensor(port, tensor)
        if had[1] is not outputs:
            for port, tensor in outputs.tensors.outputs.items():
                request.set_output_tensor(port, tensor)
        self._laid[request] = inputs, outputs

    def _new(self) -> Filled:
        return Filled(self._compiled, self.inputs, self.outputs)

    def finish(self, sample: Sample, answer: Place) -> Prediction:
        """The outputs, copied: name to array, without the batch's dimension if there is one.

        A request called again has written the outputs of the same inputs once more.
        """
        filled = _filled([answer])
        arrays = {port.name: filled.output(at) for at, port in enumerate(self.outputs)}
        row = answer.row if self._has_rows else ...
        return Prediction({name: array[row].copy() for name, array in arrays.items()})

    def close(self) -> None:
        self._in_flight.close()
        self._elsewhere.clear()
        self._laid.clear()
        self._compiled = None


def _filled(batch: Sequence[Place]) -> Filled:
    filled = batch[0].filled
    if filled is None:
        raise ModelbenchError("the batch is in no request yet: give it to prepare_batch first")
    return filled


def _size_bytes(port: Port) -> int:
    """Of a dynamic one, which is known only afterwards, 0."""
    size = port.dtype.itemsize if port.shape is not None else 0
    for length in port.shape or ():
        size *= length
    return size


def _distinct(ports: list[Port]) -> list[Port]:
    """Two outputs of one name would be one answer."""
    names = [port.name for port in ports]
    return [
        port if names.count(port.name) == 1 else replace(port, name=f"{port.name}.{at}")
        for at, port in enumerate(ports)
    ]
