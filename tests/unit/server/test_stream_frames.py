"""`StreamFrames` over a real connection: frames, encodings, refusals, and who waits for whom."""

import asyncio
import io
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facewright import AsyncClient, Character, Client, Clip, ClipFrame, View, errors
from unit.server.fakes.running import running, until
from unit.server.fakes.studio import FakeStudio

SIZE_PX = 16


def clip_of(count: int, **options: Any) -> Clip:
    """Curves of which the second tells frames apart; jawOpen comes first in the rig."""
    weights = [value for i in range(count) for value in (0.5, i / max(1, count - 1))]
    return Clip(curves=("mouthSmileLeft", "jawOpen"), weights=weights, **options)


async def frames_of(client: AsyncClient, clip: Clip, **options: Any) -> list[ClipFrame]:
    options = {"size_px": SIZE_PX, "encoding": "raw_rgb24", **options}
    return [frame async for frame in client.stream_frames(Character(), clip, **options)]


def pixels(frame: ClipFrame) -> np.ndarray:
    return np.frombuffer(frame.content, np.uint8).reshape(frame.size_px, frame.size_px, 3)


async def test_every_frame_comes_in_order_with_its_weights_and_its_time() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        frames = await frames_of(client, clip_of(40, fps=25.0))
    assert [frame.index for frame in frames] == list(range(40))
    np.testing.assert_allclose([frame.time_secs for frame in frames], np.arange(40) / 25)
    red = [int(pixels(frame)[5, 5, 0]) for frame in frames]
    assert red == [round(200 * i / 39) for i in range(40)]
    assert live.studio.presets == ["draft"] * 40
    assert live.studio.opened_backends == ["pyrender", "egl"]  # the first is loaded with the server
    assert {name.rstrip("_0123456789") for name in live.studio.render_threads} == {"render"}


async def test_times_and_views_may_come_frame_by_frame() -> None:
    clip = clip_of(3, times_secs=(0.0, 0.1, 0.35), yaw_degrees=(0.0, 10.0, -20.0), pitch_degrees=(5.0,))
    async with running() as live, AsyncClient(live.address) as client:
        frames = await frames_of(client, clip, preset="full")
    assert [frame.time_secs for frame in frames] == [0.0, 0.1, 0.35]
    assert [int(pixels(frame)[5, 5, 1]) for frame in frames] == [128, 138, 108]
    assert live.studio.presets == ["full"] * 3


async def test_a_clip_without_curves_moves_the_view_alone() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        frames = await frames_of(client, Clip.turntable(9))
    green = [int(pixels(frame)[5, 5, 1]) for frame in frames]
    assert green[0] == 128
    assert max(green) > 210
    assert min(green) < 45


@pytest.mark.parametrize(("order", "bright"), [(None, 0), ("top_down", 0), ("bottom_up", SIZE_PX - 1)])
async def test_the_rows_of_raw_frames_run_as_asked(order: str | None, bright: int) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        (frame,) = await frames_of(client, clip_of(1), row_order=order)
    rows = pixels(frame).max((1, 2))
    assert rows[bright] == 255
    assert (np.delete(rows, bright) < 255).all()


async def test_jpeg_and_png_are_what_they_say_and_their_options_count() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        clip = clip_of(1)
        (raw,) = await frames_of(client, clip, size_px=64)
        pngs = [await frames_of(client, clip, size_px=64, encoding="png", png_level=n) for n in (0, 9)]
        jpegs = [await frames_of(client, clip, size_px=64, encoding="jpeg", jpeg_quality=n) for n in (5, 100)]
        (by_default,) = [f async for f in client.stream_frames(Character(), clip)]
    for (frame,) in pngs:
        picture = Image.open(io.BytesIO(frame.content))
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        np.testing.assert_array_equal(np.asarray(picture), pixels(raw))
    assert len(pngs[1][0].content) < len(pngs[0][0].content)
    assert len(jpegs[0][0].content) < len(jpegs[1][0].content)
    best = Image.open(io.BytesIO(jpegs[1][0].content))
    assert best.format == "JPEG"
    assert np.abs(np.asarray(best).astype(int) - pixels(raw)).mean() < 8
    assert Image.open(io.BytesIO(by_default.content)).format == "JPEG"
    assert by_default.size_px == 512


async def test_the_synchronous_client_streams_too() -> None:
    def draw(address: str) -> list[int]:
        with Client(address) as client:
            stream = client.stream_frames(Character(), clip_of(5), size_px=SIZE_PX)
            return [frame.index for frame in stream]

    async with running() as live:
        assert await asyncio.to_thread(draw, live.address) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("clip", "error", "field", "message"),
    [
        (Clip(), errors.InvalidInputError, "clip.weights", "0 frames; expected 1 to"),
        (Clip(curves=("jawOpen",)), errors.InvalidInputError, "clip.weights", "0 frames"),
        (
            Clip(curves=("jawOpne",), weights=(0.5,)),
            errors.UnknownParameterError,
            "clip.curves[0]",
            "jawOpen",
        ),
        (
            Clip(curves=("jawOpen", "jawOpen"), weights=(0.5, 0.5)),
            errors.InvalidInputError,
            "clip.curves[1]",
            "twice",
        ),
        (Clip(weights=(0.5,)), errors.InvalidInputError, "clip.curves", "no curves"),
        (
            Clip(curves=("jawOpen", "mouthSmileLeft"), weights=(0.5,) * 5),
            errors.InvalidInputError,
            "clip.weights",
            "multiple of 2",
        ),
        (
            Clip(curves=("jawOpen", "mouthSmileLeft"), weights=(0.5, 0.5, 0.5, math.nan)),
            errors.ParameterRangeError,
            "clip.weights[3]",
            "mouthSmileLeft is nan in frame 1",
        ),
        (Clip(curves=("jawOpen",), weights=(1.5,)), errors.ParameterRangeError, "clip.weights[0]", "1.5"),
        (clip_of(2, fps=0.0), errors.ParameterRangeError, "clip.fps", "fps is 0"),
        (clip_of(2, fps=math.nan), errors.ParameterRangeError, "clip.fps", "nan"),
        (clip_of(2, fps=30.0, times_secs=(0, 1)), errors.InvalidInputError, "clip.times_secs", "both"),
        (clip_of(2, times_secs=(1.0, 0.5)), errors.ParameterRangeError, "clip.times_secs", "ascend"),
        (clip_of(2, times_secs=(1.0,)), errors.InvalidInputError, "clip.times_secs", "1 values for 2 frames"),
        (clip_of(3, yaw_degrees=(1.0, 2.0)), errors.InvalidInputError, "clip.yaw_degrees", "one per frame"),
        (clip_of(2, yaw_degrees=(0.0, 91.0)), errors.ParameterRangeError, "clip.yaw_degrees[1]", "91"),
        (clip_of(2, pitch_degrees=(math.nan,)), errors.ParameterRangeError, "clip.pitch_degrees[0]", "nan"),
        (clip_of(11), errors.InvalidInputError, "clip.weights", "11 frames; expected 1 to 10"),
    ],
)
async def test_a_bad_clip_is_refused_with_its_field_before_a_frame_is_drawn(
    clip: Clip, error: type[Exception], field: str, message: str
) -> None:
    async with running(max_clip_frames=10) as live, AsyncClient(live.address) as client:
        with pytest.raises(error, match=message) as caught:
            await frames_of(client, clip)
        assert [violation.field for violation in caught.value.field_violations] == [field]  # type: ignore[attr-defined]
        assert not live.studio.drawn


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"size_px": 0}, "size_px"),
        ({"size_px": 16_384}, "size_px"),
        ({"encoding": "jpeg", "jpeg_quality": 0}, "jpeg_quality"),
        ({"encoding": "png", "png_level": 10}, "png_level"),
        ({"encoding": "png", "jpeg_quality": 50}, "jpeg_quality"),
        ({"encoding": "jpeg", "row_order": "bottom_up"}, "row_order"),
    ],
)
async def test_bad_options_are_refused_with_their_field(options: dict[str, Any], field: str) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidInputError) as caught:
            await frames_of(client, clip_of(2), **options)
        assert caught.value.field_violations[0].field == field
        assert not live.studio.drawn


async def test_limits_are_those_of_the_configuration_and_are_told() -> None:
    settings = {"max_clip_curves": 1, "max_frame_px": 64, "max_clip_frames": 7}
    async with running(**settings) as live, AsyncClient(live.address) as client:
        limits = (await client.server_info()).limits
        assert (limits.max_clip_curves, limits.max_frame_px, limits.max_clip_frames) == (1, 64, 7)
        with pytest.raises(errors.InvalidInputError, match="2 curves; expected at most 1"):
            await frames_of(client, clip_of(2))
        with pytest.raises(errors.ParameterRangeError, match=r"expected 16\.\.64"):
            await client.render(Character(), size_px=65)


async def test_a_frame_too_large_for_a_message_is_a_clear_error() -> None:
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.MessageTooLargeError):
            await frames_of(client, clip_of(2), size_px=256)


async def test_the_server_draws_only_a_little_ahead_of_a_slow_reader() -> None:
    async with running(clip_frames_ahead=2) as live, AsyncClient(live.address) as client:
        # A frame of 3 MB fills every buffer on the way by itself.
        options = {"size_px": 1024, "encoding": "raw_rgb24"}
        stream = client.stream_frames(Character(), clip_of(60), **options)
        await stream.__anext__()
        await asyncio.sleep(0.5)
        first = len(live.studio.drawn)
        assert first < 12
        await asyncio.sleep(0.3)
        assert len(live.studio.drawn) == first
        await stream.__anext__()
        await stream.aclose()


async def test_other_frames_get_their_turn_while_a_clip_is_drawn() -> None:
    studio = FakeStudio(frame_secs=0.02)
    async with running(studio, clip_frames_ahead=3) as live, AsyncClient(live.address) as client:
        clip = asyncio.create_task(frames_of(client, clip_of(60)))
        await until(lambda: len(studio.drawn) > 3)
        started = time.monotonic()
        await client.render(Character())
        taken, drawn = time.monotonic() - started, len(studio.drawn)
        assert taken < 0.5
        assert drawn < 40
        assert len(await clip) == 60


async def test_two_clips_share_the_thread_frame_by_frame() -> None:
    studio = FakeStudio(frame_secs=0.01)
    async with running(studio) as live, AsyncClient(live.address) as client:
        low = Clip(curves=("jawOpen",), weights=(0.0,) * 30)
        high = Clip(curves=("jawOpen",), weights=(1.0,) * 30)
        await asyncio.gather(frames_of(client, low), frames_of(client, high))
        changes = sum(a != b for a, b in zip(studio.drawn, studio.drawn[1:], strict=False))
        assert changes > 10


async def test_a_reader_that_leaves_ends_the_drawing() -> None:
    studio = FakeStudio(frame_secs=0.02)

    async def leave_by_closing(client: AsyncClient) -> None:
        stream = client.stream_frames(Character(), clip_of(500), size_px=SIZE_PX)
        await stream.__anext__()
        await stream.aclose()

    async def leave_by_deadline(client: AsyncClient) -> None:
        with pytest.raises(errors.DeadlineError):
            await frames_of(client, clip_of(500), timeout_secs=0.3)

    async def leave_by_cancelling(client: AsyncClient) -> None:
        task = asyncio.create_task(frames_of(client, clip_of(500)))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    ways: tuple[Callable[[AsyncClient], Awaitable[None]], ...] = (
        leave_by_closing,
        leave_by_deadline,
        leave_by_cancelling,
    )
    async with running(studio) as live, AsyncClient(live.address) as client:
        for leave in ways:
            studio.drawn.clear()
            await leave(client)
            await asyncio.sleep(0.2)
            count = len(studio.drawn)
            assert 0 < count < 60, leave.__name__
            await asyncio.sleep(0.2)
            assert len(studio.drawn) == count, leave.__name__
        assert len(await frames_of(client, clip_of(3))) == 3  # the server is as good as new


async def test_a_full_queue_refuses_new_clips_and_lets_running_ones_go_on() -> None:
    studio = FakeStudio(frame_secs=0.05)
    async with running(studio, render_queue_depth=1) as live, AsyncClient(live.address) as client:
        clip = asyncio.create_task(frames_of(client, clip_of(20)))
        await until(lambda: len(studio.drawn) > 1)
        with pytest.raises(errors.ServerBusyError):
            await frames_of(client, clip_of(2))
        assert len(await clip) == 20


async def test_a_renderer_that_cannot_be_made_is_told_as_such() -> None:
    from facewright_models.errors import RenderUnavailableError

    studio = FakeStudio(renderer_error=RenderUnavailableError("no driver"))
    async with running(studio) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.RenderUnavailableError):
            await frames_of(client, clip_of(2))


@pytest.mark.parametrize(
    ("configured", "backends"),
    [("auto", ["pyrender", "egl"]), ("egl", ["egl"]), ("pyrender", ["pyrender"])],
)
async def test_single_frames_have_presets_and_the_configured_backend(
    configured: str, backends: list[str]
) -> None:
    async with running(render_backend=configured) as live, AsyncClient(live.address) as client:
        for preset in (None, "draft", "full"):
            await client.render(Character(), preset=preset, view=View())
        assert live.studio.presets == ["full", "draft", "full"]
        assert live.studio.opened_backends == backends
        with pytest.raises(errors.InvalidInputError, match="draft, full"):
            await client.render(Character(), preset="best")
