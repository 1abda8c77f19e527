"""The store: resuming, conflicts, checking and two servers; over memory and folders."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewright_models.errors import ImageTooLargeError, InvalidImageError, InvalidMediaError
from facewright_models.media_probe import ImageInfo
from facewright_server.errors import (
    InvalidRequestError,
    UnknownMediaError,
    UploadConflictError,
)
from unit.server.fakes.media import clip
from unit.server.fakes.media_store import (
    ANN,
    PART_BYTES,
    PICTURE,
    SHA256,
    BrokenConnectionError,
    announce,
    broken_off,
    objects_in,
    opened,
    pieces,
    upload,
)


async def test_a_file_comes_back_as_it_was_and_is_known(tmp_path: Path, media_url: str) -> None:
    async with opened(tmp_path, media_url) as store:
        name = await upload(store, display_name="me.exe", sha256=SHA256)
        media = await store.get(name, owner=ANN)
        assert (media.sha256, media.size_bytes, media.display_name) == (SHA256, len(PICTURE), "me.exe")
        assert media.content_type == "image/png"
        assert isinstance(media.info, ImageInfo)
        assert (media.info.width, media.info.height) == (200, 150)
        assert await store.read(name, owner=ANN, max_bytes=len(PICTURE)) == PICTURE
        assert len(objects_in(media_url)) == -(-len(PICTURE) // (PART_BYTES // 1000 * 1000 + 1000))


async def test_reading_from_an_offset_gives_the_rest(tmp_path: Path, media_url: str) -> None:
    async with opened(tmp_path, media_url) as store:
        name = await upload(store)
        for offset in (0, 1, PART_BYTES, PART_BYTES + 5, len(PICTURE) - 1, len(PICTURE)):
            got = b"".join([piece async for piece in store.stream(name, offset=offset, owner=ANN)])
            assert got == PICTURE[offset:]


async def test_reading_more_than_allowed_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await upload(store)
        with pytest.raises(InvalidRequestError, match="at most 100"):
            await store.read(name, owner=ANN, max_bytes=100)


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
    stops=st.lists(st.integers(0, len(PICTURE)), max_size=4),
    restarts=st.lists(st.booleans(), min_size=4, max_size=4),
)
def test_an_upload_goes_on_from_wherever_it_was_broken_off(
    sizes: list[int], stops: list[int], restarts: list[bool], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Through broken connections and restarts, with any size of pieces, the file is the one that was sent."""
    folder = tmp_path_factory.mktemp("resume")

    async def go() -> None:
        name, received = "", 0
        for stop, restart in zip(sorted(stops), restarts, strict=False):
            async with opened(folder) as store:
                name = name or await announce(store, sha256=SHA256)
                with pytest.raises(BrokenConnectionError):
                    await store.receive(
                        name, offset=received, chunks=broken_off(PICTURE[received:stop], sizes), owner=ANN
                    )
                expected = max(stop, received)
                received = (await store.get_upload(name, owner=ANN)).received_bytes
                assert received == expected
                if not restart:
                    middle = (received + len(PICTURE)) // 2
                    await store.receive(
                        name, offset=received, chunks=pieces(PICTURE[received:middle]), owner=ANN
                    )
                    received = (await store.get_upload(name, owner=ANN)).received_bytes
        async with opened(folder) as store:
            name = name or await announce(store, sha256=SHA256)
            _, media = await store.receive(
                name, offset=received, chunks=pieces(PICTURE[received:], sizes), owner=ANN
            )
            assert media is not None
            assert media.sha256 == SHA256
            assert await store.read(name, owner=ANN, max_bytes=10**9) == PICTURE

    stops = [min(stop, len(PICTURE) - 1) for stop in stops]
    asyncio.run(go())


@pytest.mark.parametrize("offset", [-1, 1, 999, 1001, len(PICTURE)])
async def test_another_offset_than_what_has_arrived_is_refused_and_says_what_has(
    tmp_path: Path, offset: int
) -> None:
    async with opened(tmp_path) as store:
        name = await announce(store)
        await store.receive(name, offset=0, chunks=pieces(PICTURE[:1000]), owner=ANN)
        with pytest.raises(UploadConflictError) as caught:
            await store.receive(name, offset=offset, chunks=pieces(b"x"), owner=ANN)
        assert caught.value.metadata["received_bytes"] == "1000"


async def test_more_bytes_than_announced_are_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await announce(store)
        with pytest.raises(InvalidRequestError, match="more have come"):
            await store.receive(name, offset=0, chunks=pieces(PICTURE + b"more"), owner=ANN)
        received = (await store.get_upload(name, owner=ANN)).received_bytes
        assert received == len(PICTURE) // 1000 * 1000
        _, media = await store.receive(name, offset=received, chunks=pieces(PICTURE[received:]), owner=ANN)
        assert media is not None


async def test_the_answer_of_a_complete_upload_can_be_asked_for_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await upload(store)
        record, media = await store.receive(name, offset=len(PICTURE), chunks=pieces(b""), owner=ANN)
        assert media == await store.get(name, owner=ANN)
        assert record.received_bytes == len(PICTURE)
        with pytest.raises(UploadConflictError):
            await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)


async def test_an_upload_whose_last_answer_was_lost_is_finished_by_the_next_call(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        name = await announce(store)
        with pytest.raises(BrokenConnectionError):
            await store.receive(name, offset=0, chunks=broken_off(PICTURE), owner=ANN)
        with pytest.raises(UnknownMediaError):
            await store.get(name, owner=ANN)
    async with opened(tmp_path) as store:
        _, media = await store.receive(name, offset=len(PICTURE), chunks=pieces(b""), owner=ANN)
        assert media is not None
        assert media.sha256 == SHA256


async def test_a_later_call_takes_the_upload_over_and_the_earlier_one_ends(
    tmp_path: Path, media_url: str
) -> None:
    """A client that lost its connection comes back before the server has noticed."""
    async with opened(tmp_path, media_url) as store:
        name = await announce(store, sha256=SHA256)
        is_taken, go_on = asyncio.Event(), asyncio.Event()

        async def stuck() -> AsyncIterator[bytes]:
            yield PICTURE[:1000]
            is_taken.set()
            await go_on.wait()
            yield PICTURE[1000 : 5 * PART_BYTES]

        earlier = asyncio.create_task(store.receive(name, offset=0, chunks=stuck(), owner=ANN))
        await is_taken.wait()
        _, media = await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)
        assert media is not None
        go_on.set()
        with pytest.raises(UploadConflictError, match="no longer writes"):
            await earlier
        assert await store.read(name, owner=ANN, max_bytes=10**9) == PICTURE
        await store.delete(name, owner=ANN)
        assert objects_in(media_url) == []


async def test_two_servers_share_database_and_folder(tmp_path: Path, media_url: str) -> None:
    async with opened(tmp_path, media_url) as one, opened(tmp_path, media_url) as two:
        name = await announce(one, sha256=SHA256)
        await one.receive(name, offset=0, chunks=pieces(PICTURE[:20_000]), owner=ANN)
        received = (await two.get_upload(name, owner=ANN)).received_bytes
        assert received == 20_000
        await two.sweep()
        _, media = await two.receive(name, offset=received, chunks=pieces(PICTURE[received:]), owner=ANN)
        assert media is not None
        assert await one.read(name, owner=ANN, max_bytes=10**9) == PICTURE
        await one.delete(name, owner=ANN)
        with pytest.raises(UnknownMediaError):
            await two.read(name, owner=ANN, max_bytes=10**9)
        assert objects_in(media_url) == []


async def test_two_servers_that_write_one_upload_at_once_mix_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as one, opened(tmp_path) as two:
        name = await announce(one, sha256=SHA256)
        ends = await asyncio.gather(
            *(store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN) for store in (one, two)),
            return_exceptions=True,
        )
        assert sum(not isinstance(end, UploadConflictError) for end in ends) >= 1
        assert await one.read(name, owner=ANN, max_bytes=10**9) == PICTURE


async def test_bytes_that_do_not_match_the_checksum_are_refused_and_gone(
    tmp_path: Path, media_url: str
) -> None:
    async with opened(tmp_path, media_url) as store:
        name = await announce(store, sha256="0" * 64)
        with pytest.raises(UploadConflictError, match="was announced"):
            await store.receive(name, offset=0, chunks=pieces(PICTURE), owner=ANN)
        with pytest.raises(UnknownMediaError):
            await store.get_upload(name, owner=ANN)
        assert objects_in(media_url) == []


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(3000), InvalidMediaError),
        (PICTURE[:-2000], InvalidImageError),
        (clip(frames=30)[:-500], InvalidMediaError),
    ],
    ids=["executable", "truncated picture", "truncated clip"],
)
async def test_a_file_that_cannot_be_used_is_refused_and_gone(
    tmp_path: Path, media_url: str, content: bytes, error: type[Exception]
) -> None:
    async with opened(tmp_path, media_url) as store:
        name = await announce(store, content, display_name="holiday.jpg")
        with pytest.raises(error):
            await store.receive(name, offset=0, chunks=pieces(content), owner=ANN)
        for look in (store.get_upload, store.get):
            with pytest.raises(UnknownMediaError):
                await look(name, owner=ANN)
        assert objects_in(media_url) == []


async def test_a_picture_over_the_limit_of_photos_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path, max_photo_pixels=200 * 150 - 1) as store:
        with pytest.raises(ImageTooLargeError):
            await upload(store)
