"""`StreamExpressionFrames` over a real connection: degrees, frames, refusals, and who waits for whom."""

import asyncio
import io
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image

from facewright import (
    AsyncClient,
    Character,
    CharacterShot,
    Client,
    Curve,
    ExpressionFrame,
    ExpressionStart,
    FaceBox,
    Key,
    MoodKey,
    Motion,
    Photo,
    Stage,
    View,
    errors,
)
from facewright_models import errors as domain
from facewright_models.expression import DEGREES, MOODS, REST_DEGREES
from unit.server.fakes.animator import OWN, degrees_in
from unit.server.fakes.running import running
from unit.server.fakes.studio import PHOTO, raising

SMILE = Motion(curves=[Curve.through("smile", 0, 1, easing="linear")], frame_count=5, fps=10)


async def played(
    client: AsyncClient, source: Any = PHOTO, motion: Motion = SMILE, **options: Any
) -> tuple[ExpressionStart, list[ExpressionFrame]]:
    options = {"encoding": "raw_rgb24", **options}
    start, *frames = [event async for event in client.stream_expression_frames(source, motion, **options)]
    assert isinstance(start, ExpressionStart)
    return start, frames


def pixels(start: ExpressionStart, frame: ExpressionFrame) -> np.ndarray:
    return np.frombuffer(frame.content, np.uint8).reshape(start.height, start.width, 3)


def long_motion(count: int) -> Motion:
    return Motion(curves=[Curve.through("jaw", 0, 1)], frame_count=count)


async def test_the_photo_s_own_degrees_come_first_and_then_every_frame_in_order() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        start, frames = await played(client)
    assert start.own_degrees == pytest.approx(OWN)
    assert (start.width, start.height, start.frame_count) == (64, 48, 5)
    assert start.frame_index is None
    assert [notice.code for notice in start.notices] == ["SEVERAL_FACES"]
    assert [frame.index for frame in frames] == list(range(5))
    assert [frame.time_secs for frame in frames] == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4])
    smiles = [degrees_in(pixels(start, frame))["smile"] for frame in frames]
    assert smiles == pytest.approx([0.0, 0.25, 0.5, 0.75, 1.0], abs=0.01)
    others = degrees_in(pixels(start, frames[2]))
    assert {name: others[name] for name in others if name != "smile"} == pytest.approx(
        {name: OWN[name] for name in OWN if name != "smile"}, abs=0.01
    )


async def test_faces_are_drawn_on_the_threads_of_the_fits_alone() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await played(client)
        threads = {name.rstrip("_0123456789") for name, _ in live.studio.animator_threads}
    assert threads == {"fit-"}
    assert live.studio.animated == [{"smile": pytest.approx(index / 4)} for index in range(5)]


async def test_curves_moods_order_loop_and_relative_are_passed_on() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        start, frames = await played(
            client, motion=Motion(moods=MoodKey.sequence("smile", "sad"), frame_count=3)
        )
        assert degrees_in(pixels(start, frames[0])) == pytest.approx(dict(MOODS["smile"]), abs=0.01)
        assert degrees_in(pixels(start, frames[2])) == pytest.approx(dict(MOODS["sad"]), abs=0.01)
        curve = Curve("smile", [Key(0, 0.9, "hold"), Key(0.5, 0.1, "linear"), Key(1, 0.5)])
        for options, expected in (
            ({}, [0.9, 0.9, 0.1, 0.3, 0.5]),
            ({"order": "ascending"}, [0.1, 0.3, 0.5, 0.9, 0.9]),
            ({"order": "descending"}, [0.9, 0.9, 0.5, 0.3, 0.1]),
        ):
            start, frames = await played(client, motion=Motion([curve], frame_count=5, **options))
            found = [degrees_in(pixels(start, frame))["smile"] for frame in frames]
            assert found == pytest.approx(expected, abs=0.01), options
        start, frames = await played(
            client, motion=Motion([Curve.through("smile", 0, 0.5)], frame_count=2, relative=True)
        )
        assert [degrees_in(pixels(start, frame))["smile"] for frame in frames] == pytest.approx(
            [0.25, 0.75], abs=0.01
        )
        start, frames = await played(
            client, motion=Motion([Curve.through("eyes", 1, 0, easing="linear")], frame_count=4, loop=True)
        )
        left = [degrees_in(pixels(start, frame))["left_eye"] for frame in frames]
        assert left == pytest.approx([1.0, 0.5, 0.0, 0.5], abs=0.01)


async def test_frame_count_and_pace_have_defaults() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        start, frames = await played(client, motion=Motion([Curve.through("jaw", 0.5)]))
    assert start.frame_count == len(frames) == 60
    assert frames[30].time_secs == pytest.approx(1.0)


async def test_a_box_chooses_the_face() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        start, _ = await played(client, Photo(PHOTO, FaceBox(12, 0, 20, 20)))
        assert start.notices[0].message == "the face at 12 is animated"
        with pytest.raises(errors.ParameterRangeError) as caught:
            await played(client, Photo(PHOTO, FaceBox(64, 0, 20, 20)))
        assert caught.value.field_violations[0].field == "source.face_box"


async def test_jpeg_and_png_have_the_photo_s_size_and_their_options_count() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        start, raw = await played(client)
        _, pngs = await played(client, encoding="png", png_level=9)
        _, jpegs = await played(client, encoding="jpeg", jpeg_quality=95)
    for frame, png, jpeg in zip(raw, pngs, jpegs, strict=True):
        np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(png.content))), pixels(start, frame))
        picture = Image.open(io.BytesIO(jpeg.content))
        assert (picture.format, picture.size) == ("JPEG", (64, 48))


async def test_the_synchronous_client_streams_too() -> None:
    def play(address: str) -> list[str]:
        with Client(address) as client:
            return [type(event).__name__ for event in client.stream_expression_frames(PHOTO, SMILE)]

    async with running() as live:
        names = await asyncio.to_thread(play, live.address)
    assert names == ["ExpressionStart", *["ExpressionFrame"] * 5]


async def test_a_character_is_moved_by_the_same_motion() -> None:
    motion = Motion([Curve.through("jaw", 0, 1, easing="linear")], frame_count=5)
    shot = CharacterShot(
        Character(), size_px=32, preset="full", view=View(yaw_degrees=20), stage=Stage(light="soft")
    )
    async with running() as live, AsyncClient(live.address) as client:
        start, frames = await played(client, shot, motion)
        assert live.studio.presets[-5:] == ["full"] * 5
        by_default, _ = await played(client, Character(), motion)
        assert live.studio.presets[-5:] == ["draft"] * 5
    assert (start.width, start.height) == (32, 32)
    assert (by_default.width, by_default.height) == (512, 512)
    assert start.own_degrees["left_eye"] == 1.0
    assert set(start.own_degrees) == set(DEGREES)
    red = [int(pixels(start, frame)[9, 9, 0]) for frame in frames]
    assert red == sorted(red)
    assert red[0] == 0 < red[-1]
    assert int(pixels(start, frames[0])[9, 9, 1]) == 128 + 20
    assert not live.studio.animated


async def test_a_rig_that_lacks_what_the_motion_needs_is_told_so() -> None:
    eyes = Motion([Curve.through("eyes", 1, 0)], frame_count=2)
    async with running(job_workers=0) as live, AsyncClient(live.address) as client:
        for call in (played(client, Character(), eyes), client.generate_expression_video(Character(), eyes)):
            with pytest.raises(errors.InvalidInputError, match="none of the facial actions") as caught:
                await call
            assert caught.value.field_violations[0].field == "source.character.rig"


@pytest.mark.parametrize(
    ("motion", "error", "field"),
    [
        (Motion(), errors.InvalidInputError, "motion.curves"),
        (Motion([Curve.through("smlie", 1)]), errors.UnknownParameterError, "motion.curves[0].name"),
        (Motion([Curve("smile", ())]), errors.InvalidInputError, "motion.curves[0].keys"),
        (
            Motion([Curve.through("smile", 0, math.nan)]),
            errors.ParameterRangeError,
            "motion.curves[0].keys[1].value",
        ),
        (
            Motion([Curve.through("smile", 0, 1.5)]),
            errors.ParameterRangeError,
            "motion.curves[0].keys[1].value",
        ),
        (
            Motion([Curve("smile", [Key(math.nan, 1)])]),
            errors.ParameterRangeError,
            "motion.curves[0].keys[0].time",
        ),
        (
            Motion([Curve.through("eyes", 0), Curve.through("left_eye", 1)]),
            errors.InvalidInputError,
            "motion.curves[1].name",
        ),
        (
            Motion([Curve.through("smile", 1), Curve.through("sad", 1)]),
            errors.InvalidInputError,
            "motion.curves",
        ),
        (Motion(moods=[MoodKey(0, "merry")]), errors.UnknownParameterError, "motion.moods[0].mood"),
        (
            Motion(moods=[MoodKey(0, "sad", math.nan)]),
            errors.ParameterRangeError,
            "motion.moods[0].strength",
        ),
        (
            Motion(moods=MoodKey.sequence("sad", "smile"), order="ascending"),
            errors.InvalidInputError,
            "motion.order",
        ),
        (Motion([Curve.through("jaw", 1)], fps=0.0), errors.ParameterRangeError, "motion.fps"),
        (Motion([Curve.through("jaw", 1)], fps=math.nan), errors.ParameterRangeError, "motion.fps"),
        (Motion([Curve.through("jaw", 1)], frame_count=0), errors.ParameterRangeError, "motion.frame_count"),
        (
            Motion([Curve.through("jaw", 1)], frame_count=10_000),
            errors.ParameterRangeError,
            "motion.frame_count",
        ),
        (
            Motion([Curve("jaw", [Key(index / 2000, 0.5) for index in range(2000)])]),
            errors.InvalidInputError,
            "motion.curves[0].keys",
        ),
    ],
)
async def test_a_bad_motion_is_refused_with_its_field_before_the_photo_is_read(
    motion: Motion, error: type[Exception], field: str
) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        for source in (PHOTO, Character()):
            with pytest.raises(error) as caught:
                await played(client, source, motion)
            assert [violation.field for violation in caught.value.field_violations] == [field]  # type: ignore[attr-defined]
        assert not live.studio.animator_threads
        assert not live.studio.drawn


@pytest.mark.parametrize(
    ("source", "error", "field"),
    [
        (b"", errors.InvalidInputError, "source.content"),
        (raising(domain.InvalidImageError), errors.InvalidImageError, None),
        (b"no face", errors.NoFaceError, "source"),
        (Photo(media="media/" + "0" * 32), errors.UnknownMediaError, None),
        (Character("none"), errors.UnknownRigError, None),
        (
            Character(sliders={"nose_width": 2.0}),
            errors.ParameterRangeError,
            "source.character.sliders[nose_width]",
        ),
        (CharacterShot(Character(), size_px=4), errors.ParameterRangeError, "source.shot.size_px"),
        (
            CharacterShot(Character(), view=View(yaw_degrees=math.nan)),
            errors.ParameterRangeError,
            "source.shot.view.yaw_degrees",
        ),
        (
            CharacterShot(Character(), stage=Stage(light="disco")),
            errors.UnknownParameterError,
            "source.shot.stage.light",
        ),
    ],
)
async def test_a_bad_source_is_refused_with_its_field(
    source: Any, error: type[Exception], field: str | None
) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await played(client, source)
        violations = [violation.field for violation in caught.value.field_violations]  # type: ignore[attr-defined]
        assert violations == ([field] if field else violations)
        assert not live.studio.animated


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"encoding": "jpeg", "jpeg_quality": 0}, "jpeg_quality"),
        ({"encoding": "png", "png_level": 10}, "png_level"),
        ({"encoding": "jpeg", "row_order": "bottom_up"}, "row_order"),
    ],
)
async def test_bad_options_are_refused_with_their_field(options: dict[str, Any], field: str) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidInputError) as caught:
            await played(client, **options)
        assert caught.value.field_violations[0].field == field


async def test_an_error_of_a_later_frame_comes_after_the_frames_before_it() -> None:
    def fail_at_the_fourth() -> None:
        if len(live.studio.animated) == 4:
            raise domain.WeightsError("a.safetensors: wrong sha256")

    async with running() as live, AsyncClient(live.address) as client:
        live.studio.on_animate = fail_at_the_fourth
        stream = client.stream_expression_frames(PHOTO, SMILE)
        seen = [await anext(stream) for _ in range(4)]
        assert [event.index for event in seen if isinstance(event, ExpressionFrame)] == [0, 1, 2]
        with pytest.raises(errors.ServerError) as caught:
            await anext(stream)
        assert caught.value.reason == "WEIGHTS_UNUSABLE"
        live.studio.on_animate = lambda: None
        _, frames = await played(client)  # the place is free again
        assert len(frames) == 5


async def test_a_frame_too_large_for_a_message_is_a_clear_error() -> None:
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        shot = CharacterShot(Character(), size_px=256)
        with pytest.raises(errors.MessageTooLargeError):
            await played(client, shot)


async def test_limits_are_those_of_the_configuration_and_are_told() -> None:
    async with (
        running(max_expression_frames=7, max_video_secs=5.0) as live,
        AsyncClient(live.address) as client,
    ):
        info = await client.server_info()
        assert (info.limits.max_expression_frames, info.limits.max_video_secs) == (7, 5.0)
        assert {"expression-frames", "expression-video"} <= set(info.capabilities)
        with pytest.raises(errors.ParameterRangeError, match="8; expected 1 to 7"):
            await played(client, motion=long_motion(8))


async def test_prompts_for_a_recording_reach_every_degree() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        prompts = await client.list_capture_prompts()
    assert prompts[0].name == "rest"
    assert len({prompt.name for prompt in prompts}) == len(prompts)
    assert all(prompt.text.endswith(".") and prompt.duration_secs > 0 for prompt in prompts)
    reached = {
        name for prompt in prompts for name, value in prompt.to_degrees.items() if value != REST_DEGREES[name]
    }
    assert reached == set(DEGREES)
