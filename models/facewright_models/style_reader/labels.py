"""Which styles a person would choose for the photos of the London and the Canada set.

`labels.csv` was written by looking at the photos, before any fit of them was seen. Several options of a slot may
be right: the hair of a head seen from the front does not say whether it ends in a bun or a tail.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from facewright_models.rig import Character

__all__ = ["StyleLabels", "brow_class", "style_labels"]

_FILE = Path(__file__).with_name("labels.csv")
_MAKE_UP = frozenset({"none", "natural"})
"""Nobody on these photos wears more."""
_BROW_CLASSES = ("thin", "medium", "thick")
_BROW_RANKS = {"thin": -1, "soft": -1, "short": -1, "bushy": 1}
"""Options of the slot; the others are of medium thickness."""


@dataclass(frozen=True, kw_only=True)
class StyleLabels:
    """The right options of one photo; of the brows it is their classes."""

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

    def accepts(self, slot: str, option: str) -> bool:
        """Whether an option is right; so is every one of a slot that was not labelled. Brows at medium sliders."""
        if slot == "brows":
            return _class_of(_BROW_RANKS.get(option, 0)) in self.brows
        accepted = {"hair": self.hair, "facial_hair": self.facial_hair, "make_up": _MAKE_UP}.get(slot)
        return accepted is None or option in accepted


def brow_class(character: Character) -> str:
    """thin, medium or thick: the option's thickness and the slider's together."""
    slider = 2 * (character.sliders["brow-thickness"] - 0.5)
    return _class_of(_BROW_RANKS.get(character.styles["brows"], 0) + slider)


def _class_of(rank: float) -> str:
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
