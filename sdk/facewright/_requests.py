"""Values -> request messages; shared by both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from facewright._messages import (
    built,
    check_size,
    encoding_number,
    number_of,
    photo_message,
    preset_number,
    row_order_number,
    stage_message,
    view_message,
)
from facewright.character import Character, Color, color_messages
from facewright.clips import Clip
from facewright.fitting import PRESETS as REFIT_PRESETS
from facewright.fitting import FitOptions, Locks, Photo, Subject
from facewright.rendering import PASSES, Stage, View
from facewright.v1 import export_pb2, fitting_pb2, render_pb2

__all__ = [
    "export_request",
    "fit_request",
    "frames_request",
    "one_person",
    "refit_request",
    "render_request",
]

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
    check_size(request)
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
        None if preset is None else number_of(fitting_pb2.RefitPreset, "REFIT_PRESET", preset, REFIT_PRESETS)
    )
    request: fitting_pb2.RefitCharacterRequest = built(
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
    check_size(request)
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
    request: render_pb2.RenderRequest = built(
        render_pb2.RenderRequest,
        character=character.to_message(),
        expression=dict(expression),
        view=view_message(view),
        passes=[number_of(render_pb2.RenderPass, "RENDER_PASS", name, PASSES) for name in passes],
        size_px=size_px,
        preset=preset_number(preset),
        stage=stage_message(stage),
    )
    check_size(request)
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
    request: render_pb2.StreamFramesRequest = built(
        render_pb2.StreamFramesRequest,
        character=character.to_message(),
        clip=built(
            render_pb2.Clip,
            curves=clip.curves,
            weights=clip.weights,
            fps=clip.fps,
            times_secs=clip.times_secs,
            yaw_degrees=clip.yaw_degrees,
            pitch_degrees=clip.pitch_degrees,
        ),
        size_px=size_px,
        preset=preset_number(preset),
        encoding=encoding_number(encoding),
        jpeg_quality=jpeg_quality,
        png_level=png_level,
        row_order=row_order_number(row_order),
        stage=stage_message(stage),
    )
    check_size(request)
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
    request: export_pb2.ExportRequest = built(
        export_pb2.ExportRequest,
        character=character.to_message(),
        format=export_pb2.ExportFormat.Value(f"EXPORT_FORMAT_{file_format.upper()}"),
        expression=dict(expression),
        omit_morphs=not morphs,
        include_eye_morphs=eye_morphs,
        name=name,
    )
    check_size(request)
    return request


def _subject(subject: Subject) -> fitting_pb2.Subject:
    return fitting_pb2.Subject(photos=[photo_message(photo) for photo in subject.photos])


def _options(options: FitOptions) -> fitting_pb2.FitOptions:
    fields = {name: getattr(options, name) for name in _NUMBERS}
    if options.mode is not None:
        fields["mode"] = number_of(fitting_pb2.FitMode, "FIT_MODE", options.mode, ("refine", "fast"))
    if options.content_norm is not None:
        fields["content_norm"] = number_of(
            fitting_pb2.ContentNorm, "CONTENT_NORM", options.content_norm, ("l1", "l2")
        )
    if options.alignment is not None:
        fields["alignment"] = number_of(
            fitting_pb2.Alignment, "ALIGNMENT", options.alignment, ("similarity", "affine")
        )
    message: fitting_pb2.FitOptions = built(
        fitting_pb2.FitOptions, locks=_locks(options.locks), bake_skin=options.texture, **fields
    )
    return message


def _locks(locks: Locks) -> fitting_pb2.Locks:
    return fitting_pb2.Locks(
        sliders=dict(locks.sliders), styles=dict(locks.styles), colors=color_messages(locks.colors)
    )
