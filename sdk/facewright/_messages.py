"""What several requests hold: small messages and numbers of enums, of values; and what no request may be."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from facewright.character import color_messages
from facewright.clips import ENCODINGS, PRESETS, ROW_ORDERS
from facewright.errors import InvalidInputError, MessageTooLargeError
from facewright.fitting import FaceBox, Photo
from facewright.rendering import Stage, View
from facewright.v1 import fitting_pb2, render_pb2

__all__ = [
    "MAX_MESSAGE_BYTES",
    "built",
    "check_size",
    "encoding_number",
    "face_box_message",
    "number_of",
    "photo_message",
    "preset_number",
    "row_order_number",
    "stage_message",
    "view_message",
]

MAX_MESSAGE_BYTES = 32 * 1024 * 1024


def number_of(enum: Any, prefix: str, name: str, known: Sequence[str]) -> Any:
    """The number of a name in an enum. Raises `InvalidInputError`."""
    if name not in known:
        raise InvalidInputError(
            f"got {name!r}, expected one of {', '.join(known)}",
            reason="UNKNOWN_OPTION",
            metadata={"got": name},
        )
    return enum.Value(f"{prefix}_{name.upper()}")


def built(cls: Any, **fields: Any) -> Any:
    """A message, None left unset; a number that its field cannot hold is bad input, not a bug."""
    try:
        return cls(**fields)
    except (ValueError, TypeError) as error:
        raise InvalidInputError(
            f"a value does not fit its field: {error}; see the ranges in the .proto files",
            reason="PARAMETER_OUT_OF_RANGE",
        ) from error


def check_size(request: Any) -> None:
    """Raises `MessageTooLargeError`."""
    size = request.ByteSize()
    if size > MAX_MESSAGE_BYTES:
        raise MessageTooLargeError(
            f"the request takes {size:,} bytes; at most {MAX_MESSAGE_BYTES:,} fit into one message; "
            "send smaller or fewer photos",
            reason="MESSAGE_TOO_LARGE",
            metadata={"bytes": str(size), "max_bytes": str(MAX_MESSAGE_BYTES)},
        )


def preset_number(name: str | None) -> Any:
    """None stays unset."""
    return None if name is None else number_of(render_pb2.RenderPreset, "RENDER_PRESET", name, PRESETS)


def stage_message(stage: Stage | None) -> Any:
    """None stays unset."""
    if stage is None:
        return None
    color = stage.background
    return built(
        render_pb2.Stage,
        light=stage.light,
        background=None if color is None else color_messages({"background": color})["background"],
    )


def encoding_number(name: str) -> Any:
    """Of a frame."""
    return number_of(render_pb2.FrameEncoding, "FRAME_ENCODING", name, ENCODINGS)


def row_order_number(name: str | None) -> Any:
    """None stays unset."""
    return None if name is None else number_of(render_pb2.RowOrder, "ROW_ORDER", name, ROW_ORDERS)


def view_message(view: View) -> render_pb2.View:
    """Where the camera stands."""
    return render_pb2.View(yaw_degrees=view.yaw_degrees, pitch_degrees=view.pitch_degrees)


def face_box_message(box: FaceBox | None) -> Any:
    """None stays unset."""
    if box is None:
        return None
    return built(fitting_pb2.FaceBox, x=box.x, y=box.y, width=box.width, height=box.height)


def photo_message(photo: Photo) -> fitting_pb2.Photo:
    """By its content or its name, with its box."""
    face_box = face_box_message(photo.face_box)
    if photo.media:
        return fitting_pb2.Photo(media=photo.media, face_box=face_box)
    return fitting_pb2.Photo(content=photo.content, face_box=face_box)
