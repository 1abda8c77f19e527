"""Keeps a lease alive beside the work, and tells the work when to stop."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from facewright_server.errors import StorageError
from facewright_server.jobs.leases import Claims, Lease, LeaseLostError

__all__ = ["LeaseKeeper"]

T = TypeVar("T")
_LOOK_SECS = 0.2
_BEATS_PER_LEASE = 5
_FIRST_RETRY_SECS = 0.1
_LAST_RETRY_SECS = 5.0
_HANG_FACTOR = 2.0
_log = logging.getLogger(__name__)


class LeaseKeeper:
    """A thread that shows signs of life; a context manager around the work under one lease.

    `is_stopping` is the process's own wish to end. A cancel is seen within 0.2 s.
    """

    def __init__(
        self, claims: Claims, lease: Lease, *, lease_secs: float, is_stopping: threading.Event
    ) -> None:
        self._claims = claims
        self._lease = lease
        self._beat_secs = lease_secs / _BEATS_PER_LEASE
        self._is_stopping = is_stopping
        self._is_cancelled = threading.Event()
        self._is_lost = threading.Event()
        self._is_left = threading.Event()
        self._partial_items = 0.0
        self._hang_at: float | None = None
        self._thread = threading.Thread(target=self._watch, name="lease", daemon=True)

    @property
    def is_cancelled(self) -> bool:
        """Whether the client has cancelled the operation."""
        return self._is_cancelled.is_set()

    def should_stop(self) -> bool:
        """What the work polls at every step."""
        return self._is_cancelled.is_set() or self._is_lost.is_set() or self._is_stopping.is_set()

    def look(self) -> None:
        """See now whether it was cancelled. Raises `LeaseLostError`, `StorageError`."""
        if self._claims.look(self._lease).cancel_requested:
            self._is_cancelled.set()

    def tell_partial(self, items: float) -> None:
        """The share of the running items that is done; written with the next sign of life."""
        self._partial_items = items

    def expect_end_within(self, secs: float) -> None:
        """A process that works for twice as long without coming back here hangs, and is ended by force."""
        self._hang_at = time.monotonic() + secs * _HANG_FACTOR

    def persist(self, action: Callable[[], T]) -> T:
        """Repeat while storage fails. Raises `StorageError` only when the work is to stop."""
        delay_secs = _FIRST_RETRY_SECS
        while True:
            try:
                return action()
            except StorageError as error:
                if self.should_stop():
                    raise
                if delay_secs == _FIRST_RETRY_SECS:
                    _log.warning("waiting for storage: %s", error, extra={"operation": self._lease.name})
                self._hang_at = None
                self._pause(delay_secs)
                delay_secs = min(2 * delay_secs, _LAST_RETRY_SECS)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_left.set()
        self._thread.join()

    def _watch(self) -> None:
        beaten = time.monotonic()
        while not self._is_left.wait(_LOOK_SECS):
            if self._hang_at is not None and time.monotonic() > self._hang_at:
                _log.error("the work hangs; ending the worker", extra={"operation": self._lease.name})
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                if time.monotonic() - beaten >= self._beat_secs:
                    view = self._claims.renew(self._lease, partial_items=self._partial_items)
                    beaten = time.monotonic()
                else:
                    view = self._claims.look(self._lease)
            except LeaseLostError:
                if not self._is_left.is_set():  # else the work has just ended the operation itself
                    self._is_lost.set()
                return
            except StorageError as error:
                # Nobody can take the lease over while nobody can write; the fence protects the rest.
                _log.debug("no sign of life could be written: %s", error)
                continue
            if view.cancel_requested:
                self._is_cancelled.set()

    def _pause(self, secs: float) -> None:
        end = time.monotonic() + secs
        while not self.should_stop() and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECS / 2))
