"""Captures as the translator sees them: aligned like a photo, lit and exposed a little differently each time.

The alignment of a photo rests on marked points that err; here the rig's own points take their place, with
errors drawn anew for each sight of a capture.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.fitting.alignment import align_matrix
from facewright_models.fitting.warm_start import LandmarkRig
from facewright_models.foundry.sampling import VectorLayout, at_rest
from facewright_models.imitator.dataset import CaptureSet
from facewright_models.rig import Rig, neutral_character
from facewright_models.translator.network import INPUT_PX

__all__ = ["AlignedCaptures"]

_SCALE_ERROR, _TURN_ERROR, _SHIFT_ERROR = 0.02, 0.015, 0.005
"""Standard deviations: a share, radians, and a share of the frame's side."""
_GAIN, _GAMMA, _NOISE = 0.04, 0.08, 0.012
_DECODED_PX = 256
_BATCH = 250


class AlignedCaptures:
    """The captures of a folder, at most `count`, in their order, `side_px` wide. Raises InvalidInputError."""

    def __init__(
        self,
        captures: Path,
        rig: Rig,
        *,
        count: int,
        side_px: int = INPUT_PX,
        decoded_px: int = _DECODED_PX,
    ) -> None:
        layout = VectorLayout(rig.schema)
        self._side_px, self._decoded_px = side_px, decoded_px
        self._data = CaptureSet(captures)
        self.vectors = self._data.parameters[:count]
        marks = LandmarkRig(rig, layout, decoded_px)
        with torch.inference_mode():
            average = layout.encode(at_rest(neutral_character(rig.schema)))[None]
            self._reference = marks.project(average)[0].numpy().astype(np.float64)
            points = [marks.project(some) for some in self.vectors.split(_BATCH)]
        self._points = torch.cat(points).numpy().astype(np.float64)

    def __len__(self) -> int:
        return len(self.vectors)

    def batch(self, indices: Tensor, *, seed: int, errors: float = 1.0) -> tuple[Tensor, Tensor]:
        """Images (B, 3, S, S) of `side_px` in [0,1] and vectors (B, D).

        `errors` scales those of the alignment; with 0 the exposure stays as captured, too.
        """
        _, frames = self._data.batch(indices, self._decoded_px)
        rows = [
            self._seen(frame, index, np.random.default_rng((seed, index)), errors)
            for frame, index in zip(frames.permute(0, 2, 3, 1).numpy(), indices.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).contiguous(), self.vectors[indices]

    def _seen(
        self, frame: NDArray[np.float32], index: int, generator: np.random.Generator, errors: float
    ) -> NDArray[np.float32]:
        matrix = align_matrix(self._points[index], self._reference)
        side = self._side_px
        matrix = _with_error(matrix, generator, errors, self._decoded_px) * (side / self._decoded_px)
        half = 0.5 * side / self._decoded_px - 0.5  # pixel centres
        matrix[:, 2] += half
        warped = cv2.warpAffine(
            frame, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        if errors:
            warped = np.clip(warped, 1e-3, 1) ** np.exp(generator.normal(0, _GAMMA))
            warped *= np.exp(generator.normal(0, _GAIN, 3))
            warped += generator.normal(0, _NOISE * generator.uniform(), warped.shape)
        result: NDArray[np.float32] = np.clip(warped, 0, 1).astype(np.float32)
        return result


def _with_error(
    matrix: NDArray[np.float64], generator: np.random.Generator, errors: float, frame_px: int
) -> NDArray[np.float64]:
    """The same alignment as marks that err would give it, about the frame's centre."""
    scale = 1 + errors * generator.normal(0, _SCALE_ERROR)
    turn = errors * generator.normal(0, _TURN_ERROR)
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    center = np.full(2, frame_px / 2)
    shift = center - linear @ center + errors * generator.normal(0, _SHIFT_ERROR * frame_px, 2)
    result: NDArray[np.float64] = np.concatenate(
        [linear @ matrix[:, :2], (linear @ matrix[:, 2] + shift)[:, None]], 1
    )
    return result
