"""The methods of both clients, each written once; see `facewright._calls` for how.

Their docstrings and parameters are those that users see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Callable, Union

from facewright import _expression_requests, _requests, _responses
from facewright._calls import Call, EachEvent, Steps, StreamCall
from facewright.character import Character, Color
from facewright.clips import Clip, ClipFrame
from facewright.errors import ServerError
from facewright.expressions import CapturePrompt, ExpressionEvent, ExpressionSource, Motion
from facewright.fitting import FitOptions, FitProgress, FitResult, Locks, Photo, RefitResult, Subject
from facewright.rendering import RenderedFrame, Stage, View
from facewright.rigs import Rig, RigSummary
from facewright.server import ServerInfo
from facewright.v1 import expression_pb2, rig_pb2, server_pb2

__all__ = [
    "FitEvent",
    "export_glb",
    "export_obj",
    "fit",
    "fit_people",
    "get_rig",
    "list_capture_prompts",
    "list_rigs",
    "refit",
    "render",
    "server_info",
    "stream_expression_frames",
    "stream_frames",
]

FitEvent = Union[FitProgress, FitResult]
_RefitEvent = Union[FitProgress, RefitResult]


def fit(
    *photos: Photo | bytes,
    rig: str = "",
    options: FitOptions | None = None,
    on_progress: Callable[[FitProgress], None] | None = None,
    timeout_secs: float | None = None,
) -> Steps[FitResult]:
    """Fit one person, shown in one or several photos."""
    results: list[FitResult] = []

    def take(event: FitEvent) -> None:
        if isinstance(event, FitResult):
            results.append(event)
        elif on_progress is not None:
            on_progress(event)

    person = _requests.one_person(photos)
    yield EachEvent(fit_people([person], rig=rig, options=options, timeout_secs=timeout_secs), take)
    if not results:
        raise ServerError("the stream of the fit ended without a result", reason="NO_RESULT")
    return results[-1]


def fit_people(
    subjects: Sequence[Subject],
    *,
    rig: str = "",
    options: FitOptions | None = None,
    timeout_secs: float | None = None,
) -> StreamCall[FitEvent]:
    """Fit several people in one call: progress events, then one result each.

    The server starts with the first step of the iteration. Closing the iterator stops its work.
    """
    request = _requests.fit_request(subjects, rig=rig, options=options or FitOptions())
    return StreamCall("fitting.Fit", request, _responses.fit_event, "fit", timeout_secs)


def refit(
    character: Character,
    *photos: Photo | bytes,
    preset: str | None = None,
    strength: float | None = None,
    styles: Mapping[str, str] | None = None,
    colors: Mapping[str, Color] | None = None,
    keep: Iterable[str] = (),
    locks: Locks | None = None,
    options: FitOptions | None = None,
    on_progress: Callable[[FitProgress], None] | None = None,
    timeout_secs: float | None = None,
) -> Steps[RefitResult]:
    """Edit a character: what is not asked for stays as it is.

    `preset` is ``younger``, ``older``, ``heavier`` or ``stylised``, `strength` in [0, 1] how much of it. `styles` and
    `colors` are changes, `keep` names what keeps its value, `locks` have values to take and keep. With photos of the
    person, sliders and colours are fitted further from where they are, as `options` say.
    """
    request = _requests.refit_request(
        character,
        photos,
        preset=preset,
        strength=strength,
        styles=styles or {},
        colors=colors or {},
        keep=keep,
        locks=locks or Locks(),
        options=options or FitOptions(),
    )
    results: list[RefitResult] = []

    def take(event: _RefitEvent) -> None:
        if isinstance(event, RefitResult):
            results.append(event)
        elif on_progress is not None:
            on_progress(event)

    yield EachEvent(
        StreamCall("fitting.RefitCharacter", request, _responses.refit_event, "fit", timeout_secs), take
    )
    if not results:
        raise ServerError("the stream of the refit ended without a result", reason="NO_RESULT")
    return results[-1]


def render(
    character: Character,
    *,
    expression: Mapping[str, float] | None = None,
    view: View | None = None,
    size_px: int | None = None,
    passes: Iterable[str] = ("color",),
    preset: str | None = None,
    stage: Stage | None = None,
    timeout_secs: float | None = None,
) -> Call[RenderedFrame]:
    """Draw one frame: as a `draft`, which is fast, or in `full`; by default as the server is set up."""
    request = _requests.render_request(
        character,
        expression=expression or {},
        view=view or View(),
        size_px=size_px,
        passes=passes,
        preset=preset,
        stage=stage,
    )
    return Call("render.Render", request, _responses.frame, "render", timeout_secs)


def stream_frames(
    character: Character,
    clip: Clip,
    *,
    size_px: int | None = None,
    preset: str | None = None,
    encoding: str = "jpeg",
    jpeg_quality: int | None = None,
    png_level: int | None = None,
    row_order: str | None = None,
    stage: Stage | None = None,
    timeout_secs: float | None = None,
) -> StreamCall[ClipFrame]:
    """The frames of a clip, in order, as `jpeg`, `png` or `raw_rgb24` (rows `top_down` or `bottom_up`).

    The preset is `draft` unless another is named. The server draws a few frames ahead of the reader at most; closing
    the iterator stops it.
    """
    request = _requests.frames_request(
        character,
        clip,
        size_px=size_px,
        preset=preset,
        encoding=encoding,
        jpeg_quality=jpeg_quality,
        png_level=png_level,
        row_order=row_order,
        stage=stage,
    )
    return StreamCall("render.StreamFrames", request, _responses.clip_frame, "clip", timeout_secs)


def stream_expression_frames(
    source: ExpressionSource,
    motion: Motion,
    *,
    encoding: str = "jpeg",
    jpeg_quality: int | None = None,
    png_level: int | None = None,
    row_order: str | None = None,
    timeout_secs: float | None = None,
) -> StreamCall[ExpressionEvent]:
    """A photo, a frame of a video or a character with other expressions: an `ExpressionStart`, then the frames.

    Frames come in order, as `jpeg`, `png` or `raw_rgb24` (rows `top_down` or `bottom_up`), in the photo's own size. The
    server draws a few frames ahead of the reader at most; closing the iterator stops it.
    """
    request = _expression_requests.expression_frames_request(
        source,
        motion,
        encoding=encoding,
        jpeg_quality=jpeg_quality,
        png_level=png_level,
        row_order=row_order,
    )
    return StreamCall(
        "expression.StreamExpressionFrames", request, _responses.expression_event, "clip", timeout_secs
    )


def list_capture_prompts(*, timeout_secs: float | None = None) -> Call[tuple[CapturePrompt, ...]]:
    """What to ask of a person who is recorded for training, one thing after the other."""
    request = expression_pb2.ListCapturePromptsRequest()
    return Call("expression.ListCapturePrompts", request, _responses.capture_prompts, "server", timeout_secs)


def export_glb(
    character: Character,
    *,
    expression: Mapping[str, float] | None = None,
    morphs: bool = True,
    eye_morphs: bool = False,
    name: str = "character",
    timeout_secs: float | None = None,
) -> Call[bytes]:
    """The character as a binary glTF file; `Character.from_glb` reads it back.

    `expression` is baked into the shape; without `morphs` the facial actions are left out; with `eye_morphs` the
    eyeLook morphs move the eyeballs, which joints turn otherwise. `name` is that of the scene.
    """
    request = _requests.export_request(
        character,
        file_format="glb",
        expression=expression or {},
        morphs=morphs,
        eye_morphs=eye_morphs,
        name=name,
    )
    return Call("export.Export", request, _responses.glb_file, "export", timeout_secs)


def export_obj(
    character: Character,
    *,
    expression: Mapping[str, float] | None = None,
    name: str = "character",
    timeout_secs: float | None = None,
) -> Call[Mapping[str, bytes]]:
    """The character's shape as OBJ, MTL and textures by file name, the OBJ first."""
    request = _requests.export_request(
        character,
        file_format="obj",
        expression=expression or {},
        morphs=True,
        eye_morphs=False,
        name=name,
    )
    return Call("export.Export", request, _responses.exported_files, "export", timeout_secs)


def list_rigs(*, timeout_secs: float | None = None) -> Steps[tuple[RigSummary, ...]]:
    """Every rig of the server."""
    rigs: list[RigSummary] = []
    page_token = ""
    while True:
        request = rig_pb2.ListRigsRequest(page_token=page_token)
        page, page_token = yield from Call("rig.ListRigs", request, _responses.rig_page, "rig", timeout_secs)
        rigs.extend(page)
        if not page_token:
            return tuple(rigs)


def get_rig(name: str = "", *, timeout_secs: float | None = None) -> Call[Rig]:
    """The schema of one rig; without a name, of the server's default rig."""
    request = rig_pb2.GetRigRequest(name=name)
    return Call("rig.GetRig", request, _responses.rig, "rig", timeout_secs)


def server_info(*, timeout_secs: float | None = None) -> Call[ServerInfo]:
    """What the server is, what it has loaded and what it allows."""
    request = server_pb2.GetServerInfoRequest()
    return Call("server.GetServerInfo", request, ServerInfo.from_message, "server", timeout_secs)
