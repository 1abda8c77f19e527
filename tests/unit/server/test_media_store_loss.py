"""What time and disks take: expiry, clocks that jump, full and failing disks, lost parts, calls that end."""

import asyncio
import errno
import os
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facewright_server.errors import (
    QuotaError,
    StorageError,
    UnknownMediaError,
    UploadConflictError,
)
from facewright_server.media.storage import PartWriter
from unit.server.fakes.media import picture
from unit.server.fakes.media_store import (
    ANN,
    PART_BYTES,
    PICTURE,
    SHA256,
    Clock,
    announce,
    objects_in,
    opened,
    pieces,
    upload,
)
from unit.server.fakes.stores import skip_elsewhere


async def test_what_has_expired_is_gone_at_once_and_swept_later(tmp_path: Path, media_url: str) -> None:
    clock = Clock()
    limit = len(PICTURE) + 10
    async with opened(tmp_path, media_url, clock=clock, max_client_media_bytes=limit) as store:
        name = await upload(store, ttl_secs=100.0, request_id="r1")
        clock.pass_secs(99)
        await store.get(name, owner=ANN)
        with pytest.raises(QuotaError):
            await announce(store)
        clock.pass_secs(2)
        for call in (
            store.get(name, owner=ANN),
            store.get_upload(name, owner=ANN),
            store.read(name, owner=ANN, max_bytes=10**9),
            store.delete(name, owner=ANN),
        ):
            with pytest.raises(UnknownMediaError):
                await call
        assert (await store.page(owner=ANN, page_size=5, page_token="")).media == ()
        assert objects_in(media_url) != []
        assert await announce(store, request_id="r1", ttl_secs=100.0) != name
        await store.sweep()
        assert objects_in(media_url) == []


async def test_an_upload_that_is_never_finished_expires_with_what_has_arrived(
    tmp_path: Path, media_url: str
) -> None:
    clock = Clock()
    async with opened(tmp_path, media_url, clock=clock) as store:
        name = await announce(store, ttl_secs=10.0)
        await store.receive(name, offset=0, chunks=pieces(PICTURE[:20_000]), owner=ANN)
        assert objects_in(media_url) != []
        clock.pass_secs(11)
        assert await store.sweep() == 1
        assert objects_in(media_url) == []


async def test_the_time_to_live_begins_when_the_file_is_complete_and_has_a_limit(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock, media_ttl_secs=1000.0) as store:
        name = await announce(store, ttl_secs=10_000.0)
        clock.pass_secs(600)
        await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)
        media = await store.get(name, owner=ANN)
        assert media.expire_us - media.create_us == 1000 * 10**6
        clock.pass_secs(999)
        await store.get(name, owner=ANN)


async def test_a_clock_set_back_brings_nothing_back_and_drops_nothing_early(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as store:
        old = await upload(store, ttl_secs=100.0)
        clock.pass_secs(101)
        await store.sweep()
        older = await upload(store, ttl_secs=100.0)
        clock.pass_secs(101)
        with pytest.raises(UnknownMediaError):
            await store.get(older, owner=ANN)
        clock.wall -= 3600
        for name in (old, older):
            with pytest.raises(UnknownMediaError):
                await store.get(name, owner=ANN)
        new = await upload(store, ttl_secs=100.0)
        clock.pass_secs(99)
        await store.get(new, owner=ANN)
        clock.wall += 3600  # set right again
        await store.get(new, owner=ANN)
        clock.pass_secs(2)
        with pytest.raises(UnknownMediaError):
            await store.get(new, owner=ANN)


async def test_a_clock_set_back_while_the_server_was_down_is_noticed_too(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as store:
        old = await upload(store, ttl_secs=100.0)
        kept = await upload(store, ttl_secs=1000.0)
        clock.pass_secs(101)
        await store.sweep()
    clock.wall -= 86_400
    clock.monotonic = 3.0
    async with opened(tmp_path, clock=clock) as store:
        with pytest.raises(UnknownMediaError):
            await store.get(old, owner=ANN)
        clock.pass_secs(898)
        await store.get(kept, owner=ANN)
        clock.pass_secs(2)
        with pytest.raises(UnknownMediaError):
            await store.get(kept, owner=ANN)


@given(jumps=st.lists(st.tuples(st.floats(0, 1000), st.floats(-1e6, 1e6)), max_size=20))
def test_the_service_clock_never_goes_back_and_never_stands_still(jumps: list[tuple[float, float]]) -> None:
    clock = Clock()
    service = clock.service()
    before = service.now_us()
    for passed, jump in jumps:
        clock.pass_secs(passed)
        clock.wall += jump
        now = service.now_us()
        assert now - before >= round(passed * 1e6) - 2
        assert now >= round(clock.wall * 1e6)
        before = now


@pytest.fixture
def failing_writes(monkeypatch: pytest.MonkeyPatch) -> list[OSError]:
    """While the list has an error, writing a part raises it."""
    errors: list[OSError] = []
    write = PartWriter.write

    class Handle:
        def __init__(self, handle: Any) -> None:
            self._handle = handle

        def __getattr__(self, name: str) -> Any:
            return getattr(self._handle, name)

        def write(self, chunk: bytes) -> int:
            if errors:
                raise errors[0]
            return int(self._handle.write(chunk))

    def with_errors(self: PartWriter, chunks: Sequence[bytes]) -> None:
        if not isinstance(self._handle, Handle):
            self._handle = Handle(self._handle)
        write(self, chunks)

    monkeypatch.setattr(PartWriter, "write", with_errors)
    return errors


@pytest.mark.parametrize(
    ("number", "meaning"),
    [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EIO, "Input/output")],
)
async def test_a_disk_that_fails_in_the_middle_keeps_what_was_safe_and_the_service_goes_on(
    tmp_path: Path, failing_writes: list[OSError], number: int, meaning: str
) -> None:
    errors = failing_writes
    media_url = str(tmp_path / "media")

    async def fill_up() -> AsyncIterator[bytes]:
        yield PICTURE[:PART_BYTES]
        await asyncio.sleep(0.1)
        errors.append(OSError(number, os.strerror(number)))
        for start in range(PART_BYTES, len(PICTURE), 5000):
            yield PICTURE[start : start + 5000]

    async with opened(tmp_path, media_url) as store:
        kept = await upload(store, picture((8, 8)))
        name = await announce(store, sha256=SHA256)
        with pytest.raises(StorageError, match=meaning):
            await store.receive(name, offset=0, chunks=fill_up(), owner=ANN)
        received = (await store.get_upload(name, owner=ANN)).received_bytes
        await store.get(kept, owner=ANN)
        errors.clear()
        _, media = await store.receive(name, offset=received, chunks=pieces(PICTURE[received:]), owner=ANN)
        assert media is not None
        await store.delete(kept, owner=ANN)
        await store.delete(name, owner=ANN)
        assert objects_in(media_url) == []


async def test_a_folder_that_cannot_be_made_is_a_storage_error_and_changes_nothing(tmp_path: Path) -> None:
    skip_elsewhere("there is no folder to damage")
    (tmp_path / "media").write_text("a file is in the way")
    async with opened(tmp_path) as store:
        name = await announce(store)
        with pytest.raises(StorageError):
            await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)
        assert (await store.get_upload(name, owner=ANN)).received_bytes == 0
        (tmp_path / "media").unlink()
        _, media = await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)
        assert media is not None


async def test_a_part_that_was_lost_takes_the_upload_back_to_before_it(tmp_path: Path) -> None:
    skip_elsewhere("there is no folder to damage")
    async with opened(tmp_path) as store:
        name = await announce(store, sha256=SHA256)
        await store.receive(name, offset=0, chunks=pieces(PICTURE[:20_000]), owner=ANN)
    media_id = name.removeprefix("media/")
    parts = sorted((tmp_path / "media").glob(f"{media_id}-*"), key=lambda path: path.stat().st_mtime_ns)
    parts[1].unlink()
    async with opened(tmp_path) as store:
        with pytest.raises(UploadConflictError) as caught:
            await store.receive(name, offset=20_000, chunks=pieces(PICTURE[20_000:]), owner=ANN)
        left = int(caught.value.metadata["received_bytes"])
        assert left == (await store.get_upload(name, owner=ANN)).received_bytes == parts[0].stat().st_size
        _, media = await store.receive(name, offset=left, chunks=pieces(PICTURE[left:]), owner=ANN)
        assert media is not None
        assert await store.read(name, owner=ANN, max_bytes=10**9) == PICTURE


async def test_a_complete_file_whose_bytes_were_lost_is_a_storage_error(tmp_path: Path) -> None:
    skip_elsewhere("there is no folder to damage")
    async with opened(tmp_path) as store:
        name = await upload(store)
        for path in (tmp_path / "media").iterdir():
            path.unlink()
        with pytest.raises(StorageError, match="not in the media folder"):
            await store.read(name, owner=ANN, max_bytes=10**9)


async def test_a_cancelled_call_keeps_what_has_arrived(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await announce(store, sha256=SHA256)
        is_taken = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield PICTURE[:3000]
            is_taken.set()
            await asyncio.sleep(60)

        call = asyncio.create_task(store.receive(name, offset=0, chunks=slow(), owner=ANN))
        await is_taken.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await store.get_upload(name, owner=ANN)).received_bytes == 3000


async def test_a_slow_disk_stops_the_sender_and_not_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    write = PartWriter.write

    def slow(self: PartWriter, chunks: Sequence[bytes]) -> None:
        gate.wait(10)
        write(self, chunks)

    monkeypatch.setattr(PartWriter, "write", slow)
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for piece in pieces(PICTURE):
            sent += 1
            yield piece

    async with opened(tmp_path) as store:
        name = await announce(store)
        call = asyncio.create_task(store.receive(name, offset=0, chunks=counted(), owner=ANN))
        await asyncio.sleep(0.3)
        assert sent <= 6 * 9  # batches of 8 kB, pieces of 1 kB
        gate.set()
        assert (await call)[1] is not None
