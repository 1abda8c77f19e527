"""Where the seconds of a fit went."""

from __future__ import annotations

import time

__all__ = ["StageClock"]


class StageClock:
    """Seconds per stage since its creation."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What passed since the last lap belongs to this stage."""
        now = time.monotonic()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """Stage -> seconds, and their `total` until now."""
        return {**self._seconds, "total": time.monotonic() - self._started}
