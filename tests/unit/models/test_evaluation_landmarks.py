"""The tables of landmarks and of searching faces: what is done to the photos, and how hits are counted."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation import face_search
from facewright_models.evaluation.face_search import search_rows
from facewright_models.evaluation.landmarks import CONDITIONS, MarkedPerson, evaluate
from facewright_models.landmarks import FaceBox
from facewright_models.landmarks.template import IRIS_CENTERS, POINT_COUNT
from facewright_models.landmarks.types import Face


@pytest.fixture
def person() -> MarkedPerson:
    generator = np.random.default_rng(0)
    pixels = cv2.GaussianBlur(generator.integers(60, 200, (400, 300, 3), np.uint8), (0, 0), 3)
    points = generator.uniform(100, 200, (POINT_COUNT, 2))
    points[list(IRIS_CENTERS)] = [(120, 150), (180, 150)]
    return MarkedPerson(
        name="004_03", pixels=pixels, box=FaceBox(x=90, y=90, width=120, height=120), points=points
    )


def test_a_small_face_keeps_its_points_and_its_box(person: MarkedPerson) -> None:
    small = CONDITIONS["small"](person)
    assert small.box.width == 40
    assert small.pixels.shape[:2] == (133, 100)
    np.testing.assert_allclose(small.points, (person.points + 0.5) / 3 - 0.5)


def test_low_light_is_dark_and_noisy(person: MarkedPerson) -> None:
    dark = CONDITIONS["in low light"](person)
    assert dark.pixels.mean() < 0.35 * person.pixels.mean()
    np.testing.assert_array_equal(dark.points, person.points)
    again = CONDITIONS["in low light"](person)
    np.testing.assert_array_equal(dark.pixels, again.pixels)


def test_glasses_are_drawn_about_the_eyes_alone(person: MarkedPerson) -> None:
    drawn = CONDITIONS["with drawn glasses"](person)
    rows, columns, _ = np.nonzero(np.abs(drawn.pixels.astype(int) - person.pixels) > 2)
    assert 110 < rows.min() < rows.max() < 190
    assert 60 < columns.min() < columns.max() < 240


def test_data_without_held_out_templates_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="held out"):
        evaluate(tmp_path)


def test_search_rows_count_hits_of_every_face(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "posters"
    folder.mkdir()
    for name in ("a", "b", "c"):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((80, 120, 3), 90, np.uint8))
    (folder / "boxes.json").write_text(
        '{"a.jpg": {"faces": [[0, 0, 40, 40], [60, 20, 110, 70]]}, "b.jpg": {"faces": []}, "c.jpg": {"faces": []}}'
    )
    found = Face(box=FaceBox(x=10, y=10, width=20, height=20), landmarks_px=np.zeros((68, 2)), score=1.0)
    monkeypatch.setattr(face_search, "detect_faces", lambda pixels: (found,))
    monkeypatch.setattr(face_search, "detect_frontal_faces", lambda pixels: ())
    rows = {row.name: row for row in search_rows(tmp_path)}
    recall = rows["faces in photos of all kinds"]
    assert (recall.measured, recall.n, recall.baselines["looking ahead only"]) == (0.5, 2, 0.0)
    alarms = rows["photos without people in which a face is found"]
    assert (alarms.measured, alarms.n, alarms.passed) == (2.0, 2, False)
