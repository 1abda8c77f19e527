"""The comparator of pictures: it must see what was planted, and nothing else."""

import numpy as np
import pytest

from facewright_renderer import ImageShapeError, RendererError, compare_images, difference_image


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(40, 200, (50, 40, 3), np.uint8)


def test_equal_pictures_do_not_differ(picture: np.ndarray) -> None:
    parity = compare_images(picture, picture.copy())
    assert (parity.mean_difference, parity.outlier_share, parity.largest_difference) == (0.0, 0.0, 0)
    assert parity.within(mean_difference=0.0, outlier_share=0.0)
    assert not difference_image(picture, picture).any()


def test_a_planted_patch_is_found_as_outliers_of_its_size(picture: np.ndarray) -> None:
    planted = picture.copy()
    planted[10:20, 5:15, 1] += 50  # 100 of 2,000 pixels, one channel
    parity = compare_images(planted, picture, outlier_threshold=49)
    assert parity.outlier_share == pytest.approx(100 / 2000)
    assert parity.mean_difference == pytest.approx(100 * 50 / (2000 * 3))
    assert parity.largest_difference == 50
    assert compare_images(planted, picture, outlier_threshold=50).outlier_share == 0.0
    assert not parity.within(mean_difference=1.0, outlier_share=0.01)


def test_a_planted_tint_is_found_by_the_mean_though_no_pixel_stands_out(picture: np.ndarray) -> None:
    parity = compare_images(picture + np.uint8(5), picture)
    assert parity.mean_difference == pytest.approx(5.0)
    assert parity.outlier_share == 0.0
    assert not parity.within(mean_difference=4.9, outlier_share=1.0)
    assert parity.within(mean_difference=5.0, outlier_share=0.0)


def test_darker_counts_as_much_as_brighter(picture: np.ndarray) -> None:
    darker = picture - np.uint8(30)
    assert compare_images(darker, picture) == compare_images(picture, darker)


def test_label_maps_compare_too() -> None:
    labels = np.zeros((8, 8), np.uint8)
    other = labels.copy()
    other[0, 0] = 9
    assert compare_images(other, labels, outlier_threshold=0).outlier_share == pytest.approx(1 / 64)


def test_the_difference_image_shows_where_and_saturates(picture: np.ndarray) -> None:
    planted = picture.copy()
    planted[3, 4, 2] += 10
    planted[5, 6, 0] += 50
    shown = difference_image(planted, picture, gain=8)
    assert shown.dtype == np.uint8
    assert shown[3, 4, 2] == 80
    assert shown[5, 6, 0] == 255
    assert np.count_nonzero(shown) == 2


@pytest.mark.parametrize("shape", [(50, 40), (50, 41, 3), (40, 50, 3), (50, 40, 4)])
def test_pictures_of_other_shapes_are_refused_with_both_shapes(
    shape: tuple[int, ...], picture: np.ndarray
) -> None:
    with pytest.raises(ImageShapeError, match="draw both at the same size") as caught:
        compare_images(np.zeros(shape, np.uint8), picture)
    assert (caught.value.actual, caught.value.expected) == (shape, (50, 40, 3))
    assert isinstance(caught.value, RendererError)


def test_pictures_without_pixels_are_refused() -> None:
    with pytest.raises(ImageShapeError):
        compare_images(np.zeros((0, 0, 3), np.uint8), np.zeros((0, 0, 3), np.uint8))
