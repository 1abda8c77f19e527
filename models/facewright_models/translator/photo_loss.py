"""What photos say of a translator whose answers are not known: how near the imitated answers come to them.

Photos lie as in `facewright-server eval fit`: `faces/london/neutral` and `smiling`. Only people whose id is no
multiple of four are seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.alignment import FRAME_PX, transform_points, warp_to_frame
from facewright_models.fitting.features import (
    COARSE_PX,
    FaceFeatures,
    FeatureExtractor,
    coarsened,
)
from facewright_models.fitting.fit_models import resized_marks
from facewright_models.fitting.fitter import PARTS, Fitter
from facewright_models.fitting.objective import Scales, objective
from facewright_models.fitting.preparation import AlignedPhoto, as_images, prepare
from facewright_models.fitting.types import FitOptions, Subject
from facewright_models.fitting.warm_start import nuisance_surprise
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo
from facewright_models.translator.dataset import with_error
from facewright_models.translator.inputs import translator_inputs
from facewright_models.translator.network import Translation, Translator

__all__ = ["PhotoLoss", "translated_vectors"]

_WEIGHT = 0.05
"""A fit's objective is about 10 for a person, a capture's loss about 1."""


class PhotoLoss:
    """Holds the aligned photos. Raises InvalidInputError where there is none."""

    def __init__(self, data: Path, rig_name: str, extractor: FeatureExtractor) -> None:
        paths = [
            path
            for folder in ("neutral", "smiling")
            for path in sorted((data / "faces" / "london" / folder).glob("*.jpg"))
            if not is_held_out(path)
        ]
        if not paths:
            raise InvalidInputError(f"{data} holds no photo to learn from", field="data")
        fitter = Fitter.load(rig_name, left_out=frozenset(PARTS))
        self._models, self._extractor = fitter.models, extractor
        self._average_px, self._bias = fitter.average.expected_marks(fitter.models), fitter.average.bias
        self._photos: list[AlignedPhoto] = []
        for path in paths:
            subject = Subject(photos=(decode_photo(path.read_bytes()),))
            self._photos += prepare(0, subject, fitter.reference_landmarks, "similarity")

    def __len__(self) -> int:
        return len(self._photos)

    def loss(self, network: Translator, *, count: int, seed: tuple[int, ...]) -> Tensor:
        """The mean objective over some photos, each aligned a little differently each time."""
        generator = np.random.default_rng(seed)
        chosen = generator.choice(len(self._photos), count, replace=False)
        seen = [self._seen(self._photos[index], generator) for index in chosen]
        with torch.no_grad():
            images = as_images([frame for frame, _ in seen])
            marks = torch.tensor(np.stack([points for _, points in seen]), dtype=torch.float32)
            features = self._extractor(images, marks)
            coarse_marks = resized_marks(marks, FRAME_PX, coarsened(features.image).shape[-1])
            target = self._extractor(coarsened(features.image), coarse_marks)
        answer = network(
            translator_inputs(
                images=features.image,
                probabilities=features.probabilities,
                depths=features.depths,
                embedding=features.embedding,
                marks_px=features.landmarks,
                average_px=self._average_px,
            )
        )
        vectors = translated_vectors(answer)
        return _WEIGHT * self._objective(vectors, marks, target).mean()

    def _objective(self, vectors: Tensor, marks: Tensor, target: FaceFeatures) -> Tensor:
        """(B,) the objective of a fit's coarse steps."""
        rig, layout = self._models.landmark_rig, self._models.layout
        if rig is None:
            raise InvalidInputError("photos need a rig whose mesh is known", field="rig")
        shown = coarsened(self._models.imitate(vectors.clamp(0, 1), COARSE_PX))
        places = rig.project(vectors) + self._bias
        error = rig.error(places, marks)
        imitated = self._extractor(shown, resized_marks(places.detach(), FRAME_PX, shown.shape[-1]))
        terms = objective(target, imitated, error, vectors[:, layout.sliders], FitOptions(), Scales())
        nuisance = vectors[:, sorted(layout.nuisance.values())]
        return terms.total + Scales().nuisance * nuisance_surprise(nuisance)

    def _seen(
        self, photo: AlignedPhoto, generator: np.random.Generator
    ) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        matrix = with_error(photo.frame_from_photo, generator, 1.0, FRAME_PX)
        frame = warp_to_frame(photo.photo.pixels, matrix)
        return frame, transform_points(matrix, photo.photo_landmarks)


def translated_vectors(answer: Translation) -> Tensor:
    """Imitator vectors (B, D) of answers, styles by their probabilities."""
    styles: Sequence[Tensor] = [logits.softmax(1) for logits in answer.styles]
    return torch.cat([answer.sliders, *styles, answer.colors.flatten(1), answer.nuisance], 1)
