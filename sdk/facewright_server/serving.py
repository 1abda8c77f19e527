"""Runs a `Server` in this process until a signal, until its starter has gone, or until nobody has used it long."""

import asyncio
import logging
import os
import signal
import sys
import time

from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.errors import StorageError
from facewright_server.studio import Studio

__all__ = ["LISTENING_PREFIX", "run"]

# The client library reads this line to learn the port.
LISTENING_PREFIX = "facewright-server listening on "
# Longest time between two looks at whether the server is idle.
_LOOK_SECS = 5.0
_log = logging.getLogger(__name__)


def run(config: ServerConfig, studio: Studio, *, exit_with_stdin: bool = False) -> None:
    """Serve until SIGTERM or SIGINT, or `config.idle_exit_secs` without work; with `exit_with_stdin`, also until
    standard input is closed.

    Prints one line with the address as soon as it listens and one when it is ready. Raises `ConfigError`.
    """
    asyncio.run(_run(config, studio, exit_with_stdin=exit_with_stdin))


async def _run(config: ServerConfig, studio: Studio, *, exit_with_stdin: bool) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    if exit_with_stdin:
        _watch_stdin(loop, stopping)
    started = time.monotonic()
    server = Server(config, studio)
    _say(LISTENING_PREFIX + await server.start())
    tasks = [asyncio.create_task(_report_ready(server, started))]
    if config.idle_exit_secs > 0:
        tasks.append(asyncio.create_task(_stop_when_idle(server, config.idle_exit_secs, stopping)))
    await stopping.wait()
    _log.info("stopping")
    for task in tasks:
        task.cancel()
    await server.stop()


async def _report_ready(server: Server, started: float) -> None:
    try:
        await server.wait_ready()
    except Exception as error:  # noqa: BLE001 - the engine has logged it; calls are answered with it
        _say(f"facewright-server cannot fit or render: {error}")
    else:
        _say(f"facewright-server ready after {time.monotonic() - started:.1f} s")


async def _stop_when_idle(server: Server, idle_secs: float, stopping: asyncio.Event) -> None:
    """A call in flight and an operation that is not done are use; health is not."""
    unused_since = time.monotonic()
    while True:
        unused_secs = min(server.idle_secs(), time.monotonic() - unused_since)
        await asyncio.sleep(min(_LOOK_SECS, max(0.02, idle_secs - unused_secs)))
        if min(server.idle_secs(), time.monotonic() - unused_since) < idle_secs:
            continue
        if await _has_operations(server):
            unused_since = time.monotonic()
        elif server.idle_secs() >= idle_secs:  # nobody came during the question
            _log.info("leaving: nobody has called for a while", extra={"idle_secs": idle_secs})
            stopping.set()
            return


async def _has_operations(server: Server) -> bool:
    try:
        return await server.has_unfinished_operations()
    except StorageError:
        _log.exception("whether operations are left cannot be read; none are assumed")
        return False


def _watch_stdin(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    """The starter holds the other end of the pipe; the system closes it however the starter ends."""
    descriptor = sys.stdin.fileno()

    def readable() -> None:
        if not os.read(descriptor, 4096):
            loop.remove_reader(descriptor)
            stopping.set()

    loop.add_reader(descriptor, readable)


def _say(line: str) -> None:
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # nobody reads any more; the log still has everything
        _log.debug("standard output is closed")
