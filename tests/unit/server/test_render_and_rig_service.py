"""`RenderService` and `RigService` over a real connection."""

import asyncio
import io
import math

import numpy as np
import pytest
from PIL import Image

from facewright import AsyncClient, Character, Client, Color, View, errors
from facewright.v1 import rig_pb2, rig_pb2_grpc
from unit.server.fakes.running import running


def picture(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


async def test_every_pass_comes_back_as_the_image_its_comment_promises() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        frame = await client.render(
            Character(), size_px=64, passes=("color", "labels", "depth", "normals"), view=View(30, 0)
        )
    assert frame.size_px == 64
    assert picture(frame.pngs["color"]).mode == "RGB"
    labels = picture(frame.pngs["labels"])
    assert labels.mode == "P"
    assert sorted(np.unique(np.asarray(labels))) == list(range(11))
    metres = np.frombuffer(frame.depth_metres, "<f4").reshape(64, 64)
    steps = np.asarray(picture(frame.pngs["depth"]))
    assert np.abs(steps / 10_000 - metres).max() <= 0.5001e-4
    assert not np.asarray(picture(frame.pngs["normals"])).any()
    assert len(frame.landmarks) == 68
    assert frame.landmarks[0].x == 30
    assert [point.visible for point in frame.landmarks].count(True) == 60


async def test_without_passes_the_colour_comes_back_alone() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        frame = await client.render(Character(sliders={"nose_width": 0.2}), passes=(), size_px=32)
    assert list(frame.pngs) == ["color"]
    assert frame.depth_metres == b""
    assert picture(frame.pngs["color"]).getpixel((0, 0)) == (51, 51, 51)


async def test_the_same_request_gives_the_same_bytes() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        first, second = [await client.render(Character(), passes=("color", "depth")) for _ in range(2)]
    assert first == second


async def test_the_synchronous_client_renders_too() -> None:
    def render(address: str) -> int:
        with Client(address) as client:
            return client.render(Character(), size_px=40).size_px

    async with running() as live:
        assert await asyncio.to_thread(render, live.address) == 40


@pytest.mark.parametrize(
    ("character", "error", "field"),
    [
        (Character(rig="nobody"), errors.UnknownRigError, None),
        (Character(rig_version="1.0.0"), errors.RigVersionError, "character.rig_version"),
        (Character(sliders={"nose": 0.1}), errors.UnknownParameterError, "character."),
        (
            Character(sliders={"nose_width": math.nan}),
            errors.ParameterRangeError,
            "character.sliders[nose_width]",
        ),
        (
            Character(sliders={"nose_width": -0.1}),
            errors.ParameterRangeError,
            "character.sliders[nose_width]",
        ),
        (Character(styles={"hair": "x"}), errors.UnknownParameterError, "character.styles[hair]"),
        (Character(colors={"skin": Color(0, 0, 1.5)}), errors.ParameterRangeError, "character.colors[skin]"),
    ],
)
async def test_a_bad_character_is_refused_with_its_field(character, error, field) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await client.render(character)
    if field:
        assert caught.value.field_violations[0].field.startswith(field)


@pytest.mark.parametrize("size_px", [0, 8, 4096, -1])
async def test_a_size_out_of_range_is_refused(size_px: int) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.ParameterRangeError) as caught:
            await client.render(Character(), size_px=size_px)
    assert caught.value.field_violations[0].field == "size_px"


async def test_an_unknown_facial_action_is_refused_with_its_field() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.UnknownParameterError) as caught:
            await client.render(Character(), expression={"jawOpne": 1.0})
    assert caught.value.field_violations[0].field == "expression[jawOpne]"


async def test_an_unknown_pass_is_refused_by_the_client() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidInputError, match="depth"):
            await client.render(Character(), passes=("colour",))


async def test_an_answer_over_the_message_limit_is_a_clear_error() -> None:
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.MessageTooLargeError, match="fewer passes"):
            await client.render(Character(), size_px=256, passes=("depth",))


async def test_rigs_are_listed_by_name_and_shown_in_full() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        summaries = await client.list_rigs()
        rig = await client.get_rig("fake")
        default = await client.get_rig()
    assert [(summary.name, summary.parameter_count) for summary in summaries] == [("fake", 4), ("other", 4)]
    assert default == rig
    assert rig.facial_actions == ("jawOpen", "mouthSmileLeft")
    by_name = {parameter.name: parameter for parameter in rig.parameters}
    assert (by_name["nose_width"].kind, by_name["nose_width"].neutral) == ("continuous", 0.5)
    assert by_name["hair"].options == ("none", "bob")
    assert by_name["hair"].neutral == "none"
    assert by_name["skin"].neutral.red == pytest.approx(0.8)


async def test_rigs_come_in_pages() -> None:
    import grpc

    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = rig_pb2_grpc.RigServiceStub(channel)
        first = await stub.ListRigs(rig_pb2.ListRigsRequest(page_size=1), timeout=5)
        rest = await stub.ListRigs(rig_pb2.ListRigsRequest(page_token=first.next_page_token), timeout=5)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.ListRigs(rig_pb2.ListRigsRequest(page_size=-1), timeout=5)
    assert [rig.name for rig in first.rigs] == ["fake"]
    assert [rig.name for rig in rest.rigs] == ["other"]
    assert rest.next_page_token == ""
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_unknown_rig_is_not_found() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.UnknownRigError) as caught:
            await client.get_rig("nobody")
    assert caught.value.reason == "UNKNOWN_RIG"
