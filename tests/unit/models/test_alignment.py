"""Bringing a photo to the reference face: the transforms, and pixels that stay with their landmarks."""

import cv2
import numpy as np
import pytest

from facewright_models.fitting.alignment import (
    FRAME_PX,
    align_matrix,
    similarity,
    transform_points,
    warp_to_frame,
)


def points(seed: int = 0, count: int = 68) -> np.ndarray:
    return np.random.default_rng(seed).uniform(100, 400, (count, 2))


def similarity_of(scale: float, degrees: float, shift: tuple[float, float]) -> np.ndarray:
    angle = np.deg2rad(degrees)
    linear = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.concatenate([linear, np.array(shift)[:, None]], 1)


@pytest.mark.parametrize("degrees", [-170.0, -30.0, 0.0, 12.0, 95.0])
@pytest.mark.parametrize("scale", [0.1, 1.0, 7.0])
def test_a_known_similarity_is_recovered(scale: float, degrees: float) -> None:
    truth = similarity_of(scale, degrees, (40.0, -15.0))
    found = similarity(points(), transform_points(truth, points()))
    np.testing.assert_allclose(found, truth, atol=1e-9)


def test_the_similarity_of_noisy_points_is_the_least_squares_one() -> None:
    source = points()
    target = source * 1.3 + np.random.default_rng(1).normal(0, 5, source.shape)
    found = similarity(source, target)
    # Independently: x' = a x - b y + c, y' = b x + a y + d is linear in (a, b, c, d).
    rows = []
    for x, y in source:
        rows += [[x, -y, 1, 0], [y, x, 0, 1]]
    a, b, c, d = np.linalg.lstsq(np.array(rows), target.ravel(), rcond=None)[0]
    np.testing.assert_allclose(found, [[a, -b, c], [b, a, d]], atol=1e-6)


def test_a_similarity_never_mirrors() -> None:
    mirrored = points() * [-1, 1]
    assert np.linalg.det(similarity(points(), mirrored)[:, :2]) >= 0


def test_alignment_by_similarity_looks_at_eyes_and_nose_only() -> None:
    photo, reference = points(), points()
    photo[48:68] += 60.0  # a wide smile
    photo[0:17] -= 40.0  # a long chin
    np.testing.assert_allclose(align_matrix(photo, reference), [[1, 0, 0], [0, 1, 0]], atol=1e-9)


def test_a_similarity_keeps_the_width_of_a_face_and_an_affine_takes_it_away() -> None:
    reference = points()
    wide = reference * [1.25, 1.0]
    kept = align_matrix(wide, reference, "similarity")
    assert kept[0, 0] == pytest.approx(kept[1, 1])
    affine = align_matrix(wide, reference, "affine")
    np.testing.assert_allclose(transform_points(affine, wide), reference, atol=1e-6)


def test_a_known_affine_is_recovered() -> None:
    truth = np.array([[1.2, 0.3, 7.0], [-0.1, 0.8, 20.0]])
    found = align_matrix(points(), transform_points(truth, points()), "affine")
    np.testing.assert_allclose(found, truth, atol=1e-8)


def dots(size: tuple[int, int], centers: np.ndarray, radius: float) -> np.ndarray:
    """A black picture with one soft white dot."""
    y, x = np.mgrid[0 : size[0], 0 : size[1]]
    picture = np.zeros(size)
    for column, row in centers:
        picture += np.exp(-((x - column) ** 2 + (y - row) ** 2) / (2 * radius**2))
    return np.repeat((np.clip(picture, 0, 1) * 255).astype(np.uint8)[..., None], 3, 2)


@pytest.mark.parametrize(
    ("size", "scale", "degrees"),
    [((512, 512), 1.0, 0.0), ((300, 200), 2.3, 10.0), ((700, 900), 0.6, -20.0), ((2000, 3000), 0.17, 5.0)],
)
def test_what_lies_at_a_landmark_still_lies_there_after_the_warp(
    size: tuple[int, int], scale: float, degrees: float
) -> None:
    middle = np.array([[size[1] * 0.55, size[0] * 0.45]])
    matrix = similarity_of(scale, degrees, (0.0, 0.0))
    matrix[:, 2] = [256.0, 256.0] - matrix[:, :2] @ middle[0]
    for offset in ([0.0, 0.0], [60.0, -40.0]):
        center = middle + np.linalg.inv(matrix[:, :2]) @ np.array(offset)
        warped = warp_to_frame(dots(size, center, 6 / scale), matrix).astype(float)[..., 0]
        y, x = np.mgrid[0:FRAME_PX, 0:FRAME_PX]
        found = np.array([(x * warped).sum(), (y * warped).sum()]) / warped.sum()
        np.testing.assert_allclose(found, transform_points(matrix, center)[0], atol=0.3)


def test_the_identity_leaves_a_frame_as_it_is() -> None:
    frame = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    np.testing.assert_array_equal(warp_to_frame(frame, np.eye(2, 3)), frame)


def test_shrinking_averages_instead_of_picking_pixels() -> None:
    checkers = (np.indices((2048, 2048)).sum(0) % 2 * 255).astype(np.uint8)
    warped = warp_to_frame(np.repeat(checkers[..., None], 3, 2), np.eye(2, 3) * 0.25)
    inner = warped[8:-8, 8:-8].astype(float)
    assert inner.mean() == pytest.approx(127.5, abs=2)
    assert inner.std() < 4


def test_beyond_the_photo_its_border_is_repeated() -> None:
    photo = np.full((100, 100, 3), 90, np.uint8)
    photo[:, :10] = 200
    warped = warp_to_frame(photo, np.array([[1.0, 0, 200], [0, 1, 200]]))
    assert (warped[250, :200] == 200).all()
    assert (warped[250, 320:] == 90).all()
    assert not np.any(cv2.absdiff(warped[0], warped[150]))


def test_a_smaller_frame_can_be_asked_for() -> None:
    photo = np.zeros((64, 64, 3), np.uint8)
    assert warp_to_frame(photo, np.eye(2, 3), 32).shape == (32, 32, 3)
