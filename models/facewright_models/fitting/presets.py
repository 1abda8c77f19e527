"""The presets of a refit, as `presets.toml` describes them: younger, older, heavier, stylised."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from facewright_models.errors import InvalidInputError
from facewright_models.rig import Character, Color, ParameterKind, RigSchema

__all__ = ["ColorShift", "Preset", "changed_by", "load_presets", "preset_for"]

_FILE = Path(__file__).with_name("presets.toml")
_NO_SHAPE = frozenset({"asymmetry", "skin"})  # groups of the schema
_NOT_EXAGGERATED = frozenset({"age"})
"""A caricature of an old face is not an older one."""


_DIGITS = 4


@dataclass(frozen=True, kw_only=True)
class ColorShift:
    """A colour goes the share of the way, in [0,1], to sRGB `toward`."""

    toward: Color
    share: float


@dataclass(frozen=True, kw_only=True)
class Preset:
    """At strength 1: signed changes of sliders, how much departures from the average grow, and colours.

    `source` says where these are from. A rig has the preset when it has the sliders in `needs`.
    """

    name: str
    description: str
    source: str
    needs: frozenset[str]
    sliders: Mapping[str, float]
    exaggeration: float
    colors: Mapping[str, ColorShift]


@cache
def load_presets() -> Mapping[str, Preset]:
    """All presets by name."""
    rows = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {
        name: Preset(
            name=name,
            description=row["description"],
            source=" ".join(row["source"].split()),
            needs=frozenset(row["needs"]),
            sliders=row["sliders"],
            exaggeration=float(row.get("exaggeration", 0.0)),
            colors={
                color: ColorShift(toward=_rgb(shift["toward"]), share=float(shift["share"]))
                for color, shift in row.get("colors", {}).items()
            },
        )
        for name, row in rows.items()
    }


def preset_for(schema: RigSchema, name: str) -> Preset:
    """The preset of that name. Raises InvalidInputError: there is none, or the rig lacks what it needs."""
    presets = load_presets()
    if name not in presets:
        raise InvalidInputError(
            f"got preset '{name}'; expected one of {', '.join(presets)}",
            field="preset",
            metadata={"got": name},
        )
    missing = sorted(presets[name].needs - set(schema.continuous_names))
    if missing:
        possible = [p.name for p in presets.values() if p.needs <= set(schema.continuous_names)]
        raise InvalidInputError(
            f"rig '{schema.name}' has no slider '{missing[0]}', which the preset '{name}' moves; presets of this rig: "
            f"{', '.join(possible)}",
            field="preset",
            metadata={"got": name, "rig": schema.name},
        )
    return presets[name]


def changed_by(
    schema: RigSchema, preset: Preset, strength: float, character: Character, locked: frozenset[str]
) -> Character:
    """A complete character after the preset's own changes; `locked` sliders and colours stay as they are."""
    sliders, colors = dict(character.sliders), dict(character.colors)
    for parameter in schema.of_kind(ParameterKind.CONTINUOUS):
        name = parameter.name
        change = preset.sliders.get(name, 0.0)
        if parameter.group not in _NO_SHAPE and name not in _NOT_EXAGGERATED:
            change += preset.exaggeration * (sliders[name] - 0.5)
        if strength * change and name not in locked:
            sliders[name] = round(min(1.0, max(0.0, sliders[name] + strength * change)), _DIGITS)
    for name, shift in preset.colors.items():
        if name in colors and name not in locked and strength:
            share = strength * shift.share
            red, green, blue = (
                (1 - share) * now + share * then for now, then in zip(colors[name], shift.toward, strict=True)
            )
            colors[name] = (red, green, blue)
    return replace(character, sliders=sliders, colors=colors)


def _rgb(values: list[float]) -> Color:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
