"""Puts a load on an endpoint, from this process or several."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic, perf_counter_ns

from pytest_modelbench.endpoints.contract import Endpoint
from pytest_modelbench.load.arrivals import arrivals
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.sender import ClientFactory, Counts, client_of, send_share
from pytest_modelbench.load.share import Asked, Places, Share, Work
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.load.window import Window
from pytest_modelbench.load.workers import WorkerProcess, Workers

_PROGRESS_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a load is."""

    sent: int
    """Requests begun, those before the measured ones included, as those below."""
    done: int
    """Answered or failed."""
    failed: int
    planned: int | None
    """How many there will be; None where time alone says."""
    seconds: float
    """Since the load began."""

    @property
    def in_flight(self) -> int:
        return max(0, self.sent - self.done)

    @property
    def rate(self) -> float:
        """Requests done a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float | None:
        """At the rate so far; None where nobody knows."""
        if self.planned is None or not self.rate:
            return None
        return max(0, self.planned - self.done) / self.rate


OnReply = Callable[[Reply], None]
OnProgress = Callable[[Progress], None]


def drive(
    endpoint: Endpoint,
    samples: Sequence[Asked],
    spec: LoadSpec,
    *,
    order: Sequence[int] | None = None,
    on_reply: OnReply | None = None,
    on_progress: OnProgress | None = None,
    client_factory: ClientFactory = client_of,
    drain_seconds: float | None = None,
) -> Window:
    """Ask samples as `spec` says (its `sweep` is another's), and what was seen of it.

    `order` are the places in `samples` that are asked first, by default all of them; after those
    all are, in turn. `on_reply` is told what came of every request, in this process: in its event
    loop where it sends itself, so it has to be quick. What it raises ends the load and is raised
    here. `reply.answer` is dropped afterwards.

    `client_factory` must be picklable where there are several workers, as must the endpoint.
    """
    window, seen = Window(), _Seen(on_reply, on_progress)
    if not samples:
        return window
    first = range(len(samples)) if order is None else order
    share = Share(0, _worker_count(spec), _places(spec))
    places = Places(first, len(samples))
    asked = dict(enumerate(samples))
    work = Work(endpoint, asked, places, spec, share, drain_seconds)
    _allow_connections()
    take = seen.into(window)
    if share.workers > 1 or _in_a_loop():
        _drive_workers(work, window, take, seen, client_factory)
    else:
        health = send_share(work, take, client_factory, prepare=seen.watch)
        window.loops.append(health)
    seen.tell()
    return window


class _Seen:
    """Replies as they come, and how far the load is."""

    def __init__(self, on_reply: OnReply | None, on_progress: OnProgress | None) -> None:
        self._on_reply, self._on_progress = on_reply, on_progress
        self._began, self._told = monotonic(), 0.0
        self._done = self._failed = 0
        self.how_far: Callable[[], Counts] = lambda: Counts(0, 0, None)

    def into(self, window: Window) -> Callable[[int, Reply], None]:
        def take(_: int, reply: Reply) -> None:
            self._done += 1
            self._failed += bool(reply.error)
            window.add(reply)
            if self._on_reply is not None:
                self._on_reply(reply)
            reply.answer = None

        return take

    def watch(self, loop: asyncio.AbstractEventLoop, how_far: Callable[[], Counts]) -> None:
        """Tell how far it is while that loop runs."""
        self.how_far = how_far
        if self._on_progress is not None:
            loop.call_later(_PROGRESS_SECONDS, self._tell_again, loop)

    def _tell_again(self, loop: asyncio.AbstractEventLoop) -> None:
        self.tell()
        loop.call_later(_PROGRESS_SECONDS, self._tell_again, loop)

    def tell_sometimes(self) -> None:
        if monotonic() - self._told >= _PROGRESS_SECONDS:
            self.tell()

    def tell(self) -> None:
        if self._on_progress is None:
            return
        self._told = monotonic()
        counts, seconds = self.how_far(), self._told - self._began
        sent = max(counts.sent, self._done)
        self._on_progress(Progress(sent, self._done, self._failed, counts.planned, seconds))


def _drive_workers(
    work: Work,
    window: Window,
    take: Callable[[int, Reply], None],
    seen: _Seen,
    client_factory: ClientFactory,
) -> None:
    with Workers(_shares(work), client_factory) as workers:
        start_ns = workers.begin()
        seen.how_far = lambda: _together([worker.counts for worker in workers.all])
        workers.run(take, seen.tell_sometimes)
    for at, worker in enumerate(workers.all):
        if worker.health is not None:
            window.loops.append(worker.health)
            continue
        lost = _lost(worker, start_ns)
        window.broken.append(
            f"worker process {at + 1} of {len(workers.all)} is lost: {worker.fault}; its "
            f"{len(lost)} requests that were not answered by then count as failed"
        )
        for number, reply in lost.items():
            reply.error = f"the worker process that had to send it is lost: {worker.fault}"
            take(number, reply)


def _shares(work: Work) -> list[Work]:
    """What each process does, with no more samples than it asks."""
    count, found = work.share.workers, []
    planned = work.measured
    for worker in range(count):
        share = replace(work.share, worker=worker)
        samples = work.samples
        before = work.spec.warmup_requests or work.spec.ramp_seconds
        if planned is not None and not before and planned <= len(samples):
            own = (work.places.of(share.number(at)) for at in range(share.of(planned)))
            samples = {place: samples[place] for place in own}
        found.append(replace(work, share=share, samples=samples))
    return found


def _lost(worker: WorkerProcess, start_ns: int) -> dict[int, Reply]:
    """The requests of a process that has ended which nobody heard of, as far as they are known."""
    work, now = worker.work, perf_counter_ns()
    spec, share = work.spec, work.share
    if spec.rate is not None:
        planned = arrivals(spec, spec.rate, len(work.places.first))
        times = {
            at - planned.before: (planned.part(at), start_ns + int(offset))
            for at, offset in enumerate(planned.offsets_ns)
            if share.owns(at - planned.before)
        }
    else:
        if work.measured is None:  # those that were under way
            own = sum(number >= 0 for number in worker.seen) + share.of(_places(spec))
        else:
            own = share.of(work.measured)
        times = dict.fromkeys(map(share.number, range(own)), ("measured", now))
    return {
        number: Reply(work.places.of(number), part, intended_ns, ended_ns=max(now, intended_ns))
        for number, (part, intended_ns) in times.items()
        if number not in worker.seen
    }


def _together(all_counts: Sequence[Counts]) -> Counts:
    planned = [one.planned for one in all_counts]
    return Counts(
        sum(one.sent for one in all_counts),
        sum(one.in_flight for one in all_counts),
        None if None in planned else sum(one or 0 for one in planned),
    )


def _worker_count(spec: LoadSpec) -> int:
    """No more than have something to do."""
    most = min(spec.workers, _places(spec) or spec.workers)
    return min(most, spec.requests or most)


def _places(spec: LoadSpec) -> int:
    """How many requests may be under way at once; 0 where nothing limits them."""
    return spec.concurrency or (1 if spec.rate is None else 0)


def _in_a_loop() -> bool:
    """Whether an event loop runs in this thread, which another one cannot."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _allow_connections() -> None:
    """As many files as this process may have open: each request under way is a connection."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
