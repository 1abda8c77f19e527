"""Rigs: what can be set on a character."""

from __future__ import annotations

from dataclasses import dataclass

from facewright.character import Color

__all__ = ["Parameter", "Rig", "RigSummary"]


@dataclass(frozen=True)
class RigSummary:
    """One line about a rig."""

    name: str
    version: str
    license: str
    parameter_count: int
    facial_action_count: int


@dataclass(frozen=True)
class Parameter:
    """One thing a player can set; `kind` is continuous, style or color, and `neutral` is of that kind."""

    name: str
    group: str
    kind: str
    description: str
    neutral: float | str | Color
    options: tuple[str, ...]


@dataclass(frozen=True)
class Rig:
    """The whole schema of a rig; `facial_actions` are the names an expression takes."""

    name: str
    version: str
    license: str
    parameters: tuple[Parameter, ...]
    facial_actions: tuple[str, ...]
