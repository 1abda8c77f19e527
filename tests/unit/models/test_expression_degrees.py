"""Degrees are what their definition says, whatever the face's place, size and tilt."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from facewright_models.expression import DEGREES
from facewright_models.expression.degrees import (
    LIMITS,
    Rest,
    degrees_of,
    lengths_of,
    likely_rest,
    rest_of,
)
from facewright_models.expression.eye_edges import eye_poles


def face() -> np.ndarray:
    """68 points of a plain face, the eyes 100 px apart."""
    points = np.zeros((68, 2))
    angle = np.linspace(math.pi, 0, 17)
    points[:17] = np.stack([110 * np.cos(angle), 30 + 165 * np.sin(angle)], 1)
    points[17:22] = [(-85, -25), (-70, -35), (-55, -38), (-40, -35), (-22, -30)]
    points[22:27] = points[17:22][::-1] * [-1, 1]
    points[27:31] = [(0, 0), (0, 20), (0, 40), (0, 60)]
    points[31:36] = [(-20, 68), (-10, 71), (0, 73), (10, 71), (20, 68)]
    points[36:42] = [(-66, 0), (-56, -5), (-44, -5), (-34, 0), (-44, 5), (-56, 5)]
    points[42:48] = [(34, 0), (44, -5), (56, -5), (66, 0), (56, 5), (44, 5)]
    points[48:60] = [
        *((-41, 110), (-25, 103), (-8, 100), (0, 101), (8, 100), (25, 103), (41, 110)),
        *((25, 118), (8, 122), (0, 123), (-8, 122), (-25, 118)),
    ]
    points[60:68] = [(-36, 110), (-15, 109), (0, 109), (15, 109), (36, 110), (15, 110), (0, 110), (-15, 110)]
    return points


REST = Rest(lengths=lengths_of(face()))


def changed(indices: list[int], by: tuple[float, float]) -> np.ndarray:
    points = face()
    points[indices] += by
    return points


def test_a_face_at_rest_has_open_eyes_and_nothing_else() -> None:
    degrees = degrees_of(face(), REST)
    assert tuple(degrees) == DEGREES
    assert degrees["left_eye"] == degrees["right_eye"] == 1
    assert all(degrees[name] == 0 for name in LIMITS)


@pytest.mark.parametrize("scale", [0.2, 3.0])
@pytest.mark.parametrize("tilt", [-1.0, 0.0, 2.5])
def test_place_size_and_tilt_do_not_count(scale: float, tilt: float) -> None:
    smiling = changed([48, 54], (0, -9))
    turn = scale * np.array([[math.cos(tilt), -math.sin(tilt)], [math.sin(tilt), math.cos(tilt)]])
    moved = smiling @ turn.T + [310, -40]
    assert degrees_of(moved, REST) == pytest.approx(degrees_of(smiling, REST), abs=1e-9)


def test_lids_that_meet_are_a_shut_eye_and_the_other_stays_open() -> None:
    points = face()
    points[[37, 38, 40, 41], 1] = 4
    degrees = degrees_of(points, REST)
    assert degrees["right_eye"] == 0
    assert degrees["left_eye"] == 1


def test_an_eye_opens_by_its_lids_over_its_width() -> None:
    half = face()
    half[[43, 44], 1] = 0
    assert degrees_of(half, REST)["left_eye"] == pytest.approx(0.5)


def test_a_smile_is_lift_and_width_of_the_corners() -> None:
    lifted = degrees_of(changed([48, 54], (0, -22)), REST)["smile"]
    assert lifted == pytest.approx(0.5 * 0.22 / LIMITS["smile"])
    wide = face()
    wide[[48, 54], 0] *= 1.2
    assert degrees_of(wide, REST)["smile"] > 0.2


def test_each_degree_reaches_its_limit_by_its_own_movement() -> None:
    moves = {
        "sad": ([48, 54], (0.0, 100 * LIMITS["sad"])),
        "jaw": ([7, 8, 9], (0.0, 100 * LIMITS["jaw"])),
        "brow_raise": ([17, 18, 19, 24, 25, 26], (0.0, -100 * LIMITS["brow_raise"])),
        "nose_wrinkle": ([31, 35], (0.0, -100 * LIMITS["nose_wrinkle"])),
    }
    for name, (indices, by) in moves.items():
        assert degrees_of(changed(indices, by), REST)[name] == pytest.approx(1), name
    frown = face()
    frown[[20, 21]] += [100 * LIMITS["frown"], 100 * LIMITS["frown"]]
    frown[[22, 23]] += [-100 * LIMITS["frown"], 100 * LIMITS["frown"]]
    assert degrees_of(frown, REST)["frown"] == 1


def test_a_smile_is_not_sad_and_a_dropped_mouth_does_not_smile() -> None:
    assert degrees_of(changed([48, 54], (0, -9)), REST)["sad"] == 0
    assert degrees_of(changed([48, 54], (0, 9)), REST)["smile"] == 0


def test_degrees_stay_within_their_ranges() -> None:
    wild = face() + np.random.default_rng(0).normal(0, 40, (68, 2))
    for name, value in degrees_of(wild, REST).items():
        assert 0 <= value <= (1.5 if name.endswith("_eye") else 1), name


def test_a_photo_with_a_likely_rest_is_its_own_and_shut_eyes_are_not() -> None:
    usual = rest_of(face()).lengths
    assert usual.width == lengths_of(face()).width
    shut = replace(lengths_of(face()), left_eye=0.02)
    assert likely_rest(shut).left_eye == pytest.approx(0.313)
    grinning = replace(lengths_of(face()), width=1.3)
    assert likely_rest(grinning).width < 1


@pytest.mark.parametrize("half_height", [4.0, 9.0, 14.0])
@pytest.mark.parametrize("tilt_degrees", [0.0, 20.0])
def test_edges_give_an_eyes_corners_and_the_poles_of_its_lids(
    half_height: float, tilt_degrees: float
) -> None:
    """A white eye on skin; the region that is known of it is a little too large."""
    width, center, sharp = 24.0, (128.0, 120.0), 16
    pixels = np.full((256, 256, 3), (190, 140, 120), np.uint8)
    at = tuple(round(value * sharp) for value in center)
    axes = (round(width * sharp), round(half_height * sharp))
    cv2.ellipse(pixels, at, axes, tilt_degrees, 0, 360, (250, 250, 250), -1, cv2.LINE_AA, 4)
    larger = (axes[0], axes[1] + sharp)
    probability = np.zeros((256, 256), np.float32)
    cv2.ellipse(probability, at, larger, tilt_degrees, 0, 360, 1.0, -1, cv2.LINE_AA, 4)
    poles = eye_poles(pixels, np.array([[2.0, 0, 0], [0, 2.0, 0]]) / 2, probability)
    assert poles is not None
    first, last, upper, lower = poles
    across = last - first
    assert np.hypot(*across) == pytest.approx(2 * width, abs=2.5)
    normal = np.array([-across[1], across[0]]) / np.hypot(*across)
    assert abs((lower - upper) @ normal) == pytest.approx(2 * half_height, abs=2.0)


def test_where_no_eye_is_seen_there_are_no_poles() -> None:
    nothing = np.zeros((256, 256), np.float32)
    assert eye_poles(np.zeros((256, 256, 3), np.uint8), np.eye(2, 3), nothing) is None
    nothing[10, 10] = 1
    assert eye_poles(np.zeros((256, 256, 3), np.uint8), np.eye(2, 3), nothing) is None


def test_eyes_that_lie_on_each_other_are_no_face() -> None:
    points = face()
    points[36:48] = 0
    with pytest.raises(ValueError, match="eyes"):
        lengths_of(points)
