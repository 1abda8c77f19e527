"""Eyeballs as engines turn them: where they turn about, and how far each eyeLook action turns them.

The rig moves an eyeball's vertices along straight lines, which squashes it and shifts it by up to two millimetres;
a joint keeps it round and in its socket. So the joint turns, the morphs move only lids, and the file tells how far
each action turns the joint: such that the eyeball's vertices come nearest to where the rig has them (the iris to a
millimetre).

Source of the rotation: Kabsch, "A solution for the best rotation to relate two sets of vectors" (1976).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["ball_center", "turn_degrees"]

Array = NDArray[np.float64]


def ball_center(points: Array) -> Array:
    """(N, 3) points of a sphere, or of a part of one -> its centre (3,), by least squares."""
    middle = points.mean(0)
    relative = points - middle
    system = np.concatenate([2 * relative, np.ones((len(points), 1))], 1)
    solution = np.linalg.lstsq(system, (relative**2).sum(1), rcond=None)[0]
    center: Array = middle + solution[:3]
    return center


def turn_degrees(rest: Array, moved: Array, center: Array) -> Array:
    """The rotation about `center` that brings (N, 3) rest nearest to (N, 3) moved: a vector (3,) along the axis, as
    long as the angle in degrees.
    """
    left, _, right = np.linalg.svd((rest - center).T @ (moved - center))
    sign = np.sign(np.linalg.det(right.T @ left.T))
    rotation = right.T @ np.diag([1.0, 1.0, sign]) @ left.T
    axis = np.array(
        [rotation[2, 1] - rotation[1, 2], rotation[0, 2] - rotation[2, 0], rotation[1, 0] - rotation[0, 1]]
    )
    sine, cosine = float(np.linalg.norm(axis)) / 2, (float(np.trace(rotation)) - 1) / 2
    if sine < 1e-9:
        return np.zeros(3)
    turn: Array = np.rad2deg(np.arctan2(sine, cosine)) * axis / (2 * sine)
    return turn
