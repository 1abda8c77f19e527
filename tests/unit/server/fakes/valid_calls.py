"""Requests that a server over the fake studio can answer, made from a seed; fuzzing begins with them."""

from __future__ import annotations

import asyncio
import io
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import numpy as np
from google.longrunning import operations_pb2
from google.protobuf import duration_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from PIL import Image

from facewright.v1 import (
    character_pb2,
    export_pb2,
    expression_pb2,
    fitting_pb2,
    media_pb2,
    render_pb2,
    rig_pb2,
    server_pb2,
)
from unit.server.fakes.raw_calls import Answer, send

PACKAGE = "/facewright.v1."
OPERATIONS = "/google.longrunning.Operations/"
HEALTH = "/grpc.health.v1.Health/Check"
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One call. Those that are `alone` are made while nothing else runs."""

    label: str
    path: str | bytes
    messages: tuple[bytes, ...]
    is_malformed: bool = False
    timeout_secs: float = 30.0
    metadata: tuple[tuple[str, str | bytes], ...] = ()
    leave_after_secs: float | None = None
    is_alone: bool = False
    raw: bytes | None = None  # sent to the port without gRPC


@dataclass
class Known:
    """What lies on the server for requests to name."""

    photo: bytes
    media: list[str] = field(default_factory=list)
    uploads: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)  # uploads that nobody writes to
    doomed: list[str] = field(default_factory=list)  # uploads that somebody may delete
    operations: list[str] = field(default_factory=list)  # the last one may be deleted

    def take_upload(self, rng: random.Random) -> str:
        """One that nobody else writes to, while there are some."""
        return self.uploads.pop() if self.uploads else rng.choice(self.media)


def photo_bytes(size_px: tuple[int, int] = (48, 40)) -> bytes:
    """A small PNG of noise."""
    values = np.random.default_rng(0).integers(0, 255, (size_px[1], size_px[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(values).save(stream, "PNG")
    return stream.getvalue()


async def prepare(channel: grpc.aio.Channel, *, uploads: int) -> Known:
    """Media, open uploads and done operations. Raises `RuntimeError` when the server cannot make them."""
    known = Known(photo=photo_bytes())
    for index in range(uploads + 16):
        request = media_pb2.CreateUploadRequest(
            size_bytes=len(known.photo), time_to_live=duration_pb2.Duration(seconds=3600)
        )
        answer = await _demand(channel, PACKAGE + "MediaService/CreateUpload", request)
        name = media_pb2.CreateUploadResponse.FromString(answer.messages[0]).upload.name
        if index >= 4:
            others = known.uploads if index >= 16 else known.doomed if index >= 8 else known.open
            others.append(name)
            continue
        answer = await _demand(
            channel, PACKAGE + "MediaService/WriteUpload", *write_messages(name, known.photo)
        )
        known.media.append(media_pb2.WriteUploadResponse.FromString(answer.messages[0]).media.name)
    for _ in range(2):
        answer = await _demand(channel, PACKAGE + "FittingService/BatchFit", _batch(random.Random(0), known))
        known.operations.append(operations_pb2.Operation.FromString(answer.messages[0]).name)
    return known


async def settle(channel: grpc.aio.Channel, *, timeout_secs: float) -> None:
    """Until no operation runs. Raises `TimeoutError`."""
    deadline = time.monotonic() + timeout_secs
    request = operations_pb2.ListOperationsRequest(filter="done = false")
    while True:
        answer = await _demand(channel, OPERATIONS + "ListOperations", request)
        if not operations_pb2.ListOperationsResponse.FromString(answer.messages[0]).operations:
            return
        if time.monotonic() > deadline:
            raise TimeoutError(f"operations still run after {timeout_secs:g} s")
        await asyncio.sleep(0.25)


async def _demand(channel: grpc.aio.Channel, path: str, *messages: Any) -> Answer:
    raw = [message if isinstance(message, bytes) else message.SerializeToString() for message in messages]
    answer = await send(channel, path, raw, timeout_secs=30)
    if not answer.is_ok:
        raise RuntimeError(f"{path} ended with {answer.code.name} {answer.reason}: {answer.text}")
    return answer


def write_messages(name: str, content: bytes, *, offset: int = 0, chunk_bytes: int = 0) -> tuple[bytes, ...]:
    """The stream of an upload."""
    start = media_pb2.WriteUploadRequest(start=media_pb2.UploadStart(name=name, offset=offset))
    step = chunk_bytes or len(content) or 1
    chunks = [content[at : at + step] for at in range(0, len(content), step)]
    return (
        start.SerializeToString(),
        *(media_pb2.WriteUploadRequest(data=chunk).SerializeToString() for chunk in chunks),
    )


def fit_request(rng: random.Random, known: Known) -> fitting_pb2.FitRequest:
    by_media = rng.random() < 0.3
    photo = (
        fitting_pb2.Photo(media=rng.choice(known.media))
        if by_media
        else fitting_pb2.Photo(content=known.photo)
    )
    return fitting_pb2.FitRequest(
        subjects=[fitting_pb2.Subject(photos=[photo])] * rng.choice((1, 1, 2)),
        options=fitting_pb2.FitOptions(
            iterations=rng.randint(1, 4), seed=rng.randint(0, 50), similarity_threshold=1.0
        ),
    )


def render_request(rng: random.Random) -> render_pb2.RenderRequest:
    character = character_pb2.Character(
        rig="fake",
        sliders={"nose_width": rng.random()},
        styles={"hair": "bob"},
        colors={"skin": character_pb2.Color(red=0.5, green=0.4, blue=0.3)},
    )
    return render_pb2.RenderRequest(
        character=character,
        expression={"jawOpen": rng.random()},
        view=render_pb2.View(yaw_degrees=rng.uniform(-40, 40)),
        size_px=rng.choice((16, 64, 256)),
        passes=rng.sample((1, 2, 3, 4), rng.randint(0, 2)),
    )


def frames_request(rng: random.Random) -> render_pb2.StreamFramesRequest:
    count = rng.randint(1, 8)
    return render_pb2.StreamFramesRequest(
        character=render_request(rng).character,
        clip=render_pb2.Clip(
            curves=["jawOpen", "mouthSmileLeft"],
            weights=[rng.random() for _ in range(2 * count)],
            yaw_degrees=[rng.uniform(-40, 40) for _ in range(rng.choice((0, 1, count)))],
        ),
        size_px=rng.choice((16, 64)),
        preset=rng.randint(0, 2),
        encoding=rng.randint(0, 3),
    )


def export_request(rng: random.Random) -> export_pb2.ExportRequest:
    return export_pb2.ExportRequest(
        character=render_request(rng).character,
        format=rng.choice((0, 1, 2)),
        expression={"jawOpen": rng.random()},
        omit_morphs=rng.random() < 0.5,
        name=rng.choice(("", "face")),
    )


def refit_request(rng: random.Random, known: Known) -> fitting_pb2.RefitCharacterRequest:
    subject = fit_request(rng, known).subjects[0] if rng.random() < 0.4 else None
    return fitting_pb2.RefitCharacterRequest(
        character=render_request(rng).character,
        subject=subject,
        kept=["jaw_width"],
        colors={"skin": character_pb2.Color(red=0.5, green=0.4, blue=0.3)},
        preset=rng.choice((0, 4)),
        options=fitting_pb2.FitOptions(iterations=rng.randint(1, 4)),
    )


def expression_frames_request(
    rng: random.Random, known: Known
) -> expression_pb2.StreamExpressionFramesRequest:
    video = expression_video_request(rng, known)
    return expression_pb2.StreamExpressionFramesRequest(
        source=video.source, motion=video.motion, encoding=rng.randint(0, 3)
    )


def expression_video_request(
    rng: random.Random, known: Known
) -> expression_pb2.GenerateExpressionVideoRequest:
    sources: tuple[dict[str, Any], ...] = (
        {"content": known.photo},
        {"media": rng.choice(known.media)},
        {"character": render_request(rng).character, "shot": {"size_px": 32}},
    )
    key = expression_pb2.ExpressionKey(time=rng.random(), value=rng.random(), easing=rng.randint(0, 5))
    motion = expression_pb2.ExpressionMotion(
        curves=[expression_pb2.ExpressionCurve(name=rng.choice(("smile", "jaw")), keys=[key])],
        moods=[expression_pb2.MoodKey(mood="sad", strength=rng.random())][: rng.randint(0, 1)],
        frame_count=rng.randint(1, 5),
        fps=rng.choice((1.0, 24.0, 60.0)),
        loop=rng.random() < 0.5,
        order=rng.randint(0, 3),
    )
    source = expression_pb2.ExpressionSource(**rng.choice(sources))
    return expression_pb2.GenerateExpressionVideoRequest(source=source, motion=motion)


def _batch(rng: random.Random, known: Known) -> fitting_pb2.BatchFitRequest:
    return fitting_pb2.BatchFitRequest(
        subjects=fit_request(rng, known).subjects,
        options=fitting_pb2.FitOptions(iterations=1),
        pictures=rng.sample((1, 2), rng.randint(0, 2)),
    )


def _upload(rng: random.Random, known: Known) -> tuple[bytes, ...]:
    return write_messages(known.take_upload(rng), known.photo, chunk_bytes=rng.choice((0, 700, 2000)))


Maker = Callable[[random.Random, Known], Any]
# Path, how often, and the message or messages.
MAKERS: dict[str, tuple[int, Maker]] = {
    PACKAGE + "RigService/ListRigs": (4, lambda rng, _: rig_pb2.ListRigsRequest(page_size=rng.randint(0, 3))),
    PACKAGE + "RigService/GetRig": (4, lambda _, __: rig_pb2.GetRigRequest(name="fake")),
    PACKAGE + "ServerService/GetServerInfo": (3, lambda _, __: server_pb2.GetServerInfoRequest()),
    PACKAGE + "RenderService/Render": (24, lambda rng, _: render_request(rng)),
    PACKAGE + "RenderService/StreamFrames": (8, lambda rng, _: frames_request(rng)),
    PACKAGE + "ExportService/Export": (6, lambda rng, _: export_request(rng)),
    PACKAGE + "FittingService/Fit": (20, fit_request),
    PACKAGE + "FittingService/RefitCharacter": (6, refit_request),
    PACKAGE + "FittingService/BatchFit": (2, _batch),
    PACKAGE + "ExpressionService/StreamExpressionFrames": (6, expression_frames_request),
    PACKAGE + "ExpressionService/GenerateExpressionVideo": (1, expression_video_request),
    PACKAGE + "ExpressionService/ListCapturePrompts": (
        1,
        lambda _, __: expression_pb2.ListCapturePromptsRequest(),
    ),
    PACKAGE + "MediaService/CreateUpload": (
        4,
        lambda rng, _: media_pb2.CreateUploadRequest(
            size_bytes=rng.randint(1, 10**6),
            display_name="face.png",
            time_to_live=duration_pb2.Duration(seconds=600),
        ),
    ),
    PACKAGE + "MediaService/WriteUpload": (10, _upload),
    PACKAGE + "MediaService/GetUpload": (
        3,
        lambda rng, known: media_pb2.GetUploadRequest(name=rng.choice(known.open)),
    ),
    PACKAGE + "MediaService/GetMedia": (
        5,
        lambda rng, known: media_pb2.GetMediaRequest(name=rng.choice(known.media)),
    ),
    PACKAGE + "MediaService/ListMedia": (
        4,
        lambda rng, _: media_pb2.ListMediaRequest(page_size=rng.randint(0, 9)),
    ),
    PACKAGE + "MediaService/DeleteMedia": (
        1,
        lambda rng, known: media_pb2.DeleteMediaRequest(name=rng.choice(known.doomed)),
    ),
    PACKAGE + "MediaService/DownloadMedia": (
        6,
        lambda rng, known: media_pb2.DownloadMediaRequest(name=rng.choice(known.media)),
    ),
    OPERATIONS + "GetOperation": (
        3,
        lambda rng, known: operations_pb2.GetOperationRequest(name=known.operations[0]),
    ),
    OPERATIONS + "ListOperations": (
        3,
        lambda rng, _: operations_pb2.ListOperationsRequest(page_size=rng.randint(0, 3)),
    ),
    OPERATIONS + "WaitOperation": (
        2,
        lambda rng, known: operations_pb2.WaitOperationRequest(
            name=known.operations[0], timeout=duration_pb2.Duration(nanos=50_000_000)
        ),
    ),
    OPERATIONS + "CancelOperation": (
        1,
        lambda rng, known: operations_pb2.CancelOperationRequest(name=known.operations[-1]),
    ),
    OPERATIONS + "DeleteOperation": (
        1,
        lambda rng, known: operations_pb2.DeleteOperationRequest(name=known.operations[-1]),
    ),
    HEALTH: (3, lambda _, __: health_pb2.HealthCheckRequest()),
    REFLECTION: (1, lambda _, __: reflection_pb2.ServerReflectionRequest(list_services="")),
}


def encoded(message: Any) -> bytes:
    """The same bytes every time, also of maps."""
    content: bytes = message.SerializeToString(deterministic=True)
    return content


def make(path: str, rng: random.Random, known: Known) -> tuple[bytes, ...]:
    """The messages of a valid call."""
    made = MAKERS[path][1](rng, known)
    return made if isinstance(made, tuple) else (encoded(made),)


def valid_cases(rng: random.Random, known: Known, count: int) -> list[Case]:
    """A mix of everything."""
    paths: Sequence[str] = rng.choices(list(MAKERS), weights=[often for often, _ in MAKERS.values()], k=count)
    return [Case(label="valid", path=path, messages=make(path, rng, known)) for path in paths]
