"""Calls that no honest client makes, from a seed: broken bytes, pictures, streams, names, numbers and paths."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import duration_pb2
from grpc_health.v1 import health_pb2

from facewright.v1 import character_pb2, fitting_pb2, media_pb2, render_pb2, rig_pb2
from unit.server.fakes.broken_pictures import broken_pictures
from unit.server.fakes.valid_calls import (
    HEALTH,
    MAKERS,
    OPERATIONS,
    PACKAGE,
    Case,
    Known,
    encoded,
    export_request,
    expression_frames_request,
    expression_video_request,
    fit_request,
    make,
    render_request,
    write_messages,
)

FIT = PACKAGE + "FittingService/Fit"
BATCH = PACKAGE + "FittingService/BatchFit"
RENDER = PACKAGE + "RenderService/Render"
ANIMATE = PACKAGE + "ExpressionService/StreamExpressionFrames"
VIDEO = PACKAGE + "ExpressionService/GenerateExpressionVideo"
EXPORT = PACKAGE + "ExportService/Export"
WRITE = PACKAGE + "MediaService/WriteUpload"
CREATE = PACKAGE + "MediaService/CreateUpload"

NUMBERS = (math.nan, math.inf, -math.inf, 1e308, -1e308, 5e-324, -0.0, 2.0**63)
INT32S = (-(2**31), -1, 0, 2**31 - 1)
INT64S = (-(2**63), -1, 2**53 + 1, 2**63 - 1)
NAMES = (
    "nobody",
    "",
    " ",
    "media/",
    "media/../../etc/passwd",
    "operations/%00",
    "a\0b",
    "'; DROP TABLE media; --",
    "媒体/😀",
    "x" * 20_000,
    "media/" + "0" * 32,
    "operations/" + "f" * 32,
    "\u202e\ufeff",
)
UNREADABLE_PATH = b"/facewright.v1.\xff\xfe/Fit"

Answering = tuple[str, Any]  # path, and one message or several


def malformed_cases(rng: random.Random, known: Known, count: int, *, max_message_bytes: int) -> list[Case]:
    """The kinds in turn, so that a small count has some of each."""
    kinds: dict[str, Callable[[], Case]] = {
        "mutated bytes": lambda: _mutated(rng, known),
        "pictures": lambda: _picture(rng, known),
        "chunks": lambda: _chunks(rng, known),
        "names": lambda: _named("names", _names(rng, known)),
        "numbers": lambda: _named("numbers", _numbers(rng, known)),
        "enums": lambda: _named("enums", _enums(rng, known)),
        "stream shapes": lambda: _shape(rng, known),
        "paths": lambda: _path(rng),
        "metadata": lambda: _metadata(rng, known),
    }
    rare: tuple[Callable[[], Case], ...] = (
        lambda: _oversized(known, max_message_bytes + 1000),
        lambda: _oversized(known, 2 * max_message_bytes + 1000),
        lambda: Case(
            label="path that is not UTF-8",
            path=UNREADABLE_PATH,
            messages=(b"",),
            is_malformed=True,
            is_alone=True,
            timeout_secs=5,
        ),
        lambda: _not_grpc(rng),
    )
    cases = []
    names = [name for name in kinds for _ in range(3 if name == "mutated bytes" else 1)]
    for index in range(count):
        if index % 10 == 9:
            cases.append(rare[index // 10 % len(rare)]())
        else:
            cases.append(kinds[names[index % len(names)]]())
    return cases


def mutate(rng: random.Random, content: bytes) -> bytes:
    """The same bytes with something wrong in them."""
    changed = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(changed) + 1)
        way = rng.randrange(7)
        if way == 0 and changed:
            changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        elif way == 1:
            del changed[at:]
        elif way == 2:
            changed[at:at] = rng.randbytes(rng.randint(1, 20))
        elif way == 3:
            changed[at:at] = changed[max(0, at - 30) : at]
        elif way == 4:
            changed[at:at] = b"\xff" * 9 + b"\x7f"  # a length beyond everything
        elif way == 5:
            changed[at:at] = b"\x0b" * 200  # groups in groups, deeper than parsers go
        else:
            changed = bytearray(rng.randbytes(rng.randint(0, 300)))
    return bytes(changed)


def _case(label: str, path: str | bytes, *messages: Any, **options: Any) -> Case:
    raw = tuple(message if isinstance(message, bytes) else encoded(message) for message in messages)
    return Case(label=label, path=path, messages=raw, is_malformed=True, **options)


def _named(label: str, answering: Answering) -> Case:
    path, message = answering
    messages = message if isinstance(message, tuple) else (message,)
    return _case(label, path, *messages, timeout_secs=10)


def _mutated(rng: random.Random, known: Known) -> Case:
    path = rng.choice(list(MAKERS))
    messages = list(make(path, rng, known))
    index = rng.randrange(len(messages))
    messages[index] = mutate(rng, messages[index])
    return _case("mutated bytes", path, *messages, timeout_secs=10)


def _picture(rng: random.Random, known: Known) -> Case:
    name, content = rng.choice(list(broken_pictures(known.photo).items()))
    if rng.random() < 0.7:
        request = fit_request(rng, known)
        request.subjects[0].photos[0].content = content
        return _case(f"picture: {name}", FIT, request)
    return _case(f"file: {name}", WRITE, *write_messages(known.take_upload(rng), _fitted(known, content)))


def _fitted(known: Known, content: bytes) -> bytes:
    """As long as the upload was announced, so that it is complete and gets looked at."""
    size = len(known.photo)
    return content[:size] + bytes(max(0, size - len(content)))


def _chunks(rng: random.Random, known: Known) -> Case:
    name, photo = known.take_upload(rng), known.photo
    start, data = write_messages(name, photo)
    ways: tuple[tuple[bytes, ...], ...] = (
        (data, start),
        (start, start, data),
        (start, data, data),
        (start, data, start),
        (start, b"", data),
        (b"", data),
        write_messages(name, photo, offset=rng.choice((*INT64S, 1, len(photo), len(photo) + 1))),
        write_messages(rng.choice(NAMES), photo),
        (start, media_pb2.WriteUploadRequest(data=bytes(4 * 1024 * 1024 + 1)).SerializeToString()),
        (start, *([media_pb2.WriteUploadRequest(data=b"").SerializeToString()] * 50)),
        (start, media_pb2.WriteUploadRequest(data=photo[:100]).SerializeToString()),
    )
    return _case("chunks", WRITE, *rng.choice(ways))


def _names(rng: random.Random, known: Known) -> Answering:
    name = rng.choice(NAMES)
    fit = fit_request(rng, known)
    render = render_request(rng)
    way = rng.randrange(13)
    if way == 12:
        video = expression_video_request(rng, known)
        video.source.media = name
        video.motion.curves[0].name = rng.choice(("smile", name))
        return rng.choice((ANIMATE, VIDEO)), video
    if way == 0:
        return PACKAGE + "RigService/GetRig", rig_pb2.GetRigRequest(name=name)
    if way == 1:
        fit.rig = name or "nobody"
        return FIT, fit
    if way == 2:
        fit.subjects[0].photos[0].media = name
        return rng.choice((FIT, BATCH)), fit
    if way == 3:
        render.character.sliders[name] = 0.5
        return RENDER, render
    if way == 4:
        render.expression[name] = 0.5
        return RENDER, render
    if way == 5:
        render.character.styles["hair"] = name
        return RENDER, render
    if way == 6:
        fit.options.locks.colors[name].red = 0.5
        return FIT, fit
    if way == 7:
        method = rng.choice(("GetUpload", "GetMedia", "DeleteMedia", "DownloadMedia"))
        return PACKAGE + "MediaService/" + method, media_pb2.GetMediaRequest(name=name)
    if way == 8:
        method = rng.choice(("GetOperation", "CancelOperation", "DeleteOperation", "WaitOperation"))
        return OPERATIONS + method, operations_pb2.GetOperationRequest(name=name)
    if way == 9:
        return OPERATIONS + "ListOperations", operations_pb2.ListOperationsRequest(
            filter=name, page_token=name
        )
    if way == 10:
        export = export_request(rng)
        export.name = name
        return EXPORT, export
    return CREATE, media_pb2.CreateUploadRequest(
        size_bytes=10, sha256=name, display_name=name, request_id=name
    )


def _numbers(rng: random.Random, known: Known) -> Answering:
    number, small, large = rng.choice(NUMBERS), rng.choice(INT32S), rng.choice(INT64S)
    fit, render = fit_request(rng, known), render_request(rng)
    way = rng.randrange(15)
    if way == 13:
        animate = expression_frames_request(rng, known)
        key = animate.motion.curves[0].keys[0]
        setattr(*rng.choice(((key, "time"), (key, "value"), (animate.motion, "fps"))), number)
        return ANIMATE, animate
    if way == 14:
        animate = expression_frames_request(rng, known)
        owner, field = rng.choice(((animate.motion, "frame_count"), (animate.source, "frame_index")))
        setattr(owner, field, small)
        return ANIMATE, animate
    if way == 0:
        field = rng.choice(("similarity_threshold", "content_weight", "identity_weight", "landmark_weight"))
        setattr(fit.options, field, number)
        return FIT, fit
    if way == 1:
        fit.options.iterations = small
        return FIT, fit
    if way == 2:
        fit.options.locks.sliders["nose_width"] = number
        return FIT, fit
    if way == 3:
        fit.options.locks.colors["skin"].CopyFrom(
            character_pb2.Color(red=rng.choice((math.nan, math.inf, -1)))
        )
        return FIT, fit
    if way == 4:
        box = fitting_pb2.FaceBox(x=small, y=rng.choice(INT32S), width=rng.choice(INT32S), height=small)
        fit.subjects[0].photos[0].face_box.CopyFrom(box)
        return rng.choice((FIT, BATCH)), fit
    if way == 5:
        render.character.sliders["nose_width"] = number
        return RENDER, render
    if way == 6:
        render.size_px = small
        return RENDER, render
    if way == 7:
        render.view.yaw_degrees = number
        render.view.pitch_degrees = rng.choice(NUMBERS)
        return RENDER, render
    if way == 8:
        render.expression["jawOpen"] = number
        return RENDER, render
    if way == 9:
        span = duration_pb2.Duration(seconds=large, nanos=rng.choice(INT32S))
        return CREATE, media_pb2.CreateUploadRequest(size_bytes=10, time_to_live=span)
    if way == 10:
        return CREATE, media_pb2.CreateUploadRequest(size_bytes=large)
    if way == 11:
        request = media_pb2.DownloadMediaRequest(name=rng.choice(known.media), offset=large)
        return PACKAGE + "MediaService/DownloadMedia", request
    if rng.random() < 0.5:
        path = rng.choice((PACKAGE + "MediaService/ListMedia", PACKAGE + "RigService/ListRigs"))
        return path, media_pb2.ListMediaRequest(page_size=small, page_token=rng.choice(NAMES))
    span = duration_pb2.Duration(seconds=rng.choice((large, -5)), nanos=rng.choice(INT32S))
    return OPERATIONS + "WaitOperation", operations_pb2.WaitOperationRequest(
        name=rng.choice(known.operations), timeout=span
    )


def _enums(rng: random.Random, known: Known) -> Answering:
    number = rng.choice((77, -1, 2**31 - 1, -(2**31)))
    fit = fit_request(rng, known)
    way = rng.randrange(6)
    if way == 5:
        video = expression_video_request(rng, known)
        owner, field = rng.choice(((video.motion, "order"), (video.motion.curves[0].keys[0], "easing")))
        setattr(owner, field, number)
        return rng.choice((ANIMATE, VIDEO)), video
    if way == 4:
        export = export_request(rng)
        export.format = number
        return EXPORT, export
    if way == 0:
        fit.options.content_norm = number
        return FIT, fit
    if way == 1:
        fit.options.alignment = number
        return FIT, fit
    if way == 2:
        request = fitting_pb2.BatchFitRequest(subjects=fit.subjects, pictures=[number])
        return BATCH, request
    render = render_pb2.RenderRequest(character=character_pb2.Character(), passes=[1, number])
    return RENDER, render


def _shape(rng: random.Random, known: Known) -> Case:
    """Too few messages, too many, or a caller that leaves in the middle."""
    way = rng.randrange(6)
    if way == 0:
        return _case("no message", rng.choice(list(MAKERS)))
    if way == 1:
        path = rng.choice((FIT, RENDER, CREATE, OPERATIONS + "GetOperation"))
        return _case("two messages", path, *(make(path, rng, known) * 2))
    if way == 2:
        return _case("left before sending", rng.choice(list(MAKERS)), leave_after_secs=rng.uniform(0, 0.1))
    if way == 3:
        messages = write_messages(known.take_upload(rng), known.photo, chunk_bytes=500)
        return _case("left while sending", WRITE, *messages[:3], leave_after_secs=rng.uniform(0, 0.2))
    if way == 4:
        request = fit_request(rng, known)
        request.options.iterations = 1000
        return _case("left during a fit", FIT, request, leave_after_secs=rng.uniform(0, 0.1))
    empty = rng.choice((fitting_pb2.FitRequest(), fitting_pb2.FitRequest(subjects=[fitting_pb2.Subject()])))
    return _case("nothing in it", rng.choice((FIT, BATCH)), empty)


def _path(rng: random.Random) -> Case:
    paths: Sequence[str] = (
        PACKAGE + "FittingService/Nope",
        PACKAGE + "FittingService/fit",
        PACKAGE + "NoService/Fit",
        "/facewright.v2.FittingService/Fit",
        "/x/y/z",
        "/",
        "//",
        "/%2e%2e/%2e%2e",
        "/" + "m" * 3000,
        "/grpc.health.v1.Health/Nope",
    )
    if rng.random() < 0.1:
        request = health_pb2.HealthCheckRequest(service=rng.choice(NAMES[:9]) or "nobody")
        return _case("health of an unknown service", HEALTH, request)
    return _case("paths", rng.choice(paths), b"")


def _metadata(rng: random.Random, known: Known) -> Case:
    several: Sequence[tuple[tuple[str, str | bytes], ...]] = (
        (("authorization", "Bearer nonsense"), ("authorization", "Basic x")),
        (("x-request-id", "../../x y"),),
        (("x-request-id", "r" * 4000),),
        (("traceparent", "00-zz-zz-zz"),),
        (("x-rubbish", "r" * 20_000),),
        (("rubbish-bin", rng.randbytes(200)), ("x-request-id", "")),
    )
    path = rng.choice((RENDER, FIT, OPERATIONS + "ListOperations"))
    return _case("metadata", path, *make(path, rng, known), metadata=rng.choice(several))


def _oversized(known: Known, size_bytes: int) -> Case:
    request = fitting_pb2.FitRequest(
        subjects=[fitting_pb2.Subject(photos=[fitting_pb2.Photo(content=known.photo + bytes(size_bytes))])]
    )
    return _case("oversized message", FIT, request)


def _not_grpc(rng: random.Random) -> Case:
    raw = rng.choice(
        (
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
            rng.randbytes(500),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + rng.randbytes(300),
        )
    )
    return Case(label="no gRPC", path="", messages=(), is_malformed=True, raw=raw)
