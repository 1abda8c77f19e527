"""What a request says about frames: size, preset, encoding, clip -> domain objects."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np

from facewright.v1 import expression_pb2, render_pb2
from facewright_models.errors import ParameterRangeError
from facewright_models.look import Clip, Stage, make_clip
from facewright_models.rig import RigSchema
from facewright_renderer import Preset
from facewright_server.config import ServerConfig
from facewright_server.errors import InvalidRequestError
from facewright_server.pictures import color_jpeg, color_raw, fast_color_png

__all__ = ["read_clip", "read_encoding", "read_preset", "read_size_px", "read_stage"]

_HasShot = render_pb2.RenderRequest | render_pb2.StreamFramesRequest | expression_pb2.CharacterShot
_DEFAULT_SIZE_PX, _SMALLEST_PX = 512, 16
_DEFAULT_QUALITY, _DEFAULT_LEVEL = 90, 1
_PRESETS: Mapping[int, Preset | None] = {
    render_pb2.RENDER_PRESET_UNSPECIFIED: None,
    render_pb2.RENDER_PRESET_DRAFT: "draft",
    render_pb2.RENDER_PRESET_FULL: "full",
}
_BOTTOM_UP: Mapping[int, bool] = {
    render_pb2.ROW_ORDER_UNSPECIFIED: False,
    render_pb2.ROW_ORDER_TOP_DOWN: False,
    render_pb2.ROW_ORDER_BOTTOM_UP: True,
}
_RAW, _JPEG, _PNG = (
    render_pb2.FRAME_ENCODING_RAW_RGB24,
    render_pb2.FRAME_ENCODING_JPEG,
    render_pb2.FRAME_ENCODING_PNG,
)
_OPTION_OF = {"jpeg_quality": _JPEG, "png_level": _PNG, "row_order": _RAW}


def read_preset(number: int) -> Preset | None:
    """None where the request leaves it open."""
    if number not in _PRESETS:
        raise InvalidRequestError(
            f"preset has the number {number}; expected 1 (draft) or 2 (full)", field="preset"
        )
    return _PRESETS[number]


def read_size_px(request: _HasShot, largest: int) -> int:
    """Width and height of a frame."""
    size_px: int = request.size_px if request.HasField("size_px") else min(_DEFAULT_SIZE_PX, largest)
    return _within("size_px", size_px, _SMALLEST_PX, largest)


def read_stage(request: _HasShot) -> Stage:
    """Light and background; what the request leaves open is the default."""
    message, default = request.stage, Stage()
    color = message.background
    return Stage(
        light=message.light or default.light,
        background=(color.red, color.green, color.blue)
        if message.HasField("background")
        else default.background,
    )


def read_encoding(
    request: render_pb2.StreamFramesRequest | expression_pb2.StreamExpressionFramesRequest,
) -> Callable[[np.ndarray], bytes]:
    """A function from colours (H, W, 3) to the bytes of a frame. An option of another encoding is refused."""
    encoding = request.encoding or _JPEG
    if encoding not in (_RAW, _JPEG, _PNG):
        raise InvalidRequestError(
            f"encoding has the number {encoding}; expected 1 (raw), 2 (JPEG) or 3 (PNG)", field="encoding"
        )
    if request.row_order not in _BOTTOM_UP:
        raise InvalidRequestError(
            f"row_order has the number {request.row_order}; expected 1 (top down) or 2 (bottom up)",
            field="row_order",
        )
    for option, owner in _OPTION_OF.items():
        is_given = bool(request.row_order) if option == "row_order" else request.HasField(option)
        if is_given and owner != encoding:
            name = render_pb2.FrameEncoding.Name(encoding)
            raise InvalidRequestError(
                f"{option} was sent with {name}, which has none; leave it out", field=option
            )
    if encoding == _RAW:
        return partial(color_raw, bottom_up=_BOTTOM_UP[request.row_order])
    if encoding == _PNG:
        level = request.png_level if request.HasField("png_level") else _DEFAULT_LEVEL
        return partial(fast_color_png, level=_within("png_level", level, 0, 9))
    quality = request.jpeg_quality if request.HasField("jpeg_quality") else _DEFAULT_QUALITY
    return partial(color_jpeg, quality=_within("jpeg_quality", quality, 1, 100))


def read_clip(
    request: render_pb2.StreamFramesRequest, schema: RigSchema, config: ServerConfig, *, stage: Stage
) -> Clip:
    """The clip, checked. Half a million weights take 20 ms: not for the event loop."""
    message = request.clip
    if len(message.curves) > config.max_clip_curves:
        raise InvalidRequestError(
            f"the clip has {len(message.curves)} curves; expected at most {config.max_clip_curves}",
            field="curves",
            metadata={"curves": str(len(message.curves)), "max_curves": str(config.max_clip_curves)},
        )
    return make_clip(
        schema,
        curves=list(message.curves),
        weights=np.array(message.weights, np.float32),
        fps=message.fps if message.HasField("fps") else None,
        times_secs=list(message.times_secs),
        yaw_degrees=list(message.yaw_degrees),
        pitch_degrees=list(message.pitch_degrees),
        stage=stage,
        max_frames=config.max_clip_frames,
    )


def _within(field: str, value: int, lowest: int, highest: int) -> int:
    if not lowest <= value <= highest:
        raise ParameterRangeError(
            f"{field} is {value}; expected {lowest}..{highest}", field=field, metadata={"got": str(value)}
        )
    return value
