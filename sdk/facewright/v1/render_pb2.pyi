from facewright.v1 import character_pb2 as _character_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RenderPreset(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RENDER_PRESET_UNSPECIFIED: _ClassVar[RenderPreset]
    RENDER_PRESET_DRAFT: _ClassVar[RenderPreset]
    RENDER_PRESET_FULL: _ClassVar[RenderPreset]

class FrameEncoding(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FRAME_ENCODING_UNSPECIFIED: _ClassVar[FrameEncoding]
    FRAME_ENCODING_RAW_RGB24: _ClassVar[FrameEncoding]
    FRAME_ENCODING_JPEG: _ClassVar[FrameEncoding]
    FRAME_ENCODING_PNG: _ClassVar[FrameEncoding]

class RowOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ROW_ORDER_UNSPECIFIED: _ClassVar[RowOrder]
    ROW_ORDER_TOP_DOWN: _ClassVar[RowOrder]
    ROW_ORDER_BOTTOM_UP: _ClassVar[RowOrder]

class RenderPass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RENDER_PASS_UNSPECIFIED: _ClassVar[RenderPass]
    RENDER_PASS_COLOR: _ClassVar[RenderPass]
    RENDER_PASS_LABELS: _ClassVar[RenderPass]
    RENDER_PASS_DEPTH: _ClassVar[RenderPass]
    RENDER_PASS_NORMALS: _ClassVar[RenderPass]
RENDER_PRESET_UNSPECIFIED: RenderPreset
RENDER_PRESET_DRAFT: RenderPreset
RENDER_PRESET_FULL: RenderPreset
FRAME_ENCODING_UNSPECIFIED: FrameEncoding
FRAME_ENCODING_RAW_RGB24: FrameEncoding
FRAME_ENCODING_JPEG: FrameEncoding
FRAME_ENCODING_PNG: FrameEncoding
ROW_ORDER_UNSPECIFIED: RowOrder
ROW_ORDER_TOP_DOWN: RowOrder
ROW_ORDER_BOTTOM_UP: RowOrder
RENDER_PASS_UNSPECIFIED: RenderPass
RENDER_PASS_COLOR: RenderPass
RENDER_PASS_LABELS: RenderPass
RENDER_PASS_DEPTH: RenderPass
RENDER_PASS_NORMALS: RenderPass

class RenderRequest(_message.Message):
    __slots__ = ("character", "expression", "view", "size_px", "passes", "preset", "stage")
    class ExpressionEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    SIZE_PX_FIELD_NUMBER: _ClassVar[int]
    PASSES_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    expression: _containers.ScalarMap[str, float]
    view: View
    size_px: int
    passes: _containers.RepeatedScalarFieldContainer[RenderPass]
    preset: RenderPreset
    stage: Stage
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., expression: _Optional[_Mapping[str, float]] = ..., view: _Optional[_Union[View, _Mapping]] = ..., size_px: _Optional[int] = ..., passes: _Optional[_Iterable[_Union[RenderPass, str]]] = ..., preset: _Optional[_Union[RenderPreset, str]] = ..., stage: _Optional[_Union[Stage, _Mapping]] = ...) -> None: ...

class StreamFramesRequest(_message.Message):
    __slots__ = ("character", "clip", "size_px", "preset", "encoding", "jpeg_quality", "png_level", "row_order", "stage")
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    CLIP_FIELD_NUMBER: _ClassVar[int]
    SIZE_PX_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    JPEG_QUALITY_FIELD_NUMBER: _ClassVar[int]
    PNG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    ROW_ORDER_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    clip: Clip
    size_px: int
    preset: RenderPreset
    encoding: FrameEncoding
    jpeg_quality: int
    png_level: int
    row_order: RowOrder
    stage: Stage
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., clip: _Optional[_Union[Clip, _Mapping]] = ..., size_px: _Optional[int] = ..., preset: _Optional[_Union[RenderPreset, str]] = ..., encoding: _Optional[_Union[FrameEncoding, str]] = ..., jpeg_quality: _Optional[int] = ..., png_level: _Optional[int] = ..., row_order: _Optional[_Union[RowOrder, str]] = ..., stage: _Optional[_Union[Stage, _Mapping]] = ...) -> None: ...

class Stage(_message.Message):
    __slots__ = ("light", "background")
    LIGHT_FIELD_NUMBER: _ClassVar[int]
    BACKGROUND_FIELD_NUMBER: _ClassVar[int]
    light: str
    background: _character_pb2.Color
    def __init__(self, light: _Optional[str] = ..., background: _Optional[_Union[_character_pb2.Color, _Mapping]] = ...) -> None: ...

class Clip(_message.Message):
    __slots__ = ("curves", "weights", "fps", "times_secs", "yaw_degrees", "pitch_degrees")
    CURVES_FIELD_NUMBER: _ClassVar[int]
    WEIGHTS_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    TIMES_SECS_FIELD_NUMBER: _ClassVar[int]
    YAW_DEGREES_FIELD_NUMBER: _ClassVar[int]
    PITCH_DEGREES_FIELD_NUMBER: _ClassVar[int]
    curves: _containers.RepeatedScalarFieldContainer[str]
    weights: _containers.RepeatedScalarFieldContainer[float]
    fps: float
    times_secs: _containers.RepeatedScalarFieldContainer[float]
    yaw_degrees: _containers.RepeatedScalarFieldContainer[float]
    pitch_degrees: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, curves: _Optional[_Iterable[str]] = ..., weights: _Optional[_Iterable[float]] = ..., fps: _Optional[float] = ..., times_secs: _Optional[_Iterable[float]] = ..., yaw_degrees: _Optional[_Iterable[float]] = ..., pitch_degrees: _Optional[_Iterable[float]] = ...) -> None: ...

class StreamFramesResponse(_message.Message):
    __slots__ = ("index", "time_secs", "content", "size_px")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TIME_SECS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SIZE_PX_FIELD_NUMBER: _ClassVar[int]
    index: int
    time_secs: float
    content: bytes
    size_px: int
    def __init__(self, index: _Optional[int] = ..., time_secs: _Optional[float] = ..., content: _Optional[bytes] = ..., size_px: _Optional[int] = ...) -> None: ...

class View(_message.Message):
    __slots__ = ("yaw_degrees", "pitch_degrees")
    YAW_DEGREES_FIELD_NUMBER: _ClassVar[int]
    PITCH_DEGREES_FIELD_NUMBER: _ClassVar[int]
    yaw_degrees: float
    pitch_degrees: float
    def __init__(self, yaw_degrees: _Optional[float] = ..., pitch_degrees: _Optional[float] = ...) -> None: ...

class RenderResponse(_message.Message):
    __slots__ = ("images", "depth_metres", "landmarks", "size_px")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    DEPTH_METRES_FIELD_NUMBER: _ClassVar[int]
    LANDMARKS_FIELD_NUMBER: _ClassVar[int]
    SIZE_PX_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[RenderedPass]
    depth_metres: bytes
    landmarks: _containers.RepeatedCompositeFieldContainer[Landmark]
    size_px: int
    def __init__(self, images: _Optional[_Iterable[_Union[RenderedPass, _Mapping]]] = ..., depth_metres: _Optional[bytes] = ..., landmarks: _Optional[_Iterable[_Union[Landmark, _Mapping]]] = ..., size_px: _Optional[int] = ...) -> None: ...

class RenderedPass(_message.Message):
    __slots__ = ("kind", "png")
    KIND_FIELD_NUMBER: _ClassVar[int]
    PNG_FIELD_NUMBER: _ClassVar[int]
    kind: RenderPass
    png: bytes
    def __init__(self, kind: _Optional[_Union[RenderPass, str]] = ..., png: _Optional[bytes] = ...) -> None: ...

class Landmark(_message.Message):
    __slots__ = ("x", "y", "visible")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    VISIBLE_FIELD_NUMBER: _ClassVar[int]
    x: float
    y: float
    visible: bool
    def __init__(self, x: _Optional[float] = ..., y: _Optional[float] = ..., visible: bool = ...) -> None: ...
