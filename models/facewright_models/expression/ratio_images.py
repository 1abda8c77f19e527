"""How a smile changes the light on skin: folds beside the nose, cheeks that rise, the shade below them.

That is an expression ratio image: in the frame of a mean face, by what people's skin is brighter or darker when they
smile. It is what most of them show; where a face has folds of its own, these go along with its pixels as well.

Source: Liu, Shan & Zhang, "Expressive Expression Mapping with Ratio Images" (SIGGRAPH 2001), section 3; here of many
people, in logarithms, and by how broad a smile is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy.typing import NDArray

from facewright_models.expression.degrees import LIMITS, eye_frame
from facewright_models.expression.guide import near
from facewright_models.expression.least_deviations import least_deviations
from facewright_models.expression.smile_motion import bent
from facewright_models.landmarks.crops import apply, inverse
from facewright_models.landmarks.template import POINT_MIRROR

__all__ = ["RATIO_PX", "RatioImages", "SmilingPair"]

SmilingPair: TypeAlias = tuple[
    UInt8[np.ndarray, "H W 3"], NDArray[np.float64], NDArray[np.uint8], NDArray[np.float64]
]
"""A face at rest and smiling: pixels and points (K, 2) of either."""

RATIO_PX = 128
_LOW = np.array([-1.15, -0.2])
"""The corner of ratio images in the frame of the eyes."""
_STEP = 2.3 / RATIO_PX
_SKIN = [point for point in range(68) if point < 60]
"""Landmarks but those of the lips' inner edge, which part."""
_NUGGET = 0.003
_BLUR_PX = 1.0
_DARKEST = 8.0
"""Added to brightnesses, from 0 to 255: the ratio of two that are nearly black says nothing."""
_FROM_OUTLINE = (0.02, 0.12)
_FROM_EYES = (0.12, 0.32)
"""In the distance of the eyes: over which way from the face's outline and below the eyes light begins to change."""
_LIPS_GROWN = np.ones((3, 3), np.uint8)
_BROADEST = 1.2
_MOST = 0.5
_FILM = 2.0
"""What brightens counts so much more, since skin, which is bright, gets less of it, see `lit`."""
_GRID = 24


class RatioImages:
    """`logarithms` (2, 128, 128) of how much brighter skin is for one unit of a smile, and how much more beyond its
    bend, see `smile_motion`; over `mean_face` (68, 2), in the frame of the eyes. Zeros change nothing.
    """

    def __init__(
        self, logarithms: Float64[np.ndarray, "2 S S"], mean_face: Float64[np.ndarray, "68 2"]
    ) -> None:
        self.logarithms, self.mean_face = logarithms, mean_face
        lips = np.zeros(logarithms.shape[1:], np.uint8)
        cv2.fillPoly(lips, [np.round(_placed(mean_face[48:60])).astype(np.int32)], 1)
        self._lips = cv2.dilate(lips, _LIPS_GROWN).astype(bool)

    @classmethod
    def fitted(cls, pairs: Sequence[SmilingPair], grown: Float64[np.ndarray, " N"]) -> RatioImages:
        """To faces at rest and smiling, and by how much each smile has grown, in the distance of the eyes."""
        faces = np.array([_in_frame(points) for _, points, _, _ in pairs])
        mean_face = faces.mean(0)
        mean_face = (mean_face + (mean_face * [-1, 1])[POINT_MIRROR[:68]]) / 2
        skin = np.zeros((RATIO_PX, RATIO_PX), np.uint8)
        hull = cv2.convexHull(np.round(_placed(mean_face)).astype(np.int32))
        cv2.fillConvexPoly(skin, hull, 1)
        ratios = []
        for calm, points, smiling, smiling_points in pairs:
            ratio = _brightness(smiling, smiling_points, mean_face) - _brightness(calm, points, mean_face)
            ratio -= np.median(ratio[skin.astype(bool)])
            ratios.append(((ratio + ratio[:, ::-1]) / 2).ravel())
        inputs = np.stack([grown, bent(grown)], 1)
        logarithms = least_deviations(inputs, np.array(ratios, np.float64))
        inside = cv2.distanceTransform(skin, cv2.DIST_L2, 5).astype(np.float64) * _STEP
        below = _grid()[:, 1].reshape(RATIO_PX, RATIO_PX)
        share = _ramp(inside, *_FROM_OUTLINE) * _ramp(below, *_FROM_EYES)
        return cls(logarithms.reshape(2, RATIO_PX, RATIO_PX) * share, mean_face)

    def light(
        self,
        points: Float64[np.ndarray, "K 2"],
        goal: Float64[np.ndarray, "68 2"],
        photo_from_region: Float64[np.ndarray, "2 3"],
        side_px: int,
        smiles: tuple[float, float],
    ) -> Float32[np.ndarray, "S S"]:
        """How light changes in a region, see `lit`, where a face's landmarks go from `points` to `goal` and its degree
        of smile from the first of `smiles` to the second.
        """
        if not self.logarithms.any() or smiles[0] == smiles[1]:
            return np.ones((side_px, side_px), np.float32)
        centres = (np.arange(_GRID) + 0.5) * (side_px / _GRID) - 0.5
        grid = np.stack(np.meshgrid(centres, centres), -1).reshape(-1, 2)
        frame = eye_frame(points)
        places = apply(frame, apply(photo_from_region, grid))
        lie = apply(frame, goal)[_SKIN]
        came = _placed(_interpolated(lie, self.mean_face[_SKIN], places))
        at = cv2.resize(
            came.reshape(_GRID, _GRID, 2).astype(np.float32),
            (side_px, side_px),
            interpolation=cv2.INTER_CUBIC,
        )
        before, after = (self._logarithm(smile) for smile in smiles)
        changes = cv2.remap(after - before, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        light = np.exp(changes.clip(-_MOST, _MOST))
        return np.asarray(np.where(light > 1, 1 + _FILM * (light - 1), light), np.float32)

    def _logarithm(self, smile: float) -> NDArray[np.float32]:
        """(S, S); lips become only darker, since teeth lie beside them."""
        grown = np.array(LIMITS["smile"] * np.clip(smile, 0, _BROADEST))
        light = grown * self.logarithms[0] + bent(grown) * self.logarithms[1]
        return np.asarray(np.where(self._lips, np.minimum(light, 0), light), np.float32)


def _brightness(
    pixels: NDArray[np.uint8], points: NDArray[np.float64], mean_face: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(S, S): the logarithm of how bright a face is, as it lies over the mean face."""
    face = _in_frame(points)
    places = _interpolated(mean_face[_SKIN], face[_SKIN], _grid())
    photo_from_frame = inverse(eye_frame(points))
    step = float(np.sqrt(np.abs(np.linalg.det(photo_from_frame[:, :2])))) * _STEP
    bright = pixels.mean(2, dtype=np.float32)
    if step > 1:
        bright = cv2.GaussianBlur(bright, (0, 0), step / 2)
    at = apply(photo_from_frame, places).reshape(RATIO_PX, RATIO_PX, 2).astype(np.float32)
    seen = cv2.remap(bright, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.GaussianBlur(np.log(seen + _DARKEST), (0, 0), _BLUR_PX), np.float64)


def _interpolated(
    centres: NDArray[np.float64], to: NDArray[np.float64], places: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Where places (N, 2) lie when `centres` (M, 2) lie where `to` (M, 2) says, in the frame of the eyes."""
    kernel = near(centres, centres) + _NUGGET * np.eye(len(centres))
    return np.asarray(places + near(places, centres) @ np.linalg.solve(kernel, to - centres))


def _in_frame(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(apply(eye_frame(points), points[:68]))


def _grid() -> NDArray[np.float64]:
    """(S * S, 2): places of a ratio image in the frame of the eyes."""
    line = (np.arange(RATIO_PX) + 0.5) * _STEP
    return np.stack(np.meshgrid(line + _LOW[0], line + _LOW[1]), -1).reshape(-1, 2)


def _placed(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """From the frame of the eyes to pixels of a ratio image."""
    return np.asarray((places - _LOW) / _STEP - 0.5)


def _ramp(values: NDArray[np.float64], none: float, whole: float) -> NDArray[np.float64]:
    return np.asarray(np.clip((values - none) / (whole - none), 0, 1))
