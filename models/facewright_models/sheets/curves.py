"""Plots of what was measured against what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.sheets.grid import captioned, tile_grid

__all__ = ["curves_sheet"]

_TILE_PX, _MARGIN_PX = 320, 44
_LOW, _HIGH = -0.1, 1.1
_GRID, _EXACT, _EACH, _MEDIAN = (225, 225, 225), (150, 150, 150), (150, 180, 225), (30, 70, 170)


def curves_sheet(
    requested: Sequence[float], measured: Mapping[str, Float64[np.ndarray, "N S"]], *, columns: int = 4
) -> UInt8[np.ndarray, "H W 3"]:
    """A plot for each name: of N faces what was measured at each of S requested values, from 0 to 1 along both axes.

    Thin lines are faces, the thick one is their median, and the dashed one is where all of them should be. What is
    measured beyond the plot lies on its border.
    """
    tiles = [_plot(np.asarray(requested, np.float64), values, name) for name, values in measured.items()]
    return tile_grid(tiles, columns=columns, tile_px=_TILE_PX)


def _plot(requested: NDArray[np.float64], values: NDArray[np.float64], name: str) -> NDArray[np.uint8]:
    tile = np.full((_TILE_PX, _TILE_PX, 3), 255, np.uint8)
    across = np.array([_LOW, _HIGH])
    for value in (0.0, 0.25, 0.5, 0.75, 1.0):
        _line(tile, np.full(2, value), across, _GRID, 1)
        _line(tile, across, np.full(2, value), _GRID, 1)
    for start in np.arange(0, 1, 0.1):
        dash = np.array([start, start + 0.05])
        _line(tile, dash, dash, _EXACT, 1)
    for each in values:
        _line(tile, requested, each, _EACH, 1)
    if len(values):
        _line(tile, requested, np.median(values, 0), _MEDIAN, 3)
    for value in (0.0, 1.0):
        column, row = _placed(np.array([value]), np.array([value]))[0] // 16
        bottom, left = (int(column) - 8, _TILE_PX - 30), (14, int(row) + 4)
        for place in (bottom, left):
            cv2.putText(
                tile, f"{value:g}", place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, (90, 90, 90), 1, cv2.LINE_AA
            )
    return captioned(tile, name)


def _line(
    tile: NDArray[np.uint8],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    color: tuple[int, int, int],
    thickness: int,
) -> None:
    cv2.polylines(tile, [_placed(x, y)], False, color, thickness, cv2.LINE_AA, 4)


def _placed(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.int32]:
    """(N, 2): sixteenths of pixels."""
    inner = _TILE_PX - 2 * _MARGIN_PX
    shares = (np.clip(np.stack([x, y], 1), _LOW, _HIGH) - _LOW) / (_HIGH - _LOW)
    shares[:, 1] = 1 - shares[:, 1]
    return np.asarray(np.round(16 * (_MARGIN_PX + inner * shares)), np.int32)
