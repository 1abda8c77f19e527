"""A real server over a fake studio, on a port of its own."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from facewright_server.app import Server
from facewright_server.config import ServerConfig
from unit.server.fakes.studio import FakeStudio

ROOT = Path(__file__).resolve().parents[4]
FAKE_SERVER = [sys.executable, "-m", "unit.server.fakes.serve"]


@dataclass
class Running:
    address: str
    studio: FakeStudio
    server: Server


@asynccontextmanager
async def running(studio: FakeStudio | None = None, **settings: Any) -> AsyncIterator[Running]:
    """A server in this event loop."""
    studio = studio or FakeStudio()
    defaults = ServerConfig(listen="127.0.0.1:0", default_rig="fake", shutdown_grace_secs=0.2, fit_workers=1)
    server = Server(dataclasses.replace(defaults, **settings), studio)
    address = await server.start()
    try:
        yield Running(address, studio, server)
    finally:
        await server.stop()


def environment() -> dict[str, str]:
    """For child processes: finds the tests as well as what this process finds."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry),
    }


@dataclass
class Finished:
    code: int
    out: str
    err: str

    @property
    def error_line(self) -> str:
        """The one line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, f"expected one line on stderr, got: {self.err}"
        return lines[0]


async def run_cli(*arguments: object, cwd: Path | None = None, module: str = "facewright") -> Finished:
    """One command in a process of its own."""
    process = await start_cli(*arguments, cwd=cwd, module=module)
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


async def start_cli(
    *arguments: object, cwd: Path | None = None, module: str = "facewright"
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=cwd,
        env=environment(),
    )


async def until(condition: Any, *, timeout_secs: float = 10.0) -> None:
    """Wait for something another thread or process does."""
    async with asyncio.timeout(timeout_secs):
        while not condition():  # noqa: ASYNC110 - set by another thread, which has no event of this loop
            await asyncio.sleep(0.005)


async def until_told(
    ask: Callable[[], Awaitable[Any]], is_it: Callable[[Any], bool], *, timeout_secs: float = 10.0
) -> Any:
    """Ask a server again and again; the first answer that is it."""
    async with asyncio.timeout(timeout_secs):
        while True:
            answer = await ask()
            if is_it(answer):
                return answer
            await asyncio.sleep(0.01)
