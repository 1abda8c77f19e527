"""Tiles side by side, with captions."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_renderer import Frame

__all__ = ["captioned", "color_of", "tile_grid"]

Pixels = NDArray[np.uint8]


def captioned(tile: Pixels, text: str) -> Pixels:
    """The tile with `text` on a light strip along its lower edge."""
    result = tile.copy()
    height = max(16, tile.shape[0] // 14)
    result[-height:] = (result[-height:] * 0.25 + 255 * 0.75).astype(np.uint8)
    place = (6, result.shape[0] - height // 3)
    cv2.putText(result, text, place, cv2.FONT_HERSHEY_SIMPLEX, height / 40, (20, 20, 20), 1, cv2.LINE_AA)
    return result


def tile_grid(tiles: Sequence[Pixels], *, columns: int, tile_px: int = 256) -> Pixels:
    """All tiles, shrunk to squares of `tile_px`, in rows of `columns`; missing ones are grey."""
    resized = [
        cv2.resize(tile, (tile_px, tile_px), interpolation=cv2.INTER_AREA).astype(np.uint8) for tile in tiles
    ]
    while len(resized) % columns:
        resized.append(np.full((tile_px, tile_px, 3), 128, np.uint8))
    rows = [np.hstack(resized[start : start + columns]) for start in range(0, len(resized), columns)]
    return np.vstack(rows)


def color_of(frame: Frame) -> Pixels:
    """The colour pass of a frame that was drawn with one."""
    if frame.color is None:
        raise RuntimeError("the renderer left out the colour pass")
    return frame.color
