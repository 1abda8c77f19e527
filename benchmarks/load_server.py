"""The server under load: a process of its own on loopback, watched from outside, gone when its starter is gone."""

import contextlib
import json
import os
import queue
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

ROOT = Path(__file__).resolve().parent.parent
RAISED_LIMITS: Mapping[str, object] = {
    "client_calls_per_sec": 100_000,
    "max_client_calls": 10_000,
    "max_expression_streams": 10_000,
}
_LISTENING = "facewright-server listening on "
_READY = "facewright-server ready"
_END_SECS = 20.0
_SAMPLE_SECS = 0.25


@dataclass
class Memory:
    """Resident bytes of the server process, in order, and the most that its workers had together."""

    samples: list[tuple[float, int]] = field(default_factory=list)
    workers_peak_bytes: int = 0

    @property
    def peak_bytes(self) -> int:
        """The largest sample."""
        return max((size for _, size in self.samples), default=0)

    def thirds(self, start: float, end: float) -> tuple[float, float]:
        """Median bytes of the first and of the last third of a span of `time.monotonic`."""
        third = (end - start) / 3
        parts = [
            [size for at, size in self.samples if start + low <= at <= start + low + third]
            for low in (0.0, 2 * third)
        ]
        first, last = (statistics.median(part) if part else 0.0 for part in parts)
        return first, last


@dataclass
class LoadServer:
    """A running one."""

    address: str
    pid: int
    process: "subprocess.Popen[str]"
    log: IO[str]
    memory: Memory = field(default_factory=Memory)

    def is_alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self.process.poll() is None

    def rss_bytes(self) -> int:
        """Resident memory of the server without its workers; 0 when it has ended."""
        try:
            return int(psutil.Process(self.pid).memory_info().rss)
        except psutil.Error:
            return 0

    def workers_rss_bytes(self) -> int:
        """Resident memory of its worker processes."""
        total = 0
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(self.pid).children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += int(child.memory_info().rss)
        return total

    def log_lines(self) -> Iterator[str]:
        """The log so far, read beside the server, which writes on where it is."""
        path = Path(f"/proc/self/fd/{self.log.fileno()}")
        with path.open(encoding="utf-8", errors="replace") as lines:
            yield from lines

    def logged_secs(self, code: str) -> float:
        """The longest call so far that ended with this code, from its first byte to its status in the server."""
        longest_ms = 0.0
        for line in self.log_lines():
            if f'"code": "{code}"' in line:
                longest_ms = max(longest_ms, float(json.loads(line).get("ms", 0)))
        return longest_ms / 1000

    def log_errors(self, most: int = 10) -> list[str]:
        """Lines of the log at ERROR so far, shortened."""
        found = []
        for line in self.log_lines():
            try:
                entry = json.loads(line)
            except ValueError:
                found.append(line.rstrip()[:300])  # not of our logging: a traceback, a complaint of gRPC
                continue
            if entry.get("level") in ("ERROR", "CRITICAL"):
                found.append(line.rstrip()[:600])
        return found[:most] + ([f"and {len(found) - most} more"] if len(found) > most else [])


@contextlib.contextmanager
def load_server(
    studio: str, settings: Mapping[str, object], *, step_secs: float = 0.0, ready_secs: float = 300.0
) -> Iterator[LoadServer]:
    """A ready server with `settings` of `ServerConfig`; everything of it is removed at the end.

    `studio` is "real" or "fake", the stand-in of the tests, which needs `step_secs` per step and photo. Raises
    `RuntimeError` when the server does not get ready.
    """
    flags = [f"--{name.replace('_', '-')}={value}" for name, value in settings.items()]
    module = ["facewright_server", "serve"] if studio == "real" else ["unit.server.fakes.load_studio"]
    with tempfile.TemporaryFile("w+", prefix="facewright-load-", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, "--listen=127.0.0.1:0", "--exit-with-stdin", *flags],
            stdin=subprocess.PIPE,  # closed by the system however this process ends, and the server ends then
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the server in order
            env=_environment(studio, step_secs),
        )
        watching = threading.Event()
        try:
            address = _address_when_ready(process, ready_secs)
            server = LoadServer(address=address, pid=process.pid, process=process, log=log)
            watcher = threading.Thread(target=_watch, args=(server, watching), daemon=True)
            watcher.start()
            yield server
            watching.set()
            watcher.join()
        finally:
            watching.set()
            _end(process)


def _environment(studio: str, step_secs: float) -> dict[str, str]:
    """Without settings of the user's own server."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACEWRIGHT_")}
    if studio == "fake":
        kept["PYTHONPATH"] = str(ROOT / "tests")
        kept["FACEWRIGHT_TEST_JOB_STUDIO"] = "unit.server.fakes.load_studio:LoadStudio"
        kept["FAKE_STEP_SECS"] = str(step_secs)
    return kept


def _address_when_ready(process: "subprocess.Popen[str]", ready_secs: float) -> str:
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    address, deadline = "", time.monotonic() + ready_secs
    while True:
        try:
            line = lines.get(timeout=max(0.0, deadline - time.monotonic()))
        except queue.Empty:
            raise RuntimeError(f"the server was not ready after {ready_secs:g} s") from None
        if line.startswith(_LISTENING):
            address = line[len(_LISTENING) :].strip()
        elif line.startswith(_READY):
            return address
        else:
            raise RuntimeError(f"the server did not start: {line.strip() or 'it ended'}")


def _watch(server: LoadServer, ending: threading.Event) -> None:
    turn = 0
    while not ending.wait(_SAMPLE_SECS):
        if size := server.rss_bytes():
            server.memory.samples.append((time.monotonic(), size))
        if turn % 8 == 0:
            server.memory.workers_peak_bytes = max(
                server.memory.workers_peak_bytes, server.workers_rss_bytes()
            )
        turn += 1


def _end(process: "subprocess.Popen[str]") -> None:
    """The server removes its own temporary folder when its input is closed; only a stuck one is killed."""
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()
    try:
        process.wait(_END_SECS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        print("the server did not end by itself and was killed; its temporary folder may be left")
