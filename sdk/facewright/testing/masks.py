"""Parts of a picture that are not compared: boxes, or the white of a PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from facewright.testing.errors import MaskError
from facewright.testing.pictures import read_picture
from facewright.testing.regions import Box

__all__ = ["ignored_pixels"]

_WHITE_FROM = 128


def ignored_pixels(
    boxes: Sequence[Box], file: Path | None, *, height: int, width: int
) -> np.ndarray[Any, Any] | None:
    """(H, W) bool, true where nothing is compared; None when everything is.

    A box may reach beyond the picture, and must not lie outside it as a whole. Raises `MaskError`, `PictureError`.
    """
    if not boxes and file is None:
        return None
    ignored = np.zeros((height, width), bool)
    for box in boxes:
        if box.x >= width or box.y >= height:
            raise MaskError(
                f"the ignored box {list(box.numbers)} lies outside the picture of {width}x{height}; expected [x, y, "
                "width, height] in pixels from the left and the top"
            )
        ignored[box.y : box.y + box.height, box.x : box.x + box.width] = True
    if file is not None:
        mask = read_picture(file)
        if mask.pixels.shape[:2] != (height, width):
            raise MaskError(
                f"the mask {file} is {mask.size_text} and the picture {width}x{height}; draw it at the picture's size"
            )
        colors = mask.pixels[..., : mask.pixels.shape[-1] - 1] if mask.has_alpha else mask.pixels
        ignored |= (colors if colors.ndim == 2 else colors.max(-1)) >= _WHITE_FROM
    if ignored.all():
        raise MaskError("the masks leave no pixel to compare; white is ignored, black is compared")
    return ignored
