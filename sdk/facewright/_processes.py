"""Server processes: their command, their first words, and telling one from another that got its id later."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from facewright.errors import ServerUnavailableError

__all__ = [
    "LISTENING_PREFIX",
    "DetachedProcess",
    "end_process",
    "is_running",
    "not_startable",
    "not_started",
    "process_start",
    "server_command",
]

LISTENING_PREFIX = "facewright-server listening on "
_PACKAGE = "facewright_server"
_STOP_SECS = 10.0
_POLL_SECS = 0.02


class DetachedProcess(subprocess.Popen[bytes]):
    """A child that outlives its starter: letting go of it is no mistake to be warned about."""

    def __del__(self) -> None:
        """Nothing to clean up."""


def server_command() -> list[str]:
    """How to run a server with this Python. Raises `ServerUnavailableError` where none is installed."""
    if importlib.util.find_spec(_PACKAGE) is None:
        raise ServerUnavailableError(
            "no server was named and none is installed here; name one with --server HOST:PORT, or "
            "pip install 'facewright[server]'",
            reason="NOT_INSTALLED",
        )
    return [sys.executable, "-m", _PACKAGE, "serve"]


def not_startable(command: Sequence[str], error: OSError) -> ServerUnavailableError:
    """For a program that the system does not run."""
    return ServerUnavailableError(f"cannot start {command[0]}: {error.strerror}", reason="NOT_STARTED")


def not_started(log: bytes) -> ServerUnavailableError:
    """For a server that ended, or said nothing, before it listened."""
    lines = log.decode("utf-8", "replace").strip().splitlines()
    last_words = lines[-1] if lines else "it printed nothing"
    return ServerUnavailableError(
        f"the embedded server did not start: {last_words}; run `facewright serve` to see more",
        reason="NOT_STARTED",
    )


def process_start(pid: int) -> str:
    """When the process began, as this system tells it; empty when there is none, or only its remains."""
    try:
        # After the name, which may hold anything, and its parenthesis: the state, and 19 further on the start.
        fields = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else f"{boot}:{fields[19]}"


def is_running(pid: int, started: str) -> bool:
    """Whether it is still the same process."""
    return bool(started) and process_start(pid) == started


def end_process(pid: int, started: str) -> None:
    """Ask the process to stop, wait, and end it and its group when it does not."""
    if not is_running(pid, started):
        return
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECS
    while is_running(pid, started):
        if time.monotonic() > deadline:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            return
        time.sleep(_POLL_SECS)
