"""The frozen models that a fit works with, and the reference face that they agree on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.fitting.alignment import FRAME_PX
from facewright_models.fitting.features import (
    COARSE_LOSS_PX,
    COARSE_PX,
    LOSS_PX,
    FaceFeatures,
    FeatureExtractor,
    coarsened,
    joined,
)
from facewright_models.fitting.objective import Scales
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import Check, go_on
from facewright_models.fitting.warm_start import LandmarkRig
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.imitator import Imitator
from facewright_models.landmarks import landmarks_near

__all__ = ["PHOTOS_AT_ONCE", "FitModels", "repeated", "resized_marks", "to_pixels"]

PHOTOS_AT_ONCE = 4
"""Photos that go through the networks together: more gain nothing, and bound neither time nor memory."""
_MAX_BIAS_PX = 12.0


@dataclass(frozen=True, kw_only=True)
class FitModels:
    """Imitator g, extractor f, the rig's landmarks where its mesh is known, and the balance of the terms."""

    layout: VectorLayout
    imitator: Imitator
    extractor: FeatureExtractor
    landmark_rig: LandmarkRig | None
    scales: Scales

    def imitate(self, vectors: Tensor, size_px: int = FRAME_PX) -> Tensor:
        """Vectors (N, D) -> images (N, 3, size_px, size_px) in [0,1]."""
        image: Tensor = self.imitator(vectors, size_px=size_px)
        return image

    def imitate_coarsely(self, vectors: Tensor) -> Tensor:
        """Vectors (N, D) -> images (N, 3, 160, 160) with less detail; see `coarsened`."""
        return coarsened(self.imitate(vectors, COARSE_PX))

    def seen(self, photos: Sequence[AlignedPhoto], check: Check) -> FaceFeatures:
        """The features of aligned photos, without a graph."""
        groups = [photos[first : first + PHOTOS_AT_ONCE] for first in range(0, len(photos), PHOTOS_AT_ONCE)]
        pairs = (
            (
                as_images([photo.frame for photo in group]),
                torch.tensor(np.stack([photo.landmarks for photo in group]), dtype=torch.float32),
            )
            for group in groups
        )
        return self._extracted(pairs, check)

    def seen_coarsely(self, features: FaceFeatures, check: Check) -> FaceFeatures:
        """What remains of the features of photos when these are coarsened."""
        groups = torch.arange(len(features.image)).split(PHOTOS_AT_ONCE)
        pairs = (
            (
                coarsened(features.image[rows]),
                resized_marks(features.landmarks[rows], LOSS_PX, COARSE_LOSS_PX),
            )
            for rows in groups
        )
        return self._extracted(pairs, check)

    @torch.inference_mode()
    def _extracted(self, pairs: Iterable[tuple[Tensor, Tensor]], check: Check) -> FaceFeatures:
        """Of images with their landmarks, made and looked at group by group."""
        parts = []
        for images, landmarks in pairs:
            check()
            parts.append(self.extractor(images, landmarks).detached())
        return joined(parts)

    def marking_bias(self, vectors: Tensor, previous: Tensor, check: Check = go_on) -> Tensor:
        """Where the landmark model marks the imitated faces, minus where the rig says: (N, 68, 2) pixels.

        The model marks by appearance; without this, its habits would become sliders. A face that it does
        not find keeps the previous bias.
        """
        if self.landmark_rig is None:
            return previous
        with torch.inference_mode():
            expected = self.landmark_rig.project(vectors)
        result = previous.clone()
        for index in range(len(vectors)):
            check()
            with torch.inference_mode():
                image = to_pixels(self.imitate(vectors[index : index + 1], LOSS_PX))[0]
            check()
            near = resized_marks(expected[index], FRAME_PX, LOSS_PX)
            found = landmarks_near(image, near.double().numpy())
            if found is not None:
                marked = resized_marks(torch.tensor(found, dtype=torch.float32), LOSS_PX, FRAME_PX)
                result[index] = (marked - expected[index]).clamp(-_MAX_BIAS_PX, _MAX_BIAS_PX)
        return result.clone()


def resized_marks(landmarks_px: Tensor, from_px: int, to_px: int) -> Tensor:
    """Points in an image of one side -> in the same image at another; pixel centres are whole numbers in both."""
    return (landmarks_px + 0.5) * (to_px / from_px) - 0.5


def repeated(features: FaceFeatures, index: int, count: int) -> FaceFeatures:
    """The features of one image, `count` times."""

    def pick(values: Tensor) -> Tensor:
        return values[index : index + 1].expand(count, *values.shape[1:])

    return FaceFeatures(
        image=pick(features.image),
        landmarks=pick(features.landmarks),
        depths=tuple(pick(depth) for depth in features.depths),
        probabilities=pick(features.probabilities),
        embedding=pick(features.embedding),
    )


def to_pixels(images: Tensor) -> NDArray[np.uint8]:
    """(N, 3, H, W) in [0,1] -> (N, H, W, 3) uint8."""
    pixels = (images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1)
    return np.ascontiguousarray(pixels.numpy())
