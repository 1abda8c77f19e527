"""Whole photos through the parser: size, place, and what happens without a face."""

import numpy as np
import pytest
import torch
from torch import Tensor

from facewright_models.errors import InvalidInputError, NoFaceError
from facewright_models.parsing import (
    CLASS_COLORS,
    CLASS_COUNT,
    FaceClass,
    ParsingNetwork,
    ParsingOutput,
    crop_similarity,
    parse_photo,
)
from facewright_models.photo import Photo
from facewright_models.sheets.parsing import label_overlay, parsing_sheet


class ColorReader(ParsingNetwork):
    """Reads the class of a pixel from its colour, so that a painted photo has a known answer."""

    def __init__(self) -> None:
        super().__init__(width=4)
        self.sizes: list[tuple[int, ...]] = []

    def forward(self, x: Tensor) -> ParsingOutput:
        self.sizes.append(tuple(x.shape))
        colors = torch.from_numpy(CLASS_COLORS.astype(np.float32)) / 255
        distance = (x[:, None] - colors.view(1, CLASS_COUNT, 3, 1, 1)).square().sum(2)
        return ParsingOutput(logits=-200 * distance, features=())


def painted_photo(height: int, width: int, centre: tuple[int, int], radius: int) -> tuple[Photo, np.ndarray]:
    rows, columns = np.mgrid[0:height, 0:width]
    distance = np.hypot(columns - centre[0], rows - centre[1]) / radius
    labels = np.where(
        distance < 1, FaceClass.FACE, np.where(distance < 1.3, FaceClass.HAIR, FaceClass.BACKGROUND)
    )
    labels[distance < 0.3] = FaceClass.NOSE
    return Photo(pixels=CLASS_COLORS[labels]), labels.astype(np.uint8)


def landmarks(centre: tuple[int, int], eye_distance: float) -> np.ndarray:
    points = np.tile(np.array(centre, float), (68, 1))
    points[36:42] += (-eye_distance / 2, -eye_distance / 3)
    points[42:48] += (eye_distance / 2, -eye_distance / 3)
    points[48:] += (0, 0.7 * eye_distance)
    return points


@pytest.mark.parametrize(("height", "width", "eye_distance"), [(300, 400, 50.0), (900, 700, 130.0)])
def test_the_label_map_has_the_photos_size_and_fits_it(height: int, width: int, eye_distance: float) -> None:
    centre = (width // 2 + 20, height // 2)
    photo, expected = painted_photo(height, width, centre, round(1.3 * eye_distance))
    labels = parse_photo(photo, landmarks_px=landmarks(centre, eye_distance), network=ColorReader())
    assert labels.dtype == np.uint8
    assert labels.shape == (height, width)
    assert (labels == expected).mean() > 0.98
    for part in (FaceClass.NOSE, FaceClass.FACE, FaceClass.HAIR):
        union = (labels == part) | (expected == part)
        assert ((labels == part) & (expected == part)).sum() / union.sum() > 0.85


def test_left_and_right_are_not_swapped_by_the_mirrored_view() -> None:
    class LeftEyeOnTheRight(ColorReader):
        def forward(self, x: Tensor) -> ParsingOutput:
            logits = torch.zeros(x.shape[0], CLASS_COUNT, 256, 256)
            logits[:, FaceClass.RIGHT_EYE, :, :128] = 9.0
            logits[:, FaceClass.LEFT_EYE, :, 128:] = 9.0
            return ParsingOutput(logits=logits, features=())

    photo = Photo(pixels=np.zeros((200, 200, 3), np.uint8))
    labels = parse_photo(photo, landmarks_px=landmarks((100, 100), 40.0), network=LeftEyeOnTheRight())
    assert labels[100, 80] == FaceClass.RIGHT_EYE
    assert labels[100, 120] == FaceClass.LEFT_EYE


def test_the_network_always_sees_the_canonical_size() -> None:
    reader = ColorReader()
    photo, _ = painted_photo(150, 120, (60, 70), 40)
    parse_photo(photo, landmarks_px=landmarks((60, 70), 30.0), network=reader)
    assert reader.sizes
    assert all(size[1:] == (3, 256, 256) for size in reader.sizes)


def test_a_photo_without_a_face_is_refused() -> None:
    with pytest.raises(NoFaceError, match="no face"):
        parse_photo(Photo(pixels=np.full((120, 160, 3), 90, np.uint8)), network=ColorReader())


def test_a_sheet_shows_every_photo_beside_its_labels(astronaut: np.ndarray) -> None:
    photos = [Photo(pixels=astronaut), Photo(pixels=np.full((50, 80, 3), 90, np.uint8))]
    sheet = parsing_sheet(photos, cell_px=64, columns=2, network=ColorReader())
    assert sheet.shape == (64, 4 * 64, 3)
    with pytest.raises(InvalidInputError, match="at least one photo"):
        parsing_sheet([])


def test_an_overlay_darkens_the_background_and_colours_the_rest() -> None:
    pixels = np.full((2, 2, 3), 200, np.uint8)
    labels = np.array([[0, 1], [2, 255]], np.uint8)
    overlay = label_overlay(pixels, labels)
    assert overlay[0, 0].tolist() == [70, 70, 70]
    assert not np.array_equal(overlay[0, 1], overlay[1, 0])


def test_the_crop_is_a_similarity() -> None:
    matrix = crop_similarity(landmarks((100, 100), 40.0))[:, :2]
    assert np.allclose(matrix @ matrix.T, np.eye(2) * (matrix[:, 0] ** 2).sum())
