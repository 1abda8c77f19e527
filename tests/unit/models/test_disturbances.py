"""What an evaluation does to photos: nothing at strength 0, the same with the same seed, more with more strength."""

import numpy as np
import pytest

from facewright_models.evaluation.disturbances import DISTURBANCES, SMALLEST_FACE_PX, disturbed

OTHERS = sorted(set(DISTURBANCES) - {"small"})


@pytest.fixture(scope="module")
def marks() -> np.ndarray:
    """68 points of a face about 200 px wide in the middle of a picture of 400 px."""
    points = np.zeros((68, 2))
    angles = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([200 + 95 * np.cos(angles), 190 + 115 * np.sin(angles)], 1)
    points[17:22] = np.stack([np.linspace(125, 180, 5), np.full(5, 150)], 1)
    points[22:27] = np.stack([np.linspace(220, 275, 5), np.full(5, 150)], 1)
    points[27:31] = np.stack([np.full(4, 200), np.linspace(170, 215, 4)], 1)
    points[31:36] = np.stack([np.linspace(182, 218, 5), np.full(5, 225)], 1)
    turn = np.linspace(np.pi, -np.pi, 7)[:6]
    for first, middle in ((36, 155), (42, 245)):
        points[first : first + 6] = np.stack([middle + 18 * np.cos(turn), 172 - 7 * np.sin(turn)], 1)
    turn = np.linspace(np.pi, -np.pi, 13)[:12]
    points[48:60] = np.stack([200 + 35 * np.cos(turn), 260 - 12 * np.sin(turn)], 1)
    points[60:68] = np.stack([200 + 25 * np.cos(turn[:8]), 260 - 5 * np.sin(turn[:8])], 1)
    return points


@pytest.fixture(scope="module")
def photo(marks: np.ndarray) -> np.ndarray:
    """Skin with some texture, and dark eyes and brows."""
    generator = np.random.default_rng(3)
    pixels = np.full((400, 400, 3), (205, 165, 140), np.uint8)
    pixels[120:280:4, 110:290:3] = (150, 110, 95)
    for x, y in marks[17:48].round().astype(int):
        pixels[y - 3 : y + 3, x - 3 : x + 3] = (60, 40, 35)
    noise = generator.integers(0, 12, pixels.shape, np.uint8)
    return pixels - noise


def changed(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("name", sorted(DISTURBANCES))
def test_strength_zero_changes_no_pixel(name: str, photo: np.ndarray, marks: np.ndarray) -> None:
    result = disturbed(name, photo, marks, 0.0)
    np.testing.assert_array_equal(result, photo)
    assert result is not photo


@pytest.mark.parametrize("name", OTHERS)
def test_more_strength_changes_more_and_the_size_stays(
    name: str, photo: np.ndarray, marks: np.ndarray
) -> None:
    before = photo.copy()
    weak, strong = (disturbed(name, photo, marks, strength) for strength in (0.33, 1.0))
    assert weak.shape == strong.shape == photo.shape
    assert weak.dtype == strong.dtype == np.uint8
    assert 0 < changed(weak, photo) < changed(strong, photo)
    np.testing.assert_array_equal(photo, before)


@pytest.mark.parametrize("name", sorted(DISTURBANCES))
def test_the_same_seed_gives_the_same_picture(name: str, photo: np.ndarray, marks: np.ndarray) -> None:
    first, second = (disturbed(name, photo, marks, 0.7, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["hair_cover", "beard", "low_light"])
def test_another_seed_gives_another_picture(name: str, photo: np.ndarray, marks: np.ndarray) -> None:
    assert changed(disturbed(name, photo, marks, 0.7, seed=5), disturbed(name, photo, marks, 0.7, seed=6)) > 0


def test_a_small_face_is_forty_pixels_wide_at_full_strength(photo: np.ndarray, marks: np.ndarray) -> None:
    width = 1.75 * float(np.linalg.norm(marks[45] - marks[36]))
    tiny, half = (disturbed("small", photo, marks, strength) for strength in (1.0, 0.5))
    assert tiny.shape[1] / photo.shape[1] * width == pytest.approx(SMALLEST_FACE_PX, abs=1)
    assert half.shape[1] ** 2 == pytest.approx(tiny.shape[1] * photo.shape[1], rel=0.02)


@pytest.mark.parametrize("name", ["hair_cover", "tinted_glasses"])
def test_what_is_worn_hides_the_right_eye(name: str, photo: np.ndarray, marks: np.ndarray) -> None:
    x, y = marks[36:42].mean(0).round().astype(int)
    eye = (slice(y - 8, y + 8), slice(x - 15, x + 15))
    assert disturbed(name, photo, marks, 1.0)[eye].mean() < 0.6 * photo[eye].mean()


def test_a_beard_leaves_eyes_and_lips_alone(photo: np.ndarray, marks: np.ndarray) -> None:
    result = disturbed("beard", photo, marks, 1.0)
    np.testing.assert_array_equal(result[:210], photo[:210])
    assert result[290:310, 190:210].mean() < 0.7 * photo[290:310, 190:210].mean()
