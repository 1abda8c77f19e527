"""Runs a `Server` in this process until a signal, or until the process that started it goes away."""

import asyncio
import logging
import os
import signal
import sys
import time

from facewright_server.app import Server
from facewright_server.config import ServerConfig
from facewright_server.studio import Studio

__all__ = ["LISTENING_PREFIX", "run"]

# The client library reads this line to learn the port.
LISTENING_PREFIX = "facewright-server listening on "
_log = logging.getLogger(__name__)


def run(config: ServerConfig, studio: Studio, *, exit_with_stdin: bool = False) -> None:
    """Serve until SIGTERM or SIGINT; with `exit_with_stdin`, also until standard input is closed.

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
    reporting = asyncio.create_task(_report_ready(server, started))
    await stopping.wait()
    _log.info("stopping")
    reporting.cancel()
    await server.stop()


async def _report_ready(server: Server, started: float) -> None:
    try:
        await server.wait_ready()
    except Exception as error:  # noqa: BLE001 - the engine has logged it; calls are answered with it
        _say(f"facewright-server cannot fit or render: {error}")
    else:
        _say(f"facewright-server ready after {time.monotonic() - started:.1f} s")


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
