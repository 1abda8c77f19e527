"""What a rig can be asked for: its parameters with names, groups, kinds, neutral values and descriptions."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

__all__ = ["Color", "Parameter", "ParameterKind", "RigSchema"]

Color = tuple[float, float, float]
"""sRGB, each channel in [0,1]."""


class ParameterKind(enum.Enum):
    """How a parameter is set: a number in [0,1], one option of a slot, or an sRGB colour."""

    CONTINUOUS = "continuous"
    STYLE = "style"
    COLOR = "color"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One control of the character creator.

    `neutral` is 0.5 for a continuous parameter, an option for a style, an sRGB triple for a colour.
    `options` is empty except for styles.
    """

    name: str
    group: str
    kind: ParameterKind
    description: str
    neutral: float | str | Color
    options: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RigSchema:
    """The whole creator of one rig. `version` follows semantic versioning: a major step breaks save files."""

    name: str
    version: str
    license: str
    parameters: tuple[Parameter, ...]
    facial_actions: tuple[str, ...]

    def of_kind(self, kind: ParameterKind) -> tuple[Parameter, ...]:
        """The parameters of one kind, in schema order."""
        return tuple(p for p in self.parameters if p.kind is kind)

    @cached_property
    def continuous_names(self) -> tuple[str, ...]:
        """Names of the P sliders, in the order of a parameter vector."""
        return tuple(p.name for p in self.of_kind(ParameterKind.CONTINUOUS))

    @cached_property
    def styles(self) -> dict[str, Parameter]:
        """Style slots by name."""
        return {p.name: p for p in self.of_kind(ParameterKind.STYLE)}

    @cached_property
    def colors(self) -> dict[str, Parameter]:
        """Colours by name."""
        return {p.name: p for p in self.of_kind(ParameterKind.COLOR)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RigSchema:
        """The inverse of `to_json`."""
        parameters = []
        for row in data["parameters"]:
            neutral = row["neutral"]
            parameters.append(
                Parameter(
                    name=row["name"],
                    group=row["group"],
                    kind=ParameterKind(row["kind"]),
                    description=row["description"],
                    neutral=(neutral[0], neutral[1], neutral[2]) if isinstance(neutral, list) else neutral,
                    options=tuple(row.get("options", ())),
                )
            )
        return cls(
            name=data["name"],
            version=data["version"],
            license=data["license"],
            parameters=tuple(parameters),
            facial_actions=tuple(data["facial_actions"]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain data for a file or a test."""
        return {
            "name": self.name,
            "version": self.version,
            "license": self.license,
            "facial_actions": list(self.facial_actions),
            "parameters": [
                {
                    "name": p.name,
                    "group": p.group,
                    "kind": p.kind.value,
                    "description": p.description,
                    "neutral": list(p.neutral) if isinstance(p.neutral, tuple) else p.neutral,
                    **({"options": list(p.options)} if p.options else {}),
                }
                for p in self.parameters
            ],
        }
