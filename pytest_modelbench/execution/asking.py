"""A case's samples on their way through the model: prepared, asked, timed, finished, kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_modelbench.datasets.portions import divided
from pytest_modelbench.datasets.samples import Sample
from pytest_modelbench.errors import ModelbenchError
from pytest_modelbench.execution.batch import put_together
from pytest_modelbench.execution.calls import Calls, Portion
from pytest_modelbench.execution.kept import KeptAnswers
from pytest_modelbench.execution.measurement import Measurement
from pytest_modelbench.execution.residents import Resident
from pytest_modelbench.execution.turns import Turns
from pytest_modelbench.measure.machine_load import MachineLoad
from pytest_modelbench.runners.contract import Prediction, part_of

BLOCK_SECONDS = 5.0
"""Of calls. After each block its answers are kept, so that a crash loses no more than these."""
LEAST_FILLS = 100
"""A block is so many times what is in flight: at its end fewer calls are, which slows it down."""


@dataclass(slots=True)
class _Asked:
    """A sample on its way, its place among all, its identity, and what was prepared of it."""

    sample: Sample
    place: int
    identity: int
    prepared: Any
    tokens: int | None = None
    """Of an answer that an earlier session got."""


_Batch = list[_Asked]
_Call = tuple[_Batch, Sequence[Any]]
"""A batch, and what its call gets."""


class Asking:
    """Takes portions of the dataset through preparing, timed calls and finishing."""

    def __init__(
        self,
        seen: Measurement,
        calls: Calls,
        resident: Resident,
        turns: Turns,
        machine: MachineLoad,
        kept: KeptAnswers,
    ) -> None:
        self._seen = seen
        self._calls = calls
        self._resident = resident
        self._turns = turns
        self._machine = machine
        self._kept = kept
        self._size = kept.batch_size = max(1, int(resident.session.batch_size))
        self._bytes_each = part_of(resident.session, "prepared_bytes")
        self._left: _Batch = []
        """Prepared, but too few for a batch while more is to come."""

    def go_through(
        self, samples: Sequence[Sample], identities: Sequence[int], *, is_last: bool
    ) -> None:
        """Samples of which too many would be held once they are prepared come in parts."""
        both = list(zip(samples, identities, strict=True))
        parts = list(divided(both, self._bytes_each))
        for number, part in enumerate(parts, 1):
            self._go_through(part, is_last=is_last and number == len(parts))

    def _go_through(self, samples: Sequence[tuple[Sample, int]], *, is_last: bool) -> None:
        taken_over: list[_Asked] = []
        asked = [*self._left, *self._to_ask(samples, taken_over)]
        whole = len(asked) if is_last else len(asked) - len(asked) % self._size
        asked, self._left = asked[:whole], asked[whole:]
        self._kept.write()  # what was taken over, which a second crash must not cost
        new = self._in_calls(asked)
        again = self._in_calls(list(self._prepared(taken_over))) if is_last else []
        if new or again:
            self._ask(new, again, is_last=is_last)

    def _to_ask(
        self, samples: Sequence[tuple[Sample, int]], taken_over: list[_Asked]
    ) -> Iterator[_Asked]:
        """Samples without an answer, prepared; the others go to `taken_over`."""
        for sample, identity in samples:
            place = self._seen.expect(sample)
            one = _Asked(sample, place, identity, None)
            known = self._kept.answer_of(identity)
            if known is None:
                yield from self._prepared([one])
            else:
                one.tokens = known.tokens
                self._seen.answer(place, Prediction(known.value, known.tokens), 0)
                taken_over.append(one)

    def _prepared(self, samples: Sequence[_Asked]) -> Iterator[_Asked]:
        prepare = self._seen.session.prepare
        for one in samples:
            try:
                one.prepared = prepare(one.sample)
                yield one
            except Exception as error:
                self._seen.fail(error, [one])

    def _in_calls(self, asked: _Batch) -> list[_Call]:
        batches = [asked[at : at + self._size] for at in range(0, len(asked), self._size)]
        return [one for batch in batches for one in self._put_together(batch)]

    def _put_together(self, batch: _Batch) -> Iterator[_Call]:
        """The batch, and what its call gets; nothing when it cannot be made."""
        try:
            yield batch, put_together(self._seen.session, [one.prepared for one in batch])
        except Exception as error:
            self._seen.fail(error, batch)

    def _ask(self, new: Sequence[_Call], again: Sequence[_Call], *, is_last: bool) -> None:
        """Time `new`, block by block; in the last portion go on with all of it, if need be."""
        self._kept.total = self._seen.sample_count if is_last else None
        worked: list[_Call] = []
        left, blocks = new, 0
        while left:
            # What fits in one block goes on by itself until the stop rule is met.
            block, portion = self._time(left, is_last=is_last and not (blocks or again))
            worked += self._finished(block, portion)
            left, blocks = left[len(block) :], blocks + 1
        if is_last and (blocks > 1 or again):
            self._go_on(worked, again)

    def _time(self, left: Sequence[_Call], *, is_last: bool) -> tuple[Sequence[_Call], Portion]:
        """A block of the calls left, and what came of it."""
        with self._turns.alone(self._seen.case.device):
            self._warm_up(left)
            block = left[: self._block_size(len(left))]
            given = [one for _, one in block]
            self._kept.live.enter("timing")
            with self._resident.meters.phase("steady"), self._machine:
                whole = is_last and len(block) == len(left)
                portion = self._calls.portion(given, is_last=whole)
        return block, portion

    def _warm_up(self, calls: Sequence[_Call]) -> None:
        seen = self._seen
        if seen.warm_up is None:
            self._kept.live.enter("warming up")
            with self._resident.meters.phase("warmup"):
                seen.warm_up = self._calls.warm_up([given for _, given in calls])
            if self._resident.cases_served == 1:
                self._resident.first_call_ns = seen.warm_up.first_ns

    def _block_size(self, left: int) -> int:
        """How many of the calls left are made before their answers are kept."""
        seconds_each = self._calls.seconds_of(1)
        if not self._kept.are_kept or seconds_each * left <= BLOCK_SECONDS:
            return left
        in_flight = part_of(self._resident.session, "max_in_flight")
        least = LEAST_FILLS * in_flight if in_flight > 1 else 1
        return max(least, int(BLOCK_SECONDS / seconds_each))

    def _finished(self, block: Sequence[_Call], portion: Portion) -> Iterator[_Call]:
        """Those of the block that worked, once their answers are noted."""
        useless: set[int] = set()
        both = zip(portion.answers, portion.repeats, strict=True)
        for at, (answers, repeats) in enumerate(both):
            batch, _ = block[at]
            if isinstance(answers, Exception):
                self._seen.fail(answers, batch)
            elif self._finish(batch, answers, 1 + repeats):
                self._count(batch, 1 + repeats)
                yield block[at]
            else:
                useless.add(at)
        if useless:
            self._seen.calls.leave_out(portion.called, useless)
        self._kept.write()

    def _go_on(self, worked: Sequence[_Call], again: Sequence[_Call]) -> None:
        """Until the stop rule is met: what these are answered is known already."""
        called = [given for _, given in worked]
        with self._turns.alone(self._seen.case.device):
            self._warm_up([*worked, *again])
            self._kept.live.enter("timing")
            with self._resident.meters.phase("steady"), self._machine:
                counts = self._calls.further(called, [given for _, given in again])
        for (batch, _), count in zip([*worked, *again], counts, strict=True):
            if count:
                self._count(batch, count)
                for one in batch:
                    self._seen.count_tokens(one.tokens, count)

    def _count(self, batch: _Batch, calls: int) -> None:
        """Of a batch that was answered in part, that part."""
        answered = [one.sample for one in batch if self._seen.has_answer(one.place)]
        self._seen.count_calls(answered, calls)

    def _finish(self, batch: _Batch, answers: Sequence[Any], calls: int) -> bool:
        """Whether anything can be done with the answers of a call."""
        seen, finish = self._seen, self._seen.session.finish
        answered = seen.answered
        for one, answer in zip(batch, answers, strict=True):
            try:
                prediction = finish(one.sample, answer)
                if not isinstance(prediction, Prediction):
                    raise ModelbenchError(
                        f"the runner's finish gave a {type(prediction).__name__}: "
                        "it must give a Prediction"
                    )
                seen.answer(one.place, prediction, calls)
            except Exception as error:
                seen.fail(error, [one])
            else:
                one.tokens = prediction.tokens
                self._kept.keep(one.identity, prediction)
        return seen.answered > answered
