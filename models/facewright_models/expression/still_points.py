"""Two shots of a face laid over each other by what no expression moves much."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["laid_over", "similarity", "turn_of"]

_STILL = (36, 39, 42, 45)
"""Corners of the eyes: the bridge of the nose grows longer in smiles."""


def similarity(points_from: NDArray[np.float64], points_to: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) that lays what stands still in a face on the same in another shot; least squares.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point patterns" (1991).
    """
    a, b = points_from[list(_STILL)], points_to[list(_STILL)]
    a_middle, b_middle = a.mean(0), b.mean(0)
    a, b = a - a_middle, b - b_middle
    cosine, sine = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    linear = np.array([[cosine, -sine], [sine, cosine]]) / (a * a).sum()
    matrix = np.eye(3)
    matrix[:2, :2], matrix[:2, 2] = linear, b_middle - linear @ a_middle
    return matrix


def laid_over(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """The points of another shot (K, 2), in pixels of that with the points `a`."""
    a_from_b = np.linalg.inv(similarity(a, b))
    return np.asarray(b @ a_from_b[:2, :2].T + a_from_b[:2, 2])


def turn_of(points: NDArray[np.float64]) -> float:
    """How a head is turned: where the nose's bridge lies between the eyes, 0 at the right one and 1 at the left."""
    right, left = points[[36, 39]].mean(0), points[[42, 45]].mean(0)
    across = left - right
    return float((points[27:31].mean(0) - right) @ across / (across @ across))
