"""One thread that does jobs of one kind, one after the other, with a bounded number of them waiting."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from facewright_server.errors import QueueFullError, ShuttingDownError
from facewright_server.telemetry.metrics import METRICS

__all__ = ["OneThread"]

T = TypeVar("T")
_FIRST_GUESS_SECS = 0.1


class OneThread:
    """Jobs run in the order in which they came. One whose caller has left before its turn never starts.

    `kind` names the thread and its queue in the metrics; `waiting` says in an error what the jobs wait for.
    """

    def __init__(self, kind: str, *, waiting: str, queue_depth: int) -> None:
        self._kind = kind
        self._waiting = waiting
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=kind)
        self._queue_depth = queue_depth
        self._pending = 0
        self._usual_secs = _FIRST_GUESS_SECS

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` there and await its answer. Called on the event loop.

        Raises `QueueFullError` with the time after which the jobs that wait now should be done.
        """
        self.check_room()
        return await self.run_admitted(job)

    async def run_admitted(self, job: Callable[[], T]) -> T:
        """The same for work that has begun already, such as the next frame of a clip: never refused."""
        self._count(+1)
        try:
            return await asyncio.wrap_future(self._submit(job))
        finally:
            self._count(-1)

    def check_room(self) -> None:
        """Raises `QueueFullError` when as many jobs wait as may."""
        if self._pending > self._queue_depth:
            raise QueueFullError(
                f"{self._queue_depth} {self._waiting}, which is the limit; try again shortly",
                retry_delay_secs=self._pending * self._usual_secs,
            )

    def close(self, last_job: Callable[[], None] = lambda: None) -> None:
        """Run `last_job` after what is waiting, then end the thread."""
        final = self._executor.submit(last_job)
        self._executor.shutdown(wait=False)
        final.result()

    def _submit(self, job: Callable[[], T]) -> "Future[T]":
        def timed() -> T:
            started = time.monotonic()
            result = job()
            self._usual_secs = 0.9 * self._usual_secs + 0.1 * (time.monotonic() - started)
            return result

        try:
            return self._executor.submit(timed)
        except RuntimeError as error:  # the executor is closed
            raise ShuttingDownError("the server is shutting down; try again when it is back") from error

    def _count(self, change: int) -> None:
        self._pending += change
        METRICS.queue_depth(self._kind, self._pending)
