"""What the loss sees of an image: parsing features of several depths and the identity embedding.

Photo and imitated face go through the same functions with the same value range [0,1] and the same size, so
that a difference is a difference of faces (claims of [0033]-[0036]; a known mistake of other
implementations is to feed the two branches differently).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.identity import IdentityNetwork, face_chip_from_landmarks
from facewright_models.parsing.network import ParsingNetwork

__all__ = [
    "CLASS_WEIGHTS",
    "COARSE_PX",
    "LOSS_PX",
    "FaceFeatures",
    "FeatureExtractor",
    "coarsened",
    "content_distance",
    "frozen",
    "joined",
    "to_loss_size",
]

LOSS_PX = 256
"""Side of the images that the losses compare ([0074])."""

COARSE_PX = 128
"""Detail of the images with which a fit begins: the imitator's 256-pixel layers cost as much as all the others."""

COARSE_LOSS_PX = 160
"""Side of the images that the losses compare there."""

CLASS_WEIGHTS = torch.tensor([0.10, 1.0, 0.5, 3.0, 3.0, 4.0, 4.0, 2.0, 3.0, 1.0, 3.0])
"""Weight of a pixel of each parsing class in the content loss: small parts carry the likeness."""


@dataclass(frozen=True, kw_only=True)
class FaceFeatures:
    """Of N images (N, 3, 256, 256): landmarks (N, 68, 2) in their pixels, depths from shallow to deep,
    probabilities (N, 11, 256, 256), embedding (N, 128).
    """

    image: Tensor
    landmarks: Tensor
    depths: tuple[Tensor, ...]
    probabilities: Tensor
    embedding: Tensor

    def detached(self) -> FaceFeatures:
        """The same values without a graph."""
        return FaceFeatures(
            image=self.image.detach(),
            landmarks=self.landmarks.detach(),
            depths=tuple(depth.detach() for depth in self.depths),
            probabilities=self.probabilities.detach(),
            embedding=self.embedding.detach(),
        )

    def at(self, rows: Tensor) -> FaceFeatures:
        """Those of some of the images: `rows` (K,) int64."""
        return FaceFeatures(
            image=self.image[rows],
            landmarks=self.landmarks[rows],
            depths=tuple(depth[rows] for depth in self.depths),
            probabilities=self.probabilities[rows],
            embedding=self.embedding[rows],
        )


def joined(parts: Sequence[FaceFeatures]) -> FaceFeatures:
    """The features of all parts, one after the other."""
    if len(parts) == 1:
        return parts[0]
    return FaceFeatures(
        image=torch.cat([part.image for part in parts]),
        landmarks=torch.cat([part.landmarks for part in parts]),
        depths=tuple(torch.cat(depths) for depths in zip(*(part.depths for part in parts), strict=True)),
        probabilities=torch.cat([part.probabilities for part in parts]),
        embedding=torch.cat([part.embedding for part in parts]),
    )


def to_loss_size(images: Tensor) -> Tensor:
    """(N, 3, S, S) -> (N, 3, 256, 256) by the mean over equal areas; the one resize of both branches."""
    return images if images.shape[-1] <= LOSS_PX else functional.adaptive_avg_pool2d(images, LOSS_PX)


def coarsened(images: Tensor) -> Tensor:
    """(N, 3, S, S) -> (N, 3, 160, 160) with the detail of 128 pixels; the one filter of both branches there."""
    small = functional.adaptive_avg_pool2d(images, COARSE_PX)
    side = (COARSE_LOSS_PX, COARSE_LOSS_PX)
    return functional.interpolate(small, size=side, mode="bilinear", align_corners=False)


_Network = TypeVar("_Network", bound=nn.Module)


def frozen(network: _Network) -> _Network:
    """The network for use in a fit: no gradients of weights, and convolutions with their channels innermost.

    On CPUs that layout takes a quarter off a step.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network.eval().requires_grad_(False)


class FeatureExtractor:
    """The second target model f ([0072]-[0076]) with the identity network beside it, both frozen."""

    def __init__(self, parser: ParsingNetwork, identity: IdentityNetwork) -> None:
        self._parser = frozen(parser)
        self._identity = frozen(identity)

    def __call__(self, images: Tensor, landmarks_px: Tensor) -> FaceFeatures:
        """Features of images (N, 3, S, S) in [0,1] with landmarks (N, 68, 2) in pixels of S."""
        features = self.without_embedding(images, landmarks_px)
        chips = face_chip_from_landmarks(features.image, features.landmarks)
        return replace(features, embedding=self._identity.embed(chips))

    def without_embedding(self, images: Tensor, landmarks_px: Tensor) -> FaceFeatures:
        """The same, without the identity network's fifth of the cost: the embedding is (N, 0)."""
        small = to_loss_size(images)
        scale = small.shape[-1] / images.shape[-1]
        parsed = self._parser(small)
        return FaceFeatures(
            image=small,
            landmarks=(landmarks_px + 0.5) * scale - 0.5,
            depths=tuple(parsed.features),
            probabilities=parsed.probabilities,
            embedding=small.new_zeros(len(small), 0),
        )

    def embed(self, images: Tensor, landmarks_px: Tensor) -> Tensor:
        """Embeddings (N, 128) alone."""
        small = to_loss_size(images)
        scale = small.shape[-1] / images.shape[-1]
        chips = face_chip_from_landmarks(small, (landmarks_px + 0.5) * scale - 0.5)
        return self._identity.embed(chips)


def content_distance(photo: FaceFeatures, imitated: FaceFeatures, norm: str = "l1") -> Tensor:
    """(N,) distance of the features over all depths, weighted by the photo's class probabilities.

    Each depth counts by its mean size, so that no depth dominates; the class probabilities are the last
    depth. Source: [0036]-[0037], [0053]; class weighting of TPAMI section 3.2.
    """
    weight = (photo.probabilities * CLASS_WEIGHTS.to(photo.probabilities)[:, None, None]).sum(1, keepdim=True)
    terms = [
        _weighted(a, b, functional.adaptive_avg_pool2d(weight, (a.shape[-2], a.shape[-1])), norm)
        for a, b in zip(photo.depths, imitated.depths, strict=True)
    ]
    overlap = (photo.probabilities - imitated.probabilities).abs() * CLASS_WEIGHTS.to(weight)[:, None, None]
    terms.append(overlap.mean((1, 2, 3)) / 0.1)
    return torch.stack(terms).mean(0)


def _weighted(photo: Tensor, imitated: Tensor, weight: Tensor, norm: str) -> Tensor:
    difference = photo - imitated
    size = (photo.abs() * weight).mean((1, 2, 3)) + 1e-6
    if norm == "l2":
        return ((difference.square() * weight).mean((1, 2, 3)) + 1e-12).sqrt() / size
    return (difference.abs() * weight).mean((1, 2, 3)) / size
