"""Facewright's client: puts a player's face into a game.

`Client` and `AsyncClient` talk to a server, `EmbeddedServer` starts one on this machine, `errors` has
everything they raise. Needs grpcio and protobuf only.
"""

from facewright import errors
from facewright._retry import Retry, Timeouts
from facewright.aio import AsyncClient
from facewright.batch_fitting import BatchFitItem, BatchFitProgress
from facewright.character import Character, Color
from facewright.client import Client
from facewright.clips import Clip, ClipFrame
from facewright.embedded import EmbeddedServer
from facewright.errors import FacewrightError
from facewright.expression_videos import ExpressionVideo, ExpressionVideoProgress
from facewright.expressions import (
    CapturePrompt,
    CharacterShot,
    Curve,
    ExpressionFrame,
    ExpressionStart,
    Key,
    MoodKey,
    Motion,
    VideoFrame,
)
from facewright.fitting import (
    FaceBox,
    FitOptions,
    FitProgress,
    FitReport,
    FitResult,
    FitSeconds,
    Locks,
    Notice,
    Photo,
    RefitReport,
    RefitResult,
    Subject,
)
from facewright.media import AudioStream, ImageInfo, Media, TransferProgress, VideoInfo
from facewright.operations import AsyncOperation, Operation, OperationSummary
from facewright.rendering import Landmark, RenderedFrame, Stage, View
from facewright.rigs import Parameter, Rig, RigSummary
from facewright.server import ModelInfo, ServerInfo, ServerLimits
from facewright.shared import SharedServer, running_server, shared_server, stop_shared_server

__all__ = [
    "AsyncClient",
    "AsyncOperation",
    "AudioStream",
    "BatchFitItem",
    "BatchFitProgress",
    "CapturePrompt",
    "Character",
    "CharacterShot",
    "Client",
    "Clip",
    "ClipFrame",
    "Color",
    "Curve",
    "EmbeddedServer",
    "ExpressionFrame",
    "ExpressionStart",
    "ExpressionVideo",
    "ExpressionVideoProgress",
    "FaceBox",
    "FacewrightError",
    "FitOptions",
    "FitProgress",
    "FitReport",
    "FitResult",
    "FitSeconds",
    "ImageInfo",
    "Key",
    "Landmark",
    "Locks",
    "Media",
    "ModelInfo",
    "MoodKey",
    "Motion",
    "Notice",
    "Operation",
    "OperationSummary",
    "Parameter",
    "Photo",
    "RefitReport",
    "RefitResult",
    "RenderedFrame",
    "Retry",
    "Rig",
    "RigSummary",
    "ServerInfo",
    "ServerLimits",
    "SharedServer",
    "Stage",
    "Subject",
    "Timeouts",
    "TransferProgress",
    "VideoFrame",
    "VideoInfo",
    "View",
    "errors",
    "running_server",
    "shared_server",
    "stop_shared_server",
]
