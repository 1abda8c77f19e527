"""The one thread that owns the GL contexts."""

import contextlib
from collections.abc import Callable
from typing import TypeVar

from facewright_models.errors import FitCancelledError
from facewright_server.execution.one_thread import OneThread

__all__ = ["RenderThread"]

T = TypeVar("T")
_LOOK_EVERY_SECS = 0.05


class RenderThread(OneThread):
    """The one thread that may use the GL contexts, whether calls or fits ask for frames."""

    def __init__(self, *, queue_depth: int) -> None:
        super().__init__("render", waiting="frames are waiting to be drawn", queue_depth=queue_depth)

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
