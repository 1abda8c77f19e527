"""The render thread and tokens by themselves."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from facewright_models.errors import FitCancelledError
from facewright_server import studio
from facewright_server.errors import QueueFullError, ShuttingDownError
from facewright_server.execution import CancelToken, RenderThread
from facewright_server.execution.compute_threads import ComputeThreads
from unit.server.fakes.running import until


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


def waiting_in(rendering: RenderThread) -> int:
    """How many frames wait behind the one that is being drawn."""
    return rendering._executor._work_queue.qsize()


async def drawing(rendering: RenderThread, gate: threading.Event) -> asyncio.Task[bool]:
    """A frame that keeps the thread until the gate opens."""
    task = asyncio.create_task(rendering.run(gate.wait))
    await asyncio.sleep(0)
    await until(lambda: waiting_in(rendering) == 0)
    return task


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
    first = await drawing(rendering, gate)
    second = asyncio.create_task(rendering.run(lambda: drawn.append(1)))
    await until(lambda: waiting_in(rendering) == 1)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)
    gate.set()
    await first
    rendering.close(lambda: None)
    assert drawn == []


async def test_frames_after_closing_are_refused_as_unavailable() -> None:
    rendering = RenderThread(queue_depth=5)
    rendering.close(lambda: None)
    with pytest.raises(ShuttingDownError):
        await rendering.run(lambda: None)


async def test_frames_of_calls_and_of_fits_wait_in_one_line() -> None:
    rendering = RenderThread(queue_depth=5)
    gate, drawn = threading.Event(), []
    first = await drawing(rendering, gate)
    of_a_fit = asyncio.create_task(asyncio.to_thread(rendering.call, lambda: drawn.append("fit")))
    await until(lambda: waiting_in(rendering) == 1)
    of_a_call = asyncio.create_task(rendering.run(lambda: drawn.append("call")))
    await until(lambda: waiting_in(rendering) == 2)
    gate.set()
    await asyncio.gather(first, of_a_fit, of_a_call)
    assert drawn == ["fit", "call"]
    rendering.close(lambda: None)


async def test_a_frame_of_a_fit_that_is_cancelled_meanwhile_is_not_drawn() -> None:
    rendering = RenderThread(queue_depth=5)
    gate, stop, drawn = threading.Event(), threading.Event(), []
    first = await drawing(rendering, gate)
    of_a_fit = asyncio.create_task(
        asyncio.to_thread(rendering.call, lambda: drawn.append(1), should_stop=stop.is_set)
    )
    await until(lambda: waiting_in(rendering) == 1)
    stop.set()
    with pytest.raises(FitCancelledError):
        await asyncio.wait_for(of_a_fit, 2)  # while the first frame is still being drawn
    gate.set()
    await first
    rendering.close(lambda: None)
    assert drawn == []


async def test_what_drawing_raises_reaches_the_fit() -> None:
    rendering = RenderThread(queue_depth=5)

    def fail() -> None:
        raise TimeoutError("of the driver")

    with pytest.raises(TimeoutError, match="of the driver"):
        await asyncio.to_thread(rendering.call, fail, should_stop=lambda: False)
    rendering.close(lambda: None)


def test_the_threads_of_a_tensor_operation_belong_to_the_thread_that_calls_it() -> None:
    import torch

    def ask(count: int) -> int:
        studio._compute_with(count)
        return torch.get_num_threads()

    here = torch.get_num_threads()
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        assert first.submit(ask, 3).result() == 3
        assert second.submit(ask, 1).result() == 1
        assert first.submit(torch.get_num_threads).result() == 3
    assert torch.get_num_threads() == here


async def test_one_job_after_the_other_stays_on_the_first_thread() -> None:
    threads = ComputeThreads(2)
    gate = threading.Event()
    first = await threads.run(threading.get_ident)
    assert await threads.run(threading.get_ident) == first
    held = threads.run(lambda: gate.wait(20) and threading.get_ident())
    second = await threads.run(threading.get_ident)
    assert second != first
    gate.set()
    assert await held == first
    assert await threads.run_first(threading.get_ident) == first
    await asyncio.to_thread(threads.close)


async def test_threads_that_close_wait_for_what_runs_and_drop_what_does_not() -> None:
    threads = ComputeThreads(1)
    gate, done = threading.Event(), threading.Event()
    threads.run(lambda: gate.wait(20) and done.set())
    never = threads.run_first(lambda: None)
    closing = asyncio.create_task(asyncio.to_thread(threads.close))
    await until(never.cancelled)
    assert not closing.done()
    gate.set()
    await closing
    assert done.is_set()
