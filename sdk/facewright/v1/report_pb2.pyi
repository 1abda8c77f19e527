from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FitReport(_message.Message):
    __slots__ = ("identity_cosine", "content_l1", "landmark_nme", "iterations", "seconds", "warnings", "confidence")
    class ConfidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    IDENTITY_COSINE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_L1_FIELD_NUMBER: _ClassVar[int]
    LANDMARK_NME_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    CONFIDENCE_FIELD_NUMBER: _ClassVar[int]
    identity_cosine: float
    content_l1: float
    landmark_nme: float
    iterations: int
    seconds: FitSeconds
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    confidence: _containers.ScalarMap[str, float]
    def __init__(self, identity_cosine: _Optional[float] = ..., content_l1: _Optional[float] = ..., landmark_nme: _Optional[float] = ..., iterations: _Optional[int] = ..., seconds: _Optional[_Union[FitSeconds, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ..., confidence: _Optional[_Mapping[str, float]] = ...) -> None: ...

class FitSeconds(_message.Message):
    __slots__ = ("align", "features", "optimise", "render", "total")
    ALIGN_FIELD_NUMBER: _ClassVar[int]
    FEATURES_FIELD_NUMBER: _ClassVar[int]
    OPTIMISE_FIELD_NUMBER: _ClassVar[int]
    RENDER_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    align: float
    features: float
    optimise: float
    render: float
    total: float
    def __init__(self, align: _Optional[float] = ..., features: _Optional[float] = ..., optimise: _Optional[float] = ..., render: _Optional[float] = ..., total: _Optional[float] = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...
