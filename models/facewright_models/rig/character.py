"""The save file of a game character, and its check against a rig's schema."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from facewright_models.errors import (
    ParameterRangeError,
    RigVersionError,
    UnknownParameterError,
    UnknownRigError,
)
from facewright_models.rig.migration import style_successors
from facewright_models.rig.schema import Color, RigSchema
from facewright_models.rig.skin_texture import SkinTexture

__all__ = [
    "Character",
    "check_name",
    "expression_vector",
    "neutral_character",
    "slider_vector",
    "validate_character",
]


@dataclass(frozen=True, kw_only=True)
class Character:
    """Parameters of one character. Missing names mean neutral.

    sliders: name -> [0,1]; styles: slot -> option; colors: name -> sRGB triple in [0,1]. `skin_texture` is the person's
    own skin, in the place of a painted one.
    """

    rig: str
    rig_version: str
    sliders: Mapping[str, float] = field(default_factory=dict)
    styles: Mapping[str, str] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)
    skin_texture: SkinTexture | None = None


def neutral_character(schema: RigSchema) -> Character:
    """The average character: every slider 0.5, every style and colour at its neutral ([0060]-[0062])."""
    return Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders=dict.fromkeys(schema.continuous_names, 0.5),
        styles={name: str(p.neutral) for name, p in schema.styles.items()},
        colors={name: _color(p.neutral) for name, p in schema.colors.items()},
    )


def validate_character(schema: RigSchema, character: Character) -> Character:
    """The character with every parameter of the schema present, brought to the schema's version.

    Raises UnknownRigError (another rig's character), RigVersionError (a version that cannot be migrated),
    UnknownParameterError, ParameterRangeError (NaN or outside [0,1]).
    """
    if character.rig != schema.name:
        raise UnknownRigError(
            f"the character belongs to rig '{character.rig}', this is rig '{schema.name}'; "
            "load it with its own rig",
            field="character.rig",
            metadata={"got": character.rig, "expected": schema.name},
        )
    character = _migrated(character, schema)
    if _major(character.rig_version) != _major(schema.version):
        raise RigVersionError(
            f"the character was saved by version '{character.rig_version}' of rig '{schema.name}', "
            f"this is version {schema.version}; characters keep only within one major version: fit again",
            field="character.rig_version",
            metadata={"got": character.rig_version, "expected": schema.version},
        )
    neutral = neutral_character(schema)
    for name, value in character.sliders.items():
        check_name("slider", name, neutral.sliders)
        _in_range(f"character.sliders[{name}]", value)
    for slot, option in character.styles.items():
        check_name("style slot", slot, neutral.styles)
        options = schema.styles[slot].options
        if option not in options:
            raise UnknownParameterError(
                f"style '{slot}' has no option '{option}'; options: {', '.join(options)}",
                field=f"character.styles[{slot}]",
                metadata={"got": option},
            )
    for name, rgb in character.colors.items():
        check_name("colour", name, neutral.colors)
        for channel in rgb:
            _in_range(f"character.colors[{name}]", channel)
    return Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders={**neutral.sliders, **character.sliders},
        styles={**neutral.styles, **character.styles},
        colors={**neutral.colors, **character.colors},
        skin_texture=character.skin_texture,
    )


def slider_vector(schema: RigSchema, character: Character) -> Tensor:
    """(P,) float32 of a character, neutral where it says nothing."""
    return torch.tensor([character.sliders.get(name, 0.5) for name in schema.continuous_names])


def expression_vector(schema: RigSchema, expression: Mapping[str, float]) -> Tensor:
    """(E,) float32 of named facial actions. Raises UnknownParameterError, ParameterRangeError."""
    for name, value in expression.items():
        check_name("facial action", name, dict.fromkeys(schema.facial_actions))
        _in_range(f"expression[{name}]", value)
    return torch.tensor([float(expression.get(name, 0.0)) for name in schema.facial_actions])


def _migrated(character: Character, schema: RigSchema) -> Character:
    """The character with the styles that took the place of its own, where its version can be migrated."""
    successors = style_successors(schema.name, _major(character.rig_version), _major(schema.version))
    if successors is None:
        return character
    styles = {slot: successors.get(slot, {}).get(option, option) for slot, option in character.styles.items()}
    return replace(character, rig_version=schema.version, styles=styles)


def check_name(what: str, name: str, names: Mapping[str, object]) -> None:
    """Raises UnknownParameterError with the closest of the names."""
    if name in names:
        return
    near = sorted(names, key=lambda other: _distance(name, other))[:3]
    raise UnknownParameterError(
        f"the rig has no {what} '{name}'; close names: {', '.join(near)}", field=name, metadata={"got": name}
    )


def _in_range(where: str, value: float) -> None:
    if not (math.isfinite(value) and 0.0 <= value <= 1.0):
        raise ParameterRangeError(
            f"{where} is {value}; expected a number in [0, 1]", field=where, metadata={"got": str(value)}
        )


def _distance(a: str, b: str) -> float:
    import difflib

    return 1 - difflib.SequenceMatcher(None, a, b).ratio()


def _major(version: str) -> str:
    return version.split(".", 1)[0]


def _color(neutral: float | str | Color) -> Color:
    if not isinstance(neutral, tuple):
        raise TypeError(f"the neutral of a colour must be an sRGB triple, got {neutral!r}")
    return neutral
