"""The soft shadow that a head casts on itself: nose on cheek, brow on eye, chin on neck.

A shadow map for each of several directions within the light's disc, made of the surface's points: a point is in the
shade of a direction where another one of the same small square lies clearly nearer to the light. The mean over the
directions is soft, and as many squares as directions, each set moved a little, hide the squares' edges.

Source: shadow maps, Williams, "Casting Curved Shadows on Curved Surfaces" (SIGGRAPH 1978); soft by many of them,
Heckbert and Herf, "Simulating Soft Shadows with Graphics Hardware" (1997).

S points of what casts it, V of what it falls on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import grey_closing

__all__ = ["CastShadow"]

_DIRECTIONS = 16
_DISC = 0.16
"""Radius of the light's disc as the tangent of its angle: a window or a lamp with a shade."""
_CELL_METRES = 0.0030
_BIAS_METRES = 0.0035
_OFF_SURFACE_METRES = 0.0035
_BETWEEN_STRANDS = 5
"""Squares that the gaps between strands may have across."""
_NOTHING = -1e3
_GOLDEN = 2.399963
Array = NDArray[np.float32]


class CastShadow:
    """Of a surface (S, 3), dense to two millimetres, and of hair, whose points (S', 3) may be any distance apart,
    under a light in the direction `toward_light` (3,).
    """

    def __init__(self, surface: Array, hair: Array, toward_light: tuple[float, float, float]) -> None:
        toward = np.asarray(toward_light, np.float64)
        self._maps = [_Map(surface, hair, axes, index) for index, axes in enumerate(_disc(toward))]

    def at(self, points: Array, normals: Array) -> Array:
        """(V,) in [0, 1] how much of the light is kept from points with these unit normals, both (V, 3)."""
        lifted = points + np.float32(_OFF_SURFACE_METRES) * normals
        hidden = np.zeros(len(points), np.float32)
        for own in self._maps:
            hidden += own.hides(lifted)
        result: Array = hidden / np.float32(len(self._maps))
        return result


class _Map:
    """The nearest point to the light in each square across one direction."""

    def __init__(self, surface: Array, hair: Array, axes: Array, index: int) -> None:
        self._axes = axes  # rows: two across, one along the light
        placed = np.concatenate([surface, hair]) @ axes.T
        offset = np.array([(index * 0.618) % 1, (index * 0.755) % 1], np.float32)
        self._start = placed[:, :2].min(0) - np.float32(_CELL_METRES) * (1 + offset)
        self._width, self._height = (int(n) + 3 for n in (placed[:, :2].max(0) - self._start) / _CELL_METRES)
        self._nearest = self._filled(placed[: len(surface)])
        if len(hair):
            strands = self._filled(placed[len(surface) :]).reshape(self._height, self._width)
            closed = grey_closing(strands, _BETWEEN_STRANDS).ravel()
            self._nearest = np.maximum(self._nearest, closed)

    def hides(self, points: Array) -> NDArray[np.bool_]:
        """(V,) whether something stands between each point (V, 3) and the light."""
        placed = points @ self._axes.T
        hidden: NDArray[np.bool_] = self._nearest[self._cells(placed)] > placed[:, 2] + _BIAS_METRES
        return hidden

    def _filled(self, placed: Array) -> Array:
        nearest = np.full(self._width * self._height, _NOTHING, np.float32)
        np.maximum.at(nearest, self._cells(placed), placed[:, 2])
        return nearest

    def _cells(self, placed: Array) -> NDArray[np.int64]:
        column, row = np.floor((placed[:, :2] - self._start) / np.float32(_CELL_METRES)).astype(np.int64).T
        cells: NDArray[np.int64] = np.clip(row, 0, self._height - 1) * self._width
        cells += np.clip(column, 0, self._width - 1)
        return cells


def _disc(toward: NDArray[np.float64]) -> list[Array]:
    """(3, 3) axes about directions that fill the light's disc evenly (a sunflower's spiral)."""
    toward = toward / np.linalg.norm(toward)
    beside = np.cross(toward, np.eye(3)[int(np.abs(toward).argmin())])
    beside /= np.linalg.norm(beside)
    above = np.cross(toward, beside)
    result = []
    for index in range(_DIRECTIONS):
        radius, angle = _DISC * np.sqrt((index + 0.5) / _DIRECTIONS), _GOLDEN * index
        along = toward + radius * (np.cos(angle) * beside + np.sin(angle) * above)
        along /= np.linalg.norm(along)
        across = np.cross(above, along)
        across /= np.linalg.norm(across)
        result.append(np.stack([across, np.cross(along, across), along]).astype(np.float32))
    return result
