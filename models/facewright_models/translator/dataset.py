"""Captures as the translator sees them: aligned and marked like a photo, a little off, and exposed differently.

Landmark models err on photos; here the rig's own points take their place, with errors of the same size.
"""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.fitting.alignment import align_matrix, transform_points
from facewright_models.fitting.features import FeatureExtractor
from facewright_models.fitting.warm_start import MARK_NOISE_PX, LandmarkRig
from facewright_models.foundry.sampling import VectorLayout, at_rest
from facewright_models.imitator.dataset import CaptureSet
from facewright_models.rig import Rig, neutral_character
from facewright_models.translator.inputs import TranslatorInputs, translator_inputs

__all__ = ["AlignedCaptures", "read_captures", "with_error"]

logger = logging.getLogger(__name__)

_SCALE_ERROR, _TURN_ERROR, _SHIFT_ERROR = 0.02, 0.015, 0.005
"""Standard deviations: a share, radians, and a share of the frame's side."""
_MARK_ERROR = 0.5
"""Of the noise that a fit expects of marks; half of that is the model's own and the same for every face."""
_GAIN, _GAMMA, _NOISE = 0.04, 0.08, 0.012
_DECODED_PX = 256
_BATCH = 250
_AT_ONCE = 10


class AlignedCaptures:
    """The captures of a folder, at most `count`, in their order, `side_px` wide. Raises InvalidInputError."""

    def __init__(
        self,
        captures: Path,
        rig: Rig,
        *,
        count: int,
        side_px: int = _DECODED_PX,
        decoded_px: int = _DECODED_PX,
    ) -> None:
        layout = VectorLayout(rig.schema)
        self._side_px, self._decoded_px = side_px, decoded_px
        self._data = CaptureSet(captures)
        self.vectors = self._data.parameters[:count]
        marks = LandmarkRig(rig, layout, decoded_px)
        with torch.inference_mode():
            average = layout.encode(at_rest(neutral_character(rig.schema)))[None]
            self.reference = marks.project(average)[0].numpy().astype(np.float64)
            points = [marks.project(some) for some in self.vectors.split(_BATCH)]
        self._points = torch.cat(points).numpy().astype(np.float64)

    def __len__(self) -> int:
        return len(self.vectors)

    def batch(self, indices: Tensor, *, seed: int, errors: float = 1.0) -> tuple[Tensor, Tensor]:
        """Images (B, 3, S, S) of `side_px` in [0,1] and vectors (B, D).

        `errors` scales those of the alignment; with 0 the exposure stays as captured, too.
        """
        images, _, vectors = self.marked_batch(indices, seed=seed, errors=errors)
        return images, vectors

    def marked_batch(
        self, indices: Tensor, *, seed: int, errors: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 3, S, S), marks (B, 68, 2) in their pixels, and vectors (B, D)."""
        _, frames = self._data.batch(indices, self._decoded_px)
        seen = [
            self._seen(frame, index, np.random.default_rng((seed, index)), errors)
            for frame, index in zip(frames.permute(0, 2, 3, 1).numpy(), indices.tolist(), strict=True)
        ]
        images = torch.from_numpy(np.stack([image for image, _ in seen])).permute(0, 3, 1, 2).contiguous()
        marks = torch.from_numpy(np.stack([points for _, points in seen])).float()
        return images, marks, self.vectors[indices]

    def _seen(
        self, frame: NDArray[np.float32], index: int, generator: np.random.Generator, errors: float
    ) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        matrix = align_matrix(self._points[index], self.reference)
        side = self._side_px
        matrix = with_error(matrix, generator, errors, self._decoded_px) * (side / self._decoded_px)
        half = 0.5 * side / self._decoded_px - 0.5  # pixel centres
        matrix[:, 2] += half
        warped = cv2.warpAffine(
            frame, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        marks = transform_points(matrix, self._points[index])
        if errors:
            warped = np.clip(warped, 1e-3, 1) ** np.exp(generator.normal(0, _GAMMA))
            warped *= np.exp(generator.normal(0, _GAIN, 3))
            warped += generator.normal(0, _NOISE * generator.uniform(), warped.shape)
            spread = _MARK_ERROR * errors * MARK_NOISE_PX.numpy().astype(np.float64) * side / 512
            marks = marks + generator.normal(size=(68, 2)) * spread
        return np.clip(warped, 0, 1).astype(np.float32), marks


def read_captures(data: AlignedCaptures, extractor: FeatureExtractor, cache: Path) -> TranslatorInputs:
    """The inputs of all captures, each aligned with one error, in half precision.

    What was read is kept in `cache`, 250 captures a file, so that a killed training goes on.
    """
    cache.mkdir(parents=True, exist_ok=True)
    groups = []
    for number, rows in enumerate(torch.arange(len(data)).split(_BATCH)):
        path = cache / f"inputs_{number:05d}.pt"
        if not path.exists():
            parts = [_read(data, extractor, some) for some in rows.split(_AT_ONCE)]
            temporary = path.with_suffix(".partial")
            torch.save({name: torch.cat([part[name] for part in parts]) for name in parts[0]}, temporary)
            temporary.replace(path)
            logger.info("read %d of %d captures", int(rows[-1]) + 1, len(data))
        groups.append(torch.load(path, weights_only=True))
    return TranslatorInputs(**{name: torch.cat([group[name] for group in groups]) for name in groups[0]})


@torch.inference_mode()
def _read(data: AlignedCaptures, extractor: FeatureExtractor, rows: Tensor) -> dict[str, Tensor]:
    images, marks, _ = data.marked_batch(rows, seed=0)
    features = extractor(images, marks)
    inputs = translator_inputs(
        images=features.image,
        probabilities=features.probabilities,
        depths=features.depths,
        embedding=features.embedding,
        marks_px=features.landmarks,
        average_px=torch.tensor(data.reference, dtype=torch.float32)[None],
    )
    return {name: part.half().clone() for name, part in vars(inputs).items()}


def with_error(
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
