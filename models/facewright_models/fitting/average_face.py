"""The reference face of [0059]-[0062]: the imitated average character, and what every fit measures against it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.alignment import FRAME_PX
from facewright_models.fitting.features import LOSS_PX, FaceFeatures
from facewright_models.fitting.fit_models import FitModels, resized_marks, to_pixels
from facewright_models.foundry.sampling import at_rest
from facewright_models.landmarks import detect_frontal_faces
from facewright_models.rig import neutral_character

__all__ = ["AverageFace"]


@dataclass(frozen=True, kw_only=True)
class AverageFace:
    """Vector (D,), imitated image (1, 3, 512, 512), its landmarks (68, 2) in frame pixels and features.

    bias (1, 68, 2): where the landmark model marks it, off the rig's points, in frame pixels. colors: name -> (3,).
    """

    vector: Tensor
    image: Tensor
    landmarks: NDArray[np.float64]
    features: FaceFeatures
    bias: Tensor
    colors: Mapping[str, Tensor]

    @classmethod
    def imitated(cls, models: FitModels) -> AverageFace:
        """Raises InvalidInputError where no face is found in it and the rig's mesh is not known either."""
        neutral = neutral_character(models.layout.schema)
        vector = models.layout.encode(at_rest(neutral))
        with torch.inference_mode():
            image = models.imitate(vector[None])
        landmarks = _landmarks(models, vector, image)
        with torch.inference_mode():
            features = models.extractor(image, torch.tensor(landmarks, dtype=torch.float32)[None])
        return cls(
            vector=vector,
            image=image,
            landmarks=landmarks,
            features=features,
            bias=models.marking_bias(vector[None], torch.zeros(1, 68, 2)),
            colors={name: torch.tensor(rgb) for name, rgb in neutral.colors.items()},
        )

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """(512, 512, 3)."""
        image: NDArray[np.uint8] = to_pixels(self.image)[0]
        return image

    def expected_marks(self, models: FitModels) -> Tensor:
        """(1, 68, 2): where it would be marked, in pixels of the images that the losses compare."""
        marks = torch.tensor(self.landmarks, dtype=torch.float32)[None]
        if models.landmark_rig is not None:
            with torch.inference_mode():
                marks = (models.landmark_rig.project(self.vector[None]) + self.bias).clone()
        return resized_marks(marks, FRAME_PX, LOSS_PX)


def _landmarks(models: FitModels, vector: Tensor, image: Tensor) -> NDArray[np.float64]:
    faces = detect_frontal_faces(to_pixels(image)[0])
    if faces:
        return faces[0].landmarks_px
    if models.landmark_rig is None:
        raise InvalidInputError(
            "no face is found in the imitated average character; train the imitator further",
            field="rig",
        )
    with torch.inference_mode():
        return models.landmark_rig.project(vector[None])[0].numpy().astype(np.float64)
