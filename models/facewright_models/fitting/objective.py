"""The objective of one step: how far the imitated faces are from the photos."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from facewright_models.fitting.coloring import color_distance
from facewright_models.fitting.features import CLASS_WEIGHTS, FaceFeatures, content_distance
from facewright_models.fitting.silhouette import silhouette_distance
from facewright_models.fitting.tone import tone_distance
from facewright_models.fitting.types import FitOptions
from facewright_models.identity import cosine_similarity

__all__ = ["Scales", "Terms", "image_distance", "objective", "photo_means"]


@dataclass(frozen=True, kw_only=True)
class Scales:
    """What one unit of each option weight means, chosen so that all weights at 1 balance."""

    content: float = 1.0
    identity: float = 16.5
    landmark: float = 25.0
    color: float = 2.0
    image: float = 2.0
    prior: float = 0.6
    nuisance: float = 0.05
    part_shape: float = 0.0
    tone: float = 0.0
    silhouette: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Per photo (N,): the weighted sum and the identity cosine."""

    total: Tensor
    similarity: Tensor


def objective(
    photo: FaceFeatures,
    imitated: FaceFeatures,
    landmark_error: Tensor | None,
    sliders: Tensor,
    options: FitOptions,
    scales: Scales,
    pixel_weights: Tensor | None = None,
    shape_error: Tensor | None = None,
) -> Terms:
    """Content, identity, landmarks, colours, and a weak pull of the sliders (N, P) towards the average.

    `pixel_weights` (N,) count the images' plain distance more: where the photo is a picture of the game. Landmark and
    shape error are (N,), None where the rig's mesh is unknown.
    """
    similarity = cosine_similarity(photo.embedding, imitated.embedding)
    total = scales.prior * (2 * sliders - 1).square().mean(1)
    if options.content_weight > 0:
        content = scales.content * content_distance(photo, imitated, options.content_norm)
        content = content + scales.color * color_distance(photo, imitated)
        pixels = scales.image * image_distance(photo, imitated)
        content = content + (pixels if pixel_weights is None else pixels * pixel_weights)
        if scales.tone > 0:
            content = content + scales.tone * tone_distance(photo, imitated)
        if scales.silhouette > 0:
            content = content + scales.silhouette * silhouette_distance(photo, imitated)
        total = total + options.content_weight * content
    if options.identity_weight > 0:
        total = total + options.identity_weight * scales.identity * (1 - similarity)
    if landmark_error is not None and options.landmark_weight > 0:
        total = total + options.landmark_weight * scales.landmark * landmark_error
    if shape_error is not None and options.landmark_weight > 0:
        total = total + options.landmark_weight * scales.part_shape * shape_error
    return Terms(total=total, similarity=similarity)


def image_distance(photo: FaceFeatures, imitated: FaceFeatures) -> Tensor:
    """(N,) L1 of the images inside the photo's face: the feature of depth zero."""
    weight = (photo.probabilities * CLASS_WEIGHTS.to(photo.probabilities)[:, None, None]).sum(1, keepdim=True)
    weight = weight * (1 - photo.probabilities[:, :1])
    difference = (photo.image - imitated.image).abs()
    return (difference * weight).sum((1, 2, 3)) / (3 * weight.sum((1, 2, 3)) + 1e-6)


def photo_means(per_photo: Tensor, photo_subjects: Tensor, photo_counts: Tensor) -> Tensor:
    """(N,) -> (S,): what these photos add to the means over each subject's `photo_counts` (S,) photos."""
    total = torch.zeros(len(photo_counts)).index_add(0, photo_subjects, per_photo)
    return total / photo_counts
