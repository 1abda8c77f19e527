"""Where a face's landmarks go when its degrees change: a linear model, made exact for each face.

Each degree has one movement, that of a face which does nothing else: the rig's facial actions say how, and photos and
clips where no rig moves like people, who smile with all of the mouth and whose lips keep their distance to the chin. It
goes as far as it has to for the landmarks to measure as wanted. What is measured beside it then, as corners of a mouth
that drop while the jaw opens, is part of the movement.

Source: seed 000 [0058], [0080]-[0081] (degrees are functions of landmarks, and so are turned round here).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from facewright_models.expression.degrees import LIMITS, Lengths, eye_frame, lengths_of, usual_opening
from facewright_models.expression.regions import HALVES, Half
from facewright_models.expression.smile_motion import BEND, bent, lips_apart, shut_alike, smile_ways
from facewright_models.expression.still_points import laid_over
from facewright_models.expression.types import DEGREES

__all__ = ["ActedPair", "LandmarkMotion"]

Points = Float64[np.ndarray, "K 2"]

_BOTH_SIDES: Mapping[str, Mapping[str, float]] = {
    "smile": {"mouthSmile": 1.0},
    "sad": {"mouthFrown": 1.0},
    "brow_raise": {"browOuterUp": 1.0},
    "frown": {"browDown": 1.0},
    "nose_wrinkle": {"noseSneer": 1.0, "mouthUpperUp": 0.4},
}
_DRIVEN: Mapping[str, Mapping[str, float]] = {
    "left_eye": {"eyeBlinkLeft": -1.0},
    "right_eye": {"eyeBlinkRight": -1.0},
    "jaw": {"jawOpen": 1.0},
    **{
        degree: {f"{name}{side}": share for name, share in actions.items() for side in ("Left", "Right")}
        | ({"browInnerUp": 1.0} if degree == "brow_raise" else {})
        for degree, actions in _BOTH_SIDES.items()
    },
}
"""Degree -> the facial actions that show it, and how strongly beside each other."""
_RIDGE = 1e-4
_FACES = 40
_STEP = 0.1
_LEAST_CHANGE = 1e-6
_CORRECTIONS = 3
_SMILE, _JAW = DEGREES.index("smile"), DEGREES.index("jaw")
_SURE_SMILE = 0.5
"""Over the bend: a smile as broad has parted the lips that are parted; of less, they may be so at rest."""
_SMILES, _NO_SMILES = 0.17, 0.21
"""In the distance of the eyes: 67 of 68 people's smiles part lips no further than the first beyond what is usual; a
mouth that is open further than the second is so for something else.
"""
_LEAST_PARTING = 0.1
"""For one unit of a smile: less is no parting of lips."""
_SHOWN = (-0.6, 1.6)
_LEAST_OPEN = 0.3
"""An eye that is less open says too little about how far it opens."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ActedPair:
    """Landmarks of a face in two shots, and by how much each facial action changes (E,)."""

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    change: NDArray[np.float64]


class LandmarkMotion:
    """`ways` (2, 8, 68, 2): how far each landmark goes, in the distance of the eyes, for one unit of what each degree
    is measured by: an eye's opening over its width, the others' lengths over the distance of the eyes; and how much
    further for one unit beyond a bend, since a slight smile keeps its lips shut and a broad one does not.
    """

    def __init__(self, ways: Float64[np.ndarray, "2 8 68 2"]) -> None:
        self.ways = ways

    @classmethod
    def fitted(
        cls,
        exact: Sequence[ActedPair],
        actions: Sequence[str],
        *,
        smiles: Sequence[tuple[Points, Points]] = (),
        jaws: Sequence[tuple[Points, Points]] = (),
    ) -> LandmarkMotion:
        """To pairs whose facial actions are known, by ridge regression; to faces at rest and smiling; and to jaws that
        open. Without the last two the rig's actions stand for them.
        """
        changes = np.array([pair.change for pair in exact])
        moves = np.array([_move(pair.a, pair.b) for pair in exact]).reshape(len(exact), -1)
        scale = changes.T @ changes + _RIDGE * len(exact) * np.eye(len(actions))
        acted = np.linalg.solve(scale, changes.T @ moves).reshape(len(actions), 68, 2)
        faces = [pair.a for pair in exact[:: max(1, len(exact) // _FACES)]]
        ways = np.zeros((2, len(DEGREES), 68, 2))
        for half in HALVES.values():
            for index in _acting(half):
                shares = [_DRIVEN[DEGREES[index]].get(action, 0.0) for action in actions]
                way = np.einsum("e,epc->pc", np.array(shares), acted)
                ways[0, index, list(half.moving)] = way[list(half.moving)]
                ways[0, index] /= _gain(ways[0, index], index, faces)
        for name, pairs in (("smile", smiles), ("jaw", jaws)):
            index = DEGREES.index(name)
            grew = np.array([(_measures(laid_over(a, b)) - _measures(a))[index] for a, b in pairs])
            if grew @ grew > _LEAST_CHANGE:
                went = np.array([_move(a, b) for a, b in pairs])
                found = (
                    smile_ways(grew, went)
                    if name == "smile"
                    else np.einsum("n,npc->pc", grew, went)[None] / (grew @ grew)
                )
                lower = list(HALVES["lower"].moving)
                ways[: len(found), index, lower] = found[:, lower]
        return cls(ways)

    def shown(
        self, points: Points, degrees: Float64[np.ndarray, "8"], moved: Float64[np.ndarray, "68 2"]
    ) -> Float64[np.ndarray, "8"]:
        """All degrees of a face with `degrees` when its landmarks have moved."""
        now = _measures(points)
        return np.asarray(np.clip(degrees + (_measures(moved) - now) / _units(now, degrees), *_SHOWN))

    def _parted(self, points: Points, own: Float64[np.ndarray, "8"]) -> float:
        """How far a face's smile parts its lips, in the distance of the eyes: not what its jaw does, and the less the
        slighter the smile, since lips may be parted at rest.
        """
        by_jaw = max(float(own[_JAW]), 0.0) * lips_apart(self.ways[0, _JAW])
        by_both = lips_apart(points @ eye_frame(points)[:, :2].T)
        return max(by_both - by_jaw, 0.0) * float(np.clip(own[_SMILE] / (_SURE_SMILE * BEND), 0, 1))

    def _beyond(self, own: float, wanted: float, parted: float, left: float) -> float:
        """How far the smile of a face goes beyond its bend, when it has grown by `own` and is to have grown by
        `wanted`. Lips that are parted further than is usual part no further until those of others do; where a smile
        fades, a share of them is `left`.
        """
        slight, broad = (lips_apart(self.ways[row, _SMILE]) for row in (0, 1))
        usual, goal = (slight * grown + broad * float(bent(np.array(grown))) for grown in (own, wanted))
        further = max(parted - usual, 0.0)
        if broad < _LEAST_PARTING or (left == 1 and (further == 0 or wanted <= own)):
            return float(bent(np.array(wanted)) - bent(np.array(own)))
        if left < 1:
            strange = float(np.clip((further - _SMILES) / (_NO_SMILES - _SMILES), 0, 1))
            parts = (left - 1) * (parted - strange * further)
        else:
            parts = max(goal - parted, 0.0)
        return (parts - slight * (wanted - own)) / broad

    def moved(
        self, points: Points, degrees: Float64[np.ndarray, "8"], wanted: Float64[np.ndarray, "8"]
    ) -> Float64[np.ndarray, "68 2"]:
        """Landmarks in pixels of a face with `degrees`, as they lie with those that are `wanted`."""
        now = _measures(points)
        units = _units(now, degrees)
        there = now + (wanted - degrees) * units
        for index, name in enumerate(DEGREES):
            if name.endswith("_eye"):
                there[index] = max(there[index], 0.0)
        back = np.linalg.inv(eye_frame(points)[:, :2]).T
        moved = points[:68].copy()
        change, own = there - now, degrees * units
        parted, left = self._parted(points, own), 1.0
        if degrees[_SMILE] > max(wanted[_SMILE], 0):
            left = max(wanted[_SMILE], 0) / degrees[_SMILE]
        for _ in range(_CORRECTIONS):
            beyond = bent(own + change) - bent(own)
            beyond[_SMILE] = self._beyond(own[_SMILE], own[_SMILE] + change[_SMILE], parted, left)
            moved = points[:68] + np.einsum("wk,wkpc->pc", np.stack([change, beyond]), self.ways) @ back
            change = change + np.where(there == now, 0.0, there - _measures(moved))
        return shut_alike(points, moved) if left < 1 else moved


def _move(a: Points, b: Points) -> NDArray[np.float64]:
    """(68, 2): where landmarks go, in the distance of the eyes."""
    return np.asarray((laid_over(a, b)[:68] - a[:68]) @ eye_frame(a)[:, :2].T)


def _gain(way: NDArray[np.float64], index: int, faces: Sequence[Points]) -> float:
    """By how much the degree's measure grows along a way, mean of some faces; 1 where the rig can not show it."""
    gains = []
    for points in faces:
        step = _STEP * way @ np.linalg.inv(eye_frame(points)[:, :2]).T
        gains.append((_measures(points[:68] + step) - _measures(points[:68]))[index] / _STEP)
    gain = float(np.mean(gains))
    return gain if abs(gain) > 1e-6 else 1.0


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
