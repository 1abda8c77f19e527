"""Compares a picture with its reference and keeps what is needed to see why they differ."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from facewright_renderer import compare_images, difference_image

__all__ = ["UPDATE_COMMAND", "GoldenFolder", "GoldenMismatchError", "Tolerance", "read_picture"]

UPDATE_COMMAND = "pytest tests/golden --update-golden"


class GoldenMismatchError(AssertionError):
    """A picture has no reference, or differs from it."""


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """What may differ: the mean (of 255), and the share of pixels off by more than `outlier_threshold`."""

    mean_difference: float
    outlier_share: float
    outlier_threshold: int


@dataclass(frozen=True, kw_only=True)
class GoldenFolder:
    """References at `references/RENDERER/NAME.png`; a mismatch leaves NAME.{actual,expected,diff}.png."""

    references: Path
    actual: Path
    update: bool = False

    def check(self, name: str, renderer: str, pixels: np.ndarray, tolerance: Tolerance) -> None:
        """Raise GoldenMismatchError unless `pixels` is the reference; with `update`, make it the reference."""
        reference = self.references / renderer / f"{name}.png"
        if self.update:
            _write(pixels, reference)
            return
        kept = self.actual / renderer
        if not reference.is_file():
            _write(pixels, kept / f"{name}.actual.png")
            raise GoldenMismatchError(
                f"{reference} is missing; look at {kept / f'{name}.actual.png'} and run '{UPDATE_COMMAND}'"
            )
        expected = read_picture(reference)
        if pixels.shape != expected.shape:
            _write(pixels, kept / f"{name}.actual.png")
            raise GoldenMismatchError(
                f"{name}: the picture is {pixels.shape}, its reference {expected.shape}"
            )
        parity = compare_images(pixels, expected, outlier_threshold=tolerance.outlier_threshold)
        if parity.within(mean_difference=tolerance.mean_difference, outlier_share=tolerance.outlier_share):
            return
        _write(pixels, kept / f"{name}.actual.png")
        _write(expected, kept / f"{name}.expected.png")
        _write(difference_image(pixels, expected), kept / f"{name}.diff.png")
        raise GoldenMismatchError(
            f"{name}: mean difference {parity.mean_difference:.3f} (allowed {tolerance.mean_difference}), "
            f"{parity.outlier_share:.3%} of the pixels off by more than {parity.outlier_threshold} "
            f"(allowed {tolerance.outlier_share:.3%}); see {kept}/{name}.*.png; if the change is meant, run "
            f"'{UPDATE_COMMAND}'"
        )


def read_picture(path: Path) -> np.ndarray:
    """Pixels of a PNG as they were written."""
    with Image.open(path) as image:
        return np.asarray(image)


def _write(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="PNG", optimize=True)
