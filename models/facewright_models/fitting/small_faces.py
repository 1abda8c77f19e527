"""Marks of faces of few pixels: the landmark model gives whole pixels, which are coarse there, so it looks at an
enlarged copy.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import NoFaceError
from facewright_models.landmarks import Face, FaceBox, landmarks_in_box

__all__ = ["seen_closer"]

_ENLARGED_PX = 240
_MARGIN = 0.75
"""Of the face's side, around its box."""


def seen_closer(pixels: NDArray[np.uint8], face: Face) -> Face:
    """The face with its landmarks marked again on a copy in which it is 240 pixels wide.

    Box and landmarks are in the photo's pixels. What is not found in the copy stays as it was.
    """
    box = face.box
    side = max(box.width, box.height)
    factor = _ENLARGED_PX / side
    if factor <= 1:
        return face
    margin = round(_MARGIN * side)
    left, top = max(0, box.x - margin), max(0, box.y - margin)
    crop = pixels[top : box.y + box.height + margin, left : box.x + box.width + margin]
    size = (round(crop.shape[1] * factor), round(crop.shape[0] * factor))
    enlarged = np.asarray(cv2.resize(crop, size, interpolation=cv2.INTER_CUBIC), np.uint8)
    ratio = np.array(size) / np.array([crop.shape[1], crop.shape[0]])
    corner = np.array([left, top])
    start = (np.array([box.x, box.y]) - corner) * ratio
    wanted = FaceBox(
        x=round(float(start[0])),
        y=round(float(start[1])),
        width=round(box.width * float(ratio[0])),
        height=round(box.height * float(ratio[1])),
    )
    try:
        closer = landmarks_in_box(enlarged, wanted)
    except NoFaceError:
        return face
    return replace(face, landmarks_px=(closer.landmarks_px + 0.5) / ratio - 0.5 + corner)
