"""`RefitCharacter` over a real connection, with a fake fitter behind it."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import grpc
import pytest

from facewright import (
    AsyncClient,
    Character,
    Client,
    Color,
    FitOptions,
    FitProgress,
    Locks,
    Photo,
    RefitResult,
    errors,
)
from facewright._status import error_of
from facewright.v1 import character_pb2, fitting_pb2, fitting_pb2_grpc
from facewright_models import errors as domain
from unit.server.fakes.running import Running, running, until
from unit.server.fakes.studio import PHOTO, FakeStudio, raising, raising_in_fit, skin_pixels

ODD = 0.123456789012345
ME = Character("fake", "2.1.0", {"nose_width": 0.25, "jaw_width": ODD}, {"hair": "bob"})


def waiting_in(live: Running) -> int:
    return len(live.server._engine._fitting._waiting)


async def test_an_edit_without_photos_gives_the_character_its_report_and_two_pictures() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.refit(ME, preset="stylised", strength=0.5)
        assert live.studio.render_threads == {"render_0"}
        assert live.studio.steps == 0
    assert result.character.sliders == {"nose_width": 0.5, "jaw_width": ODD}
    assert result.character.styles == {"hair": "bob"}
    assert (result.report.identity_distance, result.report.strength) == (0.25, 0.5)
    assert result.report.fit is None
    assert result.report.seconds.total == 0.5
    assert [notice.code for notice in result.report.warnings] == ["PRESET_WEAKENED"]
    for png in (result.rendered_png, result.comparison_png):
        assert png.startswith(b"\x89PNG")
    assert len(result.comparison_png) != len(result.rendered_png)


async def test_everything_that_is_asked_for_reaches_the_fitter() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await client.refit(
            ME,
            Photo(PHOTO),
            preset="stylised",
            styles={"hair": "none"},
            colors={"skin": Color(0.5, 0.25, 0.125)},
            keep=["nose_width"],
            locks=Locks(styles={"hair": "none"}),
            options=FitOptions(iterations=3, seed=5),
        )
        asked = live.studio.refit
    assert asked is not None
    assert (asked.preset, asked.strength, asked.kept) == ("stylised", None, ("nose_width",))
    assert (asked.styles, asked.colors) == ({"hair": "none"}, {"skin": (0.5, 0.25, 0.125)})
    assert asked.locked_styles == {"hair": "none"}
    assert (asked.options.iterations, asked.options.seed) == (3, 5)
    assert asked.subject is not None
    assert len(asked.subject.photos) == 1
    assert asked.character.sliders == ME.sliders


async def test_photos_are_fitted_with_progress_and_a_report_of_their_own() -> None:
    seen: list[FitProgress] = []
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.refit(
            ME, PHOTO, PHOTO, options=FitOptions(iterations=4), on_progress=seen.append
        )
    assert [step.iteration for step in seen if step.stage == "optimise"] == [1, 2, 3, 4]
    assert result.report.fit is not None
    assert result.report.fit.iterations == 4


async def test_the_synchronous_client_does_the_same() -> None:
    def refit(address: str) -> RefitResult:
        with Client(address) as client:
            return client.refit(ME, styles={"hair": "none"})

    async with running() as live:
        result = await asyncio.to_thread(refit, live.address)
    assert result.character.styles == {"hair": "none"}
    assert result.character.sliders["jaw_width"] == ODD


@pytest.mark.parametrize(
    ("changes", "error", "field"),
    [
        ({}, errors.InvalidInputError, "preset"),
        ({"preset": "older"}, errors.InvalidInputError, "preset"),  # the fake rig has no age
        ({"preset": "stylised", "strength": math.nan}, errors.ParameterRangeError, "strength"),
        ({"preset": "stylised", "strength": -0.1}, errors.ParameterRangeError, "strength"),
        ({"preset": "stylised", "strength": 1.5}, errors.ParameterRangeError, "strength"),
        ({"strength": 0.5, "styles": {"hair": "none"}}, errors.InvalidInputError, "strength"),
        ({"preset": "stylised", "keep": ["nose"]}, errors.UnknownParameterError, "kept[0]"),
        ({"locks": Locks({"nose": 0.5})}, errors.UnknownParameterError, "locks.nose"),
        ({"locks": Locks({"nose_width": math.nan})}, errors.ParameterRangeError, "locks.sliders[nose_width]"),
        ({"styles": {"hair": "mohawk"}}, errors.UnknownParameterError, "styles[hair]"),
        ({"styles": {"hat": "top"}}, errors.UnknownParameterError, "hat"),
        ({"colors": {"skin": Color(0, 0, 2)}}, errors.ParameterRangeError, "colors[skin]"),
        ({"styles": {"hair": "none"}, "keep": ["hair"]}, errors.InvalidInputError, "styles[hair]"),
        (
            {"styles": {"hair": "none"}, "locks": Locks(styles={"hair": "bob"})},
            errors.InvalidInputError,
            "styles[hair]",
        ),
        ({"preset": "stylised", "keep": ["nose_width", "jaw_width"]}, errors.InvalidInputError, "preset"),
        (
            {"preset": "stylised", "options": FitOptions(locks=Locks({"nose_width": 0.5}))},
            errors.InvalidInputError,
            "options.locks",
        ),
        (
            {"preset": "stylised", "options": FitOptions(texture=True)},
            errors.InvalidInputError,
            "options.bake_skin",
        ),
        (
            {"preset": "stylised", "options": FitOptions(iterations=0)},
            errors.ParameterRangeError,
            "options.iterations",
        ),
    ],
)
async def test_what_cannot_be_is_refused_with_its_field(
    changes: dict[str, Any], error: type[errors.FacewrightError], field: str
) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await client.refit(ME, **changes)
        assert live.studio.refit is None
    assert caught.value.field_violations[0].field == field
    assert caught.value.request_id


@pytest.mark.parametrize(
    ("character", "error", "field"),
    [
        (Character(), errors.InvalidInputError, "character"),
        (Character("fake", "2.1.0"), errors.InvalidInputError, "character"),
        (Character("fake", "9.0.0", {"nose_width": 0.5}), errors.RigVersionError, "character.rig_version"),
        (
            Character("fake", "2.1.0", {"nose_width": math.nan}),
            errors.ParameterRangeError,
            "character.sliders[nose_width]",
        ),
        (Character("fake", "2.1.0", {"nose": 0.5}), errors.UnknownParameterError, "character.nose"),
        (
            Character("fake", "2.1.0", {"nose_width": 0.5}, skin_texture="0" * 64),
            errors.SkinTextureError,
            "character.skin_texture",
        ),
    ],
)
async def test_a_character_that_cannot_be_edited_is_refused(
    character: Character, error: type[errors.FacewrightError], field: str
) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await client.refit(character, preset="stylised")
    assert caught.value.field_violations[0].field == field


async def test_a_character_of_an_unknown_rig_is_refused() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.UnknownRigError, match="nobody"):
            await client.refit(Character("nobody", "1.0.0", {"nose_width": 0.5}), preset="stylised")


async def test_an_unknown_preset_never_leaves_the_client() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidInputError, match="younger, older, heavier, stylised"):
            await client.refit(ME, preset="prettier")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"character": None}, "character"),
        ({"preset": 9}, "preset"),
        ({"subject": fitting_pb2.Subject()}, "subject.photos"),
        ({"subject": fitting_pb2.Subject(photos=[fitting_pb2.Photo()] * 9)}, "subject.photos"),
        ({"subject": fitting_pb2.Subject(photos=[fitting_pb2.Photo()])}, "subject.photos[0].content"),
        (
            {"subject": fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=b"")])},
            "subject.photos[0].content",
        ),
    ],
)
async def test_a_malformed_request_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    character = character_pb2.Character(rig="fake", sliders={"nose_width": 0.5})
    request = fitting_pb2.RefitCharacterRequest(**{"character": character, "preset": 4, **changes})
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in fitting_pb2_grpc.FittingServiceStub(channel).RefitCharacter(request, timeout=5):
                pass
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error_of(caught.value).field_violations[0].field == field


@pytest.mark.parametrize("where", [raising, raising_in_fit], ids=["reading", "fitting"])
async def test_an_error_of_a_photo_arrives_as_its_own_class(where: Any) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.NoFaceError):
            await client.refit(ME, where(domain.NoFaceError))


async def test_photos_that_are_too_large_together_are_refused() -> None:
    async with running(max_request_pixels=2 * 64 * 48) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.ImageTooLargeError, match="together") as caught:
            await client.refit(ME, PHOTO, PHOTO, PHOTO)
        assert live.studio.steps == 0
    assert caught.value.field_violations[0].field == "subject"


async def test_cancelling_the_task_stops_the_work_and_leaves_nothing() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio) as live, AsyncClient(live.address) as client:
        refit = asyncio.create_task(client.refit(ME, PHOTO, options=FitOptions(iterations=1000)))
        await until(lambda: studio.steps >= 3)
        refit.cancel()
        await until(lambda: studio.stopped_at is not None)
        assert studio.steps < 100
        await until(lambda: not live.server._engine._fitting._running)
        assert waiting_in(live) == 0
        await client.refit(ME, preset="stylised")  # the place is free again
        assert studio.running == 0


async def test_the_deadline_of_the_caller_and_the_limit_of_the_server_stop_the_work() -> None:
    studio = FakeStudio(step_secs=0.02)
    options = FitOptions(iterations=1000)
    async with running(studio) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.DeadlineError):
            await client.refit(ME, PHOTO, options=options, timeout_secs=1)
        await until(lambda: studio.stopped_at is not None)
    async with (
        running(FakeStudio(step_secs=0.02), fit_limit_secs=0.3) as live,
        AsyncClient(live.address) as client,
    ):
        with pytest.raises(errors.DeadlineError) as caught:
            await client.refit(ME, PHOTO, options=options)
    assert caught.value.reason == "TIME_LIMIT"


async def test_a_refit_stands_in_the_queue_of_the_fits_and_is_computed_alone() -> None:
    studio = FakeStudio(step_secs=0.02)
    async with running(studio, fit_queue_depth=3) as live, AsyncClient(live.address) as client:
        first = asyncio.create_task(client.fit(PHOTO))
        await until(lambda: studio.steps > 0)
        others = [
            asyncio.create_task(client.fit(PHOTO)),
            asyncio.create_task(client.refit(ME, PHOTO)),
            asyncio.create_task(client.refit(ME, PHOTO)),
        ]
        await until(lambda: waiting_in(live) == 3)
        with pytest.raises(errors.ServerBusyError) as caught:
            await client.refit(ME, preset="stylised")
        assert caught.value.retry_delay_secs > 0
        await asyncio.gather(first, *others)
    assert studio.batches == [1, 1, 1, 1]
    assert studio.most_running == 1


async def test_a_skin_of_ones_own_is_kept(tmp_path: Any) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        fitted = (await client.fit(PHOTO, options=FitOptions(iterations=1, texture=True))).character
        result = await client.refit(fitted, preset="stylised")
        worn = live.studio.worn[-1]
    assert result.character.skin_texture == fitted.skin_texture
    assert worn is not None
    assert (worn.pixels == skin_pixels()).all()
