import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetServerInfoRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetServerInfoResponse(_message.Message):
    __slots__ = ("version", "rigs", "models", "limits", "capabilities", "uptime")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    RIGS_FIELD_NUMBER: _ClassVar[int]
    MODELS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    UPTIME_FIELD_NUMBER: _ClassVar[int]
    version: str
    rigs: _containers.RepeatedScalarFieldContainer[str]
    models: _containers.RepeatedCompositeFieldContainer[ModelInfo]
    limits: ServerLimits
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    uptime: _duration_pb2.Duration
    def __init__(self, version: _Optional[str] = ..., rigs: _Optional[_Iterable[str]] = ..., models: _Optional[_Iterable[_Union[ModelInfo, _Mapping]]] = ..., limits: _Optional[_Union[ServerLimits, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., uptime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ModelInfo(_message.Message):
    __slots__ = ("name", "sha256", "size_bytes", "license")
    NAME_FIELD_NUMBER: _ClassVar[int]
    SHA256_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LICENSE_FIELD_NUMBER: _ClassVar[int]
    name: str
    sha256: str
    size_bytes: int
    license: str
    def __init__(self, name: _Optional[str] = ..., sha256: _Optional[str] = ..., size_bytes: _Optional[int] = ..., license: _Optional[str] = ...) -> None: ...

class ServerLimits(_message.Message):
    __slots__ = ("max_message_bytes", "max_photo_pixels", "max_upload_bytes", "max_subjects", "max_photos_per_subject", "max_batch_photos", "media_time_to_live", "operation_time_to_live", "max_clip_frames", "max_clip_curves", "max_frame_px", "max_expression_frames", "max_video_secs")
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_PHOTO_PIXELS_FIELD_NUMBER: _ClassVar[int]
    MAX_UPLOAD_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    MAX_PHOTOS_PER_SUBJECT_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_PHOTOS_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_TIME_TO_LIVE_FIELD_NUMBER: _ClassVar[int]
    MAX_CLIP_FRAMES_FIELD_NUMBER: _ClassVar[int]
    MAX_CLIP_CURVES_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_PX_FIELD_NUMBER: _ClassVar[int]
    MAX_EXPRESSION_FRAMES_FIELD_NUMBER: _ClassVar[int]
    MAX_VIDEO_SECS_FIELD_NUMBER: _ClassVar[int]
    max_message_bytes: int
    max_photo_pixels: int
    max_upload_bytes: int
    max_subjects: int
    max_photos_per_subject: int
    max_batch_photos: int
    media_time_to_live: _duration_pb2.Duration
    operation_time_to_live: _duration_pb2.Duration
    max_clip_frames: int
    max_clip_curves: int
    max_frame_px: int
    max_expression_frames: int
    max_video_secs: float
    def __init__(self, max_message_bytes: _Optional[int] = ..., max_photo_pixels: _Optional[int] = ..., max_upload_bytes: _Optional[int] = ..., max_subjects: _Optional[int] = ..., max_photos_per_subject: _Optional[int] = ..., max_batch_photos: _Optional[int] = ..., media_time_to_live: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., operation_time_to_live: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., max_clip_frames: _Optional[int] = ..., max_clip_curves: _Optional[int] = ..., max_frame_px: _Optional[int] = ..., max_expression_frames: _Optional[int] = ..., max_video_secs: _Optional[float] = ...) -> None: ...
