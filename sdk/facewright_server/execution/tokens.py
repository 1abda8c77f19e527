"""How work on another thread learns that it is to stop."""

import math
import threading
import time

from facewright_server.errors import WorkTimeoutError

__all__ = ["CancelToken", "too_late"]


class CancelToken:
    """Tells work on another thread to stop, because somebody said so or because its time is over."""

    def __init__(self, *, timeout_secs: float = math.inf) -> None:
        self._cancelled = threading.Event()
        self._deadline = time.monotonic() + timeout_secs

    def cancel(self) -> None:
        """Ask the work to stop at its next step. Safe on any thread, any number of times."""
        self._cancelled.set()

    def is_late(self) -> bool:
        """Whether the time is over."""
        return time.monotonic() >= self._deadline

    def remaining_secs(self) -> float:
        """Time left, at least 0; infinite without a limit."""
        return max(0.0, self._deadline - time.monotonic())

    def should_stop(self) -> bool:
        """What the work polls; costs under a microsecond."""
        return self._cancelled.is_set() or self.is_late()


def too_late() -> WorkTimeoutError:
    """What the caller of work whose time is over is told."""
    return WorkTimeoutError("the time for this fit was over before it was done; give it a longer deadline")
