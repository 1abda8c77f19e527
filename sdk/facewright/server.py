"""What a server says about itself."""

from __future__ import annotations

from dataclasses import dataclass

from facewright.v1 import server_pb2

__all__ = ["ModelInfo", "ServerInfo", "ServerLimits"]


@dataclass(frozen=True)
class ModelInfo:
    """A file of trained weights."""

    name: str
    sha256: str
    size_bytes: int
    license: str


@dataclass(frozen=True)
class ServerLimits:
    """What is refused beyond these, and how long things are kept."""

    max_message_bytes: int
    max_photo_pixels: int
    max_upload_bytes: int
    max_subjects: int
    max_photos_per_subject: int
    max_batch_photos: int
    media_ttl_secs: float
    operation_ttl_secs: float
    max_clip_frames: int
    max_clip_curves: int
    max_frame_px: int
    max_expression_frames: int
    max_video_secs: float


@dataclass(frozen=True)
class ServerInfo:
    """Version, rigs, models, limits; `capabilities` are stable words like ``fit`` and ``batch-fit``."""

    version: str
    rigs: tuple[str, ...]
    models: tuple[ModelInfo, ...]
    limits: ServerLimits
    capabilities: tuple[str, ...]
    uptime_secs: float

    @classmethod
    def from_message(cls, message: server_pb2.GetServerInfoResponse) -> ServerInfo:
        """As it came over the wire."""
        limits = message.limits
        return cls(
            version=message.version,
            rigs=tuple(message.rigs),
            models=tuple(
                ModelInfo(model.name, model.sha256, model.size_bytes, model.license)
                for model in message.models
            ),
            limits=ServerLimits(
                max_message_bytes=limits.max_message_bytes,
                max_photo_pixels=limits.max_photo_pixels,
                max_upload_bytes=limits.max_upload_bytes,
                max_subjects=limits.max_subjects,
                max_photos_per_subject=limits.max_photos_per_subject,
                max_batch_photos=limits.max_batch_photos,
                media_ttl_secs=limits.media_time_to_live.ToMilliseconds() / 1000,
                operation_ttl_secs=limits.operation_time_to_live.ToMilliseconds() / 1000,
                max_clip_frames=limits.max_clip_frames,
                max_clip_curves=limits.max_clip_curves,
                max_frame_px=limits.max_frame_px,
                max_expression_frames=limits.max_expression_frames,
                max_video_secs=limits.max_video_secs,
            ),
            capabilities=tuple(message.capabilities),
            uptime_secs=message.uptime.ToMilliseconds() / 1000,
        )
