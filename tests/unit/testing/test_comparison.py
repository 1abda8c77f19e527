"""The comparator is itself compared: it must see what was planted, and nothing else."""

import numpy as np
import pytest

from facewright.testing import (
    Box,
    MissingExtraError,
    Picture,
    PictureError,
    PictureShapeError,
    Thresholds,
    compare_pictures,
)
from facewright.testing.comparison import Comparison, densest_window
from facewright.testing.flip import flip_map


def compared(
    actual: np.ndarray, expected: np.ndarray, ignored: np.ndarray | None = None, **limits: object
) -> Comparison:
    return compare_pictures(
        Picture(actual, "now"),
        Picture(expected, "then"),
        thresholds=Thresholds(**limits),  # type: ignore[arg-type]
        ignored=ignored,
    )


def values(comparison: Comparison) -> dict[str, float]:
    return {measure.name: measure.value for measure in comparison.measures}


def gamma(picture: np.ndarray, exponent: float) -> np.ndarray:
    return np.rint(255 * (picture / 255) ** exponent).astype(np.uint8)


def test_equal_pictures_are_identical(picture: np.ndarray) -> None:
    found = compared(picture, picture.copy())
    assert (found.method, found.is_within, found.excess) == ("identical", True, 0.0)
    assert (found.changed, found.densest, found.changed_share) == (None, None, 0.0)
    assert not np.any(found.heat)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("one pixel to the right", lambda p: np.roll(p, 1, 1)),
        ("one pixel down", lambda p: np.roll(p, 1, 0)),
        ("mirrored", lambda p: np.ascontiguousarray(p[:, ::-1])),
        ("gamma 2.0 for 2.2", lambda p: gamma(p, 2.2 / 2.0)),
        ("gamma applied twice", lambda p: gamma(p, 1 / 2.2)),
        ("red and blue swapped", lambda p: np.ascontiguousarray(p[..., ::-1])),
        ("one step brighter everywhere", lambda p: p + np.uint8(1)),
    ],
)
def test_what_must_fail_fails_by_default(name: str, change, picture: np.ndarray) -> None:
    assert not compared(change(picture), picture).is_within, name


def test_noise_of_one_step_passes_by_default(picture: np.ndarray) -> None:
    noise = np.random.default_rng(0).integers(-1, 2, picture.shape)
    found = compared((picture.astype(int) + noise).astype(np.uint8), picture)
    assert found.is_within
    assert found.method == "flip"


def test_softer_edges_pass_by_default(picture: np.ndarray) -> None:
    """Edges by 16 samples in the place of 4: of the same picture drawn four times larger, all or some are averaged."""
    from unit.testing.conftest import portrait

    large = portrait(4 * picture.shape[0], 4 * picture.shape[1]).astype(float)
    blocks = large.reshape(picture.shape[0], 4, picture.shape[1], 4, 3)
    sixteen = np.rint(blocks.mean((1, 3))).astype(np.uint8)
    # Four samples where a rotated grid has them.
    four = np.rint(
        (blocks[:, 0, :, 1] + blocks[:, 1, :, 3] + blocks[:, 2, :, 0] + blocks[:, 3, :, 2]) / 4
    ).astype(np.uint8)
    assert (four != sixteen).any()
    assert compared(four, sixteen).is_within


def test_a_small_patch_fails_by_the_window_though_the_mean_is_small(picture: np.ndarray) -> None:
    planted = picture.copy()
    planted[40:48, 60:68] = (255, 0, 255)
    found = compared(planted, picture)
    numbers = values(found)
    assert numbers["flip_mean"] < Thresholds().flip_mean
    assert numbers["outlier_share"] > Thresholds().outlier_share
    assert found.changed is not None
    assert (found.changed.x <= 60, found.changed.x + found.changed.width >= 68) == (True, True)
    assert found.densest is not None
    assert found.densest.x <= 60 < 68 <= found.densest.x + found.densest.width


def test_a_tint_fails_by_the_mean_though_no_pixel_stands_out(picture: np.ndarray) -> None:
    numbers = values(compared(picture + np.uint8(2), picture))
    assert numbers["outlier_share"] == 0.0
    assert numbers["flip_mean"] > Thresholds().flip_mean


def test_flip_of_a_part_is_flip_of_the_whole(picture: np.ndarray) -> None:
    """Only the rectangle around what differs is computed; it has to give what the package gives for everything."""
    import flip_evaluator

    planted = picture.copy()
    planted[30:35, 50:58] = 255 - planted[30:35, 50:58]
    planted[80, 100] = 0
    whole = flip_evaluator.evaluate(
        np.float32(picture) / np.float32(255),
        np.float32(planted) / np.float32(255),
        "LDR",
        applyMagma=False,
        parameters={"ppd": 67.0},
    )[0][..., 0]
    np.testing.assert_allclose(flip_map(planted, picture), whole, atol=1e-6)
    assert whole.max() > 0.3


def test_black_and_white_is_as_different_as_flip_can_be() -> None:
    black, white = np.zeros((40, 40, 3), np.uint8), np.full((40, 40, 3), 255, np.uint8)
    assert flip_map(white, black).mean() > 0.9


@pytest.mark.parametrize("size", [1, 3, 8, 64])
def test_the_densest_window_is_that_of_a_count_window_by_window(size: int) -> None:
    stands_out = np.random.default_rng(size).random((20, 30)) < 0.1
    height, width = min(size, 20), min(size, 30)
    counts = [
        stands_out[y : y + height, x : x + width].sum()
        for y in range(20 - height + 1)
        for x in range(30 - width + 1)
    ]
    share, box = densest_window(stands_out, size)
    assert share == pytest.approx(max(counts) / (height * width))
    assert box is not None
    inside = stands_out[box.y : box.y + box.height, box.x : box.x + box.width]
    assert inside.sum() == max(counts)


def test_the_same_number_of_outliers_fails_together_and_passes_scattered() -> None:
    together, scattered = np.zeros((128, 128), bool), np.zeros((128, 128), bool)
    together[10:18, 10:18] = True
    scattered[::16, ::16] = True
    assert together.sum() == scattered.sum()
    assert densest_window(together, 32)[0] > Thresholds().outlier_share > densest_window(scattered, 32)[0]


def test_ignored_pixels_hide_a_change_and_do_not_leak_it(picture: np.ndarray) -> None:
    planted, ignored = picture.copy(), np.zeros(picture.shape[:2], bool)
    planted[20:30, 20:30] = 255
    ignored[20:30, 20:30] = True
    assert not compared(planted, picture).is_within
    assert compared(planted, picture, ignored).method == "identical"
    planted[60:70, 60:70] = 255
    assert not compared(planted, picture, ignored).is_within


def test_the_mean_is_that_of_the_pixels_that_count(picture: np.ndarray) -> None:
    ignored = np.zeros(picture.shape[:2], bool)
    ignored[:, :64] = True
    tinted = picture + np.uint8(3)
    assert values(compared(tinted, picture, ignored))["flip_mean"] == pytest.approx(
        values(compared(tinted, picture))["flip_mean"], rel=0.2
    )


def test_labels_are_compared_exactly_and_by_share() -> None:
    labels = np.zeros((10, 10), np.uint8)
    other = labels.copy()
    other[0, 0] = 9
    found = compared(other, labels, compare="values")
    assert (found.is_within, found.method, values(found)) == (False, "values", {"differing_share": 0.01})
    assert compared(other, labels, compare="values", differing_share=0.01).is_within
    assert compared(labels, labels, compare="values").is_within


def test_16_bit_is_compared_by_value_with_a_tolerance() -> None:
    depth = np.full((10, 10), 40_000, np.uint16)
    other = depth + np.uint16(3)
    assert not compared(other, depth).is_within
    assert compared(other, depth, value_tolerance=3).is_within
    assert not compared(other, depth, value_tolerance=2).is_within
    low = np.zeros((10, 10), np.uint16)
    assert not compared(low, depth, value_tolerance=30_000).is_within


def test_a_change_of_alpha_alone_is_seen_unless_it_is_ignored(picture: np.ndarray) -> None:
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    hole = opaque.copy()
    hole[40:60, 40:60, 3] = 0
    assert not compared(hole, opaque).is_within
    assert compared(hole, opaque, ignore_alpha=True).method == "identical"


def test_invisible_pixels_do_not_hide_a_change_of_colour(picture: np.ndarray) -> None:
    """Some engines leave an alpha of zero everywhere."""
    clear = np.dstack([picture, np.zeros(picture.shape[:2], np.uint8)])
    mirrored = np.ascontiguousarray(clear[:, ::-1])
    assert not compared(mirrored, clear).is_within


def test_with_and_without_alpha_is_refused_unless_alpha_is_ignored(picture: np.ndarray) -> None:
    opaque = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    with pytest.raises(PictureShapeError, match="ignore_alpha = true"):
        compared(opaque, picture)
    assert compared(opaque, picture, ignore_alpha=True).is_within


def test_pictures_of_other_sizes_and_modes_are_refused_with_both(picture: np.ndarray) -> None:
    with pytest.raises(PictureShapeError, match=r"now is 128x95 and its reference then 128x96"):
        compared(picture[:95], picture)
    with pytest.raises(PictureShapeError, match=r"L 8 bit and its reference then RGB 8 bit"):
        compared(picture[..., 0], picture)
    with pytest.raises(PictureShapeError, match=r"L 16 bit"):
        compared(picture[..., 0].astype(np.uint16), picture[..., 0])
    with pytest.raises(PictureShapeError, match="compare = 'values'"):
        compared(*[picture[..., 0].astype(np.uint16)] * 2, compare="flip")


def test_grey_pictures_compare(picture: np.ndarray) -> None:
    grey = np.ascontiguousarray(picture[..., 0])
    assert compared(grey, grey.copy()).is_within
    assert not compared(np.roll(grey, 1, 1), grey).is_within


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 50, 3), (2, 2, 3)])
def test_tiny_pictures_compare(shape: tuple[int, ...]) -> None:
    black = np.zeros(shape, np.uint8)
    assert compared(black, black).is_within
    assert not compared(black + np.uint8(255), black).is_within


def test_without_the_extra_the_error_names_it(picture: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "flip_evaluator", None)
    with pytest.raises(MissingExtraError, match=r"flip-evaluator.*facewright-client\[testing\]"):
        compared(picture, picture)


def test_a_box_has_its_numbers() -> None:
    assert Box(1, 2, 3, 4).numbers == (1, 2, 3, 4)


def test_an_array_that_is_no_picture_is_refused() -> None:
    from facewright.testing import as_picture

    for array in (np.zeros((4, 4), np.float32), np.zeros((4, 4, 5), np.uint8), np.zeros((0, 4), np.uint8)):
        with pytest.raises(PictureError, match="expected"):
            as_picture(array, source="it")
    with pytest.raises(PictureError, match="is a int"):
        as_picture(3, source="it")
