"""Values -> request messages; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from facewright.character import Character, Color, color_messages
from facewright.clips import ENCODINGS, PRESETS, ROW_ORDERS, Clip
from facewright.errors import InvalidInputError, MessageTooLargeError
from facewright.fitting import PRESETS as REFIT_PRESETS
from facewright.fitting import FitOptions, Locks, Photo, Subject
from facewright.rendering import PASSES, Stage, View
from facewright.v1 import export_pb2, fitting_pb2, render_pb2

__all__ = [
    "MAX_MESSAGE_BYTES",
    "export_request",
    "fit_request",
    "frames_request",
    "one_person",
    "refit_request",
    "render_request",
]

MAX_MESSAGE_BYTES = 32 * 1024 * 1024

_NUMBERS = (
    "iterations",
    "similarity_threshold",
    "seed",
    "content_weight",
    "identity_weight",
    "landmark_weight",
)


def one_person(photos: Iterable[Photo | bytes]) -> Subject:
    """Photos, or just their bytes, of one person."""
    return Subject(tuple(photo if isinstance(photo, Photo) else Photo(photo) for photo in photos))


def fit_request(subjects: Sequence[Subject], *, rig: str, options: FitOptions) -> fitting_pb2.FitRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    request = fitting_pb2.FitRequest(
        rig=rig,
        subjects=[_subject(subject) for subject in subjects],
        options=_options(options),
    )
    _check_size(request)
    return request


def refit_request(
    character: Character,
    photos: Sequence[Photo | bytes],
    *,
    preset: str | None,
    strength: float | None,
    styles: Mapping[str, str],
    colors: Mapping[str, Color],
    keep: Iterable[str],
    locks: Locks,
    options: FitOptions,
) -> fitting_pb2.RefitCharacterRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    number = (
        None if preset is None else _number(fitting_pb2.RefitPreset, "REFIT_PRESET", preset, REFIT_PRESETS)
    )
    request: fitting_pb2.RefitCharacterRequest = _built(
        fitting_pb2.RefitCharacterRequest,
        character=character.to_message(),
        subject=_subject(one_person(photos)) if photos else None,
        locks=_locks(locks),
        kept=list(keep),
        styles=dict(styles),
        colors=color_messages(colors),
        preset=number,
        strength=strength,
        options=_options(options),
    )
    _check_size(request)
    return request


def render_request(
    character: Character,
    *,
    expression: Mapping[str, float],
    view: View,
    size_px: int | None,
    passes: Iterable[str],
    preset: str | None,
    stage: Stage | None,
) -> render_pb2.RenderRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    request: render_pb2.RenderRequest = _built(
        render_pb2.RenderRequest,
        character=character.to_message(),
        expression=dict(expression),
        view=render_pb2.View(yaw_degrees=view.yaw_degrees, pitch_degrees=view.pitch_degrees),
        passes=[_number(render_pb2.RenderPass, "RENDER_PASS", name, PASSES) for name in passes],
        size_px=size_px,
        preset=_preset(preset),
        stage=_stage(stage),
    )
    _check_size(request)
    return request


def frames_request(
    character: Character,
    clip: Clip,
    *,
    size_px: int | None,
    preset: str | None,
    encoding: str,
    jpeg_quality: int | None,
    png_level: int | None,
    row_order: str | None,
    stage: Stage | None,
) -> render_pb2.StreamFramesRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    order = None if row_order is None else _number(render_pb2.RowOrder, "ROW_ORDER", row_order, ROW_ORDERS)
    request: render_pb2.StreamFramesRequest = _built(
        render_pb2.StreamFramesRequest,
        character=character.to_message(),
        clip=_built(
            render_pb2.Clip,
            curves=clip.curves,
            weights=clip.weights,
            fps=clip.fps,
            times_secs=clip.times_secs,
            yaw_degrees=clip.yaw_degrees,
            pitch_degrees=clip.pitch_degrees,
        ),
        size_px=size_px,
        preset=_preset(preset),
        encoding=_number(render_pb2.FrameEncoding, "FRAME_ENCODING", encoding, ENCODINGS),
        jpeg_quality=jpeg_quality,
        png_level=png_level,
        row_order=order,
        stage=_stage(stage),
    )
    _check_size(request)
    return request


def export_request(
    character: Character,
    *,
    file_format: str,
    expression: Mapping[str, float],
    morphs: bool,
    eye_morphs: bool,
    name: str,
) -> export_pb2.ExportRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    request: export_pb2.ExportRequest = _built(
        export_pb2.ExportRequest,
        character=character.to_message(),
        format=export_pb2.ExportFormat.Value(f"EXPORT_FORMAT_{file_format.upper()}"),
        expression=dict(expression),
        omit_morphs=not morphs,
        include_eye_morphs=eye_morphs,
        name=name,
    )
    _check_size(request)
    return request


def _preset(name: str | None) -> Any:
    return None if name is None else _number(render_pb2.RenderPreset, "RENDER_PRESET", name, PRESETS)


def _stage(stage: Stage | None) -> Any:
    if stage is None:
        return None
    color = stage.background
    return _built(
        render_pb2.Stage,
        light=stage.light,
        background=None if color is None else color_messages({"background": color})["background"],
    )


def _subject(subject: Subject) -> fitting_pb2.Subject:
    return fitting_pb2.Subject(photos=[_photo(photo) for photo in subject.photos])


def _photo(photo: Photo) -> fitting_pb2.Photo:
    box = photo.face_box
    face_box = None
    if box is not None:
        face_box = _built(fitting_pb2.FaceBox, x=box.x, y=box.y, width=box.width, height=box.height)
    if photo.media:
        return fitting_pb2.Photo(media=photo.media, face_box=face_box)
    return fitting_pb2.Photo(content=photo.content, face_box=face_box)


def _options(options: FitOptions) -> fitting_pb2.FitOptions:
    fields = {name: getattr(options, name) for name in _NUMBERS}
    if options.mode is not None:
        fields["mode"] = _number(fitting_pb2.FitMode, "FIT_MODE", options.mode, ("refine", "fast"))
    if options.content_norm is not None:
        fields["content_norm"] = _number(
            fitting_pb2.ContentNorm, "CONTENT_NORM", options.content_norm, ("l1", "l2")
        )
    if options.alignment is not None:
        fields["alignment"] = _number(
            fitting_pb2.Alignment, "ALIGNMENT", options.alignment, ("similarity", "affine")
        )
    message: fitting_pb2.FitOptions = _built(
        fitting_pb2.FitOptions, locks=_locks(options.locks), bake_skin=options.texture, **fields
    )
    return message


def _locks(locks: Locks) -> fitting_pb2.Locks:
    return fitting_pb2.Locks(
        sliders=dict(locks.sliders), styles=dict(locks.styles), colors=color_messages(locks.colors)
    )


def _number(enum: Any, prefix: str, name: str, known: Sequence[str]) -> Any:
    if name not in known:
        raise InvalidInputError(
            f"got {name!r}, expected one of {', '.join(known)}",
            reason="UNKNOWN_OPTION",
            metadata={"got": name},
        )
    return enum.Value(f"{prefix}_{name.upper()}")


def _built(cls: Any, **fields: Any) -> Any:
    """A message, None left unset; a number that its field cannot hold is bad input, not a bug."""
    try:
        return cls(**fields)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"a value does not fit its field: {error}; see the ranges in the .proto files",
            reason="PARAMETER_OUT_OF_RANGE",
        ) from error


def _check_size(request: Any) -> None:
    size = request.ByteSize()
    if size > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(
            f"the request takes {size:,} bytes; at most {MAX_MESSAGE_BYTES:,} fit into one message; "
            "send smaller or fewer photos",
            reason="MESSAGE_TOO_LARGE",
            metadata={"bytes": str(size), "max_bytes": str(MAX_MESSAGE_BYTES)},
        )
