"""Photos in too little light and faces of few pixels: what is done for them before they are fitted."""

import cv2
import numpy as np
import pytest

from facewright_models.fitting.exposure import brightened
from facewright_models.fitting.small_faces import seen_closer
from facewright_models.landmarks import Face, choice, detect_faces
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig, neutral_character
from facewright_models.sheets.grid import color_of


@pytest.fixture(scope="module")
def face_picture() -> np.ndarray:
    rig = load_rig("anny")
    with CharacterRenderer(rig, size_px=512) as renderer:
        return color_of(renderer.render(neutral_character(rig.schema)).frame)


def darkened(pixels: np.ndarray, stops: float) -> np.ndarray:
    return np.rint(255 * (pixels / 255) * 2 ** (-stops / 2.2)).astype(np.uint8)


def test_a_photo_with_enough_light_stays_as_it_is(face_picture: np.ndarray) -> None:
    assert brightened(face_picture) is None


def test_dark_skin_before_a_lit_wall_is_not_a_dark_photo() -> None:
    pixels = np.full((100, 100, 3), 190, np.uint8)
    pixels[20:80, 20:80] = (60, 40, 32)
    assert brightened(pixels) is None


@pytest.mark.parametrize("stops", [3.0, 4.0])
def test_a_dark_photo_gets_its_light_back(face_picture: np.ndarray, stops: float) -> None:
    lighter = brightened(darkened(face_picture, stops))
    assert lighter is not None
    assert lighter.dtype == np.uint8
    # The frame's brightest parts may be a little under or over what is aimed at.
    assert np.abs(lighter.astype(float) - face_picture).mean() < 35
    assert np.abs(darkened(face_picture, stops).astype(float) - face_picture).mean() > 70


def test_the_light_of_a_lamp_is_taken_off(face_picture: np.ndarray) -> None:
    lit = face_picture.copy()
    lit[:40] = 235  # a white wall
    dark = darkened(lit, 3.0)
    warm = np.rint(dark * [1.0, 0.92, 0.85]).astype(np.uint8)
    lighter, plain = brightened(warm), brightened(dark)
    assert lighter is not None
    assert plain is not None
    ratio = lighter[60:].mean((0, 1)) / plain[60:].mean((0, 1))
    assert np.ptp(ratio) < 0.04
    assert np.ptp(warm[60:].mean((0, 1)) / dark[60:].mean((0, 1))) > 0.12


def test_black_stays_black() -> None:
    lighter = brightened(np.zeros((50, 50, 3), np.uint8))
    assert lighter is not None
    assert lighter.max() == 0


def test_marks_of_a_small_face_are_finer_on_an_enlarged_copy(
    face_picture: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "_chosen", "dlib")  # which marks whole pixels
    (large,) = detect_faces(face_picture)
    factor = 50 / large.box.width
    small = cv2.resize(face_picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    faces = detect_faces(small)
    assert faces
    expected = (large.landmarks_px + 0.5) * factor - 0.5
    errors = [np.linalg.norm(face.landmarks_px - expected, axis=1).mean() for face in (faces[0],)]
    closer = seen_closer(small, faces[0])
    errors.append(np.linalg.norm(closer.landmarks_px - expected, axis=1).mean())
    assert closer.box == faces[0].box
    assert errors[1] < 0.8 * errors[0]


def test_a_large_face_is_left_alone(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(cv2.resize(face_picture, (1024, 1024)))
    assert seen_closer(face_picture, face) is face


def test_what_is_not_found_in_the_copy_stays(face_picture: np.ndarray) -> None:
    (face,) = detect_faces(face_picture)
    blank = np.full((64, 64, 3), 128, np.uint8)
    box = type(face.box)(x=10, y=10, width=44, height=44)
    lost = Face(box=box, landmarks_px=face.landmarks_px, score=1.0)
    assert seen_closer(blank, lost) is lost
