"""Seconds per stage of a piece of work."""

from __future__ import annotations

import time

__all__ = ["Clock"]


class Clock:
    """Seconds per stage since its creation."""

    def __init__(self) -> None:
        self._started = self._last = time.monotonic()
        self._seconds: dict[str, float] = {}

    def lap(self, stage: str) -> None:
        """What has passed since the last lap was this stage."""
        now = time.monotonic()
        self._seconds[stage] = self._seconds.get(stage, 0.0) + now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        """By stage, and `total`."""
        return {**self._seconds, "total": time.monotonic() - self._started}
