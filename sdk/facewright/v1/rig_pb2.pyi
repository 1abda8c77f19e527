from facewright.v1 import character_pb2 as _character_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ParameterKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PARAMETER_KIND_UNSPECIFIED: _ClassVar[ParameterKind]
    PARAMETER_KIND_CONTINUOUS: _ClassVar[ParameterKind]
    PARAMETER_KIND_STYLE: _ClassVar[ParameterKind]
    PARAMETER_KIND_COLOR: _ClassVar[ParameterKind]
PARAMETER_KIND_UNSPECIFIED: ParameterKind
PARAMETER_KIND_CONTINUOUS: ParameterKind
PARAMETER_KIND_STYLE: ParameterKind
PARAMETER_KIND_COLOR: ParameterKind

class ListRigsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListRigsResponse(_message.Message):
    __slots__ = ("rigs", "next_page_token")
    RIGS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    rigs: _containers.RepeatedCompositeFieldContainer[RigSummary]
    next_page_token: str
    def __init__(self, rigs: _Optional[_Iterable[_Union[RigSummary, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class RigSummary(_message.Message):
    __slots__ = ("name", "version", "license", "parameter_count", "facial_action_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    PARAMETER_COUNT_FIELD_NUMBER: _ClassVar[int]
    FACIAL_ACTION_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    license: str
    parameter_count: int
    facial_action_count: int
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., license: _Optional[str] = ..., parameter_count: _Optional[int] = ..., facial_action_count: _Optional[int] = ...) -> None: ...

class GetRigRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetRigResponse(_message.Message):
    __slots__ = ("rig",)
    RIG_FIELD_NUMBER: _ClassVar[int]
    rig: Rig
    def __init__(self, rig: _Optional[_Union[Rig, _Mapping]] = ...) -> None: ...

class Rig(_message.Message):
    __slots__ = ("name", "version", "license", "parameters", "facial_actions")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    FACIAL_ACTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    license: str
    parameters: _containers.RepeatedCompositeFieldContainer[Parameter]
    facial_actions: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., license: _Optional[str] = ..., parameters: _Optional[_Iterable[_Union[Parameter, _Mapping]]] = ..., facial_actions: _Optional[_Iterable[str]] = ...) -> None: ...

class Parameter(_message.Message):
    __slots__ = ("name", "group", "kind", "description", "neutral_slider", "neutral_style", "neutral_color", "options")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GROUP_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    NEUTRAL_SLIDER_FIELD_NUMBER: _ClassVar[int]
    NEUTRAL_STYLE_FIELD_NUMBER: _ClassVar[int]
    NEUTRAL_COLOR_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    name: str
    group: str
    kind: ParameterKind
    description: str
    neutral_slider: float
    neutral_style: str
    neutral_color: _character_pb2.Color
    options: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., group: _Optional[str] = ..., kind: _Optional[_Union[ParameterKind, str]] = ..., description: _Optional[str] = ..., neutral_slider: _Optional[float] = ..., neutral_style: _Optional[str] = ..., neutral_color: _Optional[_Union[_character_pb2.Color, _Mapping]] = ..., options: _Optional[_Iterable[str]] = ...) -> None: ...
