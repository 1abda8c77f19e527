"""Facewright's client: puts a player's face into a game.

`Client` and `AsyncClient` talk to a server, `EmbeddedServer` starts one on this machine, `errors` has
everything they raise. Needs grpcio and protobuf only.
"""

from facewright import errors
from facewright._channel import Timeouts
from facewright.aio import AsyncClient
from facewright.character import Character, Color
from facewright.client import Client
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
    Subject,
)
from facewright.rendering import Landmark, RenderedFrame, View
from facewright.rigs import Parameter, Rig, RigSummary

__all__ = [
    "AsyncClient",
    "Character",
    "Client",
    "Color",
    "EmbeddedServer",
    "FaceBox",
    "FacewrightError",
    "FitOptions",
    "FitProgress",
    "FitReport",
    "FitResult",
    "FitSeconds",
    "Landmark",
    "Locks",
    "Notice",
    "Parameter",
    "Photo",
    "RenderedFrame",
    "Rig",
    "RigSummary",
    "Subject",
    "Timeouts",
    "View",
    "errors",
]
