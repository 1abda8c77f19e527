"""The hint that somebody wears glasses."""

import cv2
import numpy as np
import pytest

from facewright_models.fitting.glasses import bridge_edge, wears_glasses
from facewright_models.landmarks import DlibLandmarkModel, detect_faces


@pytest.fixture(scope="module")
def bare(astronaut: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A portrait without glasses and its landmarks."""
    return astronaut, detect_faces(astronaut, landmark_model=DlibLandmarkModel())[0].landmarks_px


def with_glasses(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Dark rims round both eyes and a bar between them, as wide as a twelfth of the eyes' distance."""
    worn = pixels.copy()
    right, left = points[36:42].mean(0), points[42:48].mean(0)
    distance = float(np.linalg.norm(left - right))
    thickness = max(2, round(distance / 12))
    for eye in (right, left):
        cv2.circle(worn, (round(eye[0]), round(eye[1])), round(0.36 * distance), (20, 20, 20), thickness)
    ends = [(round(x), round(y)) for x, y in points[[39, 42]].tolist()]
    cv2.line(worn, ends[0], ends[1], (20, 20, 20), thickness)
    return worn


def test_a_bare_face_wears_none(bare: tuple[np.ndarray, np.ndarray]) -> None:
    assert not wears_glasses(*bare)


def test_a_bar_over_the_bridge_is_seen(bare: tuple[np.ndarray, np.ndarray]) -> None:
    pixels, points = bare
    assert wears_glasses(with_glasses(pixels, points), points)


@pytest.mark.parametrize("scale", [0.8, 2.5])
def test_the_strength_hardly_depends_on_the_photos_size(
    scale: float, bare: tuple[np.ndarray, np.ndarray]
) -> None:
    pixels, points = bare
    worn = with_glasses(pixels, points)
    resized = cv2.resize(worn, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    moved = (points + 0.5) * scale - 0.5
    assert bridge_edge(resized, moved) == pytest.approx(bridge_edge(worn, points), rel=0.35)


def test_points_that_coincide_are_no_glasses(bare: tuple[np.ndarray, np.ndarray]) -> None:
    flat = np.full((200, 200, 3), 128, np.uint8)
    assert bridge_edge(flat, bare[1] * 0.3) == pytest.approx(0.0, abs=1e-3)
