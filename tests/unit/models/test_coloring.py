"""Colours read from parsed regions: the ratio to the average character, in linear light."""

import numpy as np
import pytest
import torch

from facewright_models.fitting.coloring import (
    COLOR_CLASSES,
    color_distance,
    colors_from_regions,
    region_means,
)
from facewright_models.fitting.features import FaceFeatures

SIZE = 64
AS_IF = (256 / SIZE) ** 2  # pixels count as those of an image of 256 x 256
BANDS = {1: (0, 24), 2: (24, 36), 3: (36, 40), 5: (40, 44), 8: (44, 52), 0: (52, 64)}
"""Class -> rows of a picture in which every colour's region is a band."""
NEUTRAL = {"skin": (0.7, 0.5, 0.4), "hair": (0.2, 0.15, 0.1), "lips": (0.6, 0.35, 0.3)}
GAMMA = 2.2


def banded(colors: dict[int, tuple[float, float, float]], *, missing: tuple[int, ...] = ()) -> FaceFeatures:
    """Each class fills its band with its colour; missing classes are parsed as background."""
    image, probabilities = torch.full((1, 3, SIZE, SIZE), 0.5), torch.zeros(1, 11, SIZE, SIZE)
    for index, (start, stop) in BANDS.items():
        rgb = torch.tensor(colors.get(index, (0.5, 0.5, 0.5)))
        image[:, :, start:stop] = rgb[None, :, None, None]
        probabilities[:, 0 if index in missing else index, start:stop] = 1.0
    landmarks = torch.zeros(1, 68, 2)
    for first, left in ((36, 10.0), (42, 34.0)):  # two eyes of 20 pixels in the band of class 5
        landmarks[0, first : first + 6, 0] = left + torch.tensor([0.0, 6, 14, 20, 14, 6])
        landmarks[0, first : first + 6, 1] = 41.5
    return FaceFeatures(
        image=image,
        landmarks=landmarks,
        depths=(),
        probabilities=probabilities,
        embedding=torch.zeros(1, 128),
    )


def tensors(colors: dict[str, tuple[float, float, float]]) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(rgb) for name, rgb in colors.items()}


def test_the_mean_of_a_region_is_taken_in_linear_light() -> None:
    features = banded({1: (0.2, 0.4, 0.6)})
    features.image[:, :, 0:12] = 0.8
    mean, count = region_means(features)["skin"]
    expected = [(0.8**GAMMA + value**GAMMA) / 2 for value in (0.2, 0.4, 0.6)]
    np.testing.assert_allclose(mean[0].numpy(), expected, rtol=1e-4)
    assert float(count[0]) == pytest.approx(24 * SIZE * AS_IF)


def test_uncertain_pixels_count_by_the_square_of_their_probability() -> None:
    features = banded({1: (0.2, 0.2, 0.2)})
    features.image[:, :, 0:12] = 0.8
    features.probabilities[:, 1, 0:12] = 0.5
    mean, count = region_means(features)["skin"]
    expected = (0.25 * 0.8**GAMMA + 0.2**GAMMA) / 1.25
    np.testing.assert_allclose(mean[0].numpy(), expected, rtol=1e-4)
    assert float(count[0]) == pytest.approx(12 * SIZE * 1.25 * AS_IF)


def test_of_the_eyes_a_disc_about_their_middle_counts_without_its_highlight() -> None:
    iris = (0.2, 0.3, 0.4)
    features = banded({5: (0.9, 0.9, 0.9)})
    for left in (16, 40):  # the discs have a radius of four pixels about columns 20 and 44
        features.image[:, :, 40:44, left : left + 9] = torch.tensor(iris)[:, None, None]
    features.image[:, :, 41, 20] = 1.0
    mean, count = region_means(features)["iris"]
    np.testing.assert_allclose(mean[0].numpy(), np.array(iris) ** GAMMA, rtol=1e-4)
    assert 20 < float(count[0]) / AS_IF < 2 * 4 * 8


def test_of_the_hair_the_darker_part_counts() -> None:
    features = banded({2: (0.2, 0.15, 0.1)})
    features.image[:, :, 24:26] = 0.7  # the backdrop shines through the edge
    mean, _ = region_means(features)["hair"]
    np.testing.assert_allclose(mean[0].numpy(), np.array([0.2, 0.15, 0.1]) ** GAMMA, rtol=1e-4)


def test_a_photo_like_the_average_has_the_neutral_colours() -> None:
    average = banded({1: (0.6, 0.4, 0.35), 2: (0.2, 0.2, 0.1), 8: (0.5, 0.3, 0.3)})
    found = colors_from_regions(average, average, tensors(NEUTRAL))
    for name, rgb in NEUTRAL.items():
        np.testing.assert_allclose(found[name][0].numpy(), rgb, atol=5e-3, err_msg=name)


def test_twice_the_light_of_a_region_is_twice_the_linear_colour() -> None:
    average = banded({1: (0.5, 0.4, 0.3)})
    lighter = tuple((2 * value**GAMMA) ** (1 / GAMMA) for value in (0.5, 0.4, 0.3))
    found = colors_from_regions(banded({1: lighter}), average, tensors(NEUTRAL))["skin"][0]  # type: ignore[dict-item]
    expected = [min((2 * value**GAMMA) ** (1 / GAMMA), 0.98) for value in NEUTRAL["skin"]]
    np.testing.assert_allclose(found.numpy(), expected, atol=5e-3)


def test_a_region_that_hardly_shows_keeps_its_neutral_colour() -> None:
    average = banded({2: (0.2, 0.2, 0.2)})
    bald = banded({2: (0.9, 0.1, 0.1)}, missing=(2,))
    np.testing.assert_allclose(
        colors_from_regions(bald, average, tensors(NEUTRAL))["hair"][0].numpy(), NEUTRAL["hair"]
    )


def test_a_colour_without_a_region_stays_neutral_for_every_photo() -> None:
    average = banded({})
    found = colors_from_regions(average, average, tensors({"tail": (0.1, 0.2, 0.3)}))
    np.testing.assert_allclose(found["tail"].numpy(), [[0.1, 0.2, 0.3]], atol=1e-6)


def test_colours_are_bounded_whatever_the_light() -> None:
    dark, bright = banded({1: (0.02, 0.02, 0.02)}), banded({1: (1.0, 1.0, 1.0)})
    for photo, average in ((dark, bright), (bright, dark)):
        for color in colors_from_regions(photo, average, tensors(NEUTRAL)).values():
            assert 0.0 < float(color.min()) <= float(color.max()) < 1.0


@pytest.mark.parametrize(("name", "band"), [("brows", 3), ("iris", 5)])
def test_small_regions_stay_near_natural_tones(name: str, band: int) -> None:
    average = banded({band: (0.3, 0.25, 0.2)})
    green = colors_from_regions(banded({band: (0.1, 0.9, 0.1)}), average, tensors({name: (0.3, 0.25, 0.2)}))
    red, middle, blue = green[name][0].tolist()
    assert middle - max(red, blue) < 0.12


def test_brows_that_look_right_keep_their_colour() -> None:
    average = banded({3: (0.3, 0.25, 0.2)})
    brown = colors_from_regions(average, average, tensors({"brows": (0.30, 0.205, 0.137)}))["brows"][0]
    np.testing.assert_allclose(brown.numpy(), [0.30, 0.205, 0.137], atol=0.03)


@pytest.mark.parametrize("shade", [0.5, 1.0])
def test_an_iris_takes_the_photos_own_tone_however_dark_the_drawing_is(shade: float) -> None:
    photo = banded({5: (0.24, 0.16, 0.087)})
    drawn = banded({5: (0.3 * shade, 0.25 * shade, 0.2 * shade)})
    iris = colors_from_regions(photo, drawn, tensors({"iris": (0.3, 0.25, 0.2)}))["iris"][0]
    np.testing.assert_allclose(iris.numpy(), [0.36, 0.24, 0.13], atol=0.03)


def test_the_distance_of_colours_is_the_mean_difference_on_the_display() -> None:
    first, second = banded({1: (0.5, 0.5, 0.5)}), banded({1: (0.6, 0.6, 0.6)})
    regions_shown = sum(1 for classes in COLOR_CLASSES.values() if set(classes) & set(BANDS))
    assert float(color_distance(first, first)) == pytest.approx(0.0, abs=1e-6)
    assert float(color_distance(first, second)) == pytest.approx(0.1 / regions_shown, rel=0.02)


def test_a_region_missing_on_one_side_does_not_count() -> None:
    first = banded({2: (0.1, 0.1, 0.1)})
    bald = banded({2: (0.9, 0.9, 0.9)}, missing=(2,))
    assert float(color_distance(first, bald)) == pytest.approx(0.0, abs=1e-3)


def test_the_colour_distance_pulls_the_image_towards_the_photo() -> None:
    photo, shown = banded({1: (0.7, 0.5, 0.4)}), banded({1: (0.5, 0.5, 0.5)})
    shown.image.requires_grad_(True)
    color_distance(photo, shown).sum().backward()
    gradient = shown.image.grad
    assert gradient is not None
    assert bool(gradient.isfinite().all())
    assert float(gradient[0, 0, :24].sum()) < 0 < float(gradient[0, 2, :24].sum())
