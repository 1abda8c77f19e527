from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Color(_message.Message):
    __slots__ = ("red", "green", "blue")
    RED_FIELD_NUMBER: _ClassVar[int]
    GREEN_FIELD_NUMBER: _ClassVar[int]
    BLUE_FIELD_NUMBER: _ClassVar[int]
    red: float
    green: float
    blue: float
    def __init__(self, red: _Optional[float] = ..., green: _Optional[float] = ..., blue: _Optional[float] = ...) -> None: ...

class Character(_message.Message):
    __slots__ = ("rig", "rig_version", "sliders", "styles", "colors", "skin_texture")
    class SlidersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class StylesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class ColorsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Color
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Color, _Mapping]] = ...) -> None: ...
    RIG_FIELD_NUMBER: _ClassVar[int]
    RIG_VERSION_FIELD_NUMBER: _ClassVar[int]
    SLIDERS_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    COLORS_FIELD_NUMBER: _ClassVar[int]
    SKIN_TEXTURE_FIELD_NUMBER: _ClassVar[int]
    rig: str
    rig_version: str
    sliders: _containers.ScalarMap[str, float]
    styles: _containers.ScalarMap[str, str]
    colors: _containers.MessageMap[str, Color]
    skin_texture: str
    def __init__(self, rig: _Optional[str] = ..., rig_version: _Optional[str] = ..., sliders: _Optional[_Mapping[str, float]] = ..., styles: _Optional[_Mapping[str, str]] = ..., colors: _Optional[_Mapping[str, Color]] = ..., skin_texture: _Optional[str] = ...) -> None: ...
