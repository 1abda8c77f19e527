"""Where work runs: one render thread, a bounded number of fits, a few threads for coding pictures.

The event loop only does I/O. It hands work to these and awaits the answer; the work itself polls a
`CancelToken`, which is set when the client goes away, its deadline passes or the server stops.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from facewright_models.errors import FitCancelledError
from facewright_server.errors import QueueFullError, ShuttingDownError, WorkTimeoutError

__all__ = ["CancelToken", "FitSlots", "RenderThread"]

T = TypeVar("T")
_FIRST_GUESS_SECS = 10.0
_FRAME_SECS = 0.1


class CancelToken:
    """Tells work on another thread to stop, because somebody said so or because its time is over."""

    def __init__(self, *, timeout_secs: float) -> None:
        self._cancelled = threading.Event()
        self._deadline = time.monotonic() + timeout_secs

    def cancel(self) -> None:
        """Ask the work to stop at its next step. Safe on any thread, any number of times."""
        self._cancelled.set()

    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._deadline

    def remaining_secs(self) -> float:
        """Time left, at least 0."""
        return max(0.0, self._deadline - time.monotonic())

    def should_stop(self) -> bool:
        """What the work polls; costs under a microsecond."""
        return self._cancelled.is_set() or self.is_late()


class RenderThread:
    """The one thread that may use the GL contexts. Jobs run in the order in which they came."""

    def __init__(self, *, queue_depth: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="render")
        self._queue_depth = queue_depth
        self._pending = 0

    async def run(self, job: Callable[[], T]) -> T:
        """Run `job` there and await its answer. Called on the event loop.

        A job whose caller goes away before its turn never starts. Raises `QueueFullError`.
        """
        if self._pending > self._queue_depth:
            raise QueueFullError(
                f"{self._queue_depth} frames are waiting to be drawn, which is the limit; try again shortly",
                retry_delay_secs=self._pending * _FRAME_SECS,
            )
        self._pending += 1
        try:
            return await asyncio.wrap_future(_submit(self._executor, job))
        finally:
            self._pending -= 1

    def call(self, job: Callable[[], T]) -> T:
        """Run `job` there and block for its answer. Called on a compute thread; not counted as waiting."""
        return _submit(self._executor, job).result()

    def close(self, last_job: Callable[[], None]) -> None:
        """Run `last_job`, which frees the contexts, after what is waiting, then end the thread."""
        final = self._executor.submit(last_job)
        self._executor.shutdown(wait=False)
        final.result()


class FitSlots:
    """At most `workers` fits at once, at most `queue_depth` more waiting, then `QueueFullError`."""

    def __init__(self, *, workers: int, queue_depth: int) -> None:
        self._executor = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="fit")
        self._slots = asyncio.Semaphore(workers)
        self._workers = workers
        self._queue_depth = queue_depth
        self._waiting = 0
        self._usual_secs = _FIRST_GUESS_SECS

    async def run(self, job: Callable[[], T], token: CancelToken) -> T:
        """Wait for a slot, run `job` on a compute thread and await its answer.

        When the awaiting task is cancelled, the token is set and the slot is given on as soon as the job has
        noticed. Raises `QueueFullError`, `WorkTimeoutError`, and whatever the job raises.
        """
        self.check_room()
        await self._acquire(token)
        started = time.monotonic()
        try:
            future = _submit(self._executor, job)
        except BaseException:
            self._slots.release()
            raise
        running = asyncio.wrap_future(future)
        running.add_done_callback(lambda done: self._release(done, started))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            token.cancel()
            raise
        except FitCancelledError as error:
            if token.is_late():
                raise _too_late() from error
            raise

    def check_room(self) -> None:
        """Raises `QueueFullError` when one more fit could not even wait."""
        if self._slots.locked() and self._waiting >= self._queue_depth:
            raise QueueFullError(
                f"{self._workers} fits are running and {self._waiting} are waiting, which is the limit; "
                "try again later",
                retry_delay_secs=self._usual_secs * (self._waiting + 1) / self._workers,
            )

    def close(self) -> None:
        """End the threads; every token must be set before."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    async def _acquire(self, token: CancelToken) -> None:
        self._waiting += 1
        try:
            async with asyncio.timeout(token.remaining_secs()):
                await self._slots.acquire()
        except TimeoutError as error:
            raise _too_late() from error
        finally:
            self._waiting -= 1

    def _release(self, done: "asyncio.Future[T]", started: float) -> None:
        self._slots.release()
        if done.cancelled() or done.exception() is not None:  # also marks the exception as seen
            return
        self._usual_secs = 0.7 * self._usual_secs + 0.3 * (time.monotonic() - started)


def _submit(executor: ThreadPoolExecutor, job: Callable[[], T]) -> "Future[T]":
    try:
        return executor.submit(job)
    except RuntimeError as error:  # the executor is closed
        raise ShuttingDownError("the server is shutting down; try again when it is back") from error


def _too_late() -> WorkTimeoutError:
    return WorkTimeoutError("the time for this fit was over before it was done; give it a longer deadline")
