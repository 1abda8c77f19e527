"""Expressions: degrees, their measure, and photos drawn with other degrees.

What needs a rig or a decoder of videos is imported from its own module: `actions`, `videos`.
"""

from facewright_models.expression.moods import MOODS, mood_degrees
from facewright_models.expression.picking import PickedFrame, pick_frame, pick_frame_at
from facewright_models.expression.timeline import (
    DEGREE_GROUPS,
    EASINGS,
    Curve,
    Key,
    MoodKey,
    Timeline,
    make_timeline,
)
from facewright_models.expression.types import (
    DEGREE_RANGES,
    DEGREES,
    REST_DEGREES,
    OpenedFace,
    VideoFrame,
)

__all__ = [
    "DEGREES",
    "DEGREE_GROUPS",
    "DEGREE_RANGES",
    "EASINGS",
    "MOODS",
    "REST_DEGREES",
    "Curve",
    "Key",
    "MoodKey",
    "OpenedFace",
    "PickedFrame",
    "Timeline",
    "VideoFrame",
    "make_timeline",
    "mood_degrees",
    "pick_frame",
    "pick_frame_at",
]
