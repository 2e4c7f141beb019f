"""Sends one process's share of the requests, in an event loop of its own."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import inf
from time import monotonic, perf_counter_ns

from pytest_modelbench.load.arrivals import arrivals
from pytest_modelbench.load.asking import Asking
from pytest_modelbench.load.closed_loop import ClosedLoop
from pytest_modelbench.load.health import LoopHealth
from pytest_modelbench.load.loop_watch import LoopWatch
from pytest_modelbench.load.open_loop import OpenLoop
from pytest_modelbench.load.reading import Deliver, Reading
from pytest_modelbench.load.share import Work
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.limits import Limits

ClientFactory = Callable[[LoadSpec], Client]
_SWITCH_SECONDS = 0.0005
_LOOK_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class Counts:
    """How far one process is."""

    sent: int
    """Requests that were begun, whatever part they belong to."""
    in_flight: int
    planned: int | None
    """How many it will have sent in the end; None where time alone says."""


Prepare = Callable[[asyncio.AbstractEventLoop, Callable[[], Counts]], None]
"""Is given the loop, and what tells how far it is."""


def client_of(spec: LoadSpec) -> Client:
    """The client that a spec asks for."""
    most = int(spec.max_response_mb * 1e6)
    limits = Limits(
        timeout_seconds=spec.timeout_seconds,
        max_response_bytes=most,
        verify_tls=spec.verify_tls,
    )
    return Client(limits)


def soon_ns() -> int:
    """When to begin: a little later, so that the first requests are in time."""
    return perf_counter_ns() + 5_000_000


def send_share(
    work: Work,
    deliver: Deliver,
    client_factory: ClientFactory = client_of,
    start: Callable[[], int] = soon_ns,
    *,
    prepare: Prepare | None = None,
    finish: Callable[[], Awaitable[None]] | None = None,
) -> LoopHealth:
    """Returns when all is answered or given up. `deliver` is called for each request, in the loop.

    `prepare` is called in the loop before anything is sent, then, when all is ready, `start`, which
    says when to begin; `finish` is called at the end.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner, _undisturbed():
        return runner.run(_send(work, deliver, client_factory, start, prepare, finish))


async def _send(
    work: Work,
    deliver: Deliver,
    client_factory: ClientFactory,
    start: Callable[[], int],
    prepare: Prepare | None,
    finish: Callable[[], Awaitable[None]] | None,
) -> LoopHealth:
    loop = asyncio.get_running_loop()
    broken: asyncio.Future[None] = loop.create_future()
    reading = Reading(work, deliver, lambda error: _break(broken, error))
    watch = LoopWatch(work.share.worker)
    client = client_factory(work.spec)
    asking = Asking(work, client, reading.take)
    sending = _loop_of(work, asking, watch)
    planned = sending.planned
    if prepare is not None:
        prepare(loop, lambda: Counts(asking.sent, asking.in_flight, planned))
    try:
        await _until(broken, sending.run(start()))
        await _until(broken, _answered(sending, asking, work.drain_seconds))
    finally:
        watch.close()
        reading.stop()
        broken.cancel()
        await sending.cancel()
        await client.close()
    reading.finish()
    if finish is not None:
        await finish()
    return watch.health


def _loop_of(work: Work, asking: Asking, watch: LoopWatch) -> OpenLoop | ClosedLoop:
    spec = work.spec
    if spec.rate is None:
        return ClosedLoop(asking, work, spec.concurrency or 1, watch)
    planned = arrivals(spec, spec.rate, len(work.places.first))
    return OpenLoop(asking, planned, work, watch)


async def _answered(
    sending: OpenLoop | ClosedLoop, asking: Asking, drain_seconds: float | None
) -> None:
    """Until nothing is under way any more; what takes too long is given up."""
    deadline = inf if drain_seconds is None else monotonic() + drain_seconds
    while sending.under_way and monotonic() < deadline:
        await asyncio.sleep(_LOOK_SECONDS)
    if sending.under_way:
        asking.given_up = (
            f"given up {drain_seconds:g} s after the last request was sent: there was no answer"
        )
        await sending.cancel()


async def _until(broken: asyncio.Future[None], coroutine: object) -> None:
    """Wait for `coroutine`, unless something breaks before."""
    task = asyncio.ensure_future(coroutine)  # type: ignore[call-overload]
    try:
        await asyncio.wait({task, broken}, return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            broken.result()
        await task
    finally:
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _break(broken: asyncio.Future[None], error: BaseException) -> None:
    if not broken.done():
        broken.set_exception(error)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection but what `Reading` does, and other threads give way quickly."""
    was_on, interval = gc.isenabled(), sys.getswitchinterval()
    freezes = gc.get_freeze_count() == 0
    gc.collect()
    if freezes:
        gc.freeze()
    gc.disable()
    sys.setswitchinterval(min(interval, _SWITCH_SECONDS))
    try:
        yield
    finally:
        sys.setswitchinterval(interval)
        if freezes:
            gc.unfreeze()
        if was_on:
            gc.enable()
