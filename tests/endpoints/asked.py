"""Samples asked through the client that measures."""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from pytest_modelbench.datasets.samples import Audio, AudioAddress, Sample
from pytest_modelbench.endpoints.contract import Answer, Endpoint
from pytest_modelbench.load.driver import drive
from pytest_modelbench.load.reply import Reply
from pytest_modelbench.load.spec import LoadSpec
from pytest_modelbench.wire.attempts import Attempts
from pytest_modelbench.wire.client import Client
from pytest_modelbench.wire.exchange import Exchange
from pytest_modelbench.wire.waiting import RetryPolicy


def sound(frames: int, number: int = 0) -> Sample:
    waves = np.sin(np.arange(frames) / 10).astype(np.float32)
    return Sample(str(number), Audio(waves, 16_000), "")


def address_of_sound(frames: int) -> Sample:
    return Sample("0", AudioAddress(f"https://clips.example/{frames}.wav", frames / 16_000), "")


async def asked(
    endpoint: Endpoint, samples: Sequence[Sample], retries: int = 0
) -> list[Answer | Exception]:
    """What each sample was answered, all at once; the endpoint as another process would have it."""
    sent = pickle.loads(pickle.dumps(endpoint))
    async with Client() as client:
        asking = (asked_one(sent, sample, client, retries) for sample in samples)
        return list(await asyncio.gather(*asking))


async def asked_one(
    endpoint: Endpoint, sample: Sample, client: Client, retries: int
) -> Answer | Exception:
    try:
        return endpoint.read(sample, await exchange_of(endpoint, sample, client, retries))
    except Exception as error:
        return error


async def exchange_of(
    endpoint: Endpoint, sample: Sample, client: Client, retries: int = 0
) -> Exchange:
    prepared: Any = pickle.loads(pickle.dumps(endpoint.prepare(sample)))
    return await endpoint.ask(
        prepared, Attempts(client, RetryPolicy(retries, first_wait_seconds=0.02)).send
    )


def driven(
    endpoint: Endpoint,
    samples: Sequence[Sample],
    drain_seconds: float | None = None,
    **load: Any,
) -> list[Reply]:
    """What came of each request of a load, with its answer. The server is not of this thread."""
    replies: list[Reply] = []
    drive(
        endpoint,
        [(sample, endpoint.prepare(sample)) for sample in samples],
        LoadSpec.model_validate(load),
        on_reply=lambda reply: replies.append(replace(reply)),
        drain_seconds=drain_seconds,
    )
    return replies
