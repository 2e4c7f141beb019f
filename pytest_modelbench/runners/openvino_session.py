"""A compiled OpenVINO model that is given arrays, one call at a time or several.

Every prepared batch is an infer request of its own, filled beforehand: a call then is inference and
nothing else. A request costs little more than the inputs and outputs it holds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.runners.contract import Prediction, Session
from pytest_modelbench.runners.openvino_ports import Port, read_ports, sample_arrays
from pytest_modelbench.runners.openvino_requests import Waiters


class Filled:
    """A request whose inputs are in place."""

    def __init__(self, compiled: Any, inputs: Sequence[Port], outputs: Sequence[Port]) -> None:
        self.request = compiled.create_infer_request()
        self.inputs = [self.request.get_input_tensor(at).data for at in range(len(inputs))]
        """Its inputs, to write into."""
        self.used = 0
        """How many samples it holds; the rest of a batch is zeros."""
        self.is_under_way = False
        self.free_twins: deque[Filled] = deque()
        """Requests with the same inputs, for calls of one batch at the same time."""
        written = [
            self.request.get_output_tensor(at).data
            for at, port in enumerate(outputs)
            if port.shape is not None
        ]
        for array in (*self.inputs, *written):
            array.fill(0)  # so that no call is the first to touch its memory


@dataclass(frozen=True, slots=True)
class Place:
    """A prepared sample, and where its answer will be: a request, and a row of it."""

    filled: Filled
    row: int


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
        self._compiled = compiled
        self._has_rows = batch_size is not None
        self._is_stateful = is_stateful
        self._waiters = Waiters(requests)
        self._filling: Filled | None = None

    def prepare(self, sample: Sample) -> Place:
        """The sample in the next row of a request. Raises `ModelbenchError` for a misfit."""
        shapes = [(port.shape or ())[1 if self._has_rows else 0 :] for port in self.inputs]
        arrays = sample_arrays(sample.input, self.inputs, shapes)
        filled = self._filling
        if filled is None or filled.used == self.batch_size:
            filled = self._filling = self._new()
        row = filled.used
        for target, array in zip(filled.inputs, arrays, strict=True):
            target[row if self._has_rows else ...] = array
        filled.used += 1
        return Place(filled, row)

    def predict(self, batch: Sequence[Place]) -> Sequence[Place]:
        batch = self._in_one_piece(batch)
        request = batch[0].filled.request
        if self._is_stateful:
            request.reset_state()
        request.infer(share_outputs=True)
        return batch

    def start(self, batch: Sequence[Place], done: Callable[[Any], None]) -> None:
        """A batch that is under way already is run a second time by a twin of its request."""
        batch = self._in_one_piece(batch)
        first = batch[0].filled
        filled = self._taken(first)
        if filled is not first:
            batch = [Place(filled, place.row) for place in batch]
        try:
            if self._is_stateful:
                filled.request.reset_state()
            filled.request.start_async()
        except Exception:
            _give_back(filled, first)
            raise

        def answered(answer: Any) -> None:
            _give_back(filled, first)  # first, as `done` may lead to the next start
            done(answer)

        self._waiters.wait_for(filled.request, lambda request: batch, answered)

    def _taken(self, first: Filled) -> Filled:
        if not first.is_under_way:
            first.is_under_way = True
            return first
        return first.free_twins.popleft() if first.free_twins else self._twin(first)

    def _new(self) -> Filled:
        return Filled(self._compiled, self.inputs, self.outputs)

    def _twin(self, other: Filled) -> Filled:
        twin = self._new()
        for target, source in zip(twin.inputs, other.inputs, strict=True):
            target[...] = source
        return twin

    def _in_one_piece(self, batch: Sequence[Place]) -> Sequence[Place]:
        """The batch as it lies in its request; gathered into another where it was rearranged."""
        self._filling = None  # what is prepared from here on belongs to another batch
        filled = batch[0].filled
        if not self._has_rows or all(
            place.filled is filled and place.row == at for at, place in enumerate(batch)
        ):
            return batch
        gathered = self._new()
        for at, place in enumerate(batch):
            for target, source in zip(gathered.inputs, place.filled.inputs, strict=True):
                target[at] = source[place.row]
        return [Place(gathered, at) for at in range(len(batch))]

    def finish(self, sample: Sample, answer: Place) -> Prediction:
        """The outputs, copied: name to array, without the batch's dimension if there is one.

        A request called again has written the outputs of the same inputs once more.
        """
        request = answer.filled.request
        arrays = {
            port.name: request.get_output_tensor(at).data for at, port in enumerate(self.outputs)
        }
        row = answer.row if self._has_rows else ...
        return Prediction({name: array[row].copy() for name, array in arrays.items()})

    def close(self) -> None:
        self._waiters.close()
        self._compiled = self._filling = None


def _give_back(filled: Filled, first: Filled) -> None:
    if filled is first:
        first.is_under_way = False
    else:
        first.free_twins.append(filled)


def _distinct(ports: list[Port]) -> list[Port]:
    """Two outputs of one name would be one answer."""
    names = [port.name for port in ports]
    return [
        port if names.count(port.name) == 1 else replace(port, name=f"{port.name}.{at}")
        for at, port in enumerate(ports)
    ]
