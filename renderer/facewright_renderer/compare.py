"""Are two images the same picture? Two numbers: how far they are apart on average, and how many pixels stand out.

The mean alone hides a small part that is missing; the share of outliers alone hides a tint over everything.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.errors import ImageShapeError

__all__ = ["ImageParity", "compare_images", "difference_image"]


@dataclass(frozen=True, kw_only=True)
class ImageParity:
    """`mean_difference` is the mean absolute difference over pixels and channels, in steps of 255.

    `outlier_share` in [0,1] is the share of pixels of which some channel differs by more than
    `outlier_threshold` steps; `largest_difference` is the largest one of all.
    """

    mean_difference: float
    outlier_share: float
    outlier_threshold: int
    largest_difference: int

    def within(self, *, mean_difference: float, outlier_share: float) -> bool:
        """Whether both numbers are at most the given ones."""
        return self.mean_difference <= mean_difference and self.outlier_share <= outlier_share


def compare_images(
    actual: NDArray[np.uint8], expected: NDArray[np.uint8], *, outlier_threshold: int = 24
) -> ImageParity:
    """Compare two images of one shape, (H, W) or (H, W, C) uint8. Raises ImageShapeError."""
    difference = _difference(actual, expected)
    largest = difference.reshape(*difference.shape[:2], -1).max(-1)  # (H, W)
    return ImageParity(
        mean_difference=float(difference.mean()),
        outlier_share=float((largest > outlier_threshold).mean()),
        outlier_threshold=outlier_threshold,
        largest_difference=int(largest.max()),
    )


def difference_image(
    actual: NDArray[np.uint8], expected: NDArray[np.uint8], *, gain: int = 8
) -> NDArray[np.uint8]:
    """The absolute difference times `gain`, to look at. Raises ImageShapeError."""
    return np.minimum(_difference(actual, expected) * gain, 255).astype(np.uint8)


def _difference(actual: NDArray[np.uint8], expected: NDArray[np.uint8]) -> NDArray[np.int32]:
    if actual.shape != expected.shape or actual.ndim not in (2, 3) or actual.size == 0:
        raise ImageShapeError(actual.shape, expected.shape)
    result: NDArray[np.int32] = np.abs(actual.astype(np.int32) - expected.astype(np.int32))
    return result
