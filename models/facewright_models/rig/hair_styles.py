"""The hairstyles of the `anny` head: how each grows, and the closed cap under its strands.

Every style has a generator of its own, so that a change of one leaves the others as they are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.barber import Barber
from facewright_models.rig.gathered_styles import bun, ponytail
from facewright_models.rig.groom import Groom
from facewright_models.rig.growth import HeadSurface, hairline
from facewright_models.rig.long_styles import bob, fringe, straight_long, wavy_long
from facewright_models.rig.short_styles import afro, buzz, crop, curls, side_part

__all__ = ["CAPPED", "CAP_DEPTHS", "HAIR_STYLES", "cap_inset", "cap_thickness", "cap_tone", "hair_grooms"]

Array = NDArray[np.float64]
HAIR_STYLES: dict[str, Callable[[Barber], list[Groom]] | None] = {
    "bald": None,
    "buzz": buzz,
    "crop": crop,
    "side_part": side_part,
    "curls": curls,
    "afro": afro,
    "bob": bob,
    "straight_long": straight_long,
    "wavy_long": wavy_long,
    "ponytail": ponytail,
    "bun": bun,
    "fringe": fringe,
}
"""Option -> how it grows, in the order of the schema."""
_CAPS: dict[str, tuple[float, float]] = {
    "crop": (0.015, 0.025),
    "side_part": (0.015, 0.02),
    "curls": (0.06, 0.06),
    "afro": (0.17, 0.08),
    "bob": (0.01, 0.006),
    "straight_long": (0.01, 0.006),
    "wavy_long": (0.01, 0.006),
    "ponytail": (0.003, 0.003),
    "bun": (0.003, 0.003),
    "fringe": (0.01, 0.006),
}
CAPPED = tuple(_CAPS)
"""Styles with a cap."""
CAP_DEPTHS = {"afro": 0.45, "curls": 0.5}
"""Share of the light that reaches the caps which lie deep."""
_CAP_TONES = {"afro": 0.0, "curls": 0.0, "crop": 0.1, "ponytail": 0.33, "bun": 0.33}
_CAP_INSETS = {"ponytail": 0.10, "bun": 0.10}


def hair_grooms(surface: HeadSurface) -> list[Groom]:
    """Every style's grooms."""
    grooms: list[Groom] = []
    for index, (style, make) in enumerate(HAIR_STYLES.items()):
        if make is not None:
            grooms += make(Barber(surface, style, np.random.default_rng([41, index])))
    return grooms


def cap_thickness(style: str, skin: Array) -> Array:
    """(V,) thickness of the closed cap under a style's strands, in decimetres."""
    top = np.clip((skin[:, 1] - 7.5) / 0.7, 0, 1)
    thick, thicker = _CAPS[style]
    result: Array = np.clip(hairline(skin) / 0.25, 0, 1) * (thick + (thicker - thick) * top)
    return result


def cap_inset(style: str) -> float:
    """How far within the hairline the cap ends, in decimetres: further where the hair lies flat."""
    return _CAP_INSETS.get(style, 0.05)


def cap_tone(style: str) -> float:
    """How light the cap is: dark where it lies deep in loose hair."""
    return _CAP_TONES.get(style, 0.36)
