"""Where a face's landmarks go when its degrees change: a linear model, made exact for each face.

What degrees are measured from moves as the degrees say; the landmarks between follow as they do in the shots that the
model is fitted to. Each half of the face has its own movements, so that no mouth moves because of an eye.

Source: seed 000 [0058], [0080]-[0081] (degrees are functions of landmarks, and so are turned round here).
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.degrees import LIMITS, Lengths, eye_frame, lengths_of, usual_opening
from facewright_models.expression.regions import HALVES, Half
from facewright_models.expression.still_points import laid_over
from facewright_models.expression.types import DEGREES

__all__ = ["LandmarkMotion"]

Points = Float64[np.ndarray, "K 2"]

_RIDGE = 1e-3
_CORRECTIONS = 3
_LEAST_OPEN = 0.3
"""An eye that is less open says too little about how far it opens."""


class LandmarkMotion:
    """`ways` (8, 68, 2): how far each landmark goes, in the distance of the eyes, for one unit of what each degree is
    measured by: an eye's opening over its width, the others' lengths over the distance of the eyes.
    """

    def __init__(self, ways: Float64[np.ndarray, "8 68 2"]) -> None:
        self.ways = ways

    @classmethod
    def fitted(
        cls, exact: Iterable[tuple[Points, Points]], smiles: Iterable[tuple[Points, Points]]
    ) -> LandmarkMotion:
        """To pairs of landmarks of one face. `exact` ones, with every degree, are fitted by ridge regression; of
        `smiles`, which are marked in photos, only what those do not explain goes into the smile.
        """
        ways = np.zeros((len(DEGREES), 68, 2))
        changes, moves = _changes(exact)
        for half in HALVES.values():
            own, points = _acting(half), list(half.moving)
            inputs, targets = changes[:, own], moves[:, points].reshape(len(moves), -1)
            scale = inputs.T @ inputs
            ridge = np.diag(_RIDGE * np.diag(scale) + 1e-9)
            solved = np.linalg.solve(scale + ridge, inputs.T @ targets)
            ways[np.ix_(own, points)] = solved.reshape(len(own), len(points), 2)
        changes, moves = _changes(smiles)
        smile = DEGREES.index("smile")
        if len(changes) and (changes[:, smile] ** 2).sum() > 1e-6:
            others = np.where(np.arange(len(DEGREES)) == smile, 0.0, changes)
            left = moves - np.einsum("nk,kpc->npc", others, ways)
            way = np.einsum("n,npc->pc", changes[:, smile], left) / (changes[:, smile] ** 2).sum()
            ways[smile, list(HALVES["lower"].moving)] = way[list(HALVES["lower"].moving)]
        return cls(ways)

    def moved(
        self, points: Points, degrees: Float64[np.ndarray, "8"], wanted: Float64[np.ndarray, "8"]
    ) -> Float64[np.ndarray, "68 2"]:
        """Landmarks in pixels of a face with `degrees`, as they lie with those that are `wanted`."""
        now = _measures(points)
        there = now + (wanted - degrees) * _units(now, degrees)
        for index, name in enumerate(DEGREES):
            if name.endswith("_eye"):
                there[index] = max(there[index], 0.0)
        back = np.linalg.inv(eye_frame(points)[:, :2]).T
        moved = points[:68].copy()
        change = there - now
        for _ in range(_CORRECTIONS):
            moved = points[:68] + np.einsum("k,kpc->pc", change, self.ways) @ back
            change = change + np.where(there == now, 0.0, there - _measures(moved))
        return np.asarray(moved)


def _changes(
    pairs: Iterable[tuple[Points, Points]],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, 8) by how much measures change, and (N, 68, 2) where landmarks go, in the distance of the eyes."""
    changes, moves = [], []
    for a, b in pairs:
        laid = laid_over(a, b)
        changes.append(_measures(laid) - _measures(a))
        moves.append((laid[:68] - a[:68]) @ eye_frame(a)[:, :2].T)
    return np.array(changes).reshape(-1, len(DEGREES)), np.array(moves).reshape(-1, 68, 2)


def _measures(points: Points) -> NDArray[np.float64]:
    """(8,) in the order of DEGREES: what grows with each degree, in the units of `LandmarkMotion`."""
    lengths = lengths_of(points)
    return np.array([_measure(lengths, name) for name in DEGREES])


def _measure(lengths: Lengths, name: str) -> float:
    match name:
        case "left_eye" | "right_eye":
            return float(getattr(lengths, name))
        case "smile":
            return 0.5 * lengths.rise + 0.5 * lengths.width
        case "sad":
            return -lengths.bow
        case "jaw":
            return lengths.chin
        case "brow_raise":
            return lengths.brows
        case "frown":
            return -0.5 * (lengths.inner_brows + lengths.gap)
        case _:
            return lengths.nostrils


def _units(now: NDArray[np.float64], degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """(8,): by how much each measure changes from degree 0 to 1."""
    units = []
    for value, degree, name in zip(now, degrees, DEGREES, strict=True):
        if not name.endswith("_eye"):
            units.append(LIMITS[name])
        elif degree < _LEAST_OPEN:
            units.append(usual_opening(name))
        else:
            units.append(float(value / degree))
    return np.array(units)


def _acting(half: Half) -> list[int]:
    return [DEGREES.index(name) for name in half.degrees]
