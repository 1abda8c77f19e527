"""Steps of a fit that need no drawing: the identity imitator says what a recogniser would see.

They follow the landmarks' guess and precede the loop of [0048]-[0052], whose steps cost a hundred times as much.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from facewright_models.fitting.evidence import photo_weights
from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.objective import photo_means
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.row_adam import AdamGroup
from facewright_models.fitting.types import Check, FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import nuisance_surprise
from facewright_models.identity import cosine_similarity
from facewright_models.identity_imitator import IdentityImitator

__all__ = ["approach"]

_RATES = {"sliders": 0.03, "nuisance": 0.02}
_SURE = 50.0
_SLOWED = 0.85


def approach(
    models: FitModels,
    imitator: IdentityImitator,
    variables: FitVariables,
    aligned: list[AlignedPhoto],
    features: FaceFeatures,
    bias: Tensor,
    certainty: Tensor,
    options: FitOptions,
    *,
    steps: int,
    check: Check,
) -> None:
    """Adjust sliders, pose and expression of `variables` by `steps` steps of the objective's terms for identity,
    landmarks and prior.

    Args:
        features: of the photos `aligned`; their embeddings (N, 128) are what is approached.
        bias: (N or 1, 68, 2) where the landmark model marks a face off the rig's points, in frame pixels.
        certainty: (N, 68) of the marks, see `evidence.mark_certainty`.

    Styles and colours stay. Nothing happens where identity or landmarks have no weight, or the mesh is unknown.
    """
    rig, scales = models.landmark_rig, models.scales
    if rig is None or options.identity_weight == 0 or options.landmark_weight == 0:
        return
    marked = torch.tensor(np.stack([photo.landmarks for photo in aligned]), dtype=torch.float32)
    rows = variables.photo_subjects
    counts = torch.bincount(rows, minlength=len(variables.sliders))
    weights = photo_weights(certainty, rows)
    leaves = variables.leaves()
    groups = [AdamGroup(rate=rate, tensors=leaves[kind]) for kind, rate in _RATES.items()]
    for step in range(steps):
        check()
        for group in groups:
            group.forget_gradients()
        vectors = variables.vectors(_SURE)
        likeness = cosine_similarity(features.embedding, imitator(vectors))
        error = rig.error(rig.project(vectors) + bias, marked, certainty)
        surprise = (2 * variables.surprises() - 1).square().mean(1)
        total = (
            options.identity_weight * scales.identity * (1 - likeness)
            + options.landmark_weight * scales.landmark * error
            + scales.prior * surprise
            + scales.nuisance * nuisance_surprise(variables.nuisance)
        )
        photo_means(total * weights, rows, counts).sum().backward()  # type: ignore[no-untyped-call]
        variables.mask_gradients()
        for group in groups:
            group.step(1.0 - _SLOWED * step / steps)
        variables.project()
    for tensors in leaves.values():
        for tensor in tensors:
            tensor.requires_grad_(False)
            tensor.grad = None
