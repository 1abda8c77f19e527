"""Who leaves the queue of fits, and when: cancelled, too late, or because the server stops."""

from __future__ import annotations

import asyncio
import time

import pytest

from facewright_models.errors import FitCancelledError
from facewright_server.errors import ShuttingDownError, WorkTimeoutError
from facewright_server.execution import CancelToken, FitQueue
from unit.server.fakes.fits import Fits, ask, busy, queue_of, request
from unit.server.fakes.running import until


async def test_a_request_that_is_cancelled_in_the_queue_leaves_it_at_once() -> None:
    fits = Fits()
    async with queue_of(fits, queue_depth=1) as queue:
        first = await busy(queue, fits)
        leaver = await ask(queue, "leaver")
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        follower = await ask(queue, "follower")  # there is room again
        fits.may_step.set()
        await asyncio.gather(first, follower)
    assert fits.batches == [["first"], ["follower"]]


async def test_a_request_whose_token_is_cancelled_never_starts() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        token = CancelToken(timeout_secs=30)
        leaver = await ask(queue, "leaver", token=token)
        token.cancel()
        fits.may_step.set()
        await first
        with pytest.raises(FitCancelledError):
            await leaver
    assert fits.batches == [["first"]]


async def test_who_is_cancelled_in_a_batch_leaves_it_and_the_others_stay() -> None:
    fits = Fits()
    async with queue_of(fits, gather_secs=20.0, batch_size=2) as queue:
        stayer, leaver = await ask(queue, "stayer"), await ask(queue, "leaver")
        await until(lambda: fits.batches == [["stayer", "leaver"]])
        leaver.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaver
        fits.may_step.set()
        assert await stayer == ["result of stayer"]
    assert fits.steps == [["stayer"], ["stayer"]]


async def test_a_batch_that_everybody_left_ends_and_the_worker_takes_the_next() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        next_one = await ask(queue, "next")
        first.cancel()
        left_at = time.monotonic()
        await until(lambda: fits.batches[-1] == ["next"])
        assert time.monotonic() - left_at < 0.5
        fits.may_step.set()
        assert await next_one == ["result of next"]
    assert fits.steps == [["next"], ["next"]]


async def test_a_deadline_passes_while_waiting() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        with pytest.raises(WorkTimeoutError):
            await queue.fit(request("late", token=CancelToken(timeout_secs=0.05)))
        fits.may_step.set()
        await first
    assert fits.batches == [["first"]]


async def test_a_deadline_passes_in_a_batch_for_its_own_request_only() -> None:
    fits = Fits()
    async with queue_of(fits, gather_secs=20.0, batch_size=2) as queue:
        patient = await ask(queue, "patient")
        with pytest.raises(WorkTimeoutError):
            await queue.fit(request("late", token=CancelToken(timeout_secs=0.3)))
        assert fits.batches == [["patient", "late"]]
        fits.may_step.set()
        assert await patient == ["result of patient"]
    assert fits.steps == [["patient"], ["patient"]]


async def test_stopping_ends_what_runs_and_refuses_what_waits() -> None:
    fits = Fits()
    queue = FitQueue(fits, workers=1, queue_depth=8, batch_size=4, gather_secs=0.0)
    tasks = [await busy(queue, fits), await ask(queue, "waiting")]
    queue.stop()
    await asyncio.to_thread(queue.close)
    for task in tasks:
        with pytest.raises(ShuttingDownError):
            await task
    with pytest.raises(ShuttingDownError):
        await queue.fit(request("too late"))
