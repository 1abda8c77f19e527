"""Values -> request messages of the service of expressions; shared by both clients."""

from __future__ import annotations

from typing import Any

from facewright._messages import (
    built,
    check_size,
    encoding_number,
    face_box_message,
    number_of,
    preset_number,
    row_order_number,
    stage_message,
    view_message,
)
from facewright.character import Character
from facewright.expressions import (
    EASINGS,
    ORDERS,
    CharacterShot,
    Curve,
    ExpressionSource,
    Key,
    MoodKey,
    Motion,
    VideoFrame,
)
from facewright.fitting import Photo
from facewright.v1 import expression_pb2

__all__ = ["expression_frames_request", "expression_video_request"]


def expression_frames_request(
    source: ExpressionSource,
    motion: Motion,
    *,
    encoding: str,
    jpeg_quality: int | None,
    png_level: int | None,
    row_order: str | None,
) -> expression_pb2.StreamExpressionFramesRequest:
    """Raises `InvalidInputError`, `MessageTooLargeError`."""
    request: expression_pb2.StreamExpressionFramesRequest = built(
        expression_pb2.StreamExpressionFramesRequest,
        source=_source(source),
        motion=_motion(motion),
        encoding=encoding_number(encoding),
        jpeg_quality=jpeg_quality,
        png_level=png_level,
        row_order=row_order_number(row_order),
    )
    check_size(request)
    return request


def expression_video_request(
    source: ExpressionSource, motion: Motion, *, request_id: str
) -> expression_pb2.GenerateExpressionVideoRequest:
    """Raises likewise."""
    request = expression_pb2.GenerateExpressionVideoRequest(
        source=_source(source), motion=_motion(motion), request_id=request_id
    )
    check_size(request)
    return request


def _source(source: ExpressionSource) -> expression_pb2.ExpressionSource:
    message: expression_pb2.ExpressionSource
    if isinstance(source, (Character, CharacterShot)):
        shot = source if isinstance(source, CharacterShot) else CharacterShot(source)
        message = built(
            expression_pb2.ExpressionSource,
            character=shot.character.to_message(),
            shot=built(
                expression_pb2.CharacterShot,
                size_px=shot.size_px,
                preset=preset_number(shot.preset),
                view=view_message(shot.view),
                stage=stage_message(shot.stage),
            ),
        )
    elif isinstance(source, VideoFrame):
        message = built(
            expression_pb2.ExpressionSource,
            media=source.media,
            face_box=face_box_message(source.face_box),
            frame_index=source.index,
        )
    else:
        photo = source if isinstance(source, Photo) else Photo(source)
        message = built(
            expression_pb2.ExpressionSource,
            **({"media": photo.media} if photo.media else {"content": photo.content}),
            face_box=face_box_message(photo.face_box),
        )
    return message


def _motion(motion: Motion) -> expression_pb2.ExpressionMotion:
    message: expression_pb2.ExpressionMotion = built(
        expression_pb2.ExpressionMotion,
        curves=[_curve(curve) for curve in motion.curves],
        moods=[_mood(key) for key in motion.moods],
        frame_count=motion.frame_count,
        fps=motion.fps,
        loop=motion.loop,
        order=number_of(expression_pb2.ExpressionOrder, "EXPRESSION_ORDER", motion.order, ORDERS),
        relative=motion.relative,
    )
    return message


def _curve(curve: Curve) -> Any:
    return built(expression_pb2.ExpressionCurve, name=curve.name, keys=[_key(key) for key in curve.keys])


def _key(key: Key) -> Any:
    return built(expression_pb2.ExpressionKey, time=key.time, value=key.value, easing=_easing(key.easing))


def _mood(key: MoodKey) -> Any:
    return built(
        expression_pb2.MoodKey,
        time=key.time,
        mood=key.mood,
        strength=key.strength,
        easing=_easing(key.easing),
    )


def _easing(name: str) -> Any:
    return number_of(expression_pb2.Easing, "EASING", name, EASINGS)
