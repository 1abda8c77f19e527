"""The eleven classes of the face parser, in the order of the Helen set.

Source: patent text [0075]. Left and right are the subject's own: the left eye is on the right of a frontal photo.
"""

import enum

import numpy as np
import numpy.typing as npt

__all__ = ["CLASS_COLORS", "CLASS_COUNT", "IGNORE", "MIRRORED", "FaceClass", "mirror_labels"]


class FaceClass(enum.IntEnum):
    """Index of a class in label maps and in the channels of the parser's output."""

    BACKGROUND = 0  # clothes, neck and everything that is not the head, too
    FACE = 1  # facial skin, beard included
    HAIR = 2
    LEFT_BROW = 3
    RIGHT_BROW = 4
    LEFT_EYE = 5
    RIGHT_EYE = 6
    NOSE = 7
    UPPER_LIP = 8
    TEETH = 9  # whatever shows between open lips
    LOWER_LIP = 10


CLASS_COUNT = len(FaceClass)
IGNORE = 255  # in a label map: not labelled, takes part in no loss and no score

#: The class that each class becomes when a picture is mirrored.
MIRRORED: tuple[int, ...] = (0, 1, 2, 4, 3, 6, 5, 7, 8, 9, 10)

#: sRGB colours for drawing label maps, (11, 3) uint8.
CLASS_COLORS: npt.NDArray[np.uint8] = np.array(
    [
        (40, 40, 48), (236, 188, 160), (128, 84, 40), (60, 220, 90), (20, 140, 60), (70, 150, 255),
        (30, 70, 220), (250, 220, 60), (230, 50, 60), (255, 255, 255), (240, 90, 200),
    ],
    dtype=np.uint8,
)  # fmt: skip


def mirror_labels(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The label map (H, W) of the mirrored picture: columns reversed, left and right classes swapped."""
    table = np.arange(256, dtype=np.uint8)
    table[:CLASS_COUNT] = MIRRORED
    return np.ascontiguousarray(table[labels[:, ::-1]])
