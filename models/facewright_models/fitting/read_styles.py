"""Styles as the style reader finds them in a person's photos."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import Check
from facewright_models.style_reader.network import StyleReader, reader_inputs, reduced

__all__ = ["read_styles"]

_TRIED = frozenset({"brows"})
"""Slots that the reader knows on renders only: of 34 photos it finds 47 % of the brows, trying finds 62 %."""


def read_styles(
    reader: StyleReader,
    aligned: Sequence[AlignedPhoto],
    features: FaceFeatures,
    subjects: Tensor,
    check: Check,
) -> dict[str, Tensor]:
    """Slot -> the likeliest option (S,) over all photos of each of S people, whom `subjects` (N,) tells apart.

    Slots that are found better by trying are left out.
    """
    parts = []
    for index, photo in enumerate(aligned):
        check()
        with torch.inference_mode():
            seen = reduced(as_images([photo.frame]), features.probabilities[index : index + 1])
            parts.append(
                {slot: logits.log_softmax(1) for slot, logits in reader(*reader_inputs(*seen)).items()}
            )
    count = int(subjects.max()) + 1
    result = {}
    for slot in parts[0].keys() - _TRIED:
        found = torch.cat([part[slot] for part in parts])
        total = torch.zeros(count, found.shape[1]).index_add(0, subjects, found)
        result[slot] = total.argmax(1)
    return result
