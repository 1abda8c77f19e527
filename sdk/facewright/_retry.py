"""When a call is tried again, and how long it may take: decided here, carried out by either client."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any, Callable

import grpc

from facewright import errors
from facewright._calls import Call, CallKind, StreamCall
from facewright._status import error_of

__all__ = ["Attempts", "Retry", "Timeouts"]


@dataclass(frozen=True)
class Timeouts:
    """Seconds after which a call ends with `DeadlineError`, retries included, unless the call names another time.

    `transfer_secs` is for one upload or download, `operation_secs` for one question about an operation.
    """

    fit_secs: float = 300.0
    render_secs: float = 60.0
    clip_secs: float = 900.0
    export_secs: float = 60.0
    rig_secs: float = 30.0
    server_secs: float = 30.0
    media_secs: float = 30.0
    transfer_secs: float = 3600.0
    operation_secs: float = 30.0

    def of(self, kind: CallKind) -> float:
        """The time of one kind of call."""
        secs: float = getattr(self, f"{kind}_secs")
        return secs


@dataclass(frozen=True)
class Retry:
    """How often a call is tried when nobody answers (UNAVAILABLE), and how long to wait in between.

    Only calls that change nothing, or that the server recognises when they come twice, are tried again. Pauses are
    `first_delay_secs`, times `factor` after each, at most `max_delay_secs`, each longer or shorter by up to the share
    `jitter`. A pause that would reach past the deadline of the call is not begun: the error is raised at once.
    `wait_when_busy` also waits as long as a busy server asks for (RESOURCE_EXHAUSTED) and tries again.
    """

    attempts: int = 4
    first_delay_secs: float = 0.2
    factor: float = 2.0
    max_delay_secs: float = 2.0
    jitter: float = 0.2
    wait_when_busy: bool = False

    def __post_init__(self) -> None:
        if not (
            self.attempts >= 1
            and 0 <= self.first_delay_secs <= self.max_delay_secs
            and self.factor >= 1
            and 0 <= self.jitter <= 1
        ):
            raise errors.InvalidInputError(
                f"got {self}; expected attempts >= 1, 0 <= first_delay_secs <= max_delay_secs, factor >= 1 and "
                "0 <= jitter <= 1",
                reason="BAD_RETRY",
            )

    @classmethod
    def never(cls) -> Retry:
        """Every call is tried once."""
        return cls(attempts=1)

    def delay_secs(self, failures: int) -> float:
        """The pause after so many failures, before jitter."""
        # The exponent is bounded so that a very patient caller gets no overflow.
        return min(self.max_delay_secs, self.first_delay_secs * self.factor ** min(failures - 1, 64))


class Attempts:
    """The attempts at one call. Not shared between calls."""

    def __init__(
        self,
        call: Call[Any] | StreamCall[Any],
        retry: Retry,
        timeouts: Timeouts,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        total_secs = timeouts.of(call.kind) if call.timeout_secs is None else call.timeout_secs
        self._retry = retry
        self._clock = clock
        self._deadline = clock() + total_secs
        self._is_repeatable = call.is_idempotent
        self._needs_silence = isinstance(call, StreamCall)
        self._failures = 0

    def remaining_secs(self) -> float:
        """The deadline of the next attempt."""
        return max(0.0, self._deadline - self._clock())

    def began(self) -> None:
        """An event has come: from here on the call is not tried again."""
        self._is_repeatable = False

    def pause_secs(self, ended: grpc.RpcError) -> float:
        """How long to wait before the next attempt. Raises the `FacewrightError` when there is none."""
        error = error_of(ended)
        self._failures += 1
        if not self._is_repeatable or self._failures >= self._retry.attempts:
            raise error from ended
        delay_secs = self._delay_secs(ended, error)
        if delay_secs is None or delay_secs >= self.remaining_secs():
            raise error from ended
        return delay_secs

    def _delay_secs(self, ended: Any, error: errors.FacewrightError) -> float | None:
        """None where trying again cannot help."""
        code = ended.code()
        if code is grpc.StatusCode.UNAVAILABLE:
            # With a request id it was the server that said so. A stream is only repeated when it never got there.
            if self._needs_silence and error.request_id:
                return None
            spread = self._retry.jitter * random.uniform(-1.0, 1.0)
            return self._retry.delay_secs(self._failures) * (1.0 + spread)
        if code is grpc.StatusCode.RESOURCE_EXHAUSTED and self._retry.wait_when_busy:
            return error.retry_delay_secs
        return None
