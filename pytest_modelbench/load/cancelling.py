"""Ending coroutines that may begin others as they end."""

from __future__ import annotations

import asyncio


async def cancel_all(tasks: set[asyncio.Task[None]]) -> None:
    """Until the set is empty: each task takes itself out of it as it ends."""
    while tasks:
        await asyncio.sleep(0)  # one that has not begun would never know that it was cancelled
        given_up = tuple(tasks)
        for task in given_up:
            task.cancel()
        await asyncio.gather(*given_up, return_exceptions=True)
