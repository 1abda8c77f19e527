"""What a file is: image or video, upright size, rotation, frames, alpha, sound. Told by content, never by name."""

from facewright_models.media_probe.info import (
    AudioStream,
    ImageInfo,
    MediaInfo,
    MediaLimits,
    VideoInfo,
    media_info_from_json,
    media_info_to_json,
)
from facewright_models.media_probe.probing import probe_media

__all__ = [
    "AudioStream",
    "ImageInfo",
    "MediaInfo",
    "MediaLimits",
    "VideoInfo",
    "media_info_from_json",
    "media_info_to_json",
    "probe_media",
]
