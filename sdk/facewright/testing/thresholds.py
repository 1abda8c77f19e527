"""How far a picture may be from its reference.

The defaults were chosen between what must pass (a second run, noise of one step, four against sixteen samples at
edges) and what must not (a visible slider by 0.05, a shift by one pixel, a mirrored face, a slip of gamma);
`python benchmarks/golden_margins.py` prints the table, docs/golden.md has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["COMPARE_MODES", "COUNTS", "SHARES", "Thresholds", "default_thresholds"]

# `auto`: passes named labels and depth, and 16-bit pictures, by value; everything else by FLIP.
COMPARE_MODES = ("auto", "flip", "values")
VALUE_PASSES = ("labels", "depth")

# What a scene file may say: the lowest and the highest of every share and of every whole number.
SHARES = dict.fromkeys(("flip_mean", "outlier_flip", "outlier_share", "differing_share"), (0.0, 1.0))
COUNTS = {"window_px": (1, 4096), "value_tolerance": (0, 65535)}


@dataclass(frozen=True)
class Thresholds:
    """Pictures pass when every number is at most what is said here.

    By FLIP (colour): `flip_mean` is the mean over all pixels; a pixel whose FLIP is above `outlier_flip` stands out,
    and `outlier_share` is the largest share of such pixels in any window of `window_px` x `window_px`.
    By value (labels, depth, 16 bit): `differing_share` of all pixels may be off by more than `value_tolerance` steps;
    0 and 0 is equality. `ignore_alpha` compares colours alone, also of a picture with alpha and one without.
    """

    flip_mean: float = 0.022
    outlier_flip: float = 0.15
    outlier_share: float = 0.04
    window_px: int = 32
    value_tolerance: int = 0
    differing_share: float = 0.0
    ignore_alpha: bool = False
    compare: str = "auto"


def default_thresholds(pass_name: str) -> Thresholds:
    """What holds for a pass of which a scene says nothing."""
    return replace(Thresholds(), compare="values") if pass_name in VALUE_PASSES else Thresholds()
