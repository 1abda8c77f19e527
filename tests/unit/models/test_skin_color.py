"""Colours of skin in two pictures: equal ones, known differences, and foreheads under hair."""

from types import SimpleNamespace

import numpy as np
import pytest

from facewright_models.evaluation import skin_color as module
from facewright_models.evaluation.skin_color import skin_color_rows, skin_difference


@pytest.fixture(autouse=True)
def a_face_in_the_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    marks = np.tile([100.0, 120.0], (68, 1))
    marks[36:42], marks[42:48] = (80, 100), (120, 100)
    marks[[21, 22]] = (100, 90)
    marks[[2, 31]], marks[[14, 35]] = (70, 130), (130, 130)
    monkeypatch.setattr(
        module, "detect_faces", lambda pixels: [SimpleNamespace(landmarks_px=marks)] if pixels.any() else []
    )


def picture(*color: int) -> np.ndarray:
    return np.tile(np.array(color, np.uint8), (200, 200, 1))


def test_the_same_picture_has_no_difference() -> None:
    assert skin_difference(picture(180, 140, 120), picture(180, 140, 120)) == (
        0.0,
        pytest.approx(61.0, abs=1.0),
    )


def test_a_lighter_skin_differs_by_what_is_known() -> None:
    """Of greys, CIEDE2000 is the difference of lightness, weighted: 53.6 and 61.7 in L* are 7.2 apart."""
    found = skin_difference(picture(128, 128, 128), picture(149, 149, 149))
    assert found is not None
    assert found[0] == pytest.approx(7.2, abs=0.3)


def test_hair_over_the_forehead_does_not_count() -> None:
    photo = picture(180, 140, 120)
    photo[:80] = (20, 15, 10)
    assert skin_difference(photo, picture(180, 140, 120)) == (0.0, pytest.approx(61.0, abs=1.0))


def test_no_face_is_no_number() -> None:
    assert skin_difference(picture(0, 0, 0), picture(1, 1, 1)) is None
    assert skin_color_rows([None, (3.0, 50.0)]) == []


def test_light_and_dark_people_are_compared() -> None:
    median, gap = skin_color_rows([(2.0, 30.0), (4.0, 40.0), None, (5.0, 60.0), (9.0, 70.0)])
    assert (median.measured, median.n) == (4.5, 4)
    assert gap.measured == pytest.approx(4.0)
    assert gap.note == "3.0 and 7.0"
