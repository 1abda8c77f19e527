"""`FittingService` over a real connection, with a fake fitter behind it."""

import asyncio
import math
from dataclasses import dataclass, field

import grpc
import pytest

from facewright import (
    AsyncClient,
    Client,
    Color,
    FaceBox,
    FitOptions,
    FitProgress,
    FitResult,
    Locks,
    Photo,
    Subject,
    errors,
)
from facewright.v1 import fitting_pb2, fitting_pb2_grpc
from facewright_models import errors as domain
from facewright_models import fitting as domain_fitting
from facewright_server.errors import UnknownMediaError
from facewright_server.media.store import MediaStore
from unit.server.fakes.running import Running, running, until
from unit.server.fakes.studio import PHOTO, raising, raising_in_fit

DEFAULT_STEPS = domain_fitting.FitOptions().iterations
DOMAIN_TO_CLIENT = [
    (domain.InvalidImageError, errors.InvalidImageError),
    (domain.ImageTooLargeError, errors.ImageTooLargeError),
    (domain.NoFaceError, errors.NoFaceError),
    (domain.FaceTooSmallError, errors.FaceTooSmallError),
    (domain.UnknownRigError, errors.UnknownRigError),
    (domain.UnknownParameterError, errors.UnknownParameterError),
    (domain.ParameterRangeError, errors.ParameterRangeError),
    (domain.RigVersionError, errors.RigVersionError),
    (domain.FitCancelledError, errors.CallCancelledError),
    (domain.WeightsError, errors.ServerError),
    (domain.RenderUnavailableError, errors.RenderUnavailableError),
    (domain.InvalidInputError, errors.InvalidInputError),
    (domain.FacewrightError, errors.ServerError),
]


async def test_a_fit_streams_every_step_and_then_the_result() -> None:
    seen: list[FitProgress] = []
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.fit(PHOTO, options=FitOptions(iterations=5), on_progress=seen.append)
    assert [(step.stage, step.iteration) for step in seen] == [
        ("align", 0), *(("optimise", n) for n in range(1, 6)), ("render", 5)
    ]  # fmt: skip
    assert result.character.rig == "fake"
    assert result.character.rig_version == "2.1.0"
    assert result.report.seconds.total == 1.0
    assert result.report.warnings[0].code == "GLASSES"
    assert result.report.confidence == {"nose": 0.75, "ears": 0.25}
    for png in (result.aligned_photo_png, result.imitated_png, result.rendered_png, result.comparison_png):
        assert png.startswith(b"\x89PNG")


async def test_the_synchronous_client_does_the_same() -> None:
    seen: list[FitProgress] = []

    def fit(address: str) -> FitResult:
        with Client(address) as client:
            return client.fit(PHOTO, options=FitOptions(iterations=3), on_progress=seen.append)

    async with running() as live:
        result = await asyncio.to_thread(fit, live.address)
    assert result.report.iterations == 3
    assert len(seen) == 5


async def test_the_frame_of_a_fit_is_drawn_on_the_render_thread() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await client.fit(PHOTO)
        assert live.studio.render_threads == {"render_0"}


async def test_several_people_get_one_result_each_in_order() -> None:
    people = [Subject((Photo(PHOTO),)), Subject((Photo(PHOTO), Photo(b"another")))]
    async with running() as live, AsyncClient(live.address) as client:
        events = [event async for event in client.fit_people(people, options=FitOptions(iterations=2))]
        assert [len(subject.photos) for subject in live.studio.subjects] == [1, 2]
    assert [event.subject for event in events if isinstance(event, FitResult)] == [0, 1]
    assert {event.subject for event in events if isinstance(event, FitProgress)} == {0, 1}


async def test_options_reach_the_fitter_and_unset_ones_keep_the_domain_default() -> None:
    options = FitOptions(
        iterations=7,
        seed=4,
        content_norm="l2",
        alignment="affine",
        identity_weight=0.0,
        locks=Locks({"jaw_width": 0.125}, {"hair": "bob"}, {"skin": Color(0.25, 0.5, 0.75)}),
    )
    async with running() as live, AsyncClient(live.address) as client:
        result = await client.fit(PHOTO, options=options)
        seen = live.studio.options
    assert (seen.iterations, seen.seed, seen.content_norm, seen.alignment) == (7, 4, "l2", "affine")
    assert seen.identity_weight == 0.0
    assert seen.similarity_threshold == type(seen)().similarity_threshold
    assert result.character.sliders["jaw_width"] == 0.125
    assert result.character.styles["hair"] == "bob"
    assert result.character.colors["skin"] == Color(0.25, 0.5, 0.75)


async def test_the_same_seed_gives_the_same_bytes() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        first, second = [await client.fit(PHOTO, options=FitOptions(seed=3)) for _ in range(2)]
    assert first == second


@pytest.mark.parametrize(("raised", "received"), DOMAIN_TO_CLIENT, ids=lambda cls: cls.__name__)
@pytest.mark.parametrize("where", [raising, raising_in_fit], ids=["reading", "fitting"])
async def test_every_domain_error_arrives_as_its_own_class(raised, received, where) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.FacewrightError) as caught:
            await client.fit(where(raised))
    assert type(caught.value) is received
    assert caught.value.reason == raised.reason
    assert str(caught.value) == f"this is {raised.__name__}"
    assert caught.value.metadata == {"from": "fake"}
    assert caught.value.request_id


async def test_an_unexpected_exception_tells_the_client_nothing_but_where_to_look(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.ServerError) as caught:
            await client.fit(raising_in_fit(RuntimeError))
    assert "secret" not in str(caught.value)
    assert caught.value.request_id in str(caught.value)
    logged = [record for record in caplog.records if record.exc_info]
    assert len(logged) == 1
    assert "secret" in str(logged[0].exc_info[1])


async def test_an_error_of_a_photo_names_its_place_in_the_request() -> None:
    people = [Subject((Photo(PHOTO),)), Subject((Photo(PHOTO), Photo(b"")))]
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidImageError) as caught:
            async for _ in client.fit_people(people):
                pass
    assert caught.value.field_violations[0].field == "subjects[1].photos[1].content"


async def test_a_face_box_reaches_the_fitter() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        await client.fit(Photo(PHOTO, FaceBox(1, 2, 30, 40)))
        (box,) = live.studio.subjects[0].face_boxes
    assert (box.x, box.y, box.width, box.height) == (1, 2, 30, 40)


@pytest.mark.parametrize(
    "box", [(-9, 0, 9, 9), (0, -9, 9, 9), (0, 0, 0, 9), (64, 0, 9, 9), (0, 48, 9, 9), (2**31 - 1, 0, 9, 9)]
)
async def test_a_face_box_outside_the_photo_is_refused(box: tuple[int, int, int, int]) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.ParameterRangeError, match="64 x 48"):
            await client.fit(Photo(PHOTO, FaceBox(*box)))


@pytest.mark.parametrize(
    ("options", "error", "field"),
    [
        (FitOptions(iterations=0), errors.ParameterRangeError, "options.iterations"),
        (FitOptions(iterations=1001), errors.ParameterRangeError, "options.iterations"),
        (
            FitOptions(similarity_threshold=math.nan),
            errors.ParameterRangeError,
            "options.similarity_threshold",
        ),
        (FitOptions(similarity_threshold=2), errors.ParameterRangeError, "options.similarity_threshold"),
        (FitOptions(content_weight=-1), errors.ParameterRangeError, "options.content_weight"),
        (FitOptions(landmark_weight=math.inf), errors.ParameterRangeError, "options.landmark_weight"),
        (FitOptions(locks=Locks({"nose_width": math.nan})), errors.ParameterRangeError, "nose_width"),
        (FitOptions(locks=Locks({"nose_width": 1.01})), errors.ParameterRangeError, "nose_width"),
        (FitOptions(locks=Locks({"nose": 0.1})), errors.UnknownParameterError, "options.locks"),
        (FitOptions(locks=Locks(styles={"hair": "mohawk"})), errors.UnknownParameterError, "hair"),
        (FitOptions(locks=Locks(styles={"hat": "top"})), errors.UnknownParameterError, "options.locks"),
        (FitOptions(locks=Locks(colors={"skin": Color(0, 0, 2)})), errors.ParameterRangeError, "skin"),
    ],
)
async def test_bad_options_are_refused_with_their_field(options, error, field) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(error) as caught:
            await client.fit(PHOTO, options=options)
        assert live.studio.steps == 0
    assert field in caught.value.field_violations[0].field
    assert caught.value.field_violations[0].field.startswith("options.")


@pytest.mark.parametrize(
    "options", [FitOptions(iterations=2**40), FitOptions(seed=-1), FitOptions(content_norm="l3")]
)
async def test_values_that_no_field_can_hold_are_bad_input_too(options: FitOptions) -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.InvalidInputError):
            await client.fit(PHOTO, options=options)


@pytest.mark.parametrize(
    ("request_message", "field"),
    [
        (fitting_pb2.FitRequest(), "subjects"),
        (fitting_pb2.FitRequest(subjects=[fitting_pb2.Subject()] * 9), "subjects"),
        (fitting_pb2.FitRequest(subjects=[fitting_pb2.Subject()]), "subjects[0].photos"),
        (
            fitting_pb2.FitRequest(subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo()])]),
            "subjects[0].photos[0].content",
        ),
        (
            fitting_pb2.FitRequest(
                subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=PHOTO)])],
                options=fitting_pb2.FitOptions(alignment=9),
            ),
            "options.alignment",
        ),
    ],
)
async def test_a_malformed_request_is_refused_with_its_field(request_message, field) -> None:
    from facewright._status import error_of

    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = fitting_pb2_grpc.FittingServiceStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in stub.Fit(request_message, timeout=5):
                pass
    error = error_of(caught.value)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert error.field_violations[0].field == field


async def test_an_unknown_rig_is_refused_before_the_photos_are_read() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.UnknownRigError, match="nobody"):
            await client.fit(raising(domain.NoFaceError), rig="nobody")


async def fit_of_media(live: Running, name: str) -> list[fitting_pb2.FitResponse]:
    async with grpc.aio.insecure_channel(live.address) as channel:
        stub = fitting_pb2_grpc.FittingServiceStub(channel)
        request = fitting_pb2.FitRequest(
            subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(media=name)])]
        )
        return [answer async for answer in stub.Fit(request, timeout=10)]


@dataclass
class FakeMedia:
    """One file of the local client."""

    asked: list[tuple[str, str, int]] = field(default_factory=list)

    async def read(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        self.asked.append((name, owner, max_bytes))
        if name != "media/known":
            raise UnknownMediaError(f"there is no {name}")
        return PHOTO


async def test_a_photo_may_be_a_file_that_was_uploaded_before(monkeypatch: pytest.MonkeyPatch) -> None:
    media = FakeMedia()
    monkeypatch.setattr(MediaStore, "read", lambda _, name, **named: media.read(name, **named))
    async with running(max_message_bytes=100_000) as live:
        answers = await fit_of_media(live, "media/known")
        assert answers[-1].result.character.rig == "fake"
        assert media.asked == [("media/known", "local", 100_000)]
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await fit_of_media(live, "media/unknown")
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND


async def test_photos_that_are_too_large_together_are_refused() -> None:
    people = [Subject((Photo(PHOTO),))] * 3
    async with running(max_request_pixels=2 * 64 * 48) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.ImageTooLargeError, match="together"):
            async for _ in client.fit_people(people):
                pass
        assert live.studio.steps == 0


async def test_a_request_over_the_message_limit_is_refused_before_it_is_sent() -> None:
    async with running() as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.MessageTooLargeError, match="33,"):
            await client.fit(bytes(33 * 1024 * 1024))


async def test_a_server_with_a_lower_limit_refuses_larger_messages() -> None:
    async with running(max_message_bytes=64 * 1024) as live, AsyncClient(live.address) as client:
        with pytest.raises(errors.MessageTooLargeError):
            await client.fit(bytes(100_000))


async def test_the_request_id_of_the_client_is_kept_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with running() as live, grpc.aio.insecure_channel(live.address) as channel:
        stub = fitting_pb2_grpc.FittingServiceStub(channel)
        request = fitting_pb2.FitRequest(
            subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=PHOTO)])]
        )
        call = stub.Fit(request, metadata=(("x-request-id", "game-42"),), timeout=10)
        assert (await call.initial_metadata())["x-request-id"] == "game-42"
        async for _ in call:
            pass
        await until(lambda: any(record.message == "call" for record in caplog.records))
    (line,) = [record for record in caplog.records if record.message == "call"]
    assert (line.method, line.code, line.answers) == (
        "/facewright.v1.FittingService/Fit",
        "OK",
        3 + DEFAULT_STEPS,
    )
    assert line.request_bytes > 0
    assert line.ms >= 0
