"""Finding faces: on a real portrait, at all sizes, by a box, and through the seams that replace dlib."""

import importlib.util
import sys
import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from facewright_models.errors import NoFaceError, ParameterRangeError, WeightsError
from facewright_models.landmarks import (
    LANDMARK_COUNT,
    Face,
    FaceBox,
    detect_faces,
    dlib_model_path,
    landmarks_in_box,
    yaw_estimate_degrees,
)


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    """Head and shoulders of the portrait, (320, 320, 3); the face is about 90 pixels wide."""
    return np.ascontiguousarray(astronaut[0:320, 60:380])


@pytest.fixture(scope="module")
def face(portrait: np.ndarray) -> Face:
    (found,) = detect_faces(portrait)
    return found


def resized(pixels: np.ndarray, scale: float) -> np.ndarray:
    interpolation = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=interpolation)


def interocular_px(face: Face) -> float:
    points = face.landmarks_px
    return float(np.linalg.norm(points[36:42].mean(0) - points[42:48].mean(0)))


def test_the_portrait_has_one_face_where_it_is(face: Face) -> None:
    centre_x, centre_y = face.box.x + face.box.width / 2, face.box.y + face.box.height / 2
    assert abs(centre_x - 163) < 15
    assert abs(centre_y - 127) < 15
    assert 80 <= face.box.width <= 110
    assert face.score > 0.5


def test_the_68_points_are_in_the_documented_order(face: Face) -> None:
    points = face.landmarks_px
    assert points.shape == (LANDMARK_COUNT, 2)
    assert points.dtype == np.float64
    right_eye, left_eye = points[36:42].mean(0), points[42:48].mean(0)
    mouth, chin, nose_tip = points[48:68].mean(0), points[8], points[30]
    assert right_eye[0] < nose_tip[0] < left_eye[0]  # the subject's right is the picture's left
    assert right_eye[1] < nose_tip[1] < mouth[1] < chin[1]
    assert points[17:22].mean(0)[1] < right_eye[1]
    assert points[0][0] < right_eye[0] < left_eye[0] < points[16][0]


@pytest.mark.parametrize("scale", [0.5, 2.0, 5.0, 9.0])
def test_landmarks_are_in_pixels_of_the_picture_at_every_size(
    scale: float, portrait: np.ndarray, face: Face
) -> None:
    (found,) = detect_faces(resized(portrait, scale))
    error_px = np.linalg.norm(found.landmarks_px / scale - face.landmarks_px, axis=1)
    assert error_px.mean() < 0.06 * interocular_px(face)


def test_a_face_too_small_to_fit_is_still_found_so_that_it_can_be_named(portrait: np.ndarray) -> None:
    (found,) = detect_faces(resized(portrait, 0.55))
    assert 40 < found.box.width < 60


def test_several_faces_come_largest_first(portrait: np.ndarray) -> None:
    group = np.full((640, 1300, 3), 120, np.uint8)
    group[0:320, 0:320] = portrait
    group[0:640, 320:960] = resized(portrait, 2.0)
    group[0:480, 960:1300] = resized(portrait, 1.5)[:, 70:410]
    widths = [found.box.width for found in detect_faces(group)]
    assert len(widths) == 3
    assert widths == sorted(widths, reverse=True)
    assert detect_faces(group)[0].box.x in range(400, 800)


@pytest.mark.parametrize("shape", [(480, 640, 3), (1, 1, 3), (5, 2000, 3), (40, 40, 3)])
def test_a_picture_without_a_face_has_none(shape: tuple[int, int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, shape, np.uint8)
    assert detect_faces(noise) == ()


def test_a_picture_that_is_a_view_of_another_memory_layout_is_accepted(portrait: np.ndarray) -> None:
    (found,) = detect_faces(portrait[:, :, ::-1][:, :, ::-1])
    assert found.box.width > 80


@pytest.mark.slow
def test_a_photo_of_three_thousand_pixels_takes_less_than_half_a_second(portrait: np.ndarray) -> None:
    photo = resized(portrait, 9.4)
    detect_faces(photo)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        detect_faces(photo)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


@pytest.mark.parametrize("margin", [-0.15, 0.0, 0.3, 0.8])
def test_a_tight_or_loose_box_finds_the_same_face(margin: float, portrait: np.ndarray, face: Face) -> None:
    grow = round(face.box.width * margin)
    box = FaceBox(
        x=face.box.x - grow,
        y=face.box.y - grow,
        width=face.box.width + 2 * grow,
        height=face.box.height + 2 * grow,
    )
    found = landmarks_in_box(portrait, box)
    error_px = np.linalg.norm(found.landmarks_px - face.landmarks_px, axis=1)
    assert error_px.mean() < 0.08 * interocular_px(face)


def test_a_box_chooses_among_several_faces(portrait: np.ndarray, face: Face) -> None:
    pair = np.concatenate([portrait, resized(portrait, 2.0)[:320, 100:420]], axis=1)
    found = landmarks_in_box(pair, face.box)
    assert abs(found.box.x - face.box.x) < 20


def test_a_box_over_the_border_is_cut(portrait: np.ndarray, face: Face) -> None:
    found = landmarks_in_box(portrait, FaceBox(x=-200, y=-200, width=700, height=700))
    assert abs(found.box.x - face.box.x) < 20


def test_a_box_without_a_face_says_which_box(portrait: np.ndarray) -> None:
    with pytest.raises(NoFaceError, match="x=10 y=230 width=60 height=60") as caught:
        landmarks_in_box(portrait, FaceBox(x=10, y=230, width=60, height=60))
    assert caught.value.field == "face_box"


@pytest.mark.parametrize(
    "box",
    [
        FaceBox(x=0, y=0, width=0, height=50),
        FaceBox(x=0, y=0, width=-5, height=-5),
        FaceBox(x=320, y=0, width=50, height=50),
        FaceBox(x=-60, y=0, width=50, height=50),
    ],
)
def test_a_box_that_covers_nothing_is_refused(box: FaceBox, portrait: np.ndarray) -> None:
    with pytest.raises(ParameterRangeError, match="320 x 320 photo"):
        landmarks_in_box(portrait, box)


def test_detection_gives_the_same_answer_on_several_threads(portrait: np.ndarray, face: Face) -> None:
    answers: list[tuple[Face, ...]] = []
    threads = [threading.Thread(target=lambda: answers.append(detect_faces(portrait))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 4
    for (found,) in answers:
        np.testing.assert_array_equal(found.landmarks_px, face.landmarks_px)


class OneBox:
    """A detector that sees a face in the upper left quarter of whatever it is shown."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def detect(self, pixels: np.ndarray) -> tuple[tuple[FaceBox, float], ...]:
        self.shapes.append(pixels.shape)
        return ((FaceBox(x=0, y=0, width=pixels.shape[1] // 2, height=pixels.shape[0] // 2), 1.0),)


class BoxCorners:
    """A landmark model whose points all lie in the box's far corner."""

    def locate(self, pixels: np.ndarray, box: FaceBox) -> np.ndarray:
        return np.tile([float(box.x + box.width), float(box.y + box.height)], (LANDMARK_COUNT, 1))


def test_another_detector_and_landmark_model_can_take_the_place_of_dlib() -> None:
    detector = OneBox()
    (found,) = detect_faces(
        np.zeros((4000, 3000, 3), np.uint8), detector=detector, landmark_model=BoxCorners()
    )
    assert abs(found.box.width - 1500) <= 2
    assert abs(found.box.height - 2000) <= 2
    np.testing.assert_allclose(found.landmarks_px[0], [1500, 2000], atol=3)
    assert np.prod(detector.shapes[0][:2]) <= 2_010_000


def rotated_heads(yaw_degrees: float, tilt_degrees: float = 0.0) -> np.ndarray:
    """Two outer eye corners and a nose tip in front of them, turned and projected."""
    points = np.zeros((LANDMARK_COUNT, 3))
    points[36], points[45], points[30] = (-45.0, 0.0, 0.0), (45.0, 0.0, 0.0), (0.0, 40.0, 45.0)
    yaw, tilt = np.deg2rad(yaw_degrees), np.deg2rad(tilt_degrees)
    x = points[:, 0] * np.cos(yaw) + points[:, 2] * np.sin(yaw)
    picture = np.stack([x, points[:, 1]], axis=1)
    rotation = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    return picture @ rotation.T + 300.0


@pytest.mark.parametrize("yaw_degrees", [-40.0, -15.0, 0.0, 15.0, 40.0])
@pytest.mark.parametrize("tilt_degrees", [0.0, 20.0])
def test_yaw_is_read_from_the_nose_whatever_the_tilt(yaw_degrees: float, tilt_degrees: float) -> None:
    assert yaw_estimate_degrees(rotated_heads(yaw_degrees, tilt_degrees)) == pytest.approx(
        yaw_degrees, abs=1.0
    )


def test_yaw_of_points_that_coincide_is_zero() -> None:
    assert yaw_estimate_degrees(np.zeros((LANDMARK_COUNT, 2))) == 0.0


def test_a_missing_dlib_file_names_the_package_to_install() -> None:
    with pytest.raises(WeightsError, match="pip install face_recognition_models"):
        dlib_model_path("no_such_file.dat")


def test_a_missing_dlib_package_names_the_package_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match="pip install face_recognition_models"):
        dlib_model_path("shape_predictor_68_face_landmarks.dat")


def test_the_package_of_dlib_files_is_never_imported(portrait: np.ndarray) -> None:
    detect_faces(portrait)
    assert "face_recognition_models" not in sys.modules


def test_every_studio_photo_has_exactly_one_frontal_face(shared_data: Path) -> None:
    photos = sorted((shared_data / "faces").glob("london/*/*.jpg")) + sorted(
        (shared_data / "faces/canada").glob("*.jpg")
    )
    assert len(photos) == 156
    for path in photos[::6]:
        pixels = np.ascontiguousarray(cv2.imread(str(path))[:, :, ::-1])
        (found,) = detect_faces(pixels)
        assert abs(yaw_estimate_degrees(found.landmarks_px)) < 15


def test_a_boxed_face_that_the_first_look_misses_is_found_by_its_box(shared_data: Path) -> None:
    pixels = np.ascontiguousarray(cv2.imread(str(shared_data / "posters/64950105.jpg"))[:, :, ::-1])
    assert landmarks_in_box(pixels, FaceBox(x=351, y=108, width=45, height=60)).score > -0.3
