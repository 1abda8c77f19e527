"""What a request says of an animated expression: source, motion, shot -> domain objects."""

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

from facewright.v1 import expression_pb2
from facewright_models.errors import InvalidMediaError
from facewright_models.expression import Curve, Key, MoodKey, Timeline, make_timeline
from facewright_models.expression.actions import clip_of
from facewright_models.look import Clip, View
from facewright_models.media_probe import VideoInfo
from facewright_models.photo import Photo
from facewright_models.rig import RigSchema
from facewright_renderer import Preset
from facewright_server.animating.sources import FaceSource, PhotoSource, VideoSource
from facewright_server.config import ServerConfig
from facewright_server.errors import InvalidRequestError, UnknownMediaError
from facewright_server.media.records import MediaRecord
from facewright_server.service.frames import read_preset, read_size_px, read_stage
from facewright_server.service.reading import read_face_box

__all__ = [
    "Shot",
    "SourceFiles",
    "check_media",
    "check_source",
    "is_character",
    "read_motion",
    "read_shot",
    "read_source",
]

_DEFAULT_FRAME_COUNT, _DEFAULT_FPS = 60, 30.0
_EASINGS: Mapping[int, str] = {
    expression_pb2.EASING_UNSPECIFIED: "ease_in_out",
    expression_pb2.EASING_LINEAR: "linear",
    expression_pb2.EASING_EASE_IN: "ease_in",
    expression_pb2.EASING_EASE_OUT: "ease_out",
    expression_pb2.EASING_EASE_IN_OUT: "ease_in_out",
    expression_pb2.EASING_HOLD: "hold",
}
_ORDERS: Mapping[int, str] = {
    expression_pb2.EXPRESSION_ORDER_UNSPECIFIED: "as_given",
    expression_pb2.EXPRESSION_ORDER_AS_GIVEN: "as_given",
    expression_pb2.EXPRESSION_ORDER_ASCENDING: "ascending",
    expression_pb2.EXPRESSION_ORDER_DESCENDING: "descending",
}


@dataclass(frozen=True, kw_only=True)
class Shot:
    """How the frames of a character are drawn."""

    size_px: int
    preset: Preset
    view: View

    def clip_of(self, schema: RigSchema, timeline: Timeline) -> Clip:
        """The timeline as facial actions of a rig, seen like this."""
        clip = clip_of(schema, timeline)
        return replace(clip, views=(self.view,) * timeline.frame_count)


class SourceFiles(Protocol):
    """What sources ask of the store of media; `MediaStore` has it. Every method blocks."""

    def get_blocking(self, name: str, *, owner: str) -> MediaRecord:
        """Raises `UnknownMediaError`, `StorageError`."""
        ...

    def read_blocking(self, name: str, *, owner: str, max_bytes: int) -> bytes:
        """Raises likewise, and `InvalidRequestError` when larger."""
        ...

    def open_blocking(self, name: str, *, owner: str) -> AbstractContextManager[io.BufferedIOBase]:
        """Raises likewise."""
        ...


def read_motion(message: expression_pb2.ExpressionMotion, config: ServerConfig) -> Timeline:
    """Checked. Raises `UnknownParameterError`, `ParameterRangeError`, `InvalidInputError` with the path in it.

    Thousands of keys take a while: not for the event loop.
    """
    most = config.max_expression_frames
    for field, keys in (
        *((f"curves[{index}].keys", curve.keys) for index, curve in enumerate(message.curves)),
        ("moods", message.moods),
    ):
        if len(keys) > most:
            raise InvalidRequestError(
                f"{field} has {len(keys):,} keys; expected at most {most:,}, one per frame",
                field=field,
                metadata={"count": str(len(keys)), "max": str(most)},
            )
    return make_timeline(
        curves=[
            Curve(
                name=curve.name,
                keys=tuple(
                    Key(
                        time=key.time,
                        value=key.value,
                        easing=_easing(key.easing, f"curves[{index}].keys[{place}].easing"),
                    )
                    for place, key in enumerate(curve.keys)
                ),
            )
            for index, curve in enumerate(message.curves)
        ],
        moods=[
            MoodKey(
                time=key.time,
                mood=key.mood,
                strength=key.strength if key.HasField("strength") else 1.0,
                easing=_easing(key.easing, f"moods[{place}].easing"),
            )
            for place, key in enumerate(message.moods)
        ],
        frame_count=message.frame_count if message.HasField("frame_count") else _DEFAULT_FRAME_COUNT,
        fps=message.fps if message.HasField("fps") else _DEFAULT_FPS,
        loop=message.loop,
        order=_order(message.order),
        relative=message.relative,
        max_frames=most,
    )


def is_character(message: expression_pb2.ExpressionSource) -> bool:
    """Whether a character is animated in the place of a photo."""
    return bool(message.WhichOneof("source") == "character")


def check_source(message: expression_pb2.ExpressionSource) -> None:
    """Raises `InvalidRequestError` for what contradicts itself, before anything is read."""
    kind = message.WhichOneof("source")
    if kind is None:
        raise InvalidRequestError(
            "the request has no source; set content, media or character", field="content"
        )
    if kind == "content" and not message.content:
        raise InvalidRequestError("the photo is empty; send the bytes of an image", field="content")
    for field, is_of_characters in (("shot", True), ("face_box", False), ("frame_index", False)):
        if message.HasField(field) and is_of_characters != (kind == "character"):
            raise InvalidRequestError(
                f"{field} was sent with {kind}, which has none; leave it out", field=field
            )
    if message.HasField("frame_index") and kind != "media":
        raise InvalidRequestError(
            f"frame_index was sent with {kind}; only a video, as media, has frames to choose from",
            field="frame_index",
        )
    if message.HasField("frame_index") and message.frame_index < 0:
        raise InvalidRequestError(
            f"frame_index is {message.frame_index}; expected at least 0", field="frame_index"
        )
    box = message.face_box
    if message.HasField("face_box") and (box.width < 1 or box.height < 1):
        raise InvalidRequestError(
            f"the face box is {box.width} x {box.height} pixels; expected at least 1 x 1", field="face_box"
        )


def read_source(
    message: expression_pb2.ExpressionSource,
    config: ServerConfig,
    decode: Callable[[bytes], Photo],
    files: SourceFiles | None,
    *,
    owner: str,
) -> FaceSource:
    """A decoded photo, or a video that can be opened. Blocks.

    Raises `InvalidImageError`, `ImageTooLargeError`, `InvalidRequestError`, `ParameterRangeError`, `UnknownMediaError`,
    `StorageError`.
    """
    if message.WhichOneof("source") == "content":
        return _photo(message, message.content, decode)
    record = check_media(message, config, files, owner=owner)
    if files is None or record is None:
        raise InvalidRequestError("this server keeps no media; send the photo as content", field="media")
    if isinstance(record.info, VideoInfo):
        return VideoSource(
            open=partial(files.open_blocking, record.name, owner=owner),
            frame_rate=record.info.frame_rate,
            frame_index=message.frame_index if message.HasField("frame_index") else None,
            box_in=partial(read_face_box, message),
            max_secs=config.max_video_secs,
        )
    content = files.read_blocking(record.name, owner=owner, max_bytes=config.max_message_bytes)
    return _photo(message, content, decode)


def check_media(
    message: expression_pb2.ExpressionSource,
    config: ServerConfig,
    files: SourceFiles | None,
    *,
    owner: str,
) -> MediaRecord | None:
    """What is known of the file, None where the source is none. Blocks.

    Raises `UnknownMediaError`; `InvalidRequestError` for what is neither a photo nor a video, `InvalidMediaError` for a
    video that is too long.
    """
    if files is None or message.WhichOneof("source") != "media":
        return None
    try:
        record = files.get_blocking(message.media, owner=owner)
    except UnknownMediaError as error:
        error.field = "media"
        raise
    if isinstance(record.info, VideoInfo):
        if record.info.duration_secs > config.max_video_secs:
            raise InvalidMediaError(
                f"{message.media} lasts {record.info.duration_secs:.1f} s; expected at most "
                f"{config.max_video_secs:g} s; cut it, or send one of its frames",
                field="media",
                metadata={"max_secs": f"{config.max_video_secs:g}"},
            )
    elif not record.content_type.startswith("image/"):
        raise InvalidRequestError(
            f"{message.media} is {record.content_type}; expected a photo or a video", field="media"
        )
    elif message.HasField("frame_index"):
        raise InvalidRequestError(
            f"frame_index was sent and {message.media} is {record.content_type}; only a video has frames to choose "
            "from",
            field="frame_index",
        )
    elif record.size_bytes > config.max_message_bytes:
        raise InvalidRequestError(
            f"{message.media} has {record.size_bytes:,} bytes; expected at most {config.max_message_bytes:,} for a "
            "photo",
            field="media",
        )
    return record


def read_shot(message: expression_pb2.CharacterShot, config: ServerConfig, *, preset: Preset) -> Shot:
    """How a character is drawn; `preset` is for a message that names none.

    Raises `ParameterRangeError`, `UnknownParameterError`, `InvalidRequestError`.
    """
    return Shot(
        size_px=read_size_px(message, config.max_frame_px),
        preset=read_preset(message.preset) or preset,
        view=View(
            yaw_degrees=message.view.yaw_degrees,
            pitch_degrees=message.view.pitch_degrees,
            stage=read_stage(message),
        ),
    )


def _photo(
    message: expression_pb2.ExpressionSource, content: bytes, decode: Callable[[bytes], Photo]
) -> PhotoSource:
    photo = decode(content)
    return PhotoSource(photo=photo, face_box=read_face_box(message, photo))


def _easing(number: int, field: str) -> str:
    if number not in _EASINGS:
        raise InvalidRequestError(
            f"{field} has the number {number}; expected 1 (linear) to 5 (hold)", field=field
        )
    return _EASINGS[number]


def _order(number: int) -> str:
    if number not in _ORDERS:
        raise InvalidRequestError(
            f"order has the number {number}; expected 1 (as given), 2 (ascending) or 3 (descending)",
            field="order",
        )
    return _ORDERS[number]
