"""Styles as the style reader finds them in a person's photos."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from facewright_models.fitting.features import FeatureExtractor
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import Check
from facewright_models.rig import RigSchema
from facewright_models.style_reader.network import StyleReader, reader_inputs, reduced

__all__ = ["parsed_photos", "read_styles", "tried_styles"]

_TRIED = frozenset({"brows"})
"""Slots that the reader knows on renders only: of 34 photos it finds 47 % of the brows, trying finds 53 to 62 %."""


def tried_styles(schema: RigSchema, reader: StyleReader | None) -> frozenset[str]:
    """The slots of a rig that a fit tries option by option."""
    slots = frozenset(schema.styles)
    return slots if reader is None else slots & _TRIED


def parsed_photos(extractor: FeatureExtractor, plain: Sequence[AlignedPhoto], check: Check) -> Tensor:
    """(N, 11, 256, 256): the parser's class probabilities of photos as they were first aligned."""
    parts = []
    for photo in plain:
        check()
        with torch.inference_mode():
            marks = torch.tensor(photo.landmarks, dtype=torch.float32)[None]
            parts.append(extractor.without_embedding(as_images([photo.frame]), marks).probabilities)
    return torch.cat(parts).clone()


def read_styles(
    reader: StyleReader,
    plain: Sequence[AlignedPhoto],
    parsed: Tensor,
    subjects: Tensor,
    check: Check,
) -> dict[str, Tensor]:
    """Slot -> the likeliest option (S,) over all photos of each of S people, whom `subjects` (N,) tells apart.

    `plain`, with their class probabilities `parsed` (N, 11, S, S), are the photos as they were aligned before
    anything was guessed, which is how the reader learnt to see them: of 34 photos read after a guess of the shape,
    four fewer have the hair that a person would choose.

    Slots that are found better by trying are left out.
    """
    parts = []
    for photo, classes in zip(plain, parsed, strict=True):
        check()
        with torch.inference_mode():
            seen = reduced(as_images([photo.frame]), classes[None])
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
