"""How much of what differs between people a landmark model finds."""

import numpy as np
import pytest

from facewright_models.evaluation.landmark_differences import difference_rows, shape

GROUPS = {"all": slice(0, 68), "mouth": slice(48, 68)}


@pytest.fixture
def truth() -> np.ndarray:
    generator = np.random.default_rng(0)
    return generator.uniform(0, 300, (68, 2)) + generator.normal(0, 4, (20, 68, 2))


def test_a_shape_has_no_place_tilt_and_size(truth: np.ndarray) -> None:
    points = truth[0]
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    np.testing.assert_allclose(shape(2.5 * points @ turn.T + [30, -70]), shape(points), atol=1e-9)
    middle = shape(points)[36:48].reshape(2, 6, 2).mean(1)
    np.testing.assert_allclose(middle, [[-0.5, 0], [0.5, 0]], atol=1e-9)


def test_the_average_person_explains_nothing_and_the_truth_all(truth: np.ndarray) -> None:
    average = np.repeat(truth[:1], len(truth), 0)
    rows = {row.name.rpartition(": ")[2]: row for row in difference_rows(truth, truth, average, GROUPS)}
    assert rows["all"].measured == pytest.approx(1)
    assert rows["mouth"].baselines["dlib"] == pytest.approx(0)


def test_half_of_every_difference_is_three_quarters_of_the_variance(truth: np.ndarray) -> None:
    shapes = np.array([shape(points) for points in truth])
    half = (shapes + shapes.mean(0)) / 2
    half[:, 36:48] = shapes[:, 36:48]  # the frame of the shapes stays
    (row,) = difference_rows(shapes, half, shapes, {"mouth": slice(48, 68)})
    assert row.measured == pytest.approx(0.75)


def test_what_is_off_for_everybody_does_not_count(truth: np.ndarray) -> None:
    shapes = np.array([shape(points) for points in truth])
    moved = shapes.copy()
    moved[:, 48:] += 0.05
    (row,) = difference_rows(shapes, moved, shapes, {"mouth": slice(48, 68)})
    assert row.measured == pytest.approx(1)
