"""The queue of fits: bounded, with priorities; what waits together and can be is optimised together."""

import asyncio
import contextlib
import functools
import math
import threading
import time
from collections.abc import Callable
from typing import Self, TypeVar

from facewright_models.errors import FitCancelledError
from facewright_server.errors import QueueFullError
from facewright_server.execution.compute_threads import ComputeThreads
from facewright_server.execution.fit_batch import FitBatch, RunBatch, shutting_down
from facewright_server.execution.fit_requests import Answer, FitRequest, Priority, Ticket, next_batch
from facewright_server.execution.tokens import too_late
from facewright_server.telemetry.metrics import METRICS

__all__ = ["FitPlace", "FitQueue"]

T = TypeVar("T")
AGING_SECS = 60.0
GATHER_SECS = 0.03
_READING_SECS = 0.5
_FIRST_GUESS_SECS = 0.2


class FitPlace:
    """A place in the queue, held from before the photos are read. Use it as a context manager."""

    def __init__(self, give_back: Callable[[], None]) -> None:
        self._give_back: Callable[[], None] | None = give_back

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def release(self) -> None:
        """Give the place to the next. Once is enough, more does nothing."""
        if self._give_back is not None:
            self._give_back()
            self._give_back = None


class FitQueue:
    """At most `workers` batches at once and `queue_depth` requests more. Everything but `run_batch` and `close`
    happens on the event loop.

    Batch requests may hold half of the waiting places, rounded up: the rest is kept for interactive ones.
    An idle worker waits `gather_secs` for companions of the first request, and up to half a second for those that
    have a place and are being read, unless the batch is full before, or is work of its own that has no companions.
    """

    def __init__(
        self,
        run_batch: RunBatch,
        *,
        workers: int,
        queue_depth: int,
        batch_size: int,
        aging_secs: float = AGING_SECS,
        gather_secs: float = GATHER_SECS,
    ) -> None:
        self._run_batch = run_batch
        self._threads = ComputeThreads(workers)
        self._workers = workers
        self._queue_depth = queue_depth
        self._batch_size = batch_size
        self._aging_secs = aging_secs
        self._gather_secs = gather_secs
        self._places = dict.fromkeys(Priority, 0)
        self._waiting: list[Ticket] = []
        self._running: set[FitBatch] = set()
        self._gathering: asyncio.TimerHandle | None = None
        self._stopping = threading.Event()
        self._usual_secs = _FIRST_GUESS_SECS  # of one step of one photo

    def reserve(self, priority: Priority = Priority.INTERACTIVE) -> FitPlace:
        """A place, until it is released or handed to `fit`. Raises `QueueFullError`, `ShuttingDownError`."""
        if self._stopping.is_set():
            raise shutting_down()
        free_workers = self._workers - len(self._running)
        depth = self._queue_depth if priority is Priority.INTERACTIVE else (self._queue_depth + 1) // 2
        held = self._held(Priority.INTERACTIVE) + self._held(Priority.BATCH)
        is_full = held >= self._queue_depth + free_workers
        if is_full or self._held(priority) >= depth + free_workers:
            raise QueueFullError(
                f"{self._workers - free_workers} batches of fits are running and {held} fits are waiting, which is "
                f"the limit for {priority.name.lower()} fits; try again later",
                retry_delay_secs=self._secs_ahead(),
            )
        self._places[priority] += 1
        return FitPlace(lambda: self._give_back(priority))

    async def fit(self, request: FitRequest, place: FitPlace | None = None) -> list[Answer]:
        """One result per subject of the request, or the one of its own work.

        When the awaiting task is cancelled, or the token's time is over, the request leaves the queue at once,
        or its batch at the next step. Raises `QueueFullError` without a place, but for turns, `WorkTimeoutError`,
        `ShuttingDownError`, what is wrong with its own photos, and whatever the batch as a whole raises.
        """
        if place is None and not request.is_turn:
            place = self.reserve(request.priority)
        ticket = Ticket(request=request, answer=asyncio.get_running_loop().create_future())
        with place or contextlib.nullcontext():
            if self._stopping.is_set():
                raise shutting_down()
            self._waiting.append(ticket)
        self._take_soon()
        remaining_secs = request.token.remaining_secs()
        limit = asyncio.timeout(remaining_secs if remaining_secs < threading.TIMEOUT_MAX else None)
        try:
            async with limit:
                return await ticket.answer
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise too_late() from error
        except FitCancelledError as error:
            if request.token.is_late():
                raise too_late() from error
            raise
        finally:
            ticket.answer.cancel()  # whoever works on it sees that nobody waits any more
            if ticket in self._waiting:
                self._waiting.remove(ticket)
                self._report_depth()

    async def run_first(self, job: Callable[[], T]) -> T:
        """Run a job where a fit that is alone runs; what it warms up there stays warm."""
        return await self._threads.run_first(job)

    def stop(self) -> None:
        """Refuse what waits and end what runs at its next step."""
        self._stopping.set()
        if self._gathering is not None:
            self._gathering.cancel()
        for ticket in self._waiting:
            ticket.fail(shutting_down())

    def close(self) -> None:
        """After `stop`: wait for the threads. Blocks; not for the event loop."""
        self._threads.close()

    def _held(self, priority: Priority) -> int:
        """Places reserved or waited at."""
        waiting = sum(ticket.request.priority is priority for ticket in self._waiting)
        return self._places[priority] + waiting

    def _give_back(self, priority: Priority) -> None:
        self._places[priority] -= 1
        self._report_depth()
        if self._waiting:  # they may have waited for this one
            self._take_soon()

    def _report_depth(self) -> None:
        METRICS.queue_depth("fit", len(self._waiting) + sum(self._places.values()))

    def _secs_ahead(self) -> float:
        """How long what is running and waiting usually takes."""
        now = time.monotonic()
        running = sum(
            max(0.0, batch.work * self._usual_secs - (now - batch.started)) for batch in self._running
        )
        waiting = sum(ticket.request.work for ticket in self._waiting) * self._usual_secs
        return (running + waiting) / self._workers

    def _take_soon(self) -> None:
        """Take a batch when a worker is free, after the time in which companions may come."""
        for ticket in [ticket for ticket in self._waiting if ticket.is_abandoned()]:
            self._waiting.remove(ticket)
            ticket.fail(FitCancelledError("the fit was cancelled before it began"))
        self._report_depth()
        if self._stopping.is_set() or not self._waiting or len(self._running) >= self._workers:
            return
        batch = self._next()
        is_full = sum(ticket.request.size for ticket in batch) >= self._batch_size
        is_complete = is_full or batch[0].request.own_work is not None
        waited_secs = time.monotonic() - min(ticket.since for ticket in batch)
        if self._gathering is not None:
            self._gathering.cancel()
            self._gathering = None
        patience = self._gather_secs
        if self._places[batch[0].request.priority]:
            patience = max(patience, _READING_SECS)
        if is_complete or waited_secs >= patience:
            self._take(batch)
            self._take_soon()
        else:
            delay = patience - waited_secs
            self._gathering = asyncio.get_running_loop().call_later(delay, self._take_soon)

    def _next(self) -> list[Ticket]:
        free_workers = self._workers - len(self._running)
        people = sum(ticket.request.size for ticket in self._waiting)
        share = math.ceil(people / free_workers)  # no worker stays idle for the sake of a larger batch
        return next_batch(
            self._waiting,
            batch_size=min(self._batch_size, share),
            aging_secs=self._aging_secs,
            now=time.monotonic(),
        )

    def _take(self, tickets: list[Ticket]) -> None:
        loop = asyncio.get_running_loop()
        self._waiting = [ticket for ticket in self._waiting if ticket not in tickets]
        is_alone = not self._running and not self._waiting
        batch = FitBatch(tickets, self._run_batch, self._stopping.is_set, loop, is_alone=is_alone)
        self._running.add(batch)
        self._report_depth()
        if not batch.is_turn:
            METRICS.batch_taken(len(tickets))
        running = self._threads.run(batch.run)
        running.add_done_callback(functools.partial(self._end, batch))

    def _end(self, batch: FitBatch, done: "asyncio.Future[None]") -> None:
        self._running.discard(batch)
        if not done.cancelled() and done.exception() is None and batch.is_whole and not batch.is_turn:
            secs = (time.monotonic() - batch.started) / batch.work
            self._usual_secs = 0.7 * self._usual_secs + 0.3 * secs
        self._take_soon()
