"""What is known of files on the server."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from facewright.v1 import media_pb2

__all__ = ["AudioStream", "ImageInfo", "Media", "TransferProgress", "VideoInfo"]


@dataclass(frozen=True)
class ImageInfo:
    """`width` and `height` are of the upright picture; `rotation_degrees` is the clockwise turn in them."""

    width: int
    height: int
    has_alpha: bool
    frame_count: int
    rotation_degrees: int


@dataclass(frozen=True)
class AudioStream:
    """`language` is empty when the file does not say."""

    codec: str
    sample_rate_hz: int
    channels: int
    language: str


@dataclass(frozen=True)
class VideoInfo:
    """`width` and `height` are of the upright picture; `frame_count` is 0 when the file does not say."""

    width: int
    height: int
    duration_secs: float
    frame_rate: float
    variable_frame_rate: bool
    frame_count: int
    rotation_degrees: int
    has_alpha: bool
    video_codec: str
    audio_streams: tuple[AudioStream, ...]


@dataclass(frozen=True)
class Media:
    """A complete file; at most one of `image` and `video` is set."""

    name: str
    display_name: str
    size_bytes: int
    sha256: str
    content_type: str
    create_time: datetime
    expire_time: datetime
    image: ImageInfo | None = None
    video: VideoInfo | None = None

    @classmethod
    def from_message(cls, message: media_pb2.Media) -> Media:
        """From the wire."""
        return cls(
            name=message.name,
            display_name=message.display_name,
            size_bytes=message.size_bytes,
            sha256=message.sha256,
            content_type=message.content_type,
            create_time=message.create_time.ToDatetime(timezone.utc),
            expire_time=message.expire_time.ToDatetime(timezone.utc),
            image=_image(message.image) if message.HasField("image") else None,
            video=_video(message.video) if message.HasField("video") else None,
        )


@dataclass(frozen=True)
class TransferProgress:
    """How many bytes have been sent or fetched."""

    done_bytes: int
    total_bytes: int


def _image(message: media_pb2.ImageInfo) -> ImageInfo:
    return ImageInfo(
        width=message.width,
        height=message.height,
        has_alpha=message.has_alpha,
        frame_count=message.frame_count,
        rotation_degrees=message.rotation_degrees,
    )


def _video(message: media_pb2.VideoInfo) -> VideoInfo:
    return VideoInfo(
        width=message.width,
        height=message.height,
        duration_secs=message.duration.ToMicroseconds() / 1e6,
        frame_rate=message.frame_rate,
        variable_frame_rate=message.variable_frame_rate,
        frame_count=message.frame_count,
        rotation_degrees=message.rotation_degrees,
        has_alpha=message.has_alpha,
        video_codec=message.video_codec,
        audio_streams=tuple(
            AudioStream(
                codec=stream.codec,
                sample_rate_hz=stream.sample_rate_hz,
                channels=stream.channels,
                language=stream.language,
            )
            for stream in message.audio_streams
        ),
    )
