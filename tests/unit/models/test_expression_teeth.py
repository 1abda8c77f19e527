"""Teeth are found where they are drawn, and lit as the whites of the eyes are."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facewright_models.expression.guide import MovedFace
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.lighting import evened, usual_light
from facewright_models.expression.partly_shut import partly_shut
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.shots import Shot
from facewright_models.expression.teeth import drawn_teeth, found_teeth, mirrored_teeth, usual_teeth
from facewright_models.expression.types import DEGREES
from facewright_models.landmarks.crops import apply, inverse
from unit.models.test_closer_look import points_of_a_face

WHOLE = np.array([[1.0, 0, 0], [0, 1.0, 0]])
SIDE = 420
USUAL_WHITE = 0.62


def smiling_points() -> np.ndarray:
    """Lips that show 18 px of teeth."""
    points = points_of_a_face()
    points[[60, 64], 1] = 150 + 104
    points[[61, 62, 63], 1] = 150 + 98
    points[[65, 66, 67], 1] = 150 + 116
    return points


def smiling_face(teeth: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Skin with an open mouth in which teeth of that place shine."""
    pixels = np.full((SIDE, SIDE, 3), 150, np.uint8)
    inside = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(inside, [np.round(points[60:68]).astype(np.int32)], 1)
    shine = 40 + 180 * drawn_teeth(teeth, points, WHOLE, SIDE)
    return np.where(inside[..., None] == 1, shine[..., None], pixels).astype(np.uint8)


def shifted(teeth: np.ndarray, across: float, down: float) -> np.ndarray:
    moved = teeth.copy()
    moved[:, 2] += teeth[:, :2] @ np.array([across, down])
    return moved


@pytest.mark.parametrize(("across", "down"), [(0.0, 0.0), (1.5, 0.0), (-1.0, 1.5), (0.5, -2.0)])
def test_teeth_are_found_where_a_photo_shows_them(across: float, down: float) -> None:
    points = smiling_points()
    usual = usual_teeth(points)
    true = shifted(usual, across, down)
    found = found_teeth(smiling_face(true, points), points)
    assert found is not None
    unit = float(np.hypot(*usual[:, 0]))
    off = (found[:, 2] - true[:, 2]) / unit
    assert abs(off[0]) < 0.5
    assert abs(off[1]) < 1.2
    assert abs(off[0]) <= abs(across) + 0.3


def test_closed_lips_show_no_teeth() -> None:
    points = points_of_a_face()
    points[[65, 66, 67], 1] = points[[63, 62, 61], 1]
    assert found_teeth(smiling_face(usual_teeth(points), points), points) is None


def test_a_mouth_of_one_colour_shows_no_teeth() -> None:
    assert found_teeth(np.full((SIDE, SIDE, 3), 90, np.uint8), smiling_points()) is None


def test_teeth_turn_and_grow_with_the_face() -> None:
    points = smiling_points()
    turn = 1.7 * np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    marks = np.array([[0.0, 0.0], [8.0, -5.0], [-3.0, -9.0]])
    assert apply(usual_teeth(points @ turn.T), marks) == pytest.approx(
        apply(usual_teeth(points), marks) @ turn.T
    )


def test_the_drawing_is_symmetric_and_its_middle_is_a_gap_between_teeth() -> None:
    points = smiling_points()
    teeth = usual_teeth(points)
    drawing = drawn_teeth(teeth, points, WHOLE, SIDE)
    column, row = apply(teeth, np.array([[0.0, -4.0]]))[0].round().astype(int)
    assert drawing[row, column - 1 : column + 2].min() < 0.5
    for beside in (4.0, -4.0):
        column, row = apply(teeth, np.array([[beside, -4.0]]))[0].round().astype(int)
        assert drawing[row, column] == pytest.approx(1)
    mirrored = drawn_teeth(mirrored_teeth(teeth, SIDE), points * [-1, 1] + [SIDE - 1, 0], WHOLE, SIDE)
    assert np.abs(mirrored[:, ::-1] - drawing).mean() < 2e-3


def test_between_teeth_their_sides_are_seen_and_between_lips_the_dark() -> None:
    points = smiling_points()
    points[[65, 66, 67], 1] += 40
    teeth = usual_teeth(points)
    drawing = drawn_teeth(teeth, points, WHOLE, SIDE)
    for across in (8.5, -8.5):
        column, row = apply(teeth, np.array([[across, -5.0]]))[0].round().astype(int)
        assert 0.25 < drawing[row, column - 1 : column + 2].min() < 0.7
    column, row = apply(teeth, np.array([[0.0, 3.0]]))[0].round().astype(int)
    assert drawing[row, column] == 0


def test_upper_teeth_stand_in_gums() -> None:
    points = smiling_points()
    teeth = usual_teeth(points)
    drawing = drawn_teeth(teeth, points, WHOLE, SIDE)
    for across in (-10.0, 0.0, 10.0):
        column, row = apply(teeth, np.array([[across, -14.0]]))[0].round().astype(int)
        assert 0.08 < drawing[row, column] < 0.16


def test_lower_teeth_are_seen_once_a_mouth_opens_wide_and_go_with_the_lip() -> None:
    points = smiling_points()
    teeth = usual_teeth(points)

    def lower_rows(drop: float) -> np.ndarray:
        face = points.copy()
        face[[65, 66, 67], 1] += drop
        drawing = drawn_teeth(teeth, face, WHOLE, SIDE)
        return np.flatnonzero(((drawing > 0.3) & (drawing < 0.7)).sum(1) > 40)

    assert not lower_rows(0.0).size
    some, more = lower_rows(30.0), lower_rows(50.0)
    assert more[0] - some[0] == pytest.approx(20, abs=2)


@pytest.mark.parametrize("half", HALVES)
def test_a_guide_draws_teeth_between_lips_that_part(half: str) -> None:
    points = points_of_a_face()
    points[60:68, 1] = points[62, 1]
    for region in HALVES[half].fine.values():
        matrix = region_of(points, region)
        shut = MovedFace(points, points[:68], HALVES[half]).guide(region, matrix).drawn
        assert shut[4].max() < 0.15
        opened = MovedFace(points, smiling_points()[:68], HALVES[half]).guide(region, matrix).drawn
        assert opened[4].any() == (half == "lower")
        assert (opened[4] <= opened[2] + 1e-6).all()


def test_a_guide_draws_teeth_where_they_are_known_to_lie() -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    matrix = region_of(points, half.fine["mouth"])
    usual = usual_teeth(points)
    goal = smiling_points()[:68]

    def middle(teeth: np.ndarray | None) -> float:
        drawn = MovedFace(points, goal, half, teeth).guide(half.fine["mouth"], matrix).drawn[4]
        gap = apply(inverse(matrix), apply(usual if teeth is None else teeth, np.array([[0.0, -2.0]])))[0]
        column, row = gap.round().astype(int)
        return float(drawn[row, column - 1 : column + 2].min() / drawn[row, column + 4])

    assert middle(None) < 0.8
    assert middle(shifted(usual, 3.0, 0.0)) < 0.8


def test_a_mirrored_shot_has_mirrored_teeth() -> None:
    points = smiling_points()
    teeth = shifted(usual_teeth(points), 2.0, 1.0)
    light = np.array([1.2, 1.0, 0.9], np.float32)
    pixels = np.zeros((SIDE, SIDE, 3), np.uint8)
    shot = Shot(pixels=pixels, points=points, degrees=np.zeros(8), teeth=teeth, light=light)
    mirrored = shot.mirrored()
    assert mirrored.teeth is not None
    assert mirrored.teeth[:, 2] == pytest.approx(teeth[:, 2] * [-1, 1] + [SIDE - 1, 0])
    assert mirrored.mirrored().teeth == pytest.approx(teeth)
    assert np.array_equal(mirrored.light, light)


def motion_of_lips() -> LandmarkMotion:
    """A smile that lowers the lower lip and widens the mouth."""
    ways = np.zeros((2, 8, 68, 2))
    ways[0, DEGREES.index("smile"), [55, 56, 57, 58, 59, 65, 66, 67], 1] = 0.6
    ways[0, DEGREES.index("smile"), 48, 0], ways[0, DEGREES.index("smile"), 54, 0] = -0.5, 0.5
    return LandmarkMotion(ways)


def broadly_smiling() -> Shot:
    points = smiling_points()
    teeth = usual_teeth(points)
    degrees = np.zeros(8)
    degrees[[DEGREES.index("smile"), 0, 1]] = 1
    return Shot(pixels=smiling_face(teeth, points), points=points, degrees=degrees, teeth=teeth)


def test_a_mouth_that_is_partly_shut_shows_fewer_of_the_same_teeth() -> None:
    shot = broadly_smiling()
    shut = partly_shut(shot, motion_of_lips(), 0.4)
    smile = DEGREES.index("smile")
    assert shut.degrees[smile] == pytest.approx(0.4, abs=0.1)
    gap, before = (face.points[66, 1] - face.points[62, 1] for face in (shut, shot))
    assert 1 < gap < before - 2
    assert np.array_equal(shut.points[17:31], shot.points[17:31])
    middle = np.s_[int(shut.points[62, 1]) + 2 : int(shut.points[66, 1]) - 1, 185:216]
    assert np.abs(shut.pixels[middle].astype(int) - shot.pixels[middle]).mean() < 3
    below = np.s_[int(shut.points[66, 1]) + 2 : int(shot.points[66, 1]) - 1, 190:211]
    assert shut.pixels[below].mean() == pytest.approx(150, abs=12)
    assert shut.teeth is shot.teeth


def test_a_mouth_whose_share_is_whole_stays_as_it_is() -> None:
    shot = broadly_smiling()
    same = partly_shut(shot, motion_of_lips(), 1.0)
    assert np.abs(same.pixels.astype(int) - shot.pixels).max() <= 2
    assert same.points == pytest.approx(shot.points, abs=1e-6)


def test_no_line_is_left_where_closed_lips_met() -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    points[60:68, 1] = 150 + 107
    region = half.fine["mouth"]
    matrix = region_of(points, region)
    revealed = MovedFace(points, smiling_points()[:68], half).guide(region, matrix).drawn[3]
    column, row = apply(inverse(matrix), np.array([[200.0, 257.0]]))[0].round().astype(int)
    assert revealed[row - 3 : row + 4, column].min() > 0.95


def test_lifted_lips_that_hardly_part_show_the_dark_between_them_and_not_what_was_there() -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    points[60:68, 1] = 150 + 107
    parted = points[:68].copy()
    parted[48:68, 1] -= 10
    parted[[61, 62, 63], 1] -= 1
    parted[[65, 66, 67], 1] += 1
    region = half.fine["mouth"]
    matrix = region_of(points, region)
    drawn = MovedFace(points, parted, half).guide(region, matrix).drawn
    assert drawn[2].max() > 0.8
    between = (drawn[2] > 0.8) & (drawn[0] + drawn[1] > 0)
    assert drawn[3][between].min() > 0.5


def test_a_mouth_that_shuts_keeps_the_teeth_that_are_seen_on() -> None:
    shot, half = broadly_smiling(), HALVES["lower"]
    shut = partly_shut(shot, motion_of_lips(), 0.6).points
    region = half.fine["mouth"]
    matrix = region_of(shot.points, region)
    revealed = MovedFace(shot.points, shut[:68], half).guide(region, matrix).drawn[3]
    centre = apply(inverse(matrix), shut[[62, 66]].mean(0)[None])[0].round().astype(int)
    assert revealed[centre[1] - 1 : centre[1] + 2, centre[0] - 12 : centre[0] + 13].max() == 0


def eyes_of(white: np.ndarray) -> np.ndarray:
    """Eyes of some colour with dark irises, in skin."""
    pixels = np.full((SIDE, SIDE, 3), (150, 100, 80), np.uint8)
    points = points_of_a_face()
    for eye in (points[36:42], points[42:48]):
        cv2.fillPoly(pixels, [np.round(eye).astype(np.int32)], np.round(255 * white).tolist())
        cv2.circle(pixels, tuple(np.round(eye.mean(0)).astype(int).tolist()), 4, (30, 20, 20), -1)
    return pixels


@pytest.mark.parametrize("light", [(1.0, 1.0, 1.0), (0.6, 0.6, 0.6), (1.2, 0.8, 0.75)])
def test_light_is_measured_by_the_whites_of_the_eyes(light: tuple[float, float, float]) -> None:
    gains = usual_light(eyes_of(USUAL_WHITE * np.array(light)), points_of_a_face())
    assert gains == pytest.approx(1 / np.array(light), rel=0.08)


def test_a_large_photo_says_the_same_of_its_light() -> None:
    pixels = eyes_of(np.full(3, 0.4))
    large = cv2.resize(pixels, None, fx=5, fy=5, interpolation=cv2.INTER_NEAREST)
    points = points_of_a_face()
    assert usual_light(large, 5 * points + 2) == pytest.approx(usual_light(pixels, points), rel=0.1)


def test_light_is_taken_as_it_is_where_eyes_can_not_tell() -> None:
    shut = points_of_a_face()
    shut[[37, 38, 43, 44], 1] = shut[[41, 40, 47, 46], 1]
    assert np.array_equal(usual_light(eyes_of(np.full(3, 0.3)), shut), np.ones(3))
    tiny = points_of_a_face() / 20
    assert np.array_equal(usual_light(np.zeros((21, 21, 3), np.uint8), tiny), np.ones(3))


def test_eyes_that_show_no_white_do_not_make_a_bright_face_brighter_than_faces_are() -> None:
    bright = eyes_of(np.array([0.37, 0.28, 0.27]))
    bright[(bright == (150, 100, 80)).all(2)] = (166, 125, 117)
    gains = usual_light(bright, points_of_a_face())
    skin = gains * np.array([166, 125, 117]) / 255
    assert skin @ [0.299, 0.587, 0.114] == pytest.approx(0.75, abs=0.03)
    # Nor does the red of lids make teeth blue or green.
    assert gains.max() / gains.min() < 1.12
    # A cheek in the sun beside one in the shade says nothing of that kind.
    points = points_of_a_face()
    one_sided = bright.copy()
    one_sided[:, : int(points[30, 0])] = np.where(
        (bright == (166, 125, 117)).all(2, keepdims=True), np.uint8(20), bright
    )[:, : int(points[30, 0])]
    assert usual_light(one_sided, points) == pytest.approx(0.62 / np.array([0.37, 0.28, 0.27]), rel=0.08)
    # In a dark face the same eyes are white ones in the shade.
    dark = np.where((bright == (166, 125, 117)).all(2, keepdims=True), np.uint8(60), bright)
    assert usual_light(dark, points_of_a_face()) == pytest.approx(
        0.62 / np.array([0.37, 0.28, 0.27]), rel=0.08
    )


def test_eyes_without_any_light_do_not_make_gains_endless() -> None:
    assert usual_light(np.zeros((SIDE, SIDE, 3), np.uint8), points_of_a_face()).max() <= 2.5


def test_a_dim_face_is_shown_in_usual_light_and_what_is_far_from_it_as_it_is() -> None:
    light = np.array([0.7, 0.5, 0.55])
    points = points_of_a_face()
    usual = np.pad(eyes_of(np.full(3, 0.62)), ((0, 0), (0, 900), (0, 0)), constant_values=80)
    dim = np.rint(usual * light).astype(np.uint8)
    shown = evened(dim, points)
    low, high = points[:68].min(0).astype(int), points[:68].max(0).astype(int)
    face = np.s_[low[1] : high[1], low[0] : high[0]]
    assert np.abs(shown[face].astype(int) - usual[face]).mean() < 8
    assert np.abs(dim[face].astype(int) - usual[face]).mean() > 40
    assert np.array_equal(shown[:, 1000:], dim[:, 1000:])
    assert np.array_equal(dim, np.rint(usual * light).astype(np.uint8))


def test_a_face_beside_the_photo_changes_nothing_of_it() -> None:
    pixels = eyes_of(np.full(3, 0.31))
    assert np.array_equal(evened(pixels, points_of_a_face() - [1500, 0]), pixels)
    assert np.array_equal(evened(pixels, points_of_a_face() + np.full(2, 1500)), pixels)


def test_a_face_that_reaches_over_the_border_is_evened_as_far_as_it_is_seen() -> None:
    pixels = eyes_of(np.full(3, 0.31))
    corner = points_of_a_face()[27].astype(int)
    shown = evened(
        np.ascontiguousarray(pixels[corner[1] - 60 :, : corner[0]]), points_of_a_face() - [0, corner[1] - 60]
    )
    assert shown.shape == (SIDE - corner[1] + 60, corner[0], 3)
    assert shown.mean() > 1.5 * pixels[corner[1] - 60 :, : corner[0]].mean()


def test_a_wide_mouth_shows_a_tongue_and_the_dark_above_and_beside_it() -> None:
    points = smiling_points()
    teeth = usual_teeth(points)
    wide = points.copy()
    wide[[65, 66, 67], 1] += 40
    lip = float(apply(inverse(teeth), wide[[66]])[0, 1])
    places = np.array([[0.0, lip - 6], [0.0, 2.0], [-26.0, lip - 6], [26.0, lip - 6]])
    shut, opened = (drawn_teeth(teeth, each, WHOLE, SIDE) for each in (points, wide))
    columns, rows = apply(teeth, places).round().astype(int).T
    tongue, *dark = opened[rows, columns]
    assert 0.02 < tongue < 0.1
    assert dark == [0, 0, 0]
    assert shut[rows, columns].max() == 0


def test_a_mouth_that_opens_shows_its_teeth_little_by_little() -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    points[60:68, 1] = points[62, 1]
    region = half.fine["mouth"]
    matrix = region_of(points, region)
    shown = []
    for drop in range(0, 26, 2):
        goal = points[:68].copy()
        goal[[65, 66, 67], 1] += drop
        shown.append(float(MovedFace(points, goal, half).guide(region, matrix).drawn[4].max()))
    assert shown[0] == 0
    assert shown[-1] == pytest.approx(1, abs=0.02)
    assert (np.diff(shown) >= -0.02).all()
    assert np.diff(shown).max() < 0.5
