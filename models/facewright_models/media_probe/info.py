"""What is known of a file, as values that a register can keep as JSON."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "AudioStream",
    "ImageInfo",
    "MediaInfo",
    "MediaLimits",
    "VideoInfo",
    "media_info_from_json",
    "media_info_to_json",
]


@dataclass(frozen=True, kw_only=True)
class MediaLimits:
    """What is refused before anything is decoded."""

    max_image_pixels: int = 100_000_000
    max_frame_pixels: int = 40_000_000
    max_image_bytes: int = 512 * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ImageInfo:
    """`width` and `height` are of the upright picture, `rotation_degrees` is the clockwise turn in them."""

    content_type: str
    width: int
    height: int
    has_alpha: bool
    frame_count: int
    rotation_degrees: int


@dataclass(frozen=True, kw_only=True)
class AudioStream:
    """`language` is empty when the file does not say."""

    codec: str
    sample_rate_hz: int
    channels: int
    language: str


@dataclass(frozen=True, kw_only=True)
class VideoInfo:
    """`width` and `height` are of the upright picture; `frame_count` and durations are 0 when unknown.

    With `has_variable_frame_rate`, frame times and not frame numbers say what is when.
    """

    content_type: str
    width: int
    height: int
    duration_secs: float
    frame_rate: float
    has_variable_frame_rate: bool
    frame_count: int
    rotation_degrees: int
    has_alpha: bool
    codec: str
    audio_streams: tuple[AudioStream, ...]


MediaInfo = ImageInfo | VideoInfo


def media_info_to_json(info: MediaInfo) -> dict[str, Any]:
    """Plain JSON values; `media_info_from_json` reads them again."""
    return {"kind": "image" if isinstance(info, ImageInfo) else "video", **dataclasses.asdict(info)}


def media_info_from_json(values: Mapping[str, Any]) -> MediaInfo:
    """What `media_info_to_json` wrote."""
    fields = {name: value for name, value in values.items() if name != "kind"}
    if values["kind"] == "image":
        return ImageInfo(**fields)
    streams = tuple(AudioStream(**stream) for stream in fields.pop("audio_streams"))
    return VideoInfo(audio_streams=streams, **fields)
