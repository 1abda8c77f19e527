"""The queue of fits by itself: who is fitted together, how much room there is, and who goes first."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from facewright_models.errors import FaceTooSmallError, NoFaceError, WeightsError
from facewright_models.fitting import FitOptions
from facewright_server.errors import QueueFullError
from facewright_server.execution import Priority
from facewright_server.execution.fit_requests import Ticket, next_batch
from facewright_server.telemetry.metrics import METRICS
from unit.server.fakes.fits import Fits, ask, busy, name_of, queue_of, request
from unit.server.fakes.running import until

# ------------------------------------------------------------------------------------------- batching


async def test_requests_that_wait_together_are_fitted_together_and_answered_apart() -> None:
    fits = Fits()
    seen: dict[str, list[tuple[int, int]]] = {"ann": [], "bob and cy": []}
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        one = await ask(queue, "ann", on_progress=lambda p: seen["ann"].append((p.subject, p.iteration)))
        two = await ask(
            queue, "bob", "cy", on_progress=lambda p: seen["bob and cy"].append((p.subject, p.iteration))
        )
        fits.may_step.set()
        assert await first == ["result of first"]
        assert await one == ["result of ann"]
        assert await two == ["result of bob", "result of cy"]
    assert fits.batches == [["first"], ["ann", "bob", "cy"]]
    assert seen == {"ann": [(0, 1), (0, 2)], "bob and cy": [(0, 1), (1, 1), (0, 2), (1, 2)]}


async def test_a_batch_has_no_more_people_than_it_may() -> None:
    fits = Fits()
    async with queue_of(fits, batch_size=3) as queue:
        tasks = [await busy(queue, fits)]
        tasks += [await ask(queue, name) for name in "abcd"]
        tasks.append(await ask(queue, *("e" * 5)))  # too many for any batch: alone, in its turn
        fits.may_step.set()
        await asyncio.gather(*tasks)
    assert fits.batches == [["first"], ["a", "b", "c"], ["d"], ["e"] * 5]


@pytest.mark.parametrize(
    "other",
    [{"options": FitOptions(iterations=3)}, {"options": FitOptions(iterations=2, seed=1)}, {"rig_name": "b"}],
)
async def test_what_is_to_be_done_differently_is_not_fitted_together(other: dict[str, Any]) -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        tasks = [await busy(queue, fits), await ask(queue, "a"), await ask(queue, "b", **other)]
        tasks.append(await ask(queue, "c"))
        fits.may_step.set()
        await asyncio.gather(*tasks)
    assert fits.batches == [["first"], ["a", "c"], ["b"]]


async def test_an_idle_worker_waits_a_moment_for_companions() -> None:
    fits = Fits()
    fits.may_step.set()
    async with queue_of(fits, gather_secs=20.0, batch_size=2) as queue:
        first = await ask(queue, "a")
        await asyncio.sleep(0.05)
        assert fits.batches == []
        await asyncio.gather(first, await ask(queue, "b"))
    assert fits.batches == [["a", "b"]]


async def test_who_has_a_place_and_is_being_read_is_waited_for() -> None:
    fits = Fits()
    fits.may_step.set()
    async with queue_of(fits) as queue:  # which gathers nobody else
        place = queue.reserve()
        first = await ask(queue, "a")
        await asyncio.sleep(0.05)
        assert fits.batches == []
        await asyncio.gather(first, queue.fit(request("b"), place))
        unread = queue.reserve()
        third = await ask(queue, "c")
        unread.release()  # the photo was none
        await third
        place_of_a_job = queue.reserve(Priority.BATCH)
        async with asyncio.timeout(5):
            await (await ask(queue, "d"))
        place_of_a_job.release()
    assert fits.batches == [["a", "b"], ["c"], ["d"]]


async def test_a_place_that_is_held_too_long_is_not_waited_for() -> None:
    fits = Fits()
    fits.may_step.set()
    async with queue_of(fits) as queue:
        with queue.reserve():
            async with asyncio.timeout(5):
                await (await ask(queue, "a"))
    assert fits.batches == [["a"]]


async def test_a_full_batch_does_not_wait_for_anybody() -> None:
    fits = Fits()
    fits.may_step.set()
    async with queue_of(fits, gather_secs=20.0, batch_size=2) as queue:
        async with asyncio.timeout(5):
            await asyncio.gather(await ask(queue, "a"), await ask(queue, "b"))
    assert fits.batches == [["a", "b"]]


async def test_the_photo_of_one_is_not_the_error_of_the_others() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        good = await ask(queue, "ann")
        bad = await ask(queue, "bob", "no face")
        fits.may_step.set()
        await first
        assert await good == ["result of ann"]
        with pytest.raises(NoFaceError) as caught:
            await bad
    assert caught.value.field == "subjects[1].photos[0]"  # its own second subject, the third of the batch
    assert fits.steps[-1] == ["ann"]  # bob is not fitted for an answer that nobody will get


async def test_an_error_of_everybody_is_told_to_everybody() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        tasks = [await ask(queue, name) for name in "ab"]
        fits.error = WeightsError("altered")
        fits.may_step.set()
        await first
        for task in tasks:
            with pytest.raises(WeightsError):
                await task


async def test_after_a_crash_everybody_is_fitted_alone_and_only_the_cause_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        good, bad = await ask(queue, "ann"), await ask(queue, "crash")
        fits.may_step.set()
        await first
        assert await good == ["result of ann"]
        with pytest.raises(ZeroDivisionError):
            await bad
    assert fits.batches == [["first"], ["ann", "crash"], ["ann"], ["crash"]]
    assert any("one by one" in record.message for record in caplog.records)


# ----------------------------------------------------------------------------------- room and priority


async def test_a_full_queue_says_how_long_what_is_before_takes() -> None:
    fits = Fits()
    async with queue_of(fits, queue_depth=2) as queue:
        tasks = [await busy(queue, fits)]
        delays = []
        for _ in range(2):
            tasks.append(await ask(queue, "waiting"))
            delays.append(queue._secs_ahead())
        with pytest.raises(QueueFullError, match="2 fits are waiting") as caught:
            await queue.fit(request("one too many"))
        # 2 steps and what comes before them are 12, at a first guess of 0.2 s, for each of three.
        assert caught.value.retry_delay_secs == pytest.approx(3 * 12 * 0.2, abs=0.5)
        assert delays[0] < delays[1]
        fits.may_step.set()
        await asyncio.gather(*tasks)
        async with asyncio.timeout(10):
            while queue._running:  # noqa: ASYNC110 - answers go out before the batch has ended, which tells nobody
                await asyncio.sleep(0.001)
        assert queue._secs_ahead() == 0.0
        assert queue._usual_secs < 0.2  # it has learnt from how long they took


async def test_places_are_held_from_before_the_photos_are_read() -> None:
    fits = Fits()
    fits.may_step.set()

    def has_room() -> bool:
        try:
            queue.reserve().release()
        except QueueFullError:
            return False
        return True

    async with queue_of(fits, queue_depth=0) as queue:
        with queue.reserve() as place:
            with pytest.raises(QueueFullError):
                queue.reserve()
            assert await queue.fit(request("a"), place) == ["result of a"]
        await until(has_room)  # the worker is free again
        with queue.reserve():
            pass
        with queue.reserve():  # the first was given back
            pass


async def test_batch_requests_leave_places_for_interactive_ones() -> None:
    fits = Fits()
    async with queue_of(fits, queue_depth=4) as queue:
        tasks = [await busy(queue, fits)]
        tasks += [await ask(queue, "b", priority=Priority.BATCH) for _ in range(2)]
        with pytest.raises(QueueFullError, match="limit for batch fits"):
            await queue.fit(request("b", priority=Priority.BATCH))
        tasks += [await ask(queue, "i") for _ in range(2)]
        fits.may_step.set()
        await asyncio.gather(*tasks)


async def test_interactive_requests_go_first_and_without_batch_companions() -> None:
    fits = Fits()
    async with queue_of(fits) as queue:
        tasks = [await busy(queue, fits)]
        tasks.append(await ask(queue, "b1", priority=Priority.BATCH))
        tasks.append(await ask(queue, "i1"))
        tasks.append(await ask(queue, "b2", priority=Priority.BATCH))
        tasks.append(await ask(queue, "i2"))
        fits.may_step.set()
        await asyncio.gather(*tasks)
    assert fits.batches == [["first"], ["i1", "i2"], ["b1", "b2"]]


async def test_a_batch_request_that_has_waited_long_enough_stands_among_the_interactive_ones() -> None:
    loop = asyncio.get_running_loop()

    def ticket(name: str, since: float, priority: Priority) -> Ticket:
        return Ticket(request=request(name, priority=priority), answer=loop.create_future(), since=since)

    def taken(line: list[Ticket], now: float) -> list[str]:
        batch = next_batch(line, batch_size=1, aging_secs=60.0, now=now)
        return [name_of(ticket.request.subjects[0]) for ticket in batch]

    line = [
        ticket("older interactive", 9.0, Priority.INTERACTIVE),
        ticket("batch", 10.0, Priority.BATCH),
        ticket("younger interactive", 11.0, Priority.INTERACTIVE),
    ]
    assert taken(line, now=69.0) == ["older interactive"]
    assert taken(line[1:], now=69.0) == ["younger interactive"]
    assert taken(line, now=70.0) == ["older interactive"]
    assert taken(line[1:], now=70.0) == ["batch"]


async def test_idle_workers_share_what_waits() -> None:
    fits = Fits()
    async with queue_of(fits, workers=2, gather_secs=0.5) as queue:
        tasks = [await ask(queue, name) for name in "abc"]
        await until(lambda: fits.running == 2)
        fits.may_step.set()
        await asyncio.gather(*tasks)
        assert sorted(fits.batches) == [["a", "b"], ["c"]]
        assert fits.alone == [False, False]  # each has a part of the machine
        await (await ask(queue, "d"))
        assert fits.alone == [False, False, True]


async def test_the_queue_tells_the_metrics_what_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    depths: list[int] = []
    sizes: list[int] = []
    steps: list[int] = []
    monkeypatch.setattr(METRICS, "queue_depth", lambda queue, depth: depths.append(depth))
    monkeypatch.setattr(METRICS, "batch_taken", sizes.append)
    monkeypatch.setattr(METRICS, "fit_steps", steps.append)
    fits = Fits()
    async with queue_of(fits) as queue:
        tasks = [await busy(queue, fits), await ask(queue, "a"), await ask(queue, "b")]
        fits.may_step.set()
        await asyncio.gather(*tasks)
    assert max(depths) == 2
    assert depths[-1] == 0
    assert sizes == [1, 2]
    assert sum(steps) == 6


async def test_an_error_is_a_value_of_its_own_request(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody looks at the answer of a request that was cancelled; that is no warning in the log."""
    fits = Fits()
    async with queue_of(fits) as queue:
        first = await busy(queue, fits)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        fits.error = FaceTooSmallError("small")
        fits.may_step.set()
        with pytest.raises(FaceTooSmallError):
            await queue.fit(request("a"))
    assert not caplog.records
