"""Where the options of a style slot show on the average character, so that the imitator learns them only there."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from facewright_models.imitator.network import CANONICAL_PX, Window
from facewright_models.look import CharacterRenderer
from facewright_models.rig import BakedRig, neutral_character

__all__ = ["style_windows"]

_CHANGED = 4  # of 255
_REACH_PX = 8
"""Of 128 pixels: a head that bends more or less than the field says."""


@cache
def style_windows(rig: BakedRig) -> tuple[Window, ...]:
    """Per style slot of the rig the window of `ImitatorConfig.style_windows`. Raises RenderUnavailableError."""
    average = neutral_character(rig.schema)
    windows = []
    with CharacterRenderer(rig, size_px=512) as renderer:
        for slot, parameter in rig.schema.styles.items():
            frames = []
            for option in parameter.options:
                drawn = renderer.portrait(replace(average, styles={**average.styles, slot: option}))
                frames.append(drawn.astype(np.int16))
            changed = np.max([np.abs(frame - frames[0]).max(-1) for frame in frames], 0) >= _CHANGED
            windows.append(_window(*np.nonzero(changed)))
    return tuple(windows)


def _window(rows: np.ndarray, columns: np.ndarray) -> Window:
    """About places in a frame of 512 pixels; at the frame's edge it reaches into the margin."""
    margin = (CANONICAL_PX - 128) // 2
    spans = []
    for places in (rows, columns):
        low = max(-margin, int(places.min()) // 4 - _REACH_PX) if len(places) else 0
        high = min(128 + margin, -(-int(places.max() + 1) // 4) + _REACH_PX) if len(places) else 1
        spans.append((low + margin, high - low))
    (row, height), (column, width) = spans
    return row, column, height, width
