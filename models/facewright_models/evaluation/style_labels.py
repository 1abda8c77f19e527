"""How often a fit wears what a person would choose for the photo; see `style_reader.labels`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from facewright_models.evaluation.table import Row
from facewright_models.rig import Character
from facewright_models.style_reader import style_labels

__all__ = ["agreement_rows", "best_constant"]

_BAR = 0.75


def agreement_rows(worn: Mapping[str, Character]) -> list[Row]:
    """Rows over photos (by name) and their fitted characters; the baseline is the best answer that never changes."""
    labels = style_labels()
    known = {photo: character for photo, character in worn.items() if photo in labels}
    if not known:
        return []
    rows = []
    for slot in ("hair", "facial_hair", "brows"):
        right = np.array([labels[photo].agree(character)[slot] for photo, character in known.items()], float)
        rows.append(
            Row.of_mean(
                f"{slot.replace('_', ' ')} as a person would choose",
                right,
                bar=_BAR,
                baselines={"one answer for all": best_constant([getattr(labels[p], slot) for p in known])},
            )
        )
    return rows


def best_constant(right: Sequence[frozenset[str]]) -> float:
    """How often the one answer is right that is right most often."""
    options = frozenset[str]().union(*right)
    return max(float(np.mean([option in accepted for accepted in right])) for option in options)
