"""Render regression: is today's frame still the one that was accepted?

Scenes in small files, frames from a Facewright server or from a folder that Unity, Unreal or any other renderer wrote,
references per backend and platform, NVIDIA FLIP and the densest window of outliers as thresholds. On the command line
`facewright golden`, in pytest the fixture `assert_golden` and `--facewright-scenes`. docs/golden.md explains it.

Importing this needs nothing but the client. Comparing needs the extra `testing` (numpy, Pillow, flip-evaluator) and
says so with `MissingExtraError` where it is not installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from facewright.testing.errors import (
    ChangedReferenceError,
    GoldenError,
    MaskError,
    MissingExtraError,
    NoFrameError,
    PictureError,
    PictureShapeError,
    ReportError,
    SceneFileError,
)
from facewright.testing.extra import require_extra
from facewright.testing.outcomes import PassOutcome, RunOutcome
from facewright.testing.references import ReferenceKey, ReferenceStore
from facewright.testing.regions import Box
from facewright.testing.scene_files import load_scenes
from facewright.testing.scenes import RandomCharacter, Scene
from facewright.testing.sources import FolderFrames, FrameSource, ServerFrames
from facewright.testing.thresholds import Thresholds

if TYPE_CHECKING:
    from facewright.testing.comparison import Comparison, Measure, compare_pictures
    from facewright.testing.pictures import Picture, as_picture, read_picture
    from facewright.testing.running import RunOptions, run_scenes

__all__ = [
    "Box",
    "ChangedReferenceError",
    "Comparison",
    "FolderFrames",
    "FrameSource",
    "GoldenError",
    "MaskError",
    "Measure",
    "MissingExtraError",
    "NoFrameError",
    "PassOutcome",
    "Picture",
    "PictureError",
    "PictureShapeError",
    "RandomCharacter",
    "ReferenceKey",
    "ReferenceStore",
    "ReportError",
    "RunOptions",
    "RunOutcome",
    "Scene",
    "SceneFileError",
    "ServerFrames",
    "Thresholds",
    "as_picture",
    "compare_pictures",
    "load_scenes",
    "read_picture",
    "require_extra",
    "run_scenes",
]

# What imports numpy and Pillow, by the module it is in; imported when it is asked for.
_WITH_EXTRA = {
    "Comparison": "comparison",
    "Measure": "comparison",
    "Picture": "pictures",
    "RunOptions": "running",
    "as_picture": "pictures",
    "compare_pictures": "comparison",
    "read_picture": "pictures",
    "run_scenes": "running",
}


def __getattr__(name: str) -> Any:
    if name not in _WITH_EXTRA:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra()
    return getattr(importlib.import_module(f"{__name__}.{_WITH_EXTRA[name]}"), name)
