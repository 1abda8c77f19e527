"""Contact sheet of random characters."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.foundry.sampling import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig
from facewright_models.sheets.grid import color_of, tile_grid

__all__ = ["characters_sheet"]

_SPREAD = 0.6
"""Share of each slider's travel in the sheet: what players make is milder than uniform noise."""


def characters_sheet(*, rig_name: str = "anny", count: int = 24, seed: int = 0) -> NDArray[np.uint8]:
    """Characters at random, six in a row. Raises UnknownRigError, RenderUnavailableError."""
    rig = load_rig(rig_name)
    generator = np.random.default_rng([7, seed])
    tiles = []
    with CharacterRenderer(rig) as renderer:
        for _ in range(count):
            character = random_posed(rig.schema, generator, turned=0.0).character
            sliders = {name: 0.5 + _SPREAD * (value - 0.5) for name, value in character.sliders.items()}
            tiles.append(color_of(renderer.render(replace(character, sliders=sliders)).frame))
    return tile_grid(tiles, columns=6)
