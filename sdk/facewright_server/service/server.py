"""`ServerService`: what this server is, and what it lets one do."""

import asyncio
import time
from collections.abc import Iterable
from importlib import metadata
from typing import Final

import grpc
from google.protobuf import duration_pb2

from facewright.v1 import server_pb2, server_pb2_grpc
from facewright_models.weights import read_register
from facewright_server.config import ServerConfig
from facewright_server.engine import Engine

__all__ = ["ServerServicer", "server_version"]

_PACKAGE = "facewright"
_CAPABILITIES: Final[dict[str, tuple[str, ...]]] = {
    "facewright.v1.ExpressionService": ("capture-prompts", "expression-frames", "expression-video"),
    "facewright.v1.FittingService": ("fit",),
    "facewright.v1.MediaService": ("media",),
    "facewright.v1.RenderService": ("render", "stream-frames"),
    "facewright.v1.RigService": ("rigs",),
    "google.longrunning.Operations": ("batch-fit", "operations"),
}


def server_version() -> str:
    """Version of the installed package; "unknown" where the code runs without being installed."""
    try:
        return metadata.version(_PACKAGE)
    except metadata.PackageNotFoundError:
        return "unknown"


class ServerServicer(server_pb2_grpc.ServerServiceServicer):
    """See server.proto. The uptime counts from here."""

    def __init__(self, engine: Engine, config: ServerConfig, *, service_names: Iterable[str]) -> None:
        self._engine = engine
        self._config = config
        self._capabilities = sorted(word for name in service_names for word in _CAPABILITIES.get(name, ()))
        self._started = time.monotonic()

    async def GetServerInfo(  # noqa: N802 - the name in the proto
        self,
        request: server_pb2.GetServerInfoRequest,  # noqa: ARG002
        context: grpc.aio.ServicerContext,  # noqa: ARG002
    ) -> server_pb2.GetServerInfoResponse:
        """Also answers while models load, and when loading has failed."""
        return server_pb2.GetServerInfoResponse(
            version=server_version(),
            rigs=await self._engine.rig_names(),
            models=await asyncio.to_thread(_models),
            limits=_limits(self._config),
            capabilities=self._capabilities,
            uptime=_duration(time.monotonic() - self._started),
        )


def _models() -> list[server_pb2.ModelInfo]:
    return [
        server_pb2.ModelInfo(name=name, sha256=row.sha256, size_bytes=row.byte_count, license=row.licence)
        for name, row in sorted(read_register().items())
    ]


def _limits(config: ServerConfig) -> server_pb2.ServerLimits:
    return server_pb2.ServerLimits(
        max_message_bytes=config.max_message_bytes,
        max_photo_pixels=config.max_photo_pixels,
        max_upload_bytes=config.max_upload_bytes,
        max_subjects=config.max_subjects,
        max_photos_per_subject=config.max_photos_per_subject,
        max_batch_photos=config.max_batch_photos,
        media_time_to_live=_duration(config.media_ttl_secs),
        operation_time_to_live=_duration(config.operation_ttl_secs),
        max_clip_frames=config.max_clip_frames,
        max_clip_curves=config.max_clip_curves,
        max_frame_px=config.max_frame_px,
        max_expression_frames=config.max_expression_frames,
        max_video_secs=config.max_video_secs,
    )


def _duration(secs: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromMilliseconds(round(secs * 1000))
    return duration
