"""The threads that fits are computed on."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["ComputeThreads"]

T = TypeVar("T")


class ComputeThreads:
    """`count` threads; a job goes to the first that is free, so that one job after the other stays on one thread.

    A thread that computes with helpers keeps them and what they have warmed up; spread over all threads, lone
    jobs would wake helpers everywhere. Used on the event loop, but for `close`.
    """

    def __init__(self, count: int) -> None:
        self._threads = [
            ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"fit-{place}") for place in range(count)
        ]
        self._busy: set[ThreadPoolExecutor] = set()

    def run(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Run a job on a free thread; there is one."""
        thread = next(thread for thread in self._threads if thread not in self._busy)
        self._busy.add(thread)
        running = asyncio.get_running_loop().run_in_executor(thread, job)
        running.add_done_callback(lambda _: self._busy.discard(thread))
        return running

    def run_first(self, job: Callable[[], T]) -> "asyncio.Future[T]":
        """Run a job on the first thread, after what it does now."""
        return asyncio.get_running_loop().run_in_executor(self._threads[0], job)

    def close(self) -> None:
        """Wait for what is running; what has not begun never does. Blocks."""
        for thread in self._threads:
            thread.shutdown(wait=False, cancel_futures=True)
        for thread in self._threads:
            thread.shutdown(wait=True)
