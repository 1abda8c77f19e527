"""Arrays become the PNG files that the comments in the protos promise."""

import io

import numpy as np
from PIL import Image

from facewright_server import pictures


def decoded(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_colours_survive_exactly() -> None:
    color = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(np.asarray(decoded(pictures.color_png(color))), color)


def test_the_index_of_a_label_image_is_the_class() -> None:
    labels = np.arange(11, dtype=np.uint8)[None].repeat(3, 0)
    image = decoded(pictures.labels_png(labels))
    assert image.mode == "P"
    assert np.array_equal(np.asarray(image), labels)


def test_depth_is_16_bit_in_tenths_of_a_millimetre_and_stays_within() -> None:
    depth = np.array([[0.0, 0.5, 1.23456, 100.0]], np.float32)
    assert np.asarray(decoded(pictures.depth_png(depth))).tolist() == [[0, 5000, 12346, 65535]]


def test_normals_map_minus_one_to_0_and_one_to_255_and_background_to_black() -> None:
    normals = np.array([[[-1, 0, 1], [0, 0, 0]]], np.float32)
    assert np.asarray(decoded(pictures.normals_png(normals))).tolist() == [[[0, 128, 255], [0, 0, 0]]]


def test_a_comparison_puts_pictures_side_by_side() -> None:
    parts = [np.full((4, 4, 3), value, np.uint8) for value in (1, 2, 3)]
    image = np.asarray(decoded(pictures.comparison_png(*parts)))
    assert image.shape == (4, 12, 3)
    assert image[0, :, 0].tolist() == [1] * 4 + [2] * 4 + [3] * 4


def test_the_same_array_gives_the_same_bytes() -> None:
    color = np.zeros((8, 8, 3), np.uint8)
    assert pictures.color_png(color) == pictures.color_png(color.copy())
