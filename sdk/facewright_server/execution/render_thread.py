"""The one thread that owns the GL contexts."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from facewright_models.errors import FitCancelledError
from facewright_server.errors import QueueFullError, ShuttingDownError
from facewright_server.telemetry.metrics import METRICS

__all__ = ["RenderThread"]

T = TypeVar("T")
_FIRST_GUESS_SECS = 0.1
_LOOK_EVERY_SECS = 0.05


class RenderThread:
    """The one thread that may use the GL contexts.

    Jobs run in the order in which they came, whether calls or fits ask for them. One whose caller has left
    before its turn never starts.
    """

    def __init__(self, *, queue_depth: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._queue_depth = queue_depth
        self._pending = 0
        self._usual_secs = _FIRST_GUESS_SECS

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` there and await its answer. Called on the event loop.

        Raises `QueueFullError` with the time after which the frames that wait now should be drawn.
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
        """Raises `QueueFullError` when as many frames wait as may."""
        if self._pending > self._queue_depth:
            raise QueueFullError(
                f"{self._queue_depth} frames are waiting to be drawn, which is the limit; try again shortly",
                retry_delay_secs=self._pending * self._usual_secs,
            )

    def call(self, job: Callable[[], T], *, should_stop: Callable[[], bool] | None = None) -> T:
        """Run `job` there and block for its answer. Called on a compute thread; not counted as waiting.

        Raises `FitCancelledError` soon after `should_stop()` is true; a job that has not begun never does then.
        """
        future = self._submit(job)
        while should_stop is not None and not future.done():
            with contextlib.suppress(TimeoutError):
                return future.result(timeout=_LOOK_EVERY_SECS)
            if should_stop():
                future.cancel()
                raise FitCancelledError("the fit was cancelled while its frame waited to be drawn")
        return future.result()

    def close(self, last_job: Callable[[], None]) -> None:
        """Run `last_job`, which frees the contexts, after what is waiting, then end the thread."""
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
        METRICS.queue_depth("render", self._pending)
