"""Face chips: dlib's alignment, no aliasing, gradients, one filter for photos and renders."""

import dlib
import numpy as np
import pytest
import torch

from facewright_models.identity import chip_similarity, face_chip_from_landmarks
from facewright_models.landmarks import detect_faces

_SIDE = 900


def random_faces(count: int, seed: int) -> np.ndarray:
    """Points (count, 68, 2) in no order of a face: an alignment must agree for any points."""
    rng = np.random.default_rng(seed)
    shape = np.zeros((68, 2))
    shape[27:36] = [(0, y) for y in range(-30, -3, 3)]
    shape[36:42], shape[42:48], shape[48:] = (-30, -28), (30, -28), (0, 28)
    faces = shape * rng.uniform(0.6, 4, (count, 1, 1)) + rng.normal(0, 6, (count, 68, 2))
    return np.round(faces + _SIDE / 2)


@pytest.mark.parametrize("landmarks", list(random_faces(6, seed=0)))
def test_chips_lie_where_dlib_puts_them_to_a_fraction_of_a_pixel(landmarks: np.ndarray) -> None:
    rows, columns = np.mgrid[0:_SIDE, 0:_SIDE].astype(float)
    points = [dlib.point(int(x), int(y)) for x, y in landmarks]
    shape = dlib.full_object_detection(dlib.rectangle(0, 0, 10, 10), points)
    # A picture whose values are coordinates tells where each chip pixel came from.
    x, y = (dlib.get_face_chip(plane, shape, 150, 0.25) for plane in (columns, rows))
    transform = chip_similarity(torch.from_numpy(landmarks)[None])[0].numpy()
    j, i = np.mgrid[0:150, 0:150]
    ours = np.stack([i, j, np.ones_like(i)], -1) @ transform.T
    inside = (ours > 4).all(-1) & (ours < _SIDE - 5).all(-1)
    scale = np.hypot(*transform[:, 0])
    # From twice the chip's size on, dlib halves the picture first, which moves it by up to half a pixel per level.
    tolerance = 0.02 if scale < 1.9 else 0.3 * scale
    assert inside.sum() > 1000
    assert np.abs(ours[..., 0] - x)[inside].max() < tolerance
    assert np.abs(ours[..., 1] - y)[inside].max() < tolerance


def test_a_chip_of_a_real_portrait_looks_like_dlibs(astronaut: np.ndarray) -> None:
    points = np.floor(detect_faces(astronaut)[0].landmarks_px)  # dlib knows whole pixels only
    shape = dlib.full_object_detection(
        dlib.rectangle(0, 0, 10, 10), [dlib.point(int(x), int(y)) for x, y in points]
    )
    expected = dlib.get_face_chip(astronaut, shape, 150, 0.25).astype(float)
    image = torch.from_numpy(astronaut).permute(2, 0, 1)[None].float() / 255
    chip = face_chip_from_landmarks(image, torch.from_numpy(points)[None])[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(chip - expected).mean() < 1.0  # dlib rounds to whole numbers


def test_a_fine_pattern_becomes_grey_when_the_face_is_large() -> None:
    checkers = (torch.arange(_SIDE)[:, None] + torch.arange(_SIDE)[None]) % 2
    image = checkers.float().expand(1, 3, -1, -1)
    landmarks = torch.from_numpy(random_faces(1, seed=1)) * 3 - _SIDE
    chip = face_chip_from_landmarks(image, landmarks)
    assert float((chip[..., 20:130, 20:130] - 0.5).abs().max()) < 0.3


def test_a_face_has_the_same_chip_alone_and_in_a_batch() -> None:
    torch.manual_seed(0)
    image = torch.rand(3, 3, 200, 200)
    landmarks = torch.from_numpy(random_faces(3, seed=2)) * 0.2
    together = face_chip_from_landmarks(image, landmarks)
    alone = torch.cat([face_chip_from_landmarks(image[i : i + 1], landmarks[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone)


def test_chips_keep_the_value_range_of_the_image() -> None:
    image = torch.full((1, 3, 120, 160), 0.37)
    chip = face_chip_from_landmarks(image, torch.from_numpy(random_faces(1, seed=3)) * 0.1)
    torch.testing.assert_close(chip, torch.full_like(chip, 0.37))


def test_photo_and_render_go_through_one_filter() -> None:
    """A loss between branches that are resized differently never reaches zero."""
    torch.manual_seed(1)
    photo = (torch.rand(1, 3, 240, 240) * 255).round() / 255
    render = photo.clone().requires_grad_()
    landmarks = torch.from_numpy(random_faces(1, seed=4)) * 0.25
    difference = face_chip_from_landmarks(photo, landmarks) - face_chip_from_landmarks(render, landmarks)
    assert float(difference.detach().abs().max()) == 0.0


def test_the_gradient_of_chips_is_right() -> None:
    landmarks = torch.from_numpy(random_faces(1, seed=5)) * 0.005
    image = torch.rand(1, 3, 4, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(1, 3, 150, 150, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda x: (face_chip_from_landmarks(x, landmarks) * weights).sum(), (image,)
    )
