"""Sheets of faces with expressions: a row for each person, from the darkest skin to the lightest."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewright_models.errors import InvalidInputError, NoFaceError, UnknownParameterError
from facewright_models.evaluation import skin_tones as tones_module
from facewright_models.evaluation.skin_tones import people_of_all_tones
from facewright_models.expression.animator import Animator
from facewright_models.expression.calibrated_face import CalibratedFace
from facewright_models.expression.types import DEGREE_RANGES
from facewright_models.landmarks import Face, FaceBox
from facewright_models.photo import Photo
from facewright_models.sheets.animations import SHOWN, animations_sheet
from unit.models.test_closer_look import points_of_a_face

TILE = 224


class FlatFace(CalibratedFace):
    """Frames as grey as the strongest degree that is asked for."""

    def __init__(self) -> None:
        self._points = points_of_a_face()

    def frame(self, degrees: Mapping[str, float]) -> np.ndarray:
        return np.full((400, 400, 3), round(100 * max(degrees.values())), np.uint8)


class FlatAnimator(Animator):
    def __init__(self) -> None:
        pass

    def open(self, photo: Photo, *, face_box: FaceBox | None = None) -> CalibratedFace:
        if not photo.pixels.any():
            raise NoFaceError("no face", field="photo")
        return FlatFace()


PHOTO = Photo(pixels=np.full((400, 400, 3), 7, np.uint8))
EMPTY = Photo(pixels=np.zeros((400, 400, 3), np.uint8))


@pytest.mark.parametrize("shown", SHOWN)
def test_a_row_has_the_photo_and_its_five_frames(shown: str) -> None:
    sheet = animations_sheet([PHOTO, EMPTY, PHOTO], shown, animator=FlatAnimator())
    assert sheet.shape == (2 * TILE, 6 * TILE, 3)
    assert sheet[40, 40].tolist() == [7, 7, 7]
    greys = [int(sheet[40, 40 + TILE * (1 + column), 0]) for column in range(5)]
    assert greys == [round(100 * max(degrees.values())) for degrees in SHOWN[shown].values()]


def test_what_sheets_ask_for_is_within_range() -> None:
    for frames in SHOWN.values():
        for degrees in frames.values():
            for name, value in degrees.items():
                low, high = DEGREE_RANGES[name]
                assert low <= value <= high


def test_unknown_sheets_and_photos_without_faces_are_refused() -> None:
    with pytest.raises(UnknownParameterError, match="no sheet shows 'ears'"):
        animations_sheet([PHOTO], "ears", animator=FlatAnimator())
    with pytest.raises(InvalidInputError, match="none of the photos"):
        animations_sheet([EMPTY], "smile", animator=FlatAnimator())


def test_people_come_from_dark_to_light_and_only_those_that_trained_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "faces" / "canada"
    trained = tmp_path / "faces" / "london" / "neutral"
    folder.mkdir(parents=True)
    trained.mkdir(parents=True)
    for name, grey in (("a", 200), ("b", 60), ("c", 120), ("d", 30)):
        Image.new("RGB", (400, 400), (grey, grey, grey)).save(folder / f"{name}.jpg")
    Image.new("RGB", (400, 400), (90, 90, 90)).save(trained / "001_03.jpg")
    box = FaceBox(x=90, y=100, width=220, height=220)
    face = Face(box=box, landmarks_px=points_of_a_face()[:68], score=1.0)
    monkeypatch.setattr(tones_module, "detect_faces", lambda pixels: [face])
    everybody = [int(photo.pixels[0, 0, 0]) for photo in people_of_all_tones(tmp_path, 12)]
    assert everybody == pytest.approx([30, 60, 120, 200], abs=3)
    some = [int(photo.pixels[0, 0, 0]) for photo in people_of_all_tones(tmp_path, 2)]
    assert some == pytest.approx([30, 200], abs=3)
    assert people_of_all_tones(tmp_path / "nothing") == []
