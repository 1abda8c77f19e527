"""Sending and fetching files with the client: both wires, broken connections, checksums, sources that fail."""

import asyncio
import contextlib
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facewright._awaited import AsyncWire
from facewright._blocking import Wire
from facewright._calls import Call, EachEvent, Pause
from facewright._channel import Connection
from facewright.errors import (
    InvalidInputError,
    QuotaError,
    ServerError,
    ServerUnavailableError,
    UnknownMediaError,
    UploadConflictError,
)
from facewright.media import (
    Media,
    TransferProgress,
    delete_media,
    download_media,
    get_media,
    list_media,
    upload_media,
)
from facewright.v1 import media_pb2 as pb
from unit.server.fakes.media import clip, padded_clip, picture, serving_media

PICTURE = picture((200, 150))
SHA256 = hashlib.sha256(PICTURE).hexdigest()
Run = Callable[[Any], Any]


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture(params=["blocking", "awaited"])
async def run(request: pytest.FixtureRequest) -> AsyncIterator[Run]:
    """Carries out a procedure against a server, in either way; the result is awaited."""
    async with serving_media(max_client_media_bytes=50_000_000) as serving:
        connection = Connection(address=serving.address)
        if request.param == "awaited":
            wire = AsyncWire(connection)
            yield wire.run
            await wire.close()
        else:
            blocking = Wire(connection)
            yield lambda procedure: asyncio.to_thread(blocking.run, procedure)
            blocking.close()


async def test_a_file_goes_up_and_comes_down(run: Run, tmp_path: Path) -> None:
    source, target = tmp_path / "me.png", tmp_path / "copy.png"
    source.write_bytes(PICTURE)
    media = await run(upload_media(source, time_to_live_secs=60))
    assert (media.display_name, media.size_bytes, media.sha256) == ("me.png", len(PICTURE), SHA256)
    assert (media.image.width, media.image.height, media.video) == (200, 150, None)
    assert media.expire_time - media.create_time == timedelta(seconds=60)
    assert await run(download_media(media.name, target)) == media
    assert target.read_bytes() == PICTURE
    assert files_in(tmp_path) == ["copy.png", "me.png"]
    assert await run(get_media(media.name)) == media
    assert await run(list_media()) == (media,)
    await run(delete_media(media.name))
    assert await run(list_media()) == ()


async def test_bytes_and_open_files_are_sources_and_files_are_targets(run: Run) -> None:
    content = clip(language="deu")
    stream = io.BytesIO(content)
    stream.seek(17)
    for source in (content, stream):
        media = await run(upload_media(source, display_name="clip"))
        assert media.video.audio_streams[0].language == "deu"
        target = io.BytesIO()
        await run(download_media(media.name, target))
        assert target.getvalue() == content
    assert not stream.closed


async def test_progress_ends_at_the_whole(run: Run) -> None:
    content = padded_clip(5_000_000)
    seen: list[TransferProgress] = []
    media = await run(upload_media(content, on_progress=seen.append))
    sent, seen = seen, []
    await run(download_media(media.name, io.BytesIO(), on_progress=seen.append))
    for steps in (sent, seen):
        done = [step.done_bytes for step in steps]
        assert done == sorted(done)
        assert len(done) >= 5
        assert steps[-1] == TransferProgress(len(content), len(content))


async def test_refusals_are_errors_of_their_own(run: Run, tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="neither an image nor a video"):
        await run(upload_media(b"#!/bin/sh\n" * 100, display_name="me.jpg"))
    with pytest.raises(QuotaError):
        await run(upload_media(_Huge()))
    with pytest.raises(UnknownMediaError):
        await run(download_media("media/" + "0" * 32, tmp_path / "nothing"))
    assert files_in(tmp_path) == []
    assert await run(list_media()) == ()


async def test_the_same_request_id_goes_on_with_the_same_upload(run: Run) -> None:
    first = await run(upload_media(PICTURE, request_id="r1"))
    assert await run(upload_media(PICTURE, request_id="r1")) == first
    assert await run(list_media()) == (first,)


async def test_a_source_that_fails_is_the_error(run: Run) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() >= 2_000_000:
                raise OSError("the disk was pulled out")
            return super().read(size)

    with pytest.raises(OSError, match="pulled out"):
        await run(upload_media(Failing(padded_clip(5_000_000))))


def test_a_source_that_cannot_seek_is_refused() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(InvalidInputError, match="cannot seek"):
        next(iter(upload_media(Pipe(b"x"))))


@pytest.mark.parametrize("way", ["blocking", "awaited"])
async def test_an_upload_goes_on_when_the_server_is_restarted(tmp_path: Path, way: str) -> None:
    content = padded_clip(12_000_000)
    underway = asyncio.Event()
    loop = asyncio.get_running_loop()

    def watch(progress: TransferProgress) -> None:
        if progress.done_bytes > 3_000_000:
            loop.call_soon_threadsafe(underway.set)

    async with contextlib.AsyncExitStack() as cleanup:
        async with serving_media(tmp_path / "state") as serving:
            connection = Connection(address=serving.address)
            procedure = upload_media(content, on_progress=watch)
            if way == "awaited":
                wire = AsyncWire(connection)
                cleanup.push_async_callback(wire.close)
                sending = asyncio.create_task(wire.run(procedure))
            else:
                blocking = Wire(connection)
                cleanup.callback(blocking.close)
                sending = asyncio.create_task(asyncio.to_thread(blocking.run, procedure))
            await asyncio.wait_for(underway.wait(), 20)
        async with serving_media(tmp_path / "state", address=serving.address):
            media = await asyncio.wait_for(sending, 40)
        assert media.sha256 == hashlib.sha256(content).hexdigest()


class Scripted:
    """Carries out a procedure by hand: what a server would answer is written in the test."""

    def __init__(self, procedure: Any) -> None:
        self._steps = iter(procedure)
        self.step = next(self._steps)
        self.result: Any = None

    def answer(self, message: Any) -> None:
        """The answer of the call; its stream of messages is drained first."""
        assert isinstance(self.step, Call)
        self._go_on(lambda: self._steps.send(self.step.read(message)))

    def pass_on(self) -> None:
        self._go_on(lambda: self._steps.send(None))

    def fail(self, error: Exception) -> None:
        self._go_on(lambda: self._steps.throw(error))

    def sent(self) -> tuple[int, bytes]:
        """Offset and bytes that the present call sends."""
        assert isinstance(self.step, Call)
        assert self.step.parts is not None
        start, *data = self.step.parts()
        return start.start.offset, b"".join(part.data for part in data)

    def _go_on(self, move: Callable[[], Any]) -> None:
        try:
            self.step = move()
        except StopIteration as end:
            self.result = end.value


def known(received: int, size: int = len(PICTURE)) -> pb.Upload:
    return pb.Upload(name="media/x", size_bytes=size, received_bytes=received, chunk_bytes=1000)


def finished(content: bytes = PICTURE) -> pb.WriteUploadResponse:
    digest = hashlib.sha256(content).hexdigest()
    return pb.WriteUploadResponse(media=pb.Media(name="media/x", sha256=digest, size_bytes=len(content)))


@settings(deadline=None)
@given(stops=st.lists(st.integers(0, len(PICTURE)), max_size=6))
def test_every_attempt_sends_exactly_what_has_not_arrived(stops: list[int]) -> None:
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    received = 0
    for stop in sorted(set(stops) - {0}):
        assert script.sent() == (received, PICTURE[received:])
        script.fail(ServerUnavailableError("gone"))
        assert script.step.method == "media.GetUpload"
        received = stop
        script.answer(pb.GetUploadResponse(upload=known(received)))
        assert isinstance(script.step, Pause)
        script.pass_on()
    assert script.sent() == (received, PICTURE[received:])
    script.answer(finished())
    assert isinstance(script.result, Media)


def test_a_call_that_is_over_takes_no_more_of_the_source() -> None:
    """The server may answer before it has read everything; gRPC's thread goes on pulling for a while."""
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    broken = iter(script.step.parts())
    next(broken)
    script.fail(ServerUnavailableError("gone"))
    script.answer(pb.GetUploadResponse(upload=known(500)))
    script.pass_on()
    resumed = iter(script.step.parts())
    next(resumed)
    assert list(broken) == []
    assert next(resumed).data == PICTURE[500:1500]
    script.answer(finished())
    assert list(resumed) == []
    assert isinstance(script.result, Media)


def test_an_upload_that_gets_nowhere_gives_up_with_the_reason() -> None:
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    for _ in range(4):
        script.fail(ServerUnavailableError("gone"))
        script.answer(pb.GetUploadResponse(upload=known(0)))
        script.pass_on()
    script.fail(ServerUnavailableError("gone for good"))
    with pytest.raises(ServerUnavailableError, match="for good"):
        script.answer(pb.GetUploadResponse(upload=known(0)))


def test_an_upload_that_is_refused_and_deleted_tells_why() -> None:
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    script.fail(UploadConflictError("another checksum", request_id="r"))
    with pytest.raises(UploadConflictError, match="another checksum"):
        script.fail(UnknownMediaError("no such media"))


def test_a_failure_that_grpc_does_not_explain_is_looked_into_and_one_of_the_server_is_told() -> None:
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    script.fail(ServerError("Failed execute_batch", reason="INTERNAL"))
    assert script.step.method == "media.GetUpload"
    script.answer(pb.GetUploadResponse(upload=known(5)))
    script.pass_on()
    with pytest.raises(ServerError, match="see the log"):
        script.fail(ServerError("see the log", reason="INTERNAL", request_id="r"))


def test_bytes_that_changed_on_the_way_are_found_and_deleted() -> None:
    script = Scripted(upload_media(PICTURE))
    script.answer(pb.CreateUploadResponse(upload=known(0)))
    assert script.sent() == (0, PICTURE)
    script.answer(finished(PICTURE[:-1] + b"!"))
    assert script.step.method == "media.DeleteMedia"
    with pytest.raises(UploadConflictError, match="received bytes with sha256"):
        script.answer(pb.DeleteMediaResponse())


def test_the_checksum_counts_every_byte_once_however_often_it_is_sent() -> None:
    script = Scripted(upload_media(io.BytesIO(PICTURE)))
    script.answer(pb.CreateUploadResponse(upload=known(5000)))  # a request_id from before
    assert script.sent() == (5000, PICTURE[5000:])
    script.fail(ServerUnavailableError("gone"))
    script.answer(pb.GetUploadResponse(upload=known(2000)))
    script.pass_on()
    assert script.sent() == (2000, PICTURE[2000:])
    script.answer(finished())
    assert script.result.sha256 == SHA256


def downloading(target: Any) -> Scripted:
    script = Scripted(download_media("media/x", target))
    script.answer(pb.GetMediaResponse(media=pb.Media(name="media/x", sha256=SHA256, size_bytes=len(PICTURE))))
    return script


def arrives(script: Scripted, content: bytes) -> Iterator[int]:
    assert isinstance(script.step, EachEvent)
    for start in range(0, len(content), 1000):
        script.step.take(content[start : start + 1000])
        yield start


def test_a_download_goes_on_where_the_connection_broke(tmp_path: Path) -> None:
    script = downloading(tmp_path / "copy.png")
    list(arrives(script, PICTURE[:30_000]))
    assert not (tmp_path / "copy.png").exists()
    script.fail(ServerUnavailableError("gone"))
    assert isinstance(script.step, Pause)
    script.pass_on()
    assert script.step.call.request.offset == 30_000
    list(arrives(script, PICTURE[30_000:]))
    script.pass_on()
    assert script.result.sha256 == SHA256
    assert (tmp_path / "copy.png").read_bytes() == PICTURE


@pytest.mark.parametrize("error", [UnknownMediaError("deleted"), KeyboardInterrupt()])
def test_a_download_that_fails_leaves_what_was_there_before(tmp_path: Path, error: BaseException) -> None:
    target = tmp_path / "copy.png"
    target.write_bytes(b"the old one")
    script = downloading(target)
    list(arrives(script, PICTURE[:30_000]))
    with pytest.raises(type(error)):
        script.fail(error)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.png"]
    assert target.read_bytes() == b"the old one"


def test_a_download_with_another_checksum_is_refused(tmp_path: Path) -> None:
    script = downloading(tmp_path / "copy.png")
    list(arrives(script, PICTURE[:-1] + b"!"))
    with pytest.raises(ServerError, match="do not have the sha256"):
        script.pass_on()
    assert list(tmp_path.iterdir()) == []


class _Huge(io.BytesIO):
    """Says that it is large."""

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return 60_000_000 if whence == io.SEEK_END else super().seek(offset, whence)
