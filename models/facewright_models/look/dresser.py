"""What a rig's characters are dressed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from facewright_models.look.dress import Dress
from facewright_models.look.natural import NaturalDress
from facewright_models.rig import BakedRig, Character, RigPart

__all__ = ["TEXTURE_PX", "dresser"]

TEXTURE_PX = 1024
"""Width and height of a character's painted skin."""


def dresser(
    rig: BakedRig, *, texture_px: int = TEXTURE_PX
) -> Callable[[Character, Sequence[RigPart]], Dress]:
    """Gives the dress of a complete character with these visible parts."""
    return partial(NaturalDress, rig, texture_px=texture_px)
