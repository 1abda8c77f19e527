"""A video of a changing expression as one operation: how far it is, what comes out."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from facewright import _expression_requests, _responses
from facewright._calls import Call
from facewright._media_values import Media
from facewright._operation_kinds import OperationKind, StartedOperation, moment
from facewright.expressions import ExpressionSource, Motion
from facewright.fitting import Notice
from facewright.v1 import expression_pb2

__all__ = [
    "EXPRESSION_VIDEO",
    "ExpressionVideo",
    "ExpressionVideoOperation",
    "ExpressionVideoProgress",
    "generate_expression_video",
]


@dataclass(frozen=True)
class ExpressionVideoProgress:
    """How far a video is; `progress` is in [0, 1]. `attempt` is over 1 after a crash or restart."""

    progress: float
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    attempt: int


@dataclass(frozen=True)
class ExpressionVideo:
    """The file on the server, for `download_media`, and what the photo shows, as in `ExpressionStart`."""

    video: Media
    own_degrees: Mapping[str, float]
    notices: tuple[Notice, ...]
    frame_index: int | None = None


@dataclass(frozen=True)
class ExpressionVideoOperation(StartedOperation[ExpressionVideoProgress, ExpressionVideo]):
    """A video that is being made."""


def generate_expression_video(
    source: ExpressionSource,
    motion: Motion,
    *,
    request_id: str = "",
    timeout_secs: float | None = None,
) -> Call[ExpressionVideoOperation]:
    """Start to make an MP4 of a photo, a frame of a video or a character, as a job that outlives this client.

    The same `request_id`, a UUID, gives the same operation; without one, only the retries of this call do.
    """
    request = _expression_requests.expression_video_request(
        source, motion, request_id=request_id or str(uuid.uuid4())
    )
    return Call("expression.GenerateExpressionVideo", request, _started, "operation", timeout_secs)


def _progress(message: expression_pb2.GenerateExpressionVideoMetadata) -> ExpressionVideoProgress:
    return ExpressionVideoProgress(
        progress=message.progress,
        create_time=message.create_time.ToDatetime(timezone.utc),
        start_time=moment(message, "start_time"),
        end_time=moment(message, "end_time"),
        attempt=message.attempt,
    )


def _video(message: expression_pb2.GenerateExpressionVideoResponse) -> ExpressionVideo:
    return ExpressionVideo(
        video=Media.from_message(message.video),
        own_degrees=dict(message.own_degrees),
        notices=_responses.notices(message.notices),
        frame_index=message.frame_index if message.HasField("frame_index") else None,
    )


EXPRESSION_VIDEO: OperationKind[ExpressionVideoProgress, ExpressionVideo] = OperationKind(
    expression_pb2.GenerateExpressionVideoMetadata,
    expression_pb2.GenerateExpressionVideoResponse,
    _progress,
    _video,
)


def _started(message: Any) -> ExpressionVideoOperation:
    return ExpressionVideoOperation(message, EXPRESSION_VIDEO)
