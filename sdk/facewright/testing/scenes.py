"""What a scene is: whose picture, from where, of which passes, and how far from its reference it may be."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Union

from facewright.character import Character
from facewright.rendering import View
from facewright.testing.regions import Box
from facewright.testing.thresholds import Thresholds, default_thresholds

__all__ = ["NAME_PATTERN", "PASS_PATTERN", "SOURCES", "CharacterSource", "RandomCharacter", "Scene"]

# Names become names of files and folders, on every system.
NAME_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,99}")

# No '-': it parts the name of a pass from what tells its accepted pictures apart.
PASS_PATTERN = re.compile(r"[A-Za-z0-9_]{1,40}")

# Where frames come from: a Facewright server, a folder that another renderer wrote, or whichever the run names.
SOURCES = ("any", "server", "frames")


@dataclass(frozen=True)
class RandomCharacter:
    """A character of `rig` (empty: the server's default) drawn by lot; the same `seed` draws the same one."""

    seed: int
    rig: str = ""


CharacterSource = Union[Character, Path, RandomCharacter]


@dataclass(frozen=True)
class Scene:
    """One scene. `file` is the scene file, or None for a frame that is compared without one.

    `thresholds`, `frames` (names of files) are by pass. `backend` is empty where the run says it.
    """

    name: str
    file: Path | None = None
    description: str = ""
    character: CharacterSource = field(default_factory=Character)
    expression: Mapping[str, float] = field(default_factory=dict)
    view: View = field(default_factory=View)
    size_px: int | None = None
    passes: tuple[str, ...] = ("color",)
    preset: str = ""
    source: str = "any"
    backend: str = ""
    frames: Mapping[str, str] = field(default_factory=dict)
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    ignored_boxes: tuple[Box, ...] = ()
    ignored_mask: Path | None = None

    def thresholds_of(self, pass_name: str) -> Thresholds:
        """Of one pass."""
        return self.thresholds.get(pass_name) or default_thresholds(pass_name)
