"""The outline of the hair: how long and how full, whatever its strands look like."""

from __future__ import annotations

from torch import Tensor

from facewright_models.fitting.features import FaceFeatures

__all__ = ["silhouette_distance"]

_HAIR = 2
_FEWEST_PIXELS = 200.0


def silhouette_distance(photo: FaceFeatures, imitated: FaceFeatures) -> Tensor:
    """(N,): one minus the intersection over the union of both hair regions; 0 where neither picture shows hair.

    Soft: probabilities meet by their product, so that the difference has a slope everywhere.
    """
    seen, shown = photo.probabilities[:, _HAIR], imitated.probabilities[:, _HAIR]
    both = (seen * shown).sum((1, 2))
    union = (seen.square() + shown.square() - seen * shown).sum((1, 2))
    enough = (union > _FEWEST_PIXELS).to(seen)
    return enough * (1 - both / union.clamp(min=1.0))
