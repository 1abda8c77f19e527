"""Starts worker processes when there is work, restarts those that die, and sweeps what is over.

Without operations there is no worker process and no memory taken by one.
"""

import asyncio
import contextlib
import dataclasses
import json
import logging
import subprocess
import sys
import time

from facewright_server.config import ServerConfig
from facewright_server.errors import StorageError
from facewright_server.jobs.store import any_open, sweep_operations
from facewright_server.persistence import Database

__all__ = ["JobSupervisor"]

_COMMAND = (sys.executable, "-m", "facewright_server.jobs")
_TICK_SECS = 0.25
_LOOK_SECS = 1.0
_SWEEP_SECS = 60.0
_STOP_SECS = 4.0
_FIRST_RESTART_SECS = 0.1
_LAST_RESTART_SECS = 10.0
_STEADY_SECS = 30.0
_log = logging.getLogger(__name__)


class JobSupervisor:
    """Lives on the event loop: `start`, `poke` when there is something to do, `close`."""

    def __init__(self, config: ServerConfig, database: Database) -> None:
        self._config = config
        self._database = database
        self._slots = [_Slot(config) for _ in range(config.job_workers)]
        self._poked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._is_work_open = False

    @property
    def has_work(self) -> bool:
        """Whether operations were open at the last look, at most a second ago."""
        return self._is_work_open

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._watch())

    def poke(self) -> None:
        """Look for work now."""
        self._is_work_open = True
        self._poked.set()

    async def close(self) -> None:
        """Let workers give their operations back, and end those that do not leave. Once is enough."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await asyncio.gather(*(asyncio.to_thread(slot.stop) for slot in self._slots))

    async def _watch(self) -> None:
        looked = swept = -float("inf")
        while True:
            now = time.monotonic()
            was_poked = self._poked.is_set()
            self._poked.clear()
            if was_poked or now - looked >= _LOOK_SECS:
                looked = now
                await self._look()
            if now - swept >= _SWEEP_SECS:
                swept = now
                await self._sweep()
            for slot in self._slots:
                await asyncio.to_thread(slot.tend, is_wanted=self._is_work_open, is_poked=was_poked)
            with contextlib.suppress(TimeoutError):
                is_anything_alive = self._is_work_open or any(slot.is_alive for slot in self._slots)
                await asyncio.wait_for(self._poked.wait(), _TICK_SECS if is_anything_alive else _LOOK_SECS)

    async def _look(self) -> None:
        try:
            self._is_work_open = await self._database.run(any_open)
        except StorageError as error:
            _log.warning("cannot look for work: %s", error)

    async def _sweep(self) -> None:
        try:
            count = await self._database.run(lambda connection: sweep_operations(connection, now=time.time()))
        except StorageError as error:
            _log.warning("cannot sweep operations: %s", error)
            return
        if count:
            _log.info("operations swept", extra={"count": count})


class _Slot:
    """The place of one worker process."""

    def __init__(self, config: ServerConfig) -> None:
        self._greeting = json.dumps(dataclasses.asdict(config)).encode() + b"\n"
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._not_before = 0.0
        self._restart_secs = _FIRST_RESTART_SECS

    @property
    def is_alive(self) -> bool:
        """Whether a process was there when last looked at."""
        return self._process is not None

    def tend(self, *, is_wanted: bool, is_poked: bool) -> None:
        """See whether the process still runs; start one where one is wanted."""
        now = time.monotonic()
        if self._process is not None and self._process.poll() is not None:
            self._bury(now)
        if self._process is None and is_wanted and now >= self._not_before:
            self._start(now)
        elif self._process is not None and is_poked:
            self._send(b"\n")

    def stop(self) -> None:
        """Closing the input asks the worker to leave."""
        if self._process is None:
            return
        self._close_input()
        try:
            self._process.wait(_STOP_SECS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _start(self, now: float) -> None:
        try:
            # Standard output is the server's own: clients read its address there.
            self._process = subprocess.Popen(_COMMAND, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        except OSError as error:
            self._put_off(now)
            _log.error("cannot start a worker: %s; trying again in %.1f s", error, self._not_before - now)
            return
        self._started = now
        _log.info("worker started", extra={"pid": self._process.pid})
        self._send(self._greeting)

    def _bury(self, now: float) -> None:
        if self._process is None:
            return
        self._close_input()
        code = self._process.returncode
        if code == 0:  # it was idle
            self._restart_secs = _FIRST_RESTART_SECS
        else:
            if now - self._started > _STEADY_SECS:
                self._restart_secs = _FIRST_RESTART_SECS
            self._put_off(now)
            _log.error("a worker ended with code %d; starting another", code)
        self._process = None

    def _put_off(self, now: float) -> None:
        self._not_before = now + self._restart_secs
        self._restart_secs = min(2 * self._restart_secs, _LAST_RESTART_SECS)

    def _send(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            return
        with contextlib.suppress(OSError):  # it has just ended; the next look finds that
            self._process.stdin.write(line)
            self._process.stdin.flush()

    def _close_input(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
