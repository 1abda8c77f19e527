"""A server of one's own, shared with nobody: a child process on a loopback port, gone when its owner is gone.

The child sits in a process group of its own, so that Ctrl-C reaches only the owner, who then stops the child.
The child also watches the pipe that is its standard input, which the system closes however the owner ends.
"""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import IO

from facewright._processes import LISTENING_PREFIX, not_startable, not_started, server_command

__all__ = ["EmbeddedServer"]

_STOP_SECS = 5.0
_START_SECS = 120.0  # on a machine that is busy with other things


class EmbeddedServer:
    """Starts on construction, listens when the constructor returns; models load while the first call waits.

    A context manager. `command` replaces the server that is started (it must print the same line). Raises
    `ServerUnavailableError` when the server is not installed or does not start.
    """

    def __init__(
        self, *, command: Sequence[str] | None = None, start_timeout_secs: float = _START_SECS
    ) -> None:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the server
        self._process = _start(command or _default_command(), self._log)
        try:
            self.address = self._wait_until_listening(start_timeout_secs)
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self._process.pid

    def stop(self) -> None:
        """End the server and everything it started. Any number of times."""
        if self._process.poll() is None:
            _signal_group(self._process, signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECS)
            except subprocess.TimeoutExpired:
                _signal_group(self._process, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdin, self._log):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> EmbeddedServer:  # noqa: PYI034 - Self is newer than the oldest Python
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def _wait_until_listening(self, timeout_secs: float) -> str:
        lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=_drain, args=(self._process.stdout, lines), daemon=True).start()
        deadline = time.monotonic() + timeout_secs
        while True:
            try:
                line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                line = ""
            if line.startswith(LISTENING_PREFIX):
                return line[len(LISTENING_PREFIX) :].strip()
            if not line:
                self._log.seek(0)
                raise not_started(self._log.read())


def _default_command() -> Sequence[str]:
    # An empty state folder is a temporary one, whatever the environment says.
    return [
        *server_command(), "--listen", "127.0.0.1:0", "--state-dir", "", "--tokens-file", "",
        "--exit-with-stdin", "--shutdown-grace-secs", "0",
    ]  # fmt: skip


def _start(command: Sequence[str], log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    except OSError as error:
        raise not_startable(command, error) from error


def _drain(stdout: IO[bytes], lines: queue.Queue[str]) -> None:
    """Read to the end, so that the server never waits for a reader; an empty line says it has ended."""
    with stdout:
        for line in stdout:
            lines.put(line.decode("utf-8", "replace"))
    lines.put("")


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
