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
    "Character",
    "Client",
    "Clip",
    "ClipFrame",
    "Color",
    "EmbeddedServer",
    "FaceBox",
    "FacewrightError",
    "FitOptions",
    "FitProgress",
    "FitReport",
    "FitResult",
    "FitSeconds",
    "ImageInfo",
    "Landmark",
    "Locks",
    "Media",
    "ModelInfo",
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
    "VideoInfo",
    "View",
    "errors",
    "running_server",
    "shared_server",
    "stop_shared_server",
]
