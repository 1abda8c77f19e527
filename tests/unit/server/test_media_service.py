"""MediaService over a real connection: order of messages, tokens, limits, and a server that is killed."""

import asyncio
import hashlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from facewright.v1 import media_pb2 as pb
from facewright.v1 import media_pb2_grpc
from facewright_server.security.tokens import make_token, token_table
from unit.server.fakes.media import clip, padded_clip, picture, serving_media
from unit.server.fakes.running import environment

PICTURE = picture((200, 150))
PART_BYTES = 64 * 1024


@asynccontextmanager
async def stub_of(address: str) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield media_pb2_grpc.MediaServiceStub(channel)


def messages(
    name: str, content: bytes, offset: int = 0, step: int = 10_000
) -> Iterator[pb.WriteUploadRequest]:
    yield pb.WriteUploadRequest(start=pb.UploadStart(name=name, offset=offset))
    for position in range(offset, len(content), step):
        yield pb.WriteUploadRequest(data=content[position : position + step])


async def create(stub: Any, content: bytes = PICTURE, **fields: Any) -> pb.Upload:
    metadata = fields.pop("metadata", None)
    request = pb.CreateUploadRequest(size_bytes=len(content), **fields)
    return (await stub.CreateUpload(request, metadata=metadata)).upload


async def reason_of(call: Any) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call that must fail."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    info = error_details_pb2.ErrorInfo()
    details = rpc_status.from_call(caught.value).details
    assert any(detail.Unpack(info) for detail in details)
    return caught.value.code(), info.reason


async def test_a_clip_goes_up_is_described_and_comes_down() -> None:
    content = clip(language="deu", clockwise_degrees=90)
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub, content, display_name="clip")
        assert (upload.size_bytes, upload.received_bytes) == (len(content), 0)
        assert 1024**2 <= upload.chunk_bytes <= 2 * 1024**2
        answer = await stub.WriteUpload(messages(upload.name, content))
        assert answer.upload.received_bytes == len(content)
        media = (await stub.GetMedia(pb.GetMediaRequest(name=upload.name))).media
        assert media == answer.media
        assert media.sha256 == hashlib.sha256(content).hexdigest()
        assert media.content_type == "video/mp4"
        assert media.expire_time.seconds - media.create_time.seconds == pytest.approx(24 * 3600, abs=1)
        assert (media.video.width, media.video.height, media.video.rotation_degrees) == (48, 64, 90)
        assert media.video.duration.ToMilliseconds() == 480
        assert media.video.audio_streams[0].language == "deu"
        for offset in (0, 7):
            pieces = [
                part.data
                async for part in stub.DownloadMedia(pb.DownloadMediaRequest(name=upload.name, offset=offset))
            ]
            assert b"".join(pieces) == content[offset:]
        assert [item.name for item in (await stub.ListMedia(pb.ListMediaRequest())).media] == [upload.name]
        await stub.DeleteMedia(pb.DeleteMediaRequest(name=upload.name))
        assert not (await stub.ListMedia(pb.ListMediaRequest())).media


START = pb.WriteUploadRequest(start=pb.UploadStart(name="media/" + "0" * 32))


@pytest.mark.parametrize(
    "stream",
    [
        [],
        [pb.WriteUploadRequest()],
        [pb.WriteUploadRequest(data=b"x")],
        [pb.WriteUploadRequest(start=pb.UploadStart())],
    ],
    ids=["nothing", "an empty message", "data first", "no name"],
)
async def test_a_stream_that_does_not_begin_with_its_start_is_refused(stream: list[Any]) -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        reason = await reason_of(stub.WriteUpload(iter(stream)))
        assert reason == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST")


async def test_a_second_start_or_a_huge_message_ends_the_call_and_keeps_what_came_before() -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub)

        def twice() -> Iterable[pb.WriteUploadRequest]:
            yield from messages(upload.name, PICTURE[:10_000])
            yield pb.WriteUploadRequest(start=pb.UploadStart(name=upload.name))

        def huge() -> Iterable[pb.WriteUploadRequest]:
            yield pb.WriteUploadRequest(start=pb.UploadStart(name=upload.name, offset=10_000))
            yield pb.WriteUploadRequest(data=bytes(4 * 1024 * 1024 + 1))

        for stream in (twice(), huge()):
            assert await reason_of(stub.WriteUpload(stream)) == (
                grpc.StatusCode.INVALID_ARGUMENT,
                "INVALID_REQUEST",
            )
            known = (await stub.GetUpload(pb.GetUploadRequest(name=upload.name))).upload
            assert known.received_bytes == 10_000


async def test_an_upload_may_come_in_several_calls_and_an_empty_one_finishes_it() -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub)
        first = await stub.WriteUpload(messages(upload.name, PICTURE[:30_000]))
        assert first.upload.received_bytes == 30_000
        assert not first.HasField("media")
        second = await stub.WriteUpload(messages(upload.name, PICTURE, offset=30_000))
        assert second.HasField("media")
        again = await stub.WriteUpload(messages(upload.name, PICTURE, offset=len(PICTURE)))
        assert again.media == second.media


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"size_bytes": 0}, "size_bytes"),
        ({"size_bytes": -5}, "size_bytes"),
        ({"size_bytes": 2**62}, "size_bytes"),
        ({"size_bytes": 5, "sha256": "abc"}, "sha256"),
        ({"size_bytes": 5, "sha256": "A" * 64}, "sha256"),
        ({"size_bytes": 5, "display_name": "x" * 201}, "display_name"),
        ({"size_bytes": 5, "request_id": "spaces are not allowed"}, "request_id"),
        ({"size_bytes": 5, "time_to_live": duration_pb2.Duration(seconds=-1)}, "time_to_live"),
        ({"size_bytes": 5, "time_to_live": duration_pb2.Duration()}, "time_to_live"),
    ],
)
async def test_a_malformed_announcement_names_its_field(fields: dict[str, Any], field: str) -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.CreateUpload(pb.CreateUploadRequest(**fields))
        violations = error_details_pb2.BadRequest()
        assert any(detail.Unpack(violations) for detail in rpc_status.from_call(caught.value).details)
        assert violations.field_violations[0].field == field


async def test_limits_and_repeated_requests_have_reasons_of_their_own() -> None:
    async with serving_media(max_client_media_bytes=100_000) as serving, stub_of(serving.address) as stub:
        await create(stub, request_id="r1")
        assert await reason_of(create(stub, request_id="r1", display_name="other")) == (
            grpc.StatusCode.ALREADY_EXISTS,
            "REQUEST_ID_REUSED",
        )
        assert await reason_of(create(stub)) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "QUOTA")


async def test_an_executable_with_the_name_of_a_picture_is_refused_and_gone() -> None:
    content = b"\x7fELF" + bytes(5000)
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub, content, display_name="me.jpg")
        assert await reason_of(stub.WriteUpload(messages(upload.name, content))) == (
            grpc.StatusCode.INVALID_ARGUMENT,
            "INVALID_MEDIA",
        )
        assert await reason_of(stub.GetUpload(pb.GetUploadRequest(name=upload.name))) == (
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_MEDIA",
        )


@pytest.mark.parametrize("offset", [-1, len(PICTURE) + 1])
async def test_a_download_from_outside_the_file_is_refused(offset: int) -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub)
        await stub.WriteUpload(messages(upload.name, PICTURE))
        pieces = stub.DownloadMedia(pb.DownloadMediaRequest(name=upload.name, offset=offset))
        assert (await reason_of(pieces.read()))[1] == "INVALID_REQUEST"


async def test_another_client_does_not_learn_that_a_file_exists(tmp_path: Path) -> None:
    tokens = {name: make_token() for name in ("ann", "bob")}
    file = tmp_path / "tokens.toml"
    file.write_text("\n".join(token_table(name, token) for name, token in tokens.items()))
    file.chmod(0o600)
    ann, bob = ((("authorization", f"Bearer {token}"),) for token in tokens.values())
    async with serving_media(tokens_file=str(file)) as serving, stub_of(serving.address) as stub:
        upload = await create(stub, metadata=ann)
        await stub.WriteUpload(messages(upload.name, PICTURE), metadata=ann)
        unfinished = await create(stub, metadata=ann)
        absent = "media/" + "0" * 32
        for name in (upload.name, unfinished.name, absent):
            for call in (
                stub.GetMedia(pb.GetMediaRequest(name=name), metadata=bob),
                stub.GetUpload(pb.GetUploadRequest(name=name), metadata=bob),
                stub.DeleteMedia(pb.DeleteMediaRequest(name=name), metadata=bob),
                stub.WriteUpload(messages(name, b""), metadata=bob),
                stub.DownloadMedia(pb.DownloadMediaRequest(name=name), metadata=bob).read(),
            ):
                assert await reason_of(call) == (grpc.StatusCode.NOT_FOUND, "UNKNOWN_MEDIA")
        assert not (await stub.ListMedia(pb.ListMediaRequest(), metadata=bob)).media
        assert len((await stub.ListMedia(pb.ListMediaRequest(), metadata=ann)).media) == 1


async def test_a_caller_that_hangs_up_loses_nothing_that_has_arrived() -> None:
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub, sha256=hashlib.sha256(PICTURE).hexdigest())
        call = stub.WriteUpload()
        await call.write(pb.WriteUploadRequest(start=pb.UploadStart(name=upload.name)))
        await call.write(pb.WriteUploadRequest(data=PICTURE[:5000]))
        await asyncio.sleep(0.2)
        call.cancel()
        async with asyncio.timeout(5):
            while True:
                known = (await stub.GetUpload(pb.GetUploadRequest(name=upload.name))).upload
                if known.received_bytes == 5000:
                    break
                await asyncio.sleep(0.02)
        answer = await stub.WriteUpload(messages(upload.name, PICTURE, offset=5000))
        assert answer.HasField("media")


async def test_nothing_of_a_file_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    async with serving_media() as serving, stub_of(serving.address) as stub:
        upload = await create(stub, display_name="Erika Mustermann.png")
        await stub.WriteUpload(messages(upload.name, PICTURE))
        await reason_of(stub.GetMedia(pb.GetMediaRequest(name="media/Mustermann")))
    for record in caplog.records:
        assert "Mustermann" not in record.getMessage() + str(record.__dict__)


async def start_process(state_dir: Path) -> tuple[asyncio.subprocess.Process, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "unit.server.fakes.media",
        str(state_dir),
        str(PART_BYTES),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    return process, (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()


async def test_an_upload_survives_a_server_that_is_killed_in_the_middle(tmp_path: Path) -> None:
    """Three kills at random moments; what counted as received is there, and the file is whole at the end."""
    content = padded_clip(6_000_000)
    moments = random.Random(7)
    name, received = "", 0
    for _ in range(3):
        process, address = await start_process(tmp_path)
        async with stub_of(address) as stub:
            if not name:
                name = (await create(stub, content, sha256=hashlib.sha256(content).hexdigest())).name
            known = (await stub.GetUpload(pb.GetUploadRequest(name=name))).upload
            assert known.received_bytes >= received
            received = known.received_bytes
            sending = asyncio.create_task(slowly(stub, name, content, received))
            await asyncio.sleep(moments.uniform(0.3, 0.8))
            received = (await stub.GetUpload(pb.GetUploadRequest(name=name))).upload.received_bytes
            process.send_signal(signal.SIGKILL)
            await process.wait()
            with pytest.raises(grpc.aio.AioRpcError):
                await sending
    assert 0 < received < len(content)
    async with serving_media(tmp_path, part_bytes=PART_BYTES) as serving, stub_of(serving.address) as stub:
        known = (await stub.GetUpload(pb.GetUploadRequest(name=name))).upload
        assert known.received_bytes >= received
        answer = await stub.WriteUpload(messages(name, content, offset=known.received_bytes))
        assert answer.media.sha256 == hashlib.sha256(content).hexdigest()
        pieces = [part.data async for part in stub.DownloadMedia(pb.DownloadMediaRequest(name=name))]
        assert b"".join(pieces) == content
        await stub.DeleteMedia(pb.DeleteMediaRequest(name=name))
        assert os.listdir(tmp_path / "media") == []  # noqa: PTH208 - nothing that the crashes left either


async def slowly(stub: Any, name: str, content: bytes, offset: int) -> None:
    async def stream() -> AsyncIterator[pb.WriteUploadRequest]:
        for message in messages(name, content, offset, 20_000):
            yield message
            await asyncio.sleep(0.01)

    await stub.WriteUpload(stream())
