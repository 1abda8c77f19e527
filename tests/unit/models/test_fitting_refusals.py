"""What a fit refuses, with the place of what is wrong."""

import numpy as np
import pytest

from facewright_models.errors import FaceTooSmallError, InvalidInputError, NoFaceError
from facewright_models.fitting import FaceBox, FitOptions, Fitter
from facewright_models.foundry import VectorLayout
from unit.models.fitting_stand_ins import TOY_SCHEMA, FaceImitator, always, person, tiny_extractor

Pixels = np.ndarray
SHORT = FitOptions(iterations=1)


@pytest.fixture
def fitter(faces: list[Pixels]) -> Fitter:
    layout = VectorLayout(TOY_SCHEMA)
    return Fitter(
        layout=layout, imitator=FaceImitator(layout, faces[0]), extractor=tiny_extractor(), rig=None
    )


def test_a_photo_without_a_face_is_refused_by_its_place(fitter: Fitter, faces: list[Pixels]) -> None:
    nothing = np.full((300, 400, 3), 127, np.uint8)
    with pytest.raises(NoFaceError, match="400x300") as caught:
        fitter.fit([person(faces[1], nothing)], options=SHORT, render=always(faces[1]))
    assert caught.value.field == "subjects[0].photos[1]"


def test_a_face_too_small_is_refused_with_its_size(fitter: Fitter, faces: list[Pixels]) -> None:
    import cv2

    small = np.full((400, 400, 3), 160, np.uint8)
    small[100:160, 100:160] = cv2.resize(faces[1], (60, 60), interpolation=cv2.INTER_AREA)
    with pytest.raises(FaceTooSmallError, match="at least 40 px"):
        fitter.fit(
            [person(small, boxes=(FaceBox(x=113, y=117, width=33, height=33),))],
            options=SHORT,
            render=always(faces[1]),
        )


def test_the_largest_of_several_faces_is_fitted_with_a_warning_and_a_box_chooses(
    fitter: Fitter, faces: list[Pixels]
) -> None:
    import cv2

    group = np.concatenate([faces[1], np.full((512, 300, 3), 160, np.uint8)], 1)
    group[100:400, 512:812] = cv2.resize(faces[2], (300, 300), interpolation=cv2.INTER_AREA)
    (result,) = fitter.fit([person(group)], options=FitOptions(iterations=0), render=always(faces[1]))
    (notice,) = [n for n in result.report.warnings if n.code == "SEVERAL_FACES"]
    assert notice.message.startswith("2 faces")
    box = FaceBox(x=590, y=190, width=150, height=150)
    (chosen,) = fitter.fit(
        [person(group, boxes=(box,))], options=FitOptions(iterations=0), render=always(faces[1])
    )
    assert "SEVERAL_FACES" not in {n.code for n in chosen.report.warnings}
    assert np.abs(chosen.aligned_photo.astype(int) - result.aligned_photo.astype(int)).mean() > 5


@pytest.mark.parametrize("count", [0, 17])
def test_the_number_of_people_is_bounded(count: int, fitter: Fitter, faces: list[Pixels]) -> None:
    with pytest.raises(InvalidInputError, match=rf"got {count} subjects; expected 1\.\.16"):
        fitter.fit([person(faces[1])] * count, options=SHORT, render=always(faces[1]))


@pytest.mark.parametrize("count", [0, 9])
def test_the_number_of_photos_is_bounded(count: int, fitter: Fitter, faces: list[Pixels]) -> None:
    with pytest.raises(InvalidInputError, match=f"subject 0 has {count} photos"):
        fitter.fit([person(*[faces[1]] * count)], options=SHORT, render=always(faces[1]))


def test_a_box_for_each_photo_or_none_at_all(fitter: Fitter, faces: list[Pixels]) -> None:
    with pytest.raises(InvalidInputError, match="2 photos and 1 face boxes") as caught:
        fitter.fit([person(faces[1], faces[1], boxes=(None,))], options=SHORT, render=always(faces[1]))
    assert caught.value.field == "subjects[0].face_boxes"


def test_an_imitator_without_a_face_is_refused_for_a_black_box_game() -> None:
    layout = VectorLayout(TOY_SCHEMA)
    grey = np.full((512, 512, 3), 120, np.uint8)
    with pytest.raises(InvalidInputError, match="train the imitator further"):
        Fitter(layout=layout, imitator=FaceImitator(layout, grey), extractor=tiny_extractor(), rig=None)
