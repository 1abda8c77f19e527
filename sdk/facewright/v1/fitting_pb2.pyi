import datetime

from facewright.v1 import character_pb2 as _character_pb2
from facewright.v1 import report_pb2 as _report_pb2
from google.longrunning import operations_pb2 as _operations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.rpc import status_pb2 as _status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class FitMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FIT_MODE_UNSPECIFIED: _ClassVar[FitMode]
    FIT_MODE_REFINE: _ClassVar[FitMode]
    FIT_MODE_FAST: _ClassVar[FitMode]

class ContentNorm(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTENT_NORM_UNSPECIFIED: _ClassVar[ContentNorm]
    CONTENT_NORM_L1: _ClassVar[ContentNorm]
    CONTENT_NORM_L2: _ClassVar[ContentNorm]

class Alignment(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ALIGNMENT_UNSPECIFIED: _ClassVar[Alignment]
    ALIGNMENT_SIMILARITY: _ClassVar[Alignment]
    ALIGNMENT_AFFINE: _ClassVar[Alignment]

class FitStage(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FIT_STAGE_UNSPECIFIED: _ClassVar[FitStage]
    FIT_STAGE_ALIGN: _ClassVar[FitStage]
    FIT_STAGE_FEATURES: _ClassVar[FitStage]
    FIT_STAGE_OPTIMISE: _ClassVar[FitStage]
    FIT_STAGE_RENDER: _ClassVar[FitStage]

class RefitPreset(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REFIT_PRESET_UNSPECIFIED: _ClassVar[RefitPreset]
    REFIT_PRESET_YOUNGER: _ClassVar[RefitPreset]
    REFIT_PRESET_OLDER: _ClassVar[RefitPreset]
    REFIT_PRESET_HEAVIER: _ClassVar[RefitPreset]
    REFIT_PRESET_STYLISED: _ClassVar[RefitPreset]

class ResultPicture(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESULT_PICTURE_UNSPECIFIED: _ClassVar[ResultPicture]
    RESULT_PICTURE_RENDERED: _ClassVar[ResultPicture]
    RESULT_PICTURE_COMPARISON: _ClassVar[ResultPicture]
FIT_MODE_UNSPECIFIED: FitMode
FIT_MODE_REFINE: FitMode
FIT_MODE_FAST: FitMode
CONTENT_NORM_UNSPECIFIED: ContentNorm
CONTENT_NORM_L1: ContentNorm
CONTENT_NORM_L2: ContentNorm
ALIGNMENT_UNSPECIFIED: Alignment
ALIGNMENT_SIMILARITY: Alignment
ALIGNMENT_AFFINE: Alignment
FIT_STAGE_UNSPECIFIED: FitStage
FIT_STAGE_ALIGN: FitStage
FIT_STAGE_FEATURES: FitStage
FIT_STAGE_OPTIMISE: FitStage
FIT_STAGE_RENDER: FitStage
REFIT_PRESET_UNSPECIFIED: RefitPreset
REFIT_PRESET_YOUNGER: RefitPreset
REFIT_PRESET_OLDER: RefitPreset
REFIT_PRESET_HEAVIER: RefitPreset
REFIT_PRESET_STYLISED: RefitPreset
RESULT_PICTURE_UNSPECIFIED: ResultPicture
RESULT_PICTURE_RENDERED: ResultPicture
RESULT_PICTURE_COMPARISON: ResultPicture

class FitRequest(_message.Message):
    __slots__ = ("rig", "subjects", "options")
    RIG_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    rig: str
    subjects: _containers.RepeatedCompositeFieldContainer[Subject]
    options: FitOptions
    def __init__(self, rig: _Optional[str] = ..., subjects: _Optional[_Iterable[_Union[Subject, _Mapping]]] = ..., options: _Optional[_Union[FitOptions, _Mapping]] = ...) -> None: ...

class Subject(_message.Message):
    __slots__ = ("photos",)
    PHOTOS_FIELD_NUMBER: _ClassVar[int]
    photos: _containers.RepeatedCompositeFieldContainer[Photo]
    def __init__(self, photos: _Optional[_Iterable[_Union[Photo, _Mapping]]] = ...) -> None: ...

class Photo(_message.Message):
    __slots__ = ("content", "media", "face_box")
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    MEDIA_FIELD_NUMBER: _ClassVar[int]
    FACE_BOX_FIELD_NUMBER: _ClassVar[int]
    content: bytes
    media: str
    face_box: FaceBox
    def __init__(self, content: _Optional[bytes] = ..., media: _Optional[str] = ..., face_box: _Optional[_Union[FaceBox, _Mapping]] = ...) -> None: ...

class FaceBox(_message.Message):
    __slots__ = ("x", "y", "width", "height")
    X_FIELD_NUMBER: _ClassVar[int]
    Y_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    x: int
    y: int
    width: int
    height: int
    def __init__(self, x: _Optional[int] = ..., y: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class FitOptions(_message.Message):
    __slots__ = ("iterations", "similarity_threshold", "seed", "content_weight", "identity_weight", "landmark_weight", "content_norm", "alignment", "locks", "bake_skin", "mode")
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    CONTENT_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    LANDMARK_WEIGHT_FIELD_NUMBER: _ClassVar[int]
    CONTENT_NORM_FIELD_NUMBER: _ClassVar[int]
    ALIGNMENT_FIELD_NUMBER: _ClassVar[int]
    LOCKS_FIELD_NUMBER: _ClassVar[int]
    BAKE_SKIN_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    iterations: int
    similarity_threshold: float
    seed: int
    content_weight: float
    identity_weight: float
    landmark_weight: float
    content_norm: ContentNorm
    alignment: Alignment
    locks: Locks
    bake_skin: bool
    mode: FitMode
    def __init__(self, iterations: _Optional[int] = ..., similarity_threshold: _Optional[float] = ..., seed: _Optional[int] = ..., content_weight: _Optional[float] = ..., identity_weight: _Optional[float] = ..., landmark_weight: _Optional[float] = ..., content_norm: _Optional[_Union[ContentNorm, str]] = ..., alignment: _Optional[_Union[Alignment, str]] = ..., locks: _Optional[_Union[Locks, _Mapping]] = ..., bake_skin: bool = ..., mode: _Optional[_Union[FitMode, str]] = ...) -> None: ...

class Locks(_message.Message):
    __slots__ = ("sliders", "styles", "colors")
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
        value: _character_pb2.Color
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_character_pb2.Color, _Mapping]] = ...) -> None: ...
    SLIDERS_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    COLORS_FIELD_NUMBER: _ClassVar[int]
    sliders: _containers.ScalarMap[str, float]
    styles: _containers.ScalarMap[str, str]
    colors: _containers.MessageMap[str, _character_pb2.Color]
    def __init__(self, sliders: _Optional[_Mapping[str, float]] = ..., styles: _Optional[_Mapping[str, str]] = ..., colors: _Optional[_Mapping[str, _character_pb2.Color]] = ...) -> None: ...

class FitResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: FitProgress
    result: FitResult
    def __init__(self, progress: _Optional[_Union[FitProgress, _Mapping]] = ..., result: _Optional[_Union[FitResult, _Mapping]] = ...) -> None: ...

class FitProgress(_message.Message):
    __slots__ = ("subject", "stage", "iteration", "iterations", "loss", "similarity")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    subject: int
    stage: FitStage
    iteration: int
    iterations: int
    loss: float
    similarity: float
    def __init__(self, subject: _Optional[int] = ..., stage: _Optional[_Union[FitStage, str]] = ..., iteration: _Optional[int] = ..., iterations: _Optional[int] = ..., loss: _Optional[float] = ..., similarity: _Optional[float] = ...) -> None: ...

class FitResult(_message.Message):
    __slots__ = ("subject", "character", "report", "aligned_photo_png", "imitated_png", "rendered_png", "comparison_png", "skin_texture_png", "skin_texture_media")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    ALIGNED_PHOTO_PNG_FIELD_NUMBER: _ClassVar[int]
    IMITATED_PNG_FIELD_NUMBER: _ClassVar[int]
    RENDERED_PNG_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_PNG_FIELD_NUMBER: _ClassVar[int]
    SKIN_TEXTURE_PNG_FIELD_NUMBER: _ClassVar[int]
    SKIN_TEXTURE_MEDIA_FIELD_NUMBER: _ClassVar[int]
    subject: int
    character: _character_pb2.Character
    report: _report_pb2.FitReport
    aligned_photo_png: bytes
    imitated_png: bytes
    rendered_png: bytes
    comparison_png: bytes
    skin_texture_png: bytes
    skin_texture_media: str
    def __init__(self, subject: _Optional[int] = ..., character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., report: _Optional[_Union[_report_pb2.FitReport, _Mapping]] = ..., aligned_photo_png: _Optional[bytes] = ..., imitated_png: _Optional[bytes] = ..., rendered_png: _Optional[bytes] = ..., comparison_png: _Optional[bytes] = ..., skin_texture_png: _Optional[bytes] = ..., skin_texture_media: _Optional[str] = ...) -> None: ...

class RefitCharacterRequest(_message.Message):
    __slots__ = ("character", "subject", "locks", "kept", "styles", "colors", "preset", "strength", "options")
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
        value: _character_pb2.Color
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_character_pb2.Color, _Mapping]] = ...) -> None: ...
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    LOCKS_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    STYLES_FIELD_NUMBER: _ClassVar[int]
    COLORS_FIELD_NUMBER: _ClassVar[int]
    PRESET_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    subject: Subject
    locks: Locks
    kept: _containers.RepeatedScalarFieldContainer[str]
    styles: _containers.ScalarMap[str, str]
    colors: _containers.MessageMap[str, _character_pb2.Color]
    preset: RefitPreset
    strength: float
    options: FitOptions
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., subject: _Optional[_Union[Subject, _Mapping]] = ..., locks: _Optional[_Union[Locks, _Mapping]] = ..., kept: _Optional[_Iterable[str]] = ..., styles: _Optional[_Mapping[str, str]] = ..., colors: _Optional[_Mapping[str, _character_pb2.Color]] = ..., preset: _Optional[_Union[RefitPreset, str]] = ..., strength: _Optional[float] = ..., options: _Optional[_Union[FitOptions, _Mapping]] = ...) -> None: ...

class RefitCharacterResponse(_message.Message):
    __slots__ = ("progress", "result")
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    progress: FitProgress
    result: RefitResult
    def __init__(self, progress: _Optional[_Union[FitProgress, _Mapping]] = ..., result: _Optional[_Union[RefitResult, _Mapping]] = ...) -> None: ...

class RefitResult(_message.Message):
    __slots__ = ("character", "report", "rendered_png", "comparison_png")
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    RENDERED_PNG_FIELD_NUMBER: _ClassVar[int]
    COMPARISON_PNG_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    report: RefitReport
    rendered_png: bytes
    comparison_png: bytes
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., report: _Optional[_Union[RefitReport, _Mapping]] = ..., rendered_png: _Optional[bytes] = ..., comparison_png: _Optional[bytes] = ...) -> None: ...

class RefitReport(_message.Message):
    __slots__ = ("identity_distance", "strength", "fit", "seconds", "warnings")
    IDENTITY_DISTANCE_FIELD_NUMBER: _ClassVar[int]
    STRENGTH_FIELD_NUMBER: _ClassVar[int]
    FIT_FIELD_NUMBER: _ClassVar[int]
    SECONDS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    identity_distance: float
    strength: float
    fit: _report_pb2.FitReport
    seconds: _report_pb2.FitSeconds
    warnings: _containers.RepeatedCompositeFieldContainer[_report_pb2.Warning]
    def __init__(self, identity_distance: _Optional[float] = ..., strength: _Optional[float] = ..., fit: _Optional[_Union[_report_pb2.FitReport, _Mapping]] = ..., seconds: _Optional[_Union[_report_pb2.FitSeconds, _Mapping]] = ..., warnings: _Optional[_Iterable[_Union[_report_pb2.Warning, _Mapping]]] = ...) -> None: ...

class BatchFitRequest(_message.Message):
    __slots__ = ("rig", "subjects", "options", "request_id", "pictures")
    RIG_FIELD_NUMBER: _ClassVar[int]
    SUBJECTS_FIELD_NUMBER: _ClassVar[int]
    OPTIONS_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    rig: str
    subjects: _containers.RepeatedCompositeFieldContainer[Subject]
    options: FitOptions
    request_id: str
    pictures: _containers.RepeatedScalarFieldContainer[ResultPicture]
    def __init__(self, rig: _Optional[str] = ..., subjects: _Optional[_Iterable[_Union[Subject, _Mapping]]] = ..., options: _Optional[_Union[FitOptions, _Mapping]] = ..., request_id: _Optional[str] = ..., pictures: _Optional[_Iterable[_Union[ResultPicture, str]]] = ...) -> None: ...

class BatchFitMetadata(_message.Message):
    __slots__ = ("subject_count", "done_count", "failed_count", "progress", "create_time", "start_time", "end_time", "attempt")
    SUBJECT_COUNT_FIELD_NUMBER: _ClassVar[int]
    DONE_COUNT_FIELD_NUMBER: _ClassVar[int]
    FAILED_COUNT_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    subject_count: int
    done_count: int
    failed_count: int
    progress: float
    create_time: _timestamp_pb2.Timestamp
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    attempt: int
    def __init__(self, subject_count: _Optional[int] = ..., done_count: _Optional[int] = ..., failed_count: _Optional[int] = ..., progress: _Optional[float] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., attempt: _Optional[int] = ...) -> None: ...

class BatchFitResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchFitResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchFitResult, _Mapping]]] = ...) -> None: ...

class BatchFitResult(_message.Message):
    __slots__ = ("subject", "fitted", "error")
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    FITTED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    subject: int
    fitted: FittedCharacter
    error: _status_pb2.Status
    def __init__(self, subject: _Optional[int] = ..., fitted: _Optional[_Union[FittedCharacter, _Mapping]] = ..., error: _Optional[_Union[_status_pb2.Status, _Mapping]] = ...) -> None: ...

class FittedCharacter(_message.Message):
    __slots__ = ("character", "report", "pictures")
    class PicturesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CHARACTER_FIELD_NUMBER: _ClassVar[int]
    REPORT_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    character: _character_pb2.Character
    report: _report_pb2.FitReport
    pictures: _containers.ScalarMap[str, str]
    def __init__(self, character: _Optional[_Union[_character_pb2.Character, _Mapping]] = ..., report: _Optional[_Union[_report_pb2.FitReport, _Mapping]] = ..., pictures: _Optional[_Mapping[str, str]] = ...) -> None: ...
