"""Streams of expressions beside each other and beside fits: who waits for whom, and what a leaving reader ends."""

import asyncio
import itertools
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from facewright import AsyncClient, Curve, FitOptions, Motion, errors
from facewright_models.photo import Photo
from facewright_server.errors import QueueFullError
from unit.server.fakes.fits import Fits, ask, busy, queue_of, request
from unit.server.fakes.running import running, until
from unit.server.fakes.studio import PHOTO, FakeStudio
from unit.server.test_expression_frames import played


def long_motion(count: int) -> Motion:
    return Motion(curves=[Curve.through("jaw", 0, 1)], frame_count=count)


async def test_the_server_draws_only_a_little_ahead_of_a_slow_reader_and_keeps_no_thread() -> None:
    async with large_frames(clip_frames_ahead=2) as live, AsyncClient(live.address) as client:
        stream = client.stream_expression_frames(PHOTO, long_motion(60), encoding="raw_rgb24")
        await stream.__anext__()
        await stream.__anext__()
        await asyncio.sleep(0.5)
        first = len(live.studio.animated)
        assert first < 12
        await asyncio.sleep(0.3)
        assert len(live.studio.animated) == first
        # The one worker is free meanwhile.
        fitted = await asyncio.wait_for(client.fit(PHOTO, options=FitOptions(iterations=2)), 5)
        assert fitted.report.iterations == 2
        await stream.__anext__()
        await stream.aclose()


def large_frames(**settings: Any) -> Any:
    """Frames that fill every buffer on the way by themselves."""
    studio = FakeStudio()
    studio.decode_photo = lambda content, *, max_pixels: Photo(  # type: ignore[method-assign]
        pixels=np.zeros((1024, 1024, 3), np.uint8)
    )
    return running(studio, **settings)


async def test_a_fit_waits_for_a_turn_of_a_long_stream_and_not_for_its_end() -> None:
    studio = FakeStudio(frame_secs=0.02)
    async with running(studio) as live, AsyncClient(live.address) as client:
        stream = asyncio.create_task(played(client, motion=long_motion(200)))
        await until(lambda: len(studio.animated) > 3)
        started = time.monotonic()
        await client.fit(PHOTO, options=FitOptions(iterations=1))
        taken = time.monotonic() - started
        assert taken < 2.5  # a turn of a second, and the fit
        assert len(studio.animated) < 200
        _, frames = await stream
        assert len(frames) == 200


async def test_a_turn_is_never_refused_and_says_nothing_about_how_long_fits_take() -> None:
    def drawn(**_: object) -> str:
        return "drawn"

    fits = Fits()
    async with queue_of(fits, queue_depth=0) as queue:
        first = await busy(queue, fits)
        with pytest.raises(QueueFullError):
            queue.reserve()
        turn = await ask(queue, own_work=drawn, is_turn=True)
        fits.may_step.set()
        await first
        assert await turn == ["drawn"]
        usual_secs = queue._usual_secs
        for _ in range(20):
            assert await queue.fit(request(own_work=drawn, is_turn=True)) == ["drawn"]
        assert queue._usual_secs == usual_secs
        await until(lambda: not queue._running)
        await queue.fit(request(own_work=drawn))
        await until(lambda: queue._usual_secs != usual_secs)


async def test_two_streams_take_turns() -> None:
    studio = FakeStudio(frame_secs=0.02)
    async with running(studio) as live, AsyncClient(live.address) as client:
        eyes = Motion([Curve.through("eyes", 1, 0)], frame_count=120)
        await asyncio.gather(played(client, motion=long_motion(120)), played(client, motion=eyes))
        kinds = ["jaw" in degrees for degrees in studio.animated]
        assert sum(a != b for a, b in itertools.pairwise(kinds)) >= 2
        assert len(kinds) == 240


async def test_a_reader_that_leaves_ends_the_drawing() -> None:
    studio = FakeStudio(frame_secs=0.02)

    async def leave_by_closing(client: AsyncClient) -> None:
        stream = client.stream_expression_frames(PHOTO, long_motion(500))
        await stream.__anext__()
        await stream.__anext__()
        await stream.aclose()

    async def leave_by_deadline(client: AsyncClient) -> None:
        with pytest.raises(errors.DeadlineError):
            await played(client, motion=long_motion(500), timeout_secs=0.4)

    async def leave_by_cancelling(client: AsyncClient) -> None:
        task = asyncio.create_task(played(client, motion=long_motion(500)))
        await asyncio.sleep(0.3)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    ways: tuple[Callable[[AsyncClient], Awaitable[None]], ...] = (
        leave_by_closing,
        leave_by_deadline,
        leave_by_cancelling,
    )
    async with running(studio, max_expression_streams=1) as live, AsyncClient(live.address) as client:
        for leave in ways:
            studio.animated.clear()
            await leave(client)
            await asyncio.sleep(0.2)
            count = len(studio.animated)
            assert 0 < count < 60, leave.__name__
            await asyncio.sleep(0.2)
            assert len(studio.animated) == count, leave.__name__
        assert len((await played(client))[1]) == 5  # the server is as good as new


async def test_more_streams_than_allowed_are_refused_with_a_time_to_come_back() -> None:
    studio = FakeStudio(frame_secs=0.05)
    async with running(studio, max_expression_streams=1) as live, AsyncClient(live.address) as client:
        stream = asyncio.create_task(played(client, motion=long_motion(30)))
        await until(lambda: len(studio.animated) > 1)
        with pytest.raises(errors.ServerBusyError) as caught:
            await played(client)
        assert caught.value.reason == "QUEUE_FULL"
        assert caught.value.retry_delay_secs is not None
        assert 0.1 < caught.value.retry_delay_secs < 10
        assert len((await stream)[1]) == 30
        await played(client)


async def test_a_full_queue_refuses_new_streams_and_lets_running_ones_go_on() -> None:
    studio = FakeStudio(frame_secs=0.02, step_secs=0.05)
    async with running(studio, fit_queue_depth=0) as live, AsyncClient(live.address) as client:
        stream = asyncio.create_task(played(client, motion=long_motion(120)))
        await until(lambda: len(studio.animated) > 1)
        with pytest.raises(errors.ServerBusyError):
            await played(client)
        assert len((await stream)[1]) == 120


async def test_a_server_that_stops_ends_the_streams() -> None:
    async with running(FakeStudio(frame_secs=0.02)) as live, AsyncClient(live.address) as client:
        stream = asyncio.create_task(played(client, motion=long_motion(900)))
        await until(lambda: len(live.studio.animated) > 3)
        started = time.monotonic()
        await live.server.stop()
        with pytest.raises(errors.FacewrightError):
            await stream
        assert time.monotonic() - started < 5
