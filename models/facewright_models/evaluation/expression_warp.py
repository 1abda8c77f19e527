"""The baseline of expressions: the mean way of points from rest to smile, as a thin-plate warp of the photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from facewright_models.expression.degrees import eye_frame
from facewright_models.landmarks.crops import apply

__all__ = ["SmileWarp"]

_Points = NDArray[np.float64]
_POINTS, _STEP_PX, _BORDER = 68, 8, 6


@dataclass(frozen=True, kw_only=True, eq=False)
class SmileWarp:
    """Mean displacement (68, 2) in the frame of the eyes, and the mean degree of the smiles that it comes from."""

    displacement: _Points
    degree: float

    @classmethod
    def learnt(cls, pairs: Sequence[tuple[_Points, _Points, float]]) -> SmileWarp:
        """From points at rest, points smiling, and the smile's degree of each person."""
        moved = [
            apply(eye_frame(smiling), smiling[:_POINTS]) - apply(eye_frame(calm), calm[:_POINTS])
            for calm, smiling, _ in pairs
        ]
        return cls(
            displacement=np.asarray(np.mean(moved, axis=0)),
            degree=float(np.mean([degree for _, _, degree in pairs])),
        )

    def warped(self, pixels: NDArray[np.uint8], points: _Points, degree: float) -> NDArray[np.uint8]:
        """A photo (H, W, 3) at rest with a smile of that degree."""
        frame = eye_frame(points)
        amount = degree / max(self.degree, 1e-6)
        target = points[:_POINTS] + amount * self.displacement @ np.linalg.inv(frame[:, :2]).T
        height, width = pixels.shape[:2]
        xs, ys = np.linspace(0, width - 1, _BORDER), np.linspace(0, height - 1, _BORDER)
        border = np.array([(x, y) for x in xs for y in ys if x in (xs[0], xs[-1]) or y in (ys[0], ys[-1])])
        known = np.concatenate([target, border])
        back = np.concatenate([points[:_POINTS] - target, np.zeros_like(border)])
        spline = RBFInterpolator(known, back, kernel="thin_plate_spline", smoothing=1.0)
        columns, rows = (np.arange(0, side + _STEP_PX, _STEP_PX) for side in (width, height))
        grid = np.stack(np.meshgrid(columns, rows), -1)
        coarse = spline(grid.reshape(-1, 2)).reshape(*grid.shape).astype(np.float32)
        matrix = np.array([[_STEP_PX, 0, 0], [0, _STEP_PX, 0]], np.float64)
        field = cv2.warpAffine(coarse, matrix, (width, height), flags=cv2.INTER_LINEAR)
        places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32) + field
        warped = cv2.remap(pixels, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(warped, dtype=np.uint8)
