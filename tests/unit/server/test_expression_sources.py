"""Photos and videos that are animated by their names as media: which frame, which way up, and what is refused."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import grpc
import numpy as np
import pytest

from facewright import AsyncClient, Client, Curve, ExpressionStart, FaceBox, Motion, Photo, VideoFrame, errors
from facewright.v1 import expression_pb2, expression_pb2_grpc
from unit.server.fakes.access import write_tokens
from unit.server.fakes.jobs import office, working
from unit.server.fakes.load_studio import LoadStudio
from unit.server.fakes.media import picture
from unit.server.fakes.running import Running, running, until

MOTION = Motion([Curve.through("jaw", 0, 1)], frame_count=2)


def clip(
    brightness: Sequence[int], *, times_ms: Sequence[int] | None = None, clockwise_degrees: int = 0
) -> bytes:
    """Frames of 64 x 48 of fine noise about a brightness, at ten a second or at the given times."""
    noise = np.random.default_rng(0).integers(-20, 20, (48, 64, 1))
    stream = io.BytesIO()
    with av.open(stream, "w", format="mp4") as output:
        video = output.add_stream("libx264", rate=10, options={"crf": "10"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = video.time_base = Fraction(1, 1000)
        if clockwise_degrees:
            video.set_display_rotation(-clockwise_degrees)
        for index, value in enumerate(brightness):
            shade = np.clip(value + noise, 0, 255) if value else np.zeros((48, 64, 1))
            frame = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(np.repeat(shade, 3, -1).astype(np.uint8)), format="rgb24"
            ).reformat(format="yuv420p")
            frame.pts, frame.time_base = (times_ms or range(0, 100_000, 100))[index], Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
    return stream.getvalue()


@asynccontextmanager
async def storing(content: bytes, **settings: Any) -> AsyncIterator[tuple[Running, AsyncClient, str]]:
    """A server that has the file, a client of it, and the name of the file."""
    async with running(**settings) as live, AsyncClient(live.address) as client:
        yield live, client, (await client.upload_media(content)).name


async def played(client: AsyncClient, source: Any) -> tuple[ExpressionStart, int]:
    """The start, and how bright the photo is: the fake animator keeps its green."""
    stream = client.stream_expression_frames(source, MOTION, encoding="raw_rgb24")
    start, first, _ = [event async for event in stream]
    assert isinstance(start, ExpressionStart)
    pixels = np.frombuffer(first.content, np.uint8).reshape(start.height, start.width, 3)  # type: ignore[union-attr]
    return start, round(float(pixels[..., 1].mean()))


async def test_the_frame_that_shows_an_expression_best_is_animated() -> None:
    async with storing(clip([60, 90, 200, 120, 60])) as (_, client, name):
        start, brightness = await played(client, VideoFrame(name))
    assert start.frame_index == 2
    assert (start.width, start.height) == (64, 48)
    assert brightness == pytest.approx(200, abs=8)
    assert "NO_EXPRESSION" not in [notice.code for notice in start.notices]


async def test_a_frame_is_chosen_by_its_number_also_with_a_box() -> None:
    async with storing(clip([60, 90, 200, 120])) as (_, client, name):
        start, brightness = await played(client, VideoFrame(name, 1, FaceBox(7, 0, 30, 30)))
        assert (start.frame_index, brightness) == (1, pytest.approx(90, abs=8))
        assert start.notices[0].message == "the face at 7 is animated"
        for source, field in (
            (VideoFrame(name, 4), "source.frame_index"),
            (VideoFrame(name, -1), "source.frame_index"),
            (VideoFrame(name, 1, FaceBox(64, 0, 30, 30)), "source.face_box"),
            (VideoFrame(name, None, FaceBox(0, 0, 0, 30)), "source.face_box"),
        ):
            with pytest.raises(errors.InvalidInputError) as caught:
                await played(client, source)
            assert caught.value.field_violations[0].field == field, source


async def test_a_variable_frame_rate_does_not_move_numbers() -> None:
    times_ms = [0, 40, 400, 420, 2000]
    async with storing(clip([60, 90, 120, 150, 180], times_ms=times_ms)) as (_, client, name):
        media = await client.get_media(name)
        assert media.video is not None
        assert media.video.variable_frame_rate
        start, brightness = await played(client, VideoFrame(name, 3))
        assert (start.frame_index, brightness) == (3, pytest.approx(150, abs=8))
        start, _ = await played(client, VideoFrame(name))
        assert start.frame_index == 4


async def test_a_rotated_video_is_animated_upright() -> None:
    async with storing(clip([200, 90], clockwise_degrees=90)) as (_, client, name):
        start, _ = await played(client, VideoFrame(name))
    assert (start.width, start.height) == (48, 64)


async def test_a_video_without_an_expression_says_so_and_one_without_a_face_is_refused() -> None:
    async with storing(clip([40, 41, 40])) as (_, client, name):
        start, _ = await played(client, VideoFrame(name))
        assert [notice.code for notice in start.notices] == ["SEVERAL_FACES", "NO_EXPRESSION"]
        dark = await client.upload_media(clip([0, 0, 0]))
        with pytest.raises(errors.NoFaceError):
            await played(client, VideoFrame(dark.name))


async def test_a_video_that_is_too_long_is_refused_live_and_as_an_operation() -> None:
    async with storing(clip([60] * 25), max_video_secs=2.0) as (live, client, name):
        for call in (
            played(client, VideoFrame(name)),
            client.generate_expression_video(VideoFrame(name), MOTION),
        ):
            with pytest.raises(errors.InvalidMediaError, match=r"2\.5 s; expected at most 2 s") as caught:
                await call
            assert caught.value.field_violations[0].field == "source.media"
        assert not live.studio.animator_threads


async def test_a_damaged_video_is_refused() -> None:
    content = bytearray(clip([60 + index for index in range(100)]))
    begin = content.index(b"mdat")
    size = int.from_bytes(content[begin - 4 : begin], "big")
    content[begin + size - size // 8 : begin + size - 4] = bytes(size // 8 - 4)
    async with storing(bytes(content)) as (_, client, name):
        with pytest.raises(errors.InvalidMediaError, match="damaged") as caught:
            await played(client, VideoFrame(name))
        assert caught.value.field_violations[0].field == "source.media"


async def test_media_that_are_neither_photo_nor_video_are_refused() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        media = live.server._media
        assert media is not None
        record = await media.put(b"{}", owner="local", display_name="x.json", content_type="application/json")
        with pytest.raises(errors.InvalidInputError, match="application/json; expected a photo or a video"):
            await played(client, Photo(media=record.name))


async def test_a_photo_is_named_too_and_has_no_frames_to_choose_from() -> None:
    async with storing(picture((40, 24))) as (_, client, name):
        start, _ = await played(client, Photo(media=name))
        assert start.frame_index is None
        with pytest.raises(errors.InvalidInputError, match="only a video has frames") as caught:
            await played(client, VideoFrame(name, 0))
        assert caught.value.field_violations[0].field == "source.frame_index"


async def test_a_photo_larger_than_a_message_is_refused_by_its_size() -> None:
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        media = live.server._media
        assert media is not None
        record = await media.put(picture((200, 150)), owner="local", display_name="large.png")
        with pytest.raises(errors.InvalidInputError, match="bytes; expected at most 65,536 for a photo"):
            await played(client, Photo(media=record.name))


async def test_a_photo_of_eight_megapixels_is_animated_in_its_own_size() -> None:
    async with running(LoadStudio()) as live, AsyncClient(live.address) as client:
        photo = picture((3840, 2160), kind="JPEG", quality=50)
        stream = client.stream_expression_frames(photo, MOTION, encoding="raw_rgb24")
        start, *frames = [event async for event in stream]
    assert isinstance(start, ExpressionStart)
    assert (start.width, start.height) == (3840, 2160)
    assert [len(frame.content) for frame in frames] == [3840 * 2160 * 3] * 2  # type: ignore[union-attr]


async def test_leaving_ends_the_search_for_a_frame() -> None:
    looked: list[int] = []
    async with storing(clip([60] * 100)) as (live, client, name):
        live.studio.on_animate = lambda: (looked.append(1), time.sleep(0.05))
        task = asyncio.create_task(played(client, VideoFrame(name)))
        await until(lambda: len(looked) > 2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.2)
        count = len(looked)
        await asyncio.sleep(0.2)
        assert len(looked) == count < 50


async def test_a_video_whose_bytes_are_lost_is_an_error_of_storage(tmp_path: Path) -> None:
    async with storing(clip([60] * 5), media_url=str(tmp_path)) as (_, client, name):
        remove_files(tmp_path)
        with pytest.raises(errors.StorageError):
            await played(client, VideoFrame(name))


def remove_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()


async def test_an_operation_animates_the_best_frame_and_notices_when_the_video_is_gone() -> None:
    async with office() as desk, AsyncClient(desk.live.address) as client:
        name = (await client.upload_media(clip([60, 200, 60]))).name
        operation = await client.generate_expression_video(VideoFrame(name), MOTION)
        gone = (await client.upload_media(clip([60, 200, 90]))).name
        late = await client.generate_expression_video(VideoFrame(gone), MOTION)
        await client.delete_media(gone)
        async with working(desk.config):
            assert (await operation.result(20)).frame_index == 1
            with pytest.raises(errors.UnknownMediaError):
                await late.result(20)


async def test_a_request_that_contradicts_itself_is_refused() -> None:
    box = {"face_box": {"x": 0, "y": 0, "width": 5, "height": 5}}
    for source, field in (
        ({}, "source.content"),
        ({"content": b"x", "frame_index": 0}, "source.frame_index"),
        ({"content": b"x", "shot": {}}, "source.shot"),
        ({"character": {}, **box}, "source.face_box"),
        ({"character": {}, "frame_index": 0}, "source.frame_index"),
    ):
        async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
            stub = expression_pb2_grpc.ExpressionServiceStub(channel)
            request = expression_pb2.StreamExpressionFramesRequest(
                source=expression_pb2.ExpressionSource(**source),  # type: ignore[arg-type]
                motion=expression_pb2.ExpressionMotion(moods=[expression_pb2.MoodKey(mood="sad")]),
            )
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                _ = [event async for event in stub.StreamExpressionFrames(request, timeout=10)]
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert field in str(caught.value.trailing_metadata()), field


@pytest.mark.parametrize(
    ("motion", "field"),
    [
        ({"order": 9}, "motion.order"),
        (
            {"curves": [{"name": "jaw", "keys": [{"time": 0, "value": 1, "easing": 17}]}]},
            "motion.curves[0].keys[0].easing",
        ),
    ],
)
async def test_numbers_that_no_enum_has_are_refused(motion: dict[str, Any], field: str) -> None:
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = expression_pb2_grpc.ExpressionServiceStub(channel)
        request = expression_pb2.StreamExpressionFramesRequest(
            source=expression_pb2.ExpressionSource(content=b"x"),
            motion=expression_pb2.ExpressionMotion(**motion),
        )
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            _ = [event async for event in stub.StreamExpressionFrames(request, timeout=10)]
        assert field in str(caught.value.trailing_metadata())


async def test_files_of_another_client_are_as_unknown_as_files_that_never_were(tmp_path: Path) -> None:
    tokens = {"ann": "fw_token_of_ann", "bob": "fw_token_of_bob"}
    async with running(tokens_file=write_tokens(tmp_path, **tokens), job_workers=0) as live:

        def use() -> None:
            with (
                Client(live.address, token=tokens["ann"]) as ann,
                Client(live.address, token=tokens["bob"]) as bob,
            ):
                name = ann.upload_media(clip([60, 90])).name
                with pytest.raises(errors.UnknownMediaError):
                    list(bob.stream_expression_frames(VideoFrame(name), MOTION))
                with pytest.raises(errors.UnknownMediaError):
                    bob.generate_expression_video(VideoFrame(name), MOTION)
                assert list(ann.stream_expression_frames(VideoFrame(name), MOTION))
                operation = ann.generate_expression_video(VideoFrame(name), MOTION)
                with pytest.raises(errors.UnknownOperationError):
                    bob.get_operation(operation.name)

        await asyncio.to_thread(use)
