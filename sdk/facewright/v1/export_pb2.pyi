from facewright.v1 import character_pb2 as _character_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExportFormat(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXPORT_FORMAT_UNSPECIFIED: _ClassVar[ExportFormat]
    EXPORT_FORMAT_GLB: _ClassVar[ExportFormat]
    EXPORT_FORMAT_OBJ: _ClassVar[ExportFormat]
EXPORT_FORMAT_UNSPECIFIED: ExportFormat
EXPORT_FORMAT_GLB: ExportFormat
EXPORT_FORMAT_OBJ: ExportFormat

class ExportRequest(_message.Message):
    __slots__ = ("character", "format", "expression", "omit_morphs", "include_eye_morphs", "name")
    class ExpressionEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    EXPRESSION_FIELD_NUMBER: _ClassVar[int]
    OMIT_MORPHS_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_EYE_MORPHS_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    format: ExportFormat
    expression: _containers.ScalarMap[str, float]
    omit_morphs: bool
    include_eye_morphs: bool
    name: str
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., format: _Optional[_Union[ExportFormat, str]] = ..., expression: _Optional[_Mapping[str, float]] = ..., omit_morphs: bool = ..., include_eye_morphs: bool = ..., name: _Optional[str] = ...) -> None: ...

class ExportResponse(_message.Message):
    __slots__ = ("files",)
    FILES_FIELD_NUMBER: _ClassVar[int]
    files: _containers.RepeatedCompositeFieldContainer[ExportedFile]
    def __init__(self, files: _Optional[_Iterable[_Union[ExportedFile, _Mapping]]] = ...) -> None: ...

class ExportedFile(_message.Message):
    __slots__ = ("name", "content")
    NAME_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    name: str
    content: bytes
    def __init__(self, name: _Optional[str] = ..., content: _Optional[bytes] = ...) -> None: ...
