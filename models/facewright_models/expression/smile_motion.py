"""Where landmarks go in a smile, which parts the lips of some and not of others.

The mean of both is a smile that nobody shows, with lips a little apart. So smiles go where those of most people go: up
to a bend lips stay as they are, beyond it they part, evenly along their edges.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.least_deviations import least_deviations

__all__ = ["BEND", "bent", "lips_apart", "shut_alike", "smile_ways"]

BEND = 0.11
"""In the distance of the eyes, half of a full smile: of smiles as broad half show teeth in photos of 68 people, of
slighter ones fewer, of broader ones nearly all.
"""
_UPPER, _LOWER = [61, 62, 63], [67, 66, 65]
"""The inner edges of lips, one above the other."""
_MARKED = 0.012
"""In the distance of the eyes: edges of lips that are shut are marked so far apart or nearer."""
_LEAST = 1e-9


def bent(grown: Float64[np.ndarray, " *N"]) -> Float64[np.ndarray, " *N"]:
    """By how much measures have grown beyond the bend, of how much they have grown since rest."""
    return np.asarray(np.maximum(grown - BEND, 0.0))


def lips_apart(points: Float64[np.ndarray, "K 2"]) -> float:
    """How far the lower lip lies below the upper one, of points or of how far each goes."""
    return float((points[_LOWER, 1] - points[_UPPER, 1]).mean())


def shut_alike(
    before: Float64[np.ndarray, "K 2"], after: Float64[np.ndarray, "68 2"]
) -> Float64[np.ndarray, "68 2"]:
    """The points of a face whose lips have come closer, by the same share all along their edges, the more so the closer
    they are: none stay open at the sides when the middle is shut.
    """
    was, now = before[_LOWER] - before[_UPPER], after[_LOWER] - after[_UPPER]
    share = float(np.clip((now * was).sum() / max(float((was * was).sum()), _LEAST), 0, 1))
    too_wide = (1 - share) * (now - share * was)
    shut = after.copy()
    shut[_UPPER] += too_wide / 2
    shut[_LOWER] -= too_wide / 2
    return shut


def smile_ways(
    grown: Float64[np.ndarray, " N"], went: Float64[np.ndarray, "N 68 2"]
) -> Float64[np.ndarray, "2 68 2"]:
    """How far each landmark goes for one unit of a smile, and how much further beyond the bend; from smiles that have
    `grown` since rest and where landmarks `went`, in the distance of the eyes.
    """
    inputs = np.stack([grown, bent(grown)], 1)
    ways = least_deviations(inputs, went.reshape(len(grown), -1)).reshape(2, *went.shape[1:])
    upper, lower = went[:, _UPPER], went[:, _LOWER]
    middles = _slight_first(inputs, ((upper + lower) / 2).reshape(len(grown), -1)).reshape(2, -1, 2)
    opened = lower[..., 1] - upper[..., 1]
    mean = opened.mean(1)
    shape = mean @ opened / max(float(mean @ mean), _LEAST)
    apart = _slight_first(inputs, mean[:, None])
    apart[0] *= np.abs(apart[0]) * BEND > _MARKED
    apart = apart * shape
    down = np.stack([np.zeros_like(apart), apart / 2], -1)
    ways[:, _UPPER], ways[:, _LOWER] = middles - down, middles + down
    return np.asarray(ways)


def _slight_first(inputs: NDArray[np.float64], outputs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2, M): slight smiles alone say what comes of (N, M) up to the bend; broad ones would part their lips."""
    slight = inputs[:, 1] == 0
    shares = np.zeros((2, outputs.shape[1]))
    if slight.any():
        shares[0] = least_deviations(inputs[slight, :1], outputs[slight])[0]
    if not slight.all():
        beyond = (outputs - inputs[:, :1] * shares[0])[~slight]
        shares[1] = least_deviations(inputs[~slight, 1:], beyond)[0]
    return shares
