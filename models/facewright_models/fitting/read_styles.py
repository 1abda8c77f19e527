"""Styles as the style reader finds them in a person's photos."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import FitOptions
from facewright_models.rig import RigSchema
from facewright_models.style_reader.network import StyleReader, reader_inputs, reduced

__all__ = ["read_styles", "tried_styles"]

_TRIED = frozenset({"brows"})
"""Slots that the reader knows on renders only: of 34 photos it finds 47 % of the brows, trying finds 53 to 62 %."""


def tried_styles(schema: RigSchema, reader: StyleReader | None, options: FitOptions) -> frozenset[str]:
    """The slots of a rig that a fit tries option by option; none where there is only time for a glance."""
    if options.mode == "fast":
        return frozenset()
    slots = frozenset(schema.styles)
    return slots if reader is None else slots & _TRIED


def read_styles(
    reader: StyleReader, plain: Sequence[AlignedPhoto], features: FaceFeatures, subjects: Tensor
) -> dict[str, Tensor]:
    """Slot -> log-probabilities (S, options) over all photos of each of S people, whom `subjects` (N,) tells apart.

    `plain` are the photos as they were aligned before anything was guessed, which is how the reader learnt to see
    them, with their features: of 34 photos read after a guess of the shape, four fewer have the hair that a person
    would choose.
    """
    with torch.inference_mode():
        seen = reduced(as_images([photo.frame for photo in plain]), features.probabilities)
        found = {slot: logits.log_softmax(1) for slot, logits in reader(*reader_inputs(*seen)).items()}
    count = int(subjects.max()) + 1
    return {
        slot: torch.zeros(count, values.shape[1]).index_add(0, subjects, values)
        for slot, values in found.items()
    }
