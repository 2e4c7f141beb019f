"""A side's own process: loads the model, warms it up, and times what it is told to, when told."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import islice
from typing import Any

from pytest_modelbench.case import Case
from pytest_modelbench.catalogue import PROCESS_MEMORY_METRICS
from pytest_modelbench.comparison.messages import (
    MOST_INPUTS,
    MOST_READ,
    Load,
    Message,
    SumUp,
    TimeSegment,
    WarmUpNow,
)
from pytest_modelbench.datasets.load import SampleReader
from pytest_modelbench.datasets.samples import Audio, Sample
from pytest_modelbench.errors import ModelbenchError, Unavailable, as_text, one_line
from pytest_modelbench.execution.batch import put_together
from pytest_modelbench.execution.calls import calls_of
from pytest_modelbench.execution.limits import ProcessLimits
from pytest_modelbench.execution.own_code import OwnCode
from pytest_modelbench.execution.readiness import make_ready
from pytest_modelbench.execution.residents import Resident, Residents
from pytest_modelbench.execution.turns import Turns, marked
from pytest_modelbench.measure.in_flight import InFlight
from pytest_modelbench.measure.timing import check_answers, clock_ns
from pytest_modelbench.results.packed import pack
from pytest_modelbench.runners import RUNNERS
from pytest_modelbench.runners.contract import Session, input_kind_of, part_of

Batches = Sequence[Sequence[Any]]
FEWEST_WARM = 2


class SideInProcess:
    """Answers messages; whatever goes wrong is the answer."""

    def __init__(self, limits: ProcessLimits, own: OwnCode) -> None:
        self._limits = limits
        self._own = own
        self._loaded: _Loaded | None = None

    def answer(self, message: Message) -> bytes:
        try:
            with marked():  # nothing is asked but while the session has its turn
                return json.dumps(self._answer(message), allow_nan=False).encode()
        except Unavailable as reason:
            return json.dumps({"unavailable": str(reason)}).encode()
        except BaseException as error:  # nobody interrupts this process: the model raised it
            return json.dumps({"error": one_line(error), "trace": as_text(error)}).encode()

    def _answer(self, message: Message) -> Mapping[str, Any]:
        if isinstance(message, Load):
            self._own.check_registered()
            self._limits.apply(message.case.measure)
            self._loaded = _Loaded(message.case, message.launch, message.left_out)
            self._own.check()
            return {"in_flight": self._loaded.in_flight}
        if self._loaded is None:
            raise ModelbenchError("nothing is loaded")
        if isinstance(message, WarmUpNow):
            return self._loaded.warm_up()
        if isinstance(message, TimeSegment):
            return {"durations_ns": self._loaded.segment(message)}
        assert isinstance(message, SumUp)
        return self._loaded.sum_up()

    def close(self) -> None:
        if self._loaded is not None:
            self._loaded.close()


class _Loaded:
    """A model with its inputs."""

    def __init__(self, case: Case, launch: int, left_out: frozenset[int]) -> None:
        runner = RUNNERS.get(case.runner)()
        make_ready(case, runner)
        self._case = case
        self._residents = Residents(Turns("none"))  # turns are taken by who asks
        self._resident: Resident = self._residents.get(case, runner)
        self._session: Session = self._resident.session
        reader = SampleReader(case.dataset, case.base_dir, input_kind_of(runner, case.params))
        samples = (one for place, one in enumerate(reader) if place not in left_out)
        self._batches = self._read(samples, launch)
        self._prepared = [self._put_together(batch) for batch in self._batches]
        self._answers: dict[int, Sequence[Any] | None] = {}
        """Of inputs that were timed; None where the answer was not kept."""
        self._steady = ExitStack()
        self._call: Callable[[Batches], tuple[int, Sequence[Any]]] = self._one_by_one
        if self.in_flight > 1:
            self._call = self._in_flight

    @property
    def in_flight(self) -> int:
        return int(part_of(self._session, "max_in_flight"))

    def _read(self, readable: Iterable[Sample], launch: int) -> list[list[Sample]]:
        """Whole batches, or the only one there is: all calls of a side then do equal work."""
        size = max(1, int(self._session.batch_size))
        samples = list(islice(readable, MOST_READ * size))
        batches = [samples[at : at + size] for at in range(0, len(samples), size)]
        if len(batches) > 1 and len(batches[-1]) < size:
            batches.pop()
        step = -(-len(batches) // MOST_INPUTS)
        return batches[launch % step :: step]

    def _put_together(self, batch: Sequence[Sample]) -> Sequence[Any]:
        prepared = [self._session.prepare(sample) for sample in batch]
        return put_together(self._session, prepared)

    def warm_up(self) -> Mapping[str, Any]:
        with self._resident.meters.phase("warmup"):
            seen = calls_of(self._session, self._case.measure).warm_up(self._prepared)
        self._resident.first_call_ns = seen.first_ns
        if seen.first_ns is None:  # let the fault speak for itself
            self._call(self._prepared[:1])
            raise ModelbenchError("the first call failed, and the next one did not")
        gc.collect()
        gc.freeze()
        gc.disable()
        self._steady.enter_context(self._resident.meters.phase("steady"))
        return {
            "durations": pack(seen.durations_ns),
            "ended_by": seen.ended_by,
            "rule": seen.rule,
            "usual_ns": self._usual_ns(seen.durations_ns),
        }

    def _usual_ns(self, durations_ns: Sequence[int]) -> int:
        """How long a call takes, as far as that is known: of calls in flight the share of each."""
        if len(durations_ns) < FEWEST_WARM:  # the first call says nothing of those after it
            return self._call(self._prepared[:1])[0]
        last = sorted(durations_ns[len(durations_ns) // 2 :])
        return max(1, last[len(last) // 2] // self.in_flight)

    def segment(self, message: TimeSegment) -> list[int]:
        """Each call on the next input, as a model meets them: what it does anew for a new input,
        such as reshaping, is a part of its speed."""
        count = len(self._prepared)
        durations = []
        for call in range(message.calls):
            first = message.first + call * message.repeats
            inputs = [(first + number) % count for number in range(message.repeats)]
            self._answers |= {at: None for at in inputs if at not in self._answers}
            duration, answers = self._call([self._prepared[at] for at in inputs])
            self._answers[inputs[-1]] = answers
            durations.append(duration)
        gc.collect()  # held off while calls are timed: what they leave would pile up
        return durations

    def _one_by_one(self, batches: Batches) -> tuple[int, Sequence[Any]]:
        """The mean duration of a call in ns, and the last one's answers."""
        predict = self._session.predict
        start = clock_ns()
        for batch in batches:
            answers = predict(batch)
        duration = clock_ns() - start
        check_answers(answers, batches[-1])
        return max(1, duration // len(batches)), answers

    def _in_flight(self, batches: Batches) -> tuple[int, Sequence[Any]]:
        """The wall time of calls in flight in ns, divided by their number."""
        run = InFlight(self.in_flight).run
        wait = part_of(self._session, "wait")
        seen = run(self._session.start, batches, lambda count, seconds: True, wait)
        last = seen.answers[-1]
        for error in seen.errors.values():
            raise error
        assert not isinstance(last, Exception)
        return max(1, seen.wall_ns // len(batches)), last

    def sum_up(self) -> Mapping[str, Any]:
        self._steady.close()
        resident, used = self._resident, sorted(self._answers)
        samples = [sample for at in used for sample in self._batches[at]]
        seen: dict[str, float | None] = {
            "model_load_seconds": resident.load_seconds,
            "compile_seconds": part_of(self._session, "compile_seconds"),
            "first_latency_ms": (resident.first_call_ns or 0) / 1e6,
            "items_per_call": len(samples) / len(used),
            "tokens_per_call": self._tokens(used),
            "audio_seconds_per_call": _audio_seconds(samples, len(used)),
        }
        meters = resident.meters.metrics(len(samples))
        seen |= {name: meters[name].value for name in PROCESS_MEMORY_METRICS if name in meters}
        return {"metrics": {name: value for name, value in seen.items() if value is not None}}

    def _tokens(self, used: Sequence[int]) -> float | None:
        """Tokens in the answers of a call, in the mean over the inputs used."""
        total = 0
        for at in used:
            answers = self._answers[at]
            if answers is None:
                answers = self._call([self._prepared[at]])[1]
            for sample, answer in zip(self._batches[at], answers, strict=True):
                tokens = self._session.finish(sample, answer).tokens
                if tokens is None:
                    return None
                total += tokens
        return total / len(used)

    def close(self) -> None:
        self._steady.close()
        self._residents.close()


def _audio_seconds(samples: Sequence[Sample], calls: int) -> float | None:
    if not all(isinstance(one.input, Audio) for one in samples):
        return None
    return float(sum(one.input.duration_seconds for one in samples)) / calls
