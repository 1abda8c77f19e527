"""Fits that wait, run together, are cancelled or come to their limit, over a real connection."""

import asyncio
import time

import pytest

from facewright import AsyncClient, Client, FitOptions, FitProgress, FitResult, Photo, Subject, errors
from facewright_models import errors as domain
from unit.server.fakes.running import Running, running, until
from unit.server.fakes.studio import PHOTO, FakeStudio, raising_in_fit

LONG_STEPS = 30
LONG = FitOptions(iterations=LONG_STEPS)
"""Long enough for another call to arrive meanwhile."""


async def test_cancelling_the_task_stops_the_work_within_a_step() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio) as live, AsyncClient(live.address) as client:
        fit = asyncio.create_task(client.fit(PHOTO, options=FitOptions(iterations=1000)))
        await until(lambda: studio.steps >= 3)
        fit.cancel()
        cancelled_at = time.monotonic()
        await until(lambda: studio.stopped_at is not None)
        assert studio.stopped_at - cancelled_at < 0.5
        assert studio.steps < 100


async def test_closing_the_iterator_of_the_synchronous_client_stops_the_work() -> None:
    studio = FakeStudio(step_secs=0.02)

    def take_two(address: str) -> None:
        with Client(address) as client:
            events = client.fit_people([Subject((Photo(PHOTO),))], options=FitOptions(iterations=1000))
            next(events)
            next(events)
            events.close()

    async with running(studio) as live:
        await asyncio.to_thread(take_two, live.address)
        await until(lambda: studio.stopped_at is not None)
    assert studio.steps < 100


async def test_the_deadline_of_the_caller_stops_the_work() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.DeadlineError):
            await client.fit(PHOTO, options=FitOptions(iterations=1000), timeout_secs=1)
        await until(lambda: studio.stopped_at is not None)
    assert studio.steps < 100


async def test_the_limit_of_the_server_stops_the_work_as_well() -> None:
    async with (
        running(FakeStudio(step_secs=0.02), fit_limit_secs=0.3) as live,
        AsyncClient(live.address) as client,
    ):
        with pytest.raises(errors.DeadlineError) as caught:
            await client.fit(PHOTO, options=FitOptions(iterations=1000))
    assert caught.value.reason == "TIME_LIMIT"


async def test_a_second_fit_waits_for_the_first() -> None:
    studio = FakeStudio(step_secs=0.005)
    async with running(studio) as live, AsyncClient(live.address) as client:
        results = await asyncio.gather(
            *(client.fit(PHOTO, options=FitOptions(iterations=20)) for _ in range(3))
        )
    assert len(results) == 3
    assert studio.most_running == 1
    assert studio.steps == 60


async def test_two_workers_fit_two_at_once() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio, fit_workers=2) as live, AsyncClient(live.address) as client:
        await asyncio.gather(*(client.fit(PHOTO, options=FitOptions(iterations=20)) for _ in range(2)))
    assert studio.most_running == 2


def waiting_in(live: Running) -> int:
    """How many fits stand in the queue of a server."""
    return len(live.server._engine._fitting._waiting)


async def test_a_full_queue_is_refused_with_a_delay() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio, fit_queue_depth=1) as live, AsyncClient(live.address) as client:
        running_fit = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: studio.steps > 0)
        waiting_fit = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: waiting_in(live) == 1)
        with pytest.raises(errors.ServerBusyError) as caught:
            await client.fit(PHOTO, options=LONG)
        assert caught.value.retry_delay_secs > 0
        await asyncio.gather(running_fit, waiting_fit)


async def test_fits_that_wait_together_are_fitted_as_one_batch_and_answered_apart() -> None:
    studio = FakeStudio(step_secs=0.01)
    seen: list[list[FitProgress]] = [[], []]
    async with running(studio) as live, AsyncClient(live.address) as client:
        first = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: studio.steps > 0)
        results = await asyncio.gather(
            first, *(client.fit(PHOTO, options=LONG, on_progress=events.append) for events in seen)
        )
    assert studio.batches == [1, 2]
    assert [result.subject for result in results] == [0, 0, 0]
    for events in seen:
        assert {step.subject for step in events} == {0}
        assert [step.iteration for step in events if step.stage == "optimise"] == [*range(1, LONG_STEPS + 1)]


async def test_a_bad_photo_in_a_batch_is_the_error_of_its_own_call() -> None:
    studio = FakeStudio(step_secs=0.01)
    async with running(studio) as live, AsyncClient(live.address) as client:
        first = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: studio.steps > 0)
        good, bad = await asyncio.gather(
            client.fit(PHOTO, options=LONG),
            client.fit(raising_in_fit(domain.NoFaceError), options=LONG),
            return_exceptions=True,
        )
        await first
    assert studio.batches == [1, 2]
    assert isinstance(good, FitResult)
    assert isinstance(bad, errors.NoFaceError)


async def test_a_waiting_fit_whose_client_leaves_gives_its_place_on() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio, fit_queue_depth=1) as live, AsyncClient(live.address) as client:
        running_fit = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: studio.steps > 0)
        leaver = asyncio.create_task(client.fit(PHOTO, options=LONG))
        await until(lambda: waiting_in(live) == 1)
        leaver.cancel()
        await until(lambda: waiting_in(live) == 0)
        await client.fit(PHOTO, options=LONG)
        await running_fit
    assert studio.steps == 2 * LONG_STEPS
