"""Which styles a person would choose for the photos of the evaluation, and how often a fit agrees.

`style_labels.csv` was written by looking at the photos, before any fit of them was seen. Several options of a slot may
be right: the hair of a head seen from the front does not say whether it ends in a bun or a tail.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from facewright_models.evaluation.table import Row
from facewright_models.rig import Character

__all__ = ["StyleLabels", "agreement_rows", "brow_class", "style_labels"]

_FILE = Path(__file__).with_suffix(".csv")
_BAR = 0.75
_BROW_CLASSES = ("thin", "medium", "thick")
_BROW_RANKS = {"thin": -1, "soft": -1, "short": -1, "bushy": 1}
"""Options of the slot; the others are of medium thickness."""


@dataclass(frozen=True, kw_only=True)
class StyleLabels:
    """The right options of one photo."""

    hair: frozenset[str]
    facial_hair: frozenset[str]
    brows: frozenset[str]

    def agree(self, character: Character) -> dict[str, bool]:
        """Slot -> whether the character wears what the photo shows. The character must be complete."""
        return {
            "hair": character.styles["hair"] in self.hair,
            "facial_hair": character.styles["facial_hair"] in self.facial_hair,
            "brows": brow_class(character) in self.brows,
        }


def brow_class(character: Character) -> str:
    """thin, medium or thick: the option's thickness and the slider's together."""
    rank = _BROW_RANKS.get(character.styles["brows"], 0) + 2 * (character.sliders["brow-thickness"] - 0.5)
    return _BROW_CLASSES[int(np.clip(np.rint(rank), -1, 1)) + 1]


@cache
def style_labels() -> Mapping[str, StyleLabels]:
    """File name of a photo, without its ending -> what is right for it."""
    lines = [line for line in _FILE.read_text().splitlines() if not line.startswith("#")]
    return {
        row["photo"]: StyleLabels(
            **{slot: frozenset(row[slot].split("|")) for slot in ("hair", "facial_hair", "brows")}
        )
        for row in csv.DictReader(lines)
    }


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
                baselines={"one answer for all": _best_constant([getattr(labels[p], slot) for p in known])},
            )
        )
    return rows


def _best_constant(right: Sequence[frozenset[str]]) -> float:
    options = frozenset[str]().union(*right)
    return max(float(np.mean([option in accepted for accepted in right])) for option in options)
