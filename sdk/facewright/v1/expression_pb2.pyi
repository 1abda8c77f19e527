import datetime

from facewright.v1 import character_pb2 as _character_pb2
from facewright.v1 import fitting_pb2 as _fitting_pb2
from facewright.v1 import media_pb2 as _media_pb2
from facewright.v1 import render_pb2 as _render_pb2
from facewright.v1 import report_pb2 as _report_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Easing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EASING_UNSPECIFIED: _ClassVar[Easing]
    EASING_LINEAR: _ClassVar[Easing]
    EASING_EASE_IN: _ClassVar[Easing]
    EASING_EASE_OUT: _ClassVar[Easing]
    EASING_EASE_IN_OUT: _ClassVar[Easing]
    EASING_HOLD: _ClassVar[Easing]

class ExpressionOrder(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPRESSION_ORDER_UNSPECIFIED: _ClassVar[ExpressionOrder]
    EXPRESSION_ORDER_AS_GIVEN: _ClassVar[ExpressionOrder]
    EXPRESSION_ORDER_ASCENDING: _ClassVar[ExpressionOrder]
    EXPRESSION_ORDER_DESCENDING: _ClassVar[ExpressionOrder]
EASING_UNSPECIFIED: Easing
EASING_LINEAR: Easing
EASING_EASE_IN: Easing
EASING_EASE_OUT: Easing
EASING_EASE_IN_OUT: Easing
EASING_HOLD: Easing
EXPRESSION_ORDER_UNSPECIFIED: ExpressionOrder
EXPRESSION_ORDER_AS_GIVEN: ExpressionOrder
EXPRESSION_ORDER_ASCENDING: ExpressionOrder
EXPRESSION_ORDER_DESCENDING: ExpressionOrder

class StreamExpressionFramesRequest(_message.Message):
    __slots__ = ("source", "motion", "encoding", "jpeg_quality", "png_level", "row_order")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    JPEG_QUALITY_FIELD_NUMBER: _ClassVar[int]
    PNG_LEVEL_FIELD_NUMBER: _ClassVar[int]
    ROW_ORDER_FIELD_NUMBER: _ClassVar[int]
    source: ExpressionSource
    motion: ExpressionMotion
    encoding: _render_pb2.FrameEncoding
    jpeg_quality: int
    png_level: int
    row_order: _render_pb2.RowOrder
    def __init__(self, source: _Optional[_Union[ExpressionSource, _Mapping]] = ..., motion: _Optional[_Union[ExpressionMotion, _Mapping]] = ..., encoding: _Optional[_Union[_render_pb2.FrameEncoding, str]] = ..., jpeg_quality: _Optional[int] = ..., png_level: _Optional[int] = ..., row_order: _Optional[_Union[_render_pb2.RowOrder, str]] = ...) -> None: ...

class ExpressionSource(_message.Message):
    __slots__ = ("content", "media", "character", "face_box", "frame_index", "shot")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    FACE_BOX_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    SHOT_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    media: str
    character: _character_pb2.Character
    face_box: _fitting_pb2.FaceBox
    frame_index: int
    shot: CharacterShot
    def __init__(self, content: _Optional[bytes] = ..., media: _Optional[str] = ..., character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., face_box: _Optional[_Union[_fitting_pb2.FaceBox, _Mapping]] = ..., frame_index: _Optional[int] = ..., shot: _Optional[_Union[CharacterShot, _Mapping]] = ...) -> None: ...

class CharacterShot(_message.Message):
    __slots__ = ("size_px", "preset", "view", "stage")
    SIZE_PX_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    size_px: int
    preset: _render_pb2.RenderPreset
    view: _render_pb2.View
    stage: _render_pb2.Stage
    def __init__(self, size_px: _Optional[int] = ..., preset: _Optional[_Union[_render_pb2.RenderPreset, str]] = ..., view: _Optional[_Union[_render_pb2.View, _Mapping]] = ..., stage: _Optional[_Union[_render_pb2.Stage, _Mapping]] = ...) -> None: ...

class ExpressionMotion(_message.Message):
    __slots__ = ("curves", "moods", "frame_count", "fps", "loop", "order", "relative")
    CURVES_FIELD_NUMBER: _ClassVar[int]
    MOODS_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    FPS_FIELD_NUMBER: _ClassVar[int]
    LOOP_FIELD_NUMBER: _ClassVar[int]
    ORDER_FIELD_NUMBER: _ClassVar[int]
    RELATIVE_FIELD_NUMBER: _ClassVar[int]
    curves: _containers.RepeatedCompositeFieldContainer[ExpressionCurve]
    moods: _containers.RepeatedCompositeFieldContainer[MoodKey]
    frame_count: int
    fps: float
    loop: bool
    order: ExpressionOrder
    relative: bool
    def __init__(self, curves: _Optional[_Iterable[_Union[ExpressionCurve, _Mapping]]] = ..., moods: _Optional[_Iterable[_Union[MoodKey, _Mapping]]] = ..., frame_count: _Optional[int] = ..., fps: _Optional[float] = ..., loop: bool = ..., order: _Optional[_Union[ExpressionOrder, str]] = ..., relative: bool = ...) -> None: ...

class ExpressionCurve(_message.Message):
    __slots__ = ("name", "keys")
    NAME_FIELD_NUMBER: _ClassVar[int]
    KEYS_FIELD_NUMBER: _ClassVar[int]
    name: str
    keys: _containers.RepeatedCompositeFieldContainer[ExpressionKey]
    def __init__(self, name: _Optional[str] = ..., keys: _Optional[_Iterable[_Union[ExpressionKey, _Mapping]]] = ...) -> None: ...

class ExpressionKey(_message.Message):
    __slots__ = ("time", "value", "easing")
    TIME_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EASING_FIELD_NUMBER: _ClassVar[int]
    time: float
    value: float
    easing: Easing
    def __init__(self, time: _Optional[float] = ..., value: _Optional[float] = ..., easing: _Optional[_Union[Easing, str]] = ...) -> None: ...

class MoodKey(_message.Message):
    __slots__ = ("time", "mood", "strength", "easing")
    TIME_FIELD_NUMBER: _ClassVar[int]
    MOOD_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    EASING_FIELD_NUMBER: _ClassVar[int]
    time: float
    mood: str
    strength: float
    easing: Easing
    def __init__(self, time: _Optional[float] = ..., mood: _Optional[str] = ..., strength: _Optional[float] = ..., easing: _Optional[_Union[Easing, str]] = ...) -> None: ...

class StreamExpressionFramesResponse(_message.Message):
    __slots__ = ("start", "frame")
    START_FIELD_NUMBER: _ClassVar[int]
    FRAME_FIELD_NUMBER: _ClassVar[int]
    start: ExpressionStart
    frame: ExpressionFrame
    def __init__(self, start: _Optional[_Union[ExpressionStart, _Mapping]] = ..., frame: _Optional[_Union[ExpressionFrame, _Mapping]] = ...) -> None: ...

class ExpressionStart(_message.Message):
    __slots__ = ("own_degrees", "notices", "width", "height", "frame_count", "frame_index")
    class OwnDegreesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    OWN_DEGREES_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    FRAME_COUNT_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    own_degrees: _containers.ScalarMap[str, float]
    notices: _containers.RepeatedCompositeFieldContainer[_report_pb2.Warning]
    width: int
    height: int
    frame_count: int
    frame_index: int
    def __init__(self, own_degrees: _Optional[_Mapping[str, float]] = ..., notices: _Optional[_Iterable[_Union[_report_pb2.Warning, _Mapping]]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., frame_count: _Optional[int] = ..., frame_index: _Optional[int] = ...) -> None: ...

class ExpressionFrame(_message.Message):
    __slots__ = ("index", "time_secs", "content")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    TIME_SECS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    index: int
    time_secs: float
    content: bytes
    def __init__(self, index: _Optional[int] = ..., time_secs: _Optional[float] = ..., content: _Optional[bytes] = ...) -> None: ...

class GenerateExpressionVideoRequest(_message.Message):
    __slots__ = ("source", "motion", "request_id")
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    MOTION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    source: ExpressionSource
    motion: ExpressionMotion
    request_id: str
    def __init__(self, source: _Optional[_Union[ExpressionSource, _Mapping]] = ..., motion: _Optional[_Union[ExpressionMotion, _Mapping]] = ..., request_id: _Optional[str] = ...) -> None: ...

class GenerateExpressionVideoMetadata(_message.Message):
    __slots__ = ("progress", "create_time", "start_time", "end_time", "attempt")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    progress: float
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    attempt: int
    def __init__(self, progress: _Optional[float] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ...) -> None: ...

class GenerateExpressionVideoResponse(_message.Message):
    __slots__ = ("video", "own_degrees", "notices", "frame_index")
    class OwnDegreesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    OWN_DEGREES_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    FRAME_INDEX_FIELD_NUMBER: _ClassVar[int]
    video: _media_pb2.Media
    own_degrees: _containers.ScalarMap[str, float]
    notices: _containers.RepeatedCompositeFieldContainer[_report_pb2.Warning]
    frame_index: int
    def __init__(self, video: _Optional[_Union[_media_pb2.Media, _Mapping]] = ..., own_degrees: _Optional[_Mapping[str, float]] = ..., notices: _Optional[_Iterable[_Union[_report_pb2.Warning, _Mapping]]] = ..., frame_index: _Optional[int] = ...) -> None: ...

class ListCapturePromptsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCapturePromptsResponse(_message.Message):
    __slots__ = ("prompts",)
    PROMPTS_FIELD_NUMBER: _ClassVar[int]
    prompts: _containers.RepeatedCompositeFieldContainer[CapturePrompt]
    def __init__(self, prompts: _Optional[_Iterable[_Union[CapturePrompt, _Mapping]]] = ...) -> None: ...

class CapturePrompt(_message.Message):
    __slots__ = ("name", "text", "duration_secs", "from_degrees", "to_degrees")
    class FromDegreesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class ToDegreesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    DURATION_SECS_FIELD_NUMBER: _ClassVar[int]
    FROM_DEGREES_FIELD_NUMBER: _ClassVar[int]
    TO_DEGREES_FIELD_NUMBER: _ClassVar[int]
    name: str
    text: str
    duration_secs: float
    from_degrees: _containers.ScalarMap[str, float]
    to_degrees: _containers.ScalarMap[str, float]
    def __init__(self, name: _Optional[str] = ..., text: _Optional[str] = ..., duration_secs: _Optional[float] = ..., from_degrees: _Optional[_Mapping[str, float]] = ..., to_degrees: _Optional[_Mapping[str, float]] = ...) -> None: ...
