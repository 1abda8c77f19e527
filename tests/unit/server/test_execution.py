"""Threads, slots and tokens by themselves."""

import asyncio
import threading
import time

import pytest

from facewright_models.errors import FitCancelledError
from facewright_server.errors import QueueFullError, ShuttingDownError, WorkTimeoutError
from facewright_server.execution import CancelToken, FitSlots, RenderThread


def test_a_token_stops_when_it_is_told_to() -> None:
    token = CancelToken(timeout_secs=60)
    assert not token.should_stop()
    token.cancel()
    token.cancel()
    assert token.should_stop()
    assert not token.is_late()


def test_a_token_stops_when_its_time_is_over() -> None:
    token = CancelToken(timeout_secs=0.01)
    time.sleep(0.02)
    assert token.should_stop()
    assert token.is_late()
    assert token.remaining_secs() == 0.0


async def test_frames_are_drawn_one_after_the_other_on_one_thread() -> None:
    rendering = RenderThread(queue_depth=10)
    names = await asyncio.gather(*(rendering.run(lambda: threading.get_ident()) for _ in range(5)))
    assert len(set(names)) == 1
    assert names[0] != threading.get_ident()
    assert rendering.call(threading.get_ident) == names[0]
    closing: list[int] = []
    rendering.close(lambda: closing.append(threading.get_ident()))
    assert closing == [names[0]]


async def test_too_many_waiting_frames_are_refused() -> None:
    rendering = RenderThread(queue_depth=1)
    gate = threading.Event()
    jobs = [asyncio.create_task(rendering.run(gate.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(QueueFullError):
        await rendering.run(gate.wait)
    gate.set()
    await asyncio.gather(*jobs)
    rendering.close(lambda: None)


async def test_a_frame_nobody_waits_for_any_more_is_not_drawn() -> None:
    rendering = RenderThread(queue_depth=5)
    gate, drawn = threading.Event(), []
    first = asyncio.create_task(rendering.run(gate.wait))
    second = asyncio.create_task(rendering.run(lambda: drawn.append(1)))
    await asyncio.sleep(0.01)
    second.cancel()
    await asyncio.sleep(0.01)
    gate.set()
    await first
    rendering.close(lambda: None)
    assert drawn == []


async def test_work_after_closing_is_refused_as_unavailable() -> None:
    rendering, slots = RenderThread(queue_depth=5), FitSlots(workers=1, queue_depth=1)
    rendering.close(lambda: None)
    slots.close()
    with pytest.raises(ShuttingDownError):
        await rendering.run(lambda: None)
    with pytest.raises(ShuttingDownError):
        await slots.run(lambda: None, CancelToken(timeout_secs=1))


async def test_waiting_for_a_slot_ends_with_the_time_of_the_call() -> None:
    slots = FitSlots(workers=1, queue_depth=1)
    gate = threading.Event()
    busy = asyncio.create_task(slots.run(gate.wait, CancelToken(timeout_secs=60)))
    await asyncio.sleep(0.01)
    with pytest.raises(WorkTimeoutError):
        await slots.run(lambda: None, CancelToken(timeout_secs=0.05))
    gate.set()
    await busy
    assert await slots.run(lambda: 7, CancelToken(timeout_secs=1)) == 7
    slots.close()


async def test_a_slot_is_given_on_only_when_the_cancelled_work_has_really_stopped() -> None:
    slots = FitSlots(workers=1, queue_depth=1)
    token, left = CancelToken(timeout_secs=60), threading.Event()

    def work() -> None:
        while not token.should_stop():
            time.sleep(0.005)
        left.set()
        raise FitCancelledError("stopped")

    task = asyncio.create_task(slots.run(work, token))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await slots.run(left.is_set, CancelToken(timeout_secs=5))
    slots.close()
