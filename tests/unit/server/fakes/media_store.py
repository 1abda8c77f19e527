"""Stores that tests open as a server would, with clocks they set, and uploads in pieces."""

import hashlib
import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec

from facewright_server.config import ServerConfig
from facewright_server.media import MediaStore, UploadRequest, open_media_store
from facewright_server.media.clock import ServiceClock
from facewright_server.persistence import Database
from unit.server.fakes.media import picture
from unit.server.fakes.stores import database_url
from unit.server.fakes.stores import media_url as url_of_media

PICTURE = picture((200, 150))
SHA256 = hashlib.sha256(PICTURE).hexdigest()
PART_BYTES = 8 * 1024
ANN, BOB = "ann", "bob"


@dataclass
class Clock:
    """A wall clock and a monotonic clock that tests set."""

    wall: float = 1_000_000.0
    monotonic: float = 50.0

    def service(self) -> ServiceClock:
        return ServiceClock(wall_secs=lambda: self.wall, monotonic_secs=lambda: self.monotonic)

    def pass_secs(self, secs: float) -> None:
        self.wall += secs
        self.monotonic += secs


@asynccontextmanager
async def opened(
    tmp_path: Path, media_url: str = "", *, clock: Clock | None = None, **limits: Any
) -> AsyncIterator[MediaStore]:
    """A store of its own process, so to say: its own database connections, threads and memory."""
    database = Database(database_url(tmp_path, "media.db"))
    config = ServerConfig(media_url=media_url or url_of_media(tmp_path), **limits)
    store = open_media_store(
        config, database, part_bytes=PART_BYTES, clock=clock.service() if clock is not None else None
    )
    try:
        yield store
    finally:
        await store.close()
        database.close()


async def pieces(content: bytes, sizes: Sequence[int] = (1000,)) -> AsyncIterator[bytes]:
    position = 0
    for size in itertools.cycle(sizes):
        if position >= len(content):
            return
        yield content[position : position + size]
        position += size


class BrokenConnectionError(Exception):
    pass


async def broken_off(content: bytes, sizes: Sequence[int] = (1000,)) -> AsyncIterator[bytes]:
    async for piece in pieces(content, sizes):
        yield piece
    raise BrokenConnectionError


async def announce(store: MediaStore, content: bytes = PICTURE, *, owner: str = ANN, **fields: Any) -> str:
    request = UploadRequest(size_bytes=len(content), **fields)
    return (await store.create_upload(request, owner=owner)).name


async def upload(store: MediaStore, content: bytes = PICTURE, *, owner: str = ANN, **fields: Any) -> str:
    name = await announce(store, content, owner=owner, **fields)
    _, media = await store.receive(name, offset=0, chunks=pieces(content), owner=owner)
    assert media is not None
    return name


def objects_in(media_url: str) -> list[str]:
    system, root = fsspec.core.url_to_fs(media_url)
    system.invalidate_cache()
    return list(system.ls(root, detail=False)) if system.exists(root) else []
