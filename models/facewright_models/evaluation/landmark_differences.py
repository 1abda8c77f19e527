"""Whether a landmark model sees what differs from face to face.

The mean error rewards a model that marks everybody as the average person, who then is whom a fit makes of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.evaluation.table import Row
from facewright_models.landmarks.dlib_models import DlibFaceDetector
from facewright_models.landmarks.types import FaceBox, LandmarkModel
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo

__all__ = ["difference_rows", "shape", "smile_rows"]

_Points = NDArray[np.float64]
_MOUTH_CORNERS, _INNER_LIPS = (48, 54), (62, 66)


def shape(points: _Points) -> _Points:
    """(K, 2) without place, tilt and size: the eyes' centres lie at (-1/2, 0) and (1/2, 0)."""
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    across = left - right
    turn = np.array([[across[0], across[1]], [-across[1], across[0]]]) / (across @ across)
    return np.asarray((points - (right + left) / 2) @ turn.T)


def difference_rows(
    truth: _Points, found: _Points, theirs: _Points, groups: Mapping[str, slice]
) -> list[Row]:
    """Share of the variance among people of their true points (N, 68, 2) that `found` explains; 1 is all, and the
    average person explains none. `theirs` are another model's points. What is marked off for everybody does not count.
    """

    def apart(marked: _Points) -> _Points:
        shapes = np.array([shape(points) for points in marked])
        return np.asarray(shapes - shapes.mean(0))

    true, own, other = apart(truth), apart(found), apart(theirs)

    def explained(marked: _Points, points: slice) -> float:
        rest = np.square(marked[:, points] - true[:, points]).sum()
        return float(1 - rest / np.square(true[:, points]).sum())

    return [
        Row(
            name=f"differences between people that are found: {name}",
            measured=explained(own, points),
            n=len(truth),
            baselines={"dlib": explained(other, points), "average": 0.0},
        )
        for name, points in groups.items()
    ]


def smile_rows(data: Path, ours: LandmarkModel, dlib: LandmarkModel) -> list[Row]:
    """By how much mouths widen and open from the neutral to the smiling photo of people nobody trained on."""
    folder = data / "faces" / "london"
    detector = DlibFaceDetector()
    pairs = [
        (path, folder / "smiling" / f"{path.stem[:3]}_08.jpg")
        for path in sorted((folder / "neutral").glob("*.jpg"))
        if is_held_out(path)
    ]
    measures: Mapping[str, Callable[[_Points], float]] = {
        "widens": lambda points: _distance(points, _MOUTH_CORNERS),
        "opens": lambda points: _distance(points, _INNER_LIPS),
    }
    changes: dict[str, list[list[float]]] = {name: [] for name in measures}
    for pair in pairs:
        if not pair[1].is_file():
            continue
        seen = [decode_photo(path.read_bytes()).pixels for path in pair]
        boxes = [_largest(detector, pixels) for pixels in seen]
        if None in boxes:
            continue
        marked = [
            [
                shape(model.locate(pixels, box))
                for pixels, box in zip(seen, boxes, strict=True)
                if box is not None
            ]
            for model in (ours, dlib)
        ]
        for name, measure in measures.items():
            changes[name].append([measure(smiling) - measure(calm) for calm, smiling in marked])
    return [
        Row.of_mean(
            f"a mouth {name} in a smile, over the eyes' distance",
            np.array(values)[:, 0],
            baselines={"dlib": float(np.array(values)[:, 1].mean())},
        )
        for name, values in changes.items()
        if values
    ]


def _distance(points: _Points, ends: tuple[int, int]) -> float:
    return float(np.linalg.norm(points[ends[0]] - points[ends[1]]))


def _largest(detector: DlibFaceDetector, pixels: NDArray[np.uint8]) -> FaceBox | None:
    found = detector.detect(pixels)
    return max(found, key=lambda each: each[0].area_px)[0] if found else None
