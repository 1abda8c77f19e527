"""Photos drawn with other expressions: where they come from, and their frames on the compute threads."""

from facewright_server.animating.animation import Animation
from facewright_server.animating.sources import (
    FaceSource,
    OpenedSource,
    PhotoSource,
    VideoSource,
    open_source,
)

__all__ = ["Animation", "FaceSource", "OpenedSource", "PhotoSource", "VideoSource", "open_source"]
