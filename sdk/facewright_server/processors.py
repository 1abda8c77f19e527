"""How many processors other programs leave free, so that a fit beside a game does not wait for its own threads.

Threads of one tensor operation wait for each other awake. Where another program holds a processor, the one that waits
takes the time of the one that is waited for: on two processors, one of them busy, a fit of 2 s took 60 s with two
threads and 3 s with one.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import psutil

__all__ = ["ProcessorWatch", "Usage", "threads_beside"]

_LOOK_SECS = 0.5
_SPARE = 0.3
"""A processor that others use for less than this share counts as free: a desktop is never quite idle."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Seconds of processors since the machine and since this process began, at one moment."""

    at_secs: float
    all_secs: float
    own_secs: float

    @classmethod
    def now(cls) -> Usage:
        """Of this moment."""
        everybody, own = psutil.cpu_times(), psutil.Process().cpu_times()
        # What Linux counts as a guest's time is in the user's too; waiting for a disk is no use.
        idle = everybody.idle + getattr(everybody, "iowait", 0.0)
        twice = getattr(everybody, "guest", 0.0) + getattr(everybody, "guest_nice", 0.0)
        return cls(
            at_secs=time.monotonic(), all_secs=sum(everybody) - idle - twice, own_secs=own.user + own.system
        )


def threads_beside(before: Usage, now: Usage, *, wanted: int, processors: int) -> int:
    """Threads that find a processor of their own beside what others used between two moments: 1 to `wanted`."""
    elapsed_secs = now.at_secs - before.at_secs
    if elapsed_secs <= 0.0:
        return wanted
    of_others = (now.all_secs - before.all_secs) - (now.own_secs - before.own_secs)
    free = processors - max(0.0, of_others) / elapsed_secs
    return max(1, min(wanted, int(free + _SPARE)))


class ProcessorWatch:
    """Looks twice a second; safe to ask from every thread."""

    def __init__(self) -> None:
        self._processors = psutil.cpu_count() or 1
        self._last = self._before = Usage.now()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._look, name="processors", daemon=True)
        self._thread.start()

    def usable_threads(self, wanted: int) -> int:
        """`wanted`, or fewer where others are busy; between half a second and a second of the past decides."""
        return threads_beside(self._before, Usage.now(), wanted=wanted, processors=self._processors)

    def close(self) -> None:
        """Ends the looking. A second call does nothing."""
        self._closing.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._closing.wait(_LOOK_SECS):
            self._before, self._last = self._last, Usage.now()
