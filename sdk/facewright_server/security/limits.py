"""How much one client may ask for at a time: calls in flight, and calls a second as a token bucket."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from facewright_server.errors import QuotaError, RateLimitError

__all__ = ["CallLimits", "ClientLimiter"]


@dataclass(frozen=True, kw_only=True)
class CallLimits:
    """What one client may do."""

    max_calls: int
    calls_per_sec: float

    @property
    def burst(self) -> float:
        """Calls that may come at once after a quiet time: a second's worth, and all that may run together."""
        return max(self.calls_per_sec, float(self.max_calls))


@dataclass
class _Usage:
    tokens: float
    refilled_at: float
    calls: int = 0


class ClientLimiter:
    """Keeps one bucket and one count per client name. For use on one thread: the event loop's."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._usage: dict[str, _Usage] = {}

    @contextmanager
    def admit(self, client: str, limits: CallLimits) -> Iterator[None]:
        """Counts as one call for the length of the block.

        Raises `QuotaError` when as many calls run as may, `RateLimitError` with the time until the next one is
        allowed. A refused call costs the client nothing.
        """
        usage = self._refilled(client, limits)
        if usage.calls >= limits.max_calls:
            raise QuotaError(
                f"{usage.calls} calls of this client are running, which is the limit; wait for one to end",
                metadata={"running": str(usage.calls), "max": str(limits.max_calls)},
            )
        if usage.tokens < 1.0:
            delay_secs = (1.0 - usage.tokens) / limits.calls_per_sec
            raise RateLimitError(
                f"this client may make {limits.calls_per_sec:g} calls a second and has made more; try again in "
                f"{delay_secs:.2f} s",
                retry_delay_secs=delay_secs,
            )
        usage.tokens -= 1.0
        usage.calls += 1
        try:
            yield
        finally:
            usage.calls -= 1

    def _refilled(self, client: str, limits: CallLimits) -> _Usage:
        now = self._clock()
        usage = self._usage.get(client)
        if usage is None:
            usage = self._usage[client] = _Usage(tokens=limits.burst, refilled_at=now)
        gained = (now - usage.refilled_at) * limits.calls_per_sec
        usage.tokens = min(limits.burst, usage.tokens + max(0.0, gained))
        usage.refilled_at = now
        return usage
