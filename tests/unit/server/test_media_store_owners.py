"""Whose files they are: owners, names, pages, quota, requests that repeat, results of jobs."""

import asyncio
from pathlib import Path

import pytest

from facewright_server.config import ServerConfig
from facewright_server.errors import (
    ConfigError,
    InvalidRequestError,
    QuotaError,
    RequestReusedError,
    StorageError,
    UnknownMediaError,
)
from facewright_server.media import UploadRequest, open_media_store
from facewright_server.media.storage import PartWriter
from facewright_server.persistence import Database
from unit.server.fakes.media import picture
from unit.server.fakes.media_store import (
    ANN,
    BOB,
    PICTURE,
    SHA256,
    Clock,
    announce,
    objects_in,
    opened,
    pieces,
    upload,
)


async def test_nobody_else_sees_a_file(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name, unfinished = await upload(store), await announce(store)
        for call in (
            store.get(name, owner=BOB),
            store.get_upload(name, owner=BOB),
            store.get_upload(unfinished, owner=BOB),
            store.read(name, owner=BOB, max_bytes=10**9),
            store.delete(name, owner=BOB),
            store.delete(unfinished, owner=BOB),
            store.receive(unfinished, offset=0, chunks=pieces(PICTURE), owner=BOB),
            anext(store.stream(name, offset=0, owner=BOB)),
        ):
            with pytest.raises(UnknownMediaError):
                await call
        assert (await store.page(owner=BOB, page_size=10, page_token="")).media == ()
        assert len((await store.page(owner=ANN, page_size=10, page_token="")).media) == 1


async def test_a_file_is_found_by_its_hash_by_its_owner_while_it_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert await store.find(SHA256, owner=ANN) is None
        await announce(store)
        assert await store.find(SHA256, owner=ANN) is None
        name = await upload(store)
        found = await store.find(SHA256, owner=ANN)
        assert found is not None
        assert (found.name, found.sha256) == (name, SHA256)
        assert await store.find(SHA256, owner=BOB) is None
        await store.delete(name, owner=ANN)
        assert await store.find(SHA256, owner=ANN) is None


@pytest.mark.parametrize(
    "name", ["", "media/", "media/x", "media/" + "0" * 32, "media/../../etc/passwd", "x" * 9999]
)
async def test_a_name_that_names_nothing_is_unknown(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(UnknownMediaError):
            await store.get(name, owner=ANN)


async def test_deleting_removes_the_bytes_and_ends_who_reads(tmp_path: Path, media_url: str) -> None:
    async with opened(tmp_path, media_url) as store:
        name = await upload(store)
        reading = store.stream(name, offset=0, owner=ANN)
        got = await anext(reading)
        await store.delete(name, owner=ANN)
        assert objects_in(media_url) == []
        with pytest.raises(UnknownMediaError):
            got += b"".join([piece async for piece in reading])
        assert len(got) < len(PICTURE)
        with pytest.raises(UnknownMediaError):
            await store.delete(name, owner=ANN)


async def test_pages_list_every_file_once_oldest_first(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        small = picture((8, 8))
        names = [await upload(store, small) for _ in range(5)]
        await announce(store)
        seen, token = [], ""
        while True:
            page = await store.page(owner=ANN, page_size=2, page_token=token)
            seen += [media.name for media in page.media]
            token = page.next_token
            if not token:
                break
        assert seen == names


@pytest.mark.parametrize("token", ["x", "====", "AAAA", "MTIz", "\u00e9"])
async def test_a_page_token_of_ones_own_making_is_refused(tmp_path: Path, token: str) -> None:
    async with opened(tmp_path) as store:
        with pytest.raises(InvalidRequestError, match="page_token"):
            await store.page(owner=ANN, page_size=2, page_token=token)


async def test_the_same_request_gives_the_same_upload_and_another_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        first = await announce(store, request_id="r1", display_name="a")
        assert await announce(store, request_id="r1", display_name="a") == first
        for change in ({"display_name": "b"}, {"sha256": SHA256}, {"ttl_secs": 5.0}):
            with pytest.raises(RequestReusedError):
                await announce(store, request_id="r1", **{"display_name": "a", **change})
        assert await announce(store, request_id="r1", display_name="a", owner=BOB) != first
        await store.receive(first, offset=0, chunks=pieces(PICTURE), owner=ANN)
        again = await store.create_upload(
            UploadRequest(size_bytes=len(PICTURE), request_id="r1", display_name="a"), owner=ANN
        )
        assert (again.name, again.received_bytes) == (first, len(PICTURE))


async def test_many_servers_asked_at_once_make_one_upload(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        names = await asyncio.gather(
            *(announce(store, request_id="r1") for store in (one, two) for _ in range(5))
        )
        assert len(set(names)) == 1


@pytest.mark.parametrize("size", [0, -1, 2_000_001])
async def test_a_size_that_is_not_allowed_is_refused(tmp_path: Path, size: int) -> None:
    async with opened(tmp_path, max_upload_bytes=2_000_000) as store:
        with pytest.raises(InvalidRequestError, match="size_bytes"):
            await store.create_upload(UploadRequest(size_bytes=size), owner=ANN)


async def test_the_quota_counts_unfinished_uploads_by_what_they_announced(tmp_path: Path) -> None:
    async with opened(tmp_path, max_client_media_bytes=2 * len(PICTURE) + 10) as store:
        name = await upload(store)
        unfinished = await announce(store)
        with pytest.raises(QuotaError, match="allowed together") as caught:
            await announce(store, picture((20, 20)))
        assert caught.value.metadata["used_bytes"] == str(2 * len(PICTURE))
        await announce(store, owner=BOB)
        await store.delete(unfinished, owner=ANN)
        await announce(store)
        assert await store.read(name, owner=ANN, max_bytes=10**9) == PICTURE


async def test_results_of_jobs_are_put_once_and_read_like_files(tmp_path: Path, media_url: str) -> None:
    async with opened(tmp_path, media_url, max_client_media_bytes=10) as store:
        first = await store.put(PICTURE, owner=ANN, display_name="result", request_id="job/1")
        again = await asyncio.to_thread(
            store.put_blocking, PICTURE, owner=ANN, display_name="result", request_id="job/1"
        )
        assert first == again
        assert first.content_type == "image/png"
        assert store.read_blocking(first.name, owner=ANN, max_bytes=10**9) == PICTURE
        with pytest.raises(RequestReusedError):
            await store.put(b"other", owner=ANN, display_name="result", request_id="job/1")
        with pytest.raises(QuotaError):
            await announce(store)
        text = await store.put(b"{}", owner=ANN, display_name="c", content_type="application/json")
        assert (text.content_type, text.info) == ("application/json", None)
        unknown = await store.put(b"\0\1\2", owner=ANN, display_name="c")
        assert unknown.content_type == "application/octet-stream"
        empty = await store.put(b"", owner=ANN, display_name="nothing")
        assert await store.read(empty.name, owner=ANN, max_bytes=0) == b""
        long = await store.put(PICTURE, owner=ANN, display_name="kept", ttl_secs=10**6)
        assert long.expire_us - long.create_us == 10**12


async def test_a_put_that_was_broken_off_is_done_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(tmp_path) as store:
        with monkeypatch.context() as patch:
            patch.setattr(
                PartWriter, "finish", lambda self: (_ for _ in ()).throw(StorageError("disk is full"))
            )
            with pytest.raises(StorageError):
                await store.put(PICTURE, owner=ANN, display_name="result", request_id="job/1")
        media = await store.put(PICTURE, owner=ANN, display_name="result", request_id="job/1")
        assert await store.read(media.name, owner=ANN, max_bytes=10**9) == PICTURE


async def test_a_put_and_an_upload_may_have_the_same_request_id(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await announce(store, request_id="r1")
        assert (await store.put(PICTURE, owner=ANN, display_name="", request_id="r1")).name != name


async def test_the_sweep_runs_by_itself_from_the_start(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as store:
        await upload(store, ttl_secs=1.0)
    clock.pass_secs(2)
    async with opened(tmp_path, clock=clock) as store:
        store.start()
        async with asyncio.timeout(5):
            while objects_in(str(tmp_path / "media")):  # noqa: ASYNC110 - a thread of the store does it
                await asyncio.sleep(0.01)


def test_a_media_url_of_no_file_system_is_a_config_error(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'media.db'}")
    with pytest.raises(ConfigError, match="nosuch"):
        open_media_store(ServerConfig(media_url="nosuch://bucket"), database)
    database.close()
