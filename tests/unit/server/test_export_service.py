"""`ExportService` over a real connection."""

from __future__ import annotations

import asyncio
import math
import threading

import grpc
import pytest

from facewright import AsyncClient, Character, Client, Color, Retry, errors
from facewright.v1 import export_pb2, export_pb2_grpc
from unit.models.glb_reading import ReadGlb
from unit.server.fakes.running import running, until
from unit.server.fakes.studio import FakeStudio

CHARACTER = Character(
    "fake", "2.1.0", {"nose_width": 0.123456789012345}, {"hair": "bob"}, {"skin": Color(0.1, 0.7, 1.0)}
)


async def test_a_glb_holds_the_character_and_gives_it_back_without_loss() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        content = await client.export_glb(CHARACTER, name="me")
    assert ReadGlb(content).document["scenes"][0]["name"] == "me"
    assert Character.from_glb(content).to_json() == (await _through_the_wire(CHARACTER)).to_json()
    assert Character.from_glb(content).sliders == CHARACTER.sliders


async def _through_the_wire(character: Character) -> Character:
    """Colours are float32 there, as in every save file that fit writes."""
    return Character.from_json(character.to_json())


async def test_a_character_without_a_rig_gets_the_name_and_version_of_the_one_it_was_exported_with() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        back = Character.from_glb(await client.export_glb(Character(sliders={"jaw_width": 0.25})))
    assert back == Character("fake", "2.1.0", {"jaw_width": 0.25})


async def test_a_character_of_an_older_version_keeps_the_version_that_its_values_belong_to() -> None:
    older = Character("fake", "2.0.3", {"jaw_width": 0.25})
    async with running() as live, AsyncClient(live.address) as client:
        assert Character.from_glb(await client.export_glb(older)) == older


async def test_the_same_request_gives_the_same_bytes() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        first, second = [await client.export_glb(CHARACTER) for _ in range(2)]
    assert first == second


async def test_options_reach_the_exporter() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await client.export_glb(
            CHARACTER, name="a", expression={"jawOpen": 0.5}, morphs=False, eye_morphs=True
        )
        await client.export_glb(CHARACTER)
        (name, options), (default_name, defaults) = live.studio.exported
    assert (name, default_name) == ("a", "character")
    assert (options.expression, options.has_morphs, options.has_eye_morphs) == ({"jawOpen": 0.5}, False, True)
    assert (defaults.expression, defaults.has_morphs, defaults.has_eye_morphs) == ({}, True, False)


async def test_obj_comes_with_its_files_the_obj_first() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        files = await client.export_obj(CHARACTER, name="me", expression={"jawOpen": 1.0})
    assert list(files) == ["me.obj", "me.mtl"]
    assert b"mtllib me.mtl" in files["me.obj"]


async def test_the_synchronous_client_exports_too() -> None:
    def export(address: str) -> tuple[bytes, list[str]]:
        with Client(address) as client:
            return client.export_glb(CHARACTER), list(client.export_obj(CHARACTER))

    async with running() as live:
        content, names = await asyncio.to_thread(export, live.address)
    assert Character.from_glb(content).styles == CHARACTER.styles
    assert names == ["character.obj", "character.mtl"]


@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        ({"character": Character(rig="nobody")}, errors.UnknownRigError, None),
        ({"character": Character(rig_version="1.0.0")}, errors.RigVersionError, "character.rig_version"),
        (
            {"character": Character(sliders={"nose_width": math.nan})},
            errors.ParameterRangeError,
            "character.sliders[nose_width]",
        ),
        ({"expression": {"jawOpne": 1.0}}, errors.UnknownParameterError, "expression[jawOpne]"),
        ({"expression": {"jawOpen": math.nan}}, errors.ParameterRangeError, "expression[jawOpen]"),
        ({"name": "../me"}, errors.ParameterRangeError, "name"),
    ],
)
async def test_bad_input_is_refused_with_its_field(options, error, field) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await client.export_glb(**{"character": CHARACTER, **options})
    if field:
        assert caught.value.field_violations[0].field == field


async def test_a_request_without_character_and_one_of_unknown_format_are_refused() -> None:
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = export_pb2_grpc.ExportServiceStub(channel)
        for request in (
            export_pb2.ExportRequest(),
            export_pb2.ExportRequest(character=CHARACTER.to_message(), format=77),  # type: ignore[arg-type]
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await stub.Export(request, timeout=5)
            assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_an_answer_over_the_message_limit_is_a_clear_error() -> None:
    large = Character(sliders={"nose_width": 0.5}, styles={"hair": "none"})
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        live.studio.export_glb = lambda *_, **__: bytes(64 * 1024)  # type: ignore[method-assign]
        with pytest.raises(errors.MessageTooLargeError, match="leave out the morphs"):
            await client.export_glb(large)


async def test_exports_wait_in_a_bounded_line_and_one_nobody_waits_for_is_never_made() -> None:
    gate = threading.Event()
    studio = FakeStudio(on_export=lambda: gate.wait(20))
    async with (
        running(studio, export_queue_depth=1) as live,
        AsyncClient(live.address, retry=Retry.never()) as client,
    ):
        first = asyncio.create_task(client.export_glb(CHARACTER, name="first"))
        await until(lambda: studio.exported)
        second = asyncio.create_task(client.export_glb(CHARACTER, name="second"))
        await until(lambda: live.server._engine._exporting._pending == 2)
        with pytest.raises(errors.ServerBusyError) as caught:
            await client.export_glb(CHARACTER, name="third")
        assert caught.value.retry_delay_secs > 0
        second.cancel()
        await until(lambda: live.server._engine._exporting._pending == 1)
        gate.set()
        await first
        await client.export_glb(CHARACTER, name="fourth")
    assert [name for name, _ in studio.exported] == ["first", "fourth"]


async def test_a_deadline_ends_the_wait_for_an_export() -> None:
    gate = threading.Event()
    studio = FakeStudio(on_export=lambda: gate.wait(20))
    async with running(studio) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.DeadlineError):
            await client.export_glb(CHARACTER, timeout_secs=0.3)
        gate.set()


@pytest.mark.parametrize("name", ["", "../up.mtl", "a/b.mtl", "c:\\d.mtl", ".hidden", "nul\0.mtl"])
async def test_a_server_that_names_files_elsewhere_is_not_believed(name: str) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        live.studio.export_obj = lambda *_, **__: {"me.obj": b"", name: b"x"}  # type: ignore[method-assign]
        with pytest.raises(errors.ServerError, match="plain file name"):
            await client.export_obj(CHARACTER)
