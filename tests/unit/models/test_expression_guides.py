"""Landmarks that go where degrees want them, and what that says about regions of a face."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facewright_models.expression.degrees import Rest, lengths_of, strengths_of
from facewright_models.expression.guide import GUIDE_LINES, MovedFace, openings
from facewright_models.expression.landmark_motion import ActedPair, LandmarkMotion
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.types import DEGREES
from facewright_models.landmarks.crops import apply, inverse
from unit.models.test_closer_look import points_of_a_face

UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]
AT_REST = np.array([1.0, 1.0, 0, 0, 0, 0, 0, 0])


ACTIONS = (
    *("eyeBlinkLeft", "eyeBlinkRight", "jawOpen", "browInnerUp"),
    *(
        f"{name}{side}"
        for name in ("mouthSmile", "mouthFrown", "browOuterUp", "browDown", "noseSneer", "mouthUpperUp")
        for side in ("Left", "Right")
    ),
)


def acting(points: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """A face whose parts do what the facial actions say, a few pixels each."""
    moved = points.copy()
    did = dict(zip(ACTIONS, weights, strict=True))
    for side, (upper, lower), corner, brow in (
        ("Right", ([37, 38], [41, 40]), 48, [17, 18, 19, 20, 21]),
        ("Left", ([43, 44], [47, 46]), 54, [22, 23, 24, 25, 26]),
    ):
        moved[upper, 1] += did[f"eyeBlink{side}"] * (points[lower, 1] - points[upper, 1])
        outwards = np.sign(points[corner, 0] - points[51, 0])
        moved[corner] += did[f"mouthSmile{side}"] * np.array([8 * outwards, -14])
        moved[corner, 1] += 8 * did[f"mouthFrown{side}"]
        moved[brow, 1] += 10 * did[f"browDown{side}"] - 9 * did[f"browOuterUp{side}"]
        moved[31 if side == "Right" else 35, 1] -= 4 * did[f"noseSneer{side}"]
        moved[[50, 51, 52], 1] -= 2 * did[f"mouthUpperUp{side}"]
    moved[[20, 21, 22, 23], 1] -= 6 * did["browInnerUp"]
    moved[[5, 6, 7, 8, 9, 10, 11, 57, 66], 1] += 25 * did["jawOpen"]
    moved[[48, 54], 1] += 5 * did["jawOpen"]  # a mouth's corners drop along, which measures as sad
    return moved


def acted_pairs(count: int, seed: int) -> list[ActedPair]:
    generator = np.random.default_rng(seed)
    points = points_of_a_face()
    pairs = []
    for _ in range(count):
        before, after = generator.uniform(0, 1, (2, len(ACTIONS)))
        pairs.append(ActedPair(a=acting(points, before), b=acting(points, after), change=after - before))
    return pairs


@pytest.fixture(scope="module")
def motion() -> LandmarkMotion:
    return LandmarkMotion.fitted(acted_pairs(200, 0), ACTIONS)


def measured(points: np.ndarray, at_rest: np.ndarray) -> np.ndarray:
    strengths = strengths_of(lengths_of(points), Rest(lengths=lengths_of(at_rest)))
    return np.array([strengths[name] for name in DEGREES])


@pytest.mark.parametrize(
    ("name", "wanted"), [(name, value) for name in DEGREES if "_eye" not in name for value in (0.4, 1.0)]
)
def test_landmarks_go_where_a_degree_is_measured_as_wanted(
    motion: LandmarkMotion, name: str, wanted: float
) -> None:
    points = points_of_a_face()
    goal = AT_REST.copy()
    goal[DEGREES.index(name)] = wanted
    index = DEGREES.index(name)
    moved = motion.moved(points, AT_REST, goal)
    assert measured(moved, points)[index] == pytest.approx(wanted, abs=0.03)
    assert motion.shown(points, AT_REST, moved) == pytest.approx(
        np.clip(measured(moved, points), -0.6, 1.6), abs=0.06
    )


def test_what_a_movement_brings_along_is_not_taken_back(motion: LandmarkMotion) -> None:
    points = points_of_a_face()
    goal = AT_REST.copy()
    goal[DEGREES.index("jaw")] = 0.8
    moved = motion.moved(points, AT_REST, goal)
    assert moved[48, 1] - points[48, 1] == pytest.approx(0.2 * (moved[8, 1] - points[8, 1]), rel=0.1)
    assert motion.shown(points, AT_REST, moved)[DEGREES.index("sad")] > 0.1


def test_eyes_shut_one_by_one_and_stay_shut_when_asked_for_less(motion: LandmarkMotion) -> None:
    points = points_of_a_face()
    goal = AT_REST.copy()
    goal[0] = 0.0
    found = measured(motion.moved(points, AT_REST, goal), points)
    assert found[:2] == pytest.approx([0, 1], abs=0.05)
    goal[0] = -0.3
    assert motion.moved(points, AT_REST, goal) == pytest.approx(
        motion.moved(points, AT_REST, np.array([0.0, *AT_REST[1:]]))
    )


def test_an_eye_that_is_shut_opens_as_far_as_eyes_usually_do(motion: LandmarkMotion) -> None:
    points = points_of_a_face()
    shut = points.copy()
    shut[UPPER_LIDS, 1] = shut[LOWER_LIDS, 1]
    opened = motion.moved(shut, np.array([0.0, 0.0, *AT_REST[2:]]), AT_REST)
    assert lengths_of(opened).left_eye == pytest.approx(0.31, abs=0.03)


def test_nothing_asked_moves_nothing_and_no_half_moves_the_other(motion: LandmarkMotion) -> None:
    points = points_of_a_face()
    assert np.array_equal(motion.moved(points, AT_REST, AT_REST), points[:68])
    moved = motion.moved(points, AT_REST, np.array([1.0, 1.0, 1.0, 0, 0.5, 0, 0, 0.5]))
    upper = list(HALVES["upper"].moving)
    assert np.array_equal(moved[upper], points[upper])
    assert not set(upper) & set(HALVES["lower"].moving)


def test_smiles_of_photos_say_where_a_smile_goes_and_nothing_else() -> None:
    points = points_of_a_face()
    exact = acted_pairs(100, 1)
    smile = points.copy()
    smile[[48, 54], 1] -= 15
    smile[66, 1] += 12  # and the lower lip drops, which is no degree
    plain = LandmarkMotion.fitted(exact, ACTIONS)
    with_photos = LandmarkMotion.fitted(exact, ACTIONS, smiles=[(points, smile)] * 3)
    index = DEGREES.index("smile")
    others = [each for each in range(len(DEGREES)) if each != index]
    assert np.array_equal(plain.ways[:, others], with_photos.ways[:, others])
    goal = AT_REST.copy()
    goal[index] = measured(smile, points)[index]
    moved = with_photos.moved(points, AT_REST, goal)
    assert moved[66, 1] - points[66, 1] == pytest.approx(12, abs=1.0)
    assert plain.moved(points, AT_REST, goal)[66, 1] == pytest.approx(points[66, 1], abs=1.0)


def test_a_slight_smile_keeps_its_lips_shut_and_a_broad_one_does_not() -> None:
    points = points_of_a_face()
    smiles = []
    for strength in (0.3, 0.6, 0.9, 1.2):
        smile = points.copy()
        smile[[48, 54], 1] -= 30 * strength
        smile[66, 1] += 20 * max(strength - 0.5, 0)
        smiles.append((points, smile))
    motion = LandmarkMotion.fitted(acted_pairs(50, 3), ACTIONS, smiles=smiles)
    index = DEGREES.index("smile")

    def gap(face: np.ndarray, degrees: np.ndarray, wanted: float) -> float:
        goal = degrees.copy()
        goal[index] = wanted
        moved = motion.moved(face, degrees, goal)
        return float(moved[66, 1] - points[66, 1])

    slight, broad = measured(smiles[0][1], points)[index], measured(smiles[3][1], points)[index]
    assert gap(points, AT_REST, slight) == pytest.approx(0, abs=1.5)
    assert gap(points, AT_REST, broad) == pytest.approx(14, abs=3)
    # From a broad smile back to rest the lips shut again.
    smiling = AT_REST.copy()
    smiling[index] = broad
    assert gap(smiles[3][1], smiling, 0.0) == pytest.approx(0, abs=3)


def test_a_rig_without_an_action_leaves_its_degree_unmoved() -> None:
    pairs = acted_pairs(50, 2)
    kept = [index for index, name in enumerate(ACTIONS) if name != "jawOpen"]
    lipless = LandmarkMotion.fitted(
        [ActedPair(a=pair.a, b=pair.b, change=pair.change[kept]) for pair in pairs],
        [ACTIONS[index] for index in kept],
    )
    assert not lipless.ways[:, DEGREES.index("jaw")].any()


def guided(moved: np.ndarray, half: str, region: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The guide's moves and drawings of a fine region, and the way to it."""
    points = points_of_a_face()
    fine = HALVES[half].fine[region]
    matrix = region_of(points, fine)
    guide = MovedFace(points, moved[:68], HALVES[half]).guide(fine, matrix)
    assert guide.moved.shape == (2, fine.side_px, fine.side_px)
    assert guide.drawn.shape == (GUIDE_LINES, fine.side_px, fine.side_px)
    assert guide.moved.dtype == guide.drawn.dtype == np.float32
    return guide.moved * (fine.side_px / 2), guide.drawn, inverse(matrix)


def at(values: np.ndarray, place: np.ndarray) -> np.ndarray:
    column, row = np.round(place).astype(int)
    return values[..., row, column]


def test_what_is_seen_at_a_moved_landmark_came_from_where_it_was() -> None:
    points = points_of_a_face()
    moved = points.copy()
    moved[48:68, 1] -= 12
    moves, _, to_region = guided(moved, "lower", "mouth")
    here, there = apply(to_region, moved[[48]])[0], apply(to_region, points[[48]])[0]
    assert at(moves, here) == pytest.approx(there - here, abs=1.5)
    assert at(moves, apply(to_region, points[[30]])[0]) == pytest.approx([0, 0], abs=1.5)


@pytest.mark.parametrize("eye", ["right_eye", "left_eye"])
def test_a_lid_that_shuts_brings_the_skin_above_it_down_to_a_seam(eye: str) -> None:
    points = points_of_a_face()
    moved = points.copy()
    moved[UPPER_LIDS, 1] = moved[LOWER_LIDS, 1]
    moves, drawn, to_region = guided(moved, "upper", eye)
    lid, lower = (37, 41) if eye == "right_eye" else (44, 46)
    before, after = apply(to_region, points[[lid]])[0], apply(to_region, points[[lower]])[0]
    just_above = np.subtract(after, [0, 2])
    assert just_above[1] + at(moves, just_above)[1] < before[1] + 1
    just_below = np.add(after, [0, 2])
    assert at(moves, just_below)[1] == pytest.approx(0, abs=1.5)
    # From above the seam to below it, places never turn back.
    column = np.round(after[0]).astype(int)
    came_from = np.arange(moves.shape[1]) + moves[1, :, column]
    assert (np.diff(came_from) > -0.5).all()
    assert drawn[3].max() < 0.5


def test_lashes_go_along_with_a_lid_and_none_of_the_eye_does() -> None:
    points = points_of_a_face()
    shut = points.copy()
    shut[UPPER_LIDS, 1] = shut[LOWER_LIDS, 1]
    moves, _, to_region = guided(shut, "upper", "right_eye")
    lid, seam = (apply(to_region, face[[37]])[0] for face in (points, shut))
    column, row = np.round(seam).astype(int)
    came_from = np.arange(row) + moves[1, :row, column]
    assert came_from[-1] < lid[1] - 0.5
    # They are drawn out, but to less than skin above them, which is stretched most.
    drawn_out = 1 / np.diff(came_from)[-24:]
    assert drawn_out[-3:].max() < 2.5
    assert drawn_out.max() == drawn_out[6:15].max() > 4


def test_an_eye_stands_still_behind_lids_that_half_shut() -> None:
    points = points_of_a_face()
    moved = points.copy()
    moved[UPPER_LIDS, 1] += 0.5 * (points[LOWER_LIDS, 1] - points[UPPER_LIDS, 1])
    moves, drawn, to_region = guided(moved, "upper", "right_eye")
    pupil = apply(to_region, (0.25 * moved[[37, 38]] + 0.75 * moved[[41, 40]]).mean(0)[None])[0]
    assert at(moves, pupil) == pytest.approx([0, 0], abs=0.5)
    assert at(drawn[2], pupil) > 0.9
    assert drawn[3].max() < 0.6


def test_lids_that_stay_shut_do_not_move() -> None:
    shut = points_of_a_face()
    shut[UPPER_LIDS, 1] = shut[LOWER_LIDS, 1]
    half = HALVES["upper"]
    region = half.fine["right_eye"]
    assert not MovedFace(shut, shut[:68], half).guide(region, region_of(shut, region)).moved.any()


def test_teeth_stand_still_and_lips_meet_in_a_seam_when_an_open_mouth_shuts() -> None:
    points = points_of_a_face()
    opened = points.copy()
    opened[[65, 66, 67], 1] += 24
    opened[[55, 56, 57, 58, 59], 1] += 24
    half = HALVES["lower"]
    region = half.fine["mouth"]
    matrix = region_of(opened, region)
    to_region = inverse(matrix)

    def moves(to: np.ndarray) -> np.ndarray:
        return MovedFace(opened, to[:68], half).guide(region, matrix).moved * (region.side_px / 2)

    halfway = opened.copy()
    halfway[[65, 66, 67], 1] -= 12
    halfway[[55, 56, 57, 58, 59], 1] -= 12
    teeth = apply(to_region, halfway[[62, 66]].mean(0)[None])[0]
    assert at(moves(halfway), teeth) == pytest.approx([0, 0], abs=0.01)
    shut = opened.copy()
    shut[[65, 66, 67], 1] = shut[[63, 62, 61], 1]
    shut[[55, 56, 57, 58, 59], 1] -= 24
    seam, lower_lip = (apply(to_region, face[[66]])[0] for face in (shut, opened))
    below, above = np.add(seam, [0, 3]), np.subtract(seam, [0, 3])
    assert below[1] + at(moves(shut), below)[1] > lower_lip[1] - 0.1 * (lower_lip - seam)[1]
    assert above[1] + at(moves(shut), above)[1] < seam[1]


def lips_at_rest() -> np.ndarray:
    """Shut lips with red above and below their seam, and corners of the inner edge well inside of the outer ones."""
    points = points_of_a_face()
    points[60:68, 1] = points[60, 1]
    points[49:54, 1] -= 14
    points[55:60, 1] += 14
    points[60, 0] += 6
    points[64, 0] -= 6
    return points


def test_lips_that_stay_as_they_are_do_not_move() -> None:
    moves, drawn, _ = guided(points_of_a_face(), "lower", "mouth")
    assert np.abs(moves).max() < 1e-3
    assert drawn[3].max() < 0.1
    shut = lips_at_rest()
    half = HALVES["lower"]
    region = half.fine["mouth"]
    guide = MovedFace(shut, shut[:68], half).guide(region, region_of(shut, region))
    assert np.abs(guide.moved).max() < 1e-5


def test_lips_that_shut_leave_nothing_dark_in_the_corners_of_a_mouth() -> None:
    shut = lips_at_rest()
    smiling = shut.copy()
    smiling[[61, 62, 63], 1] -= 6
    smiling[[65, 66, 67], 1] += 18
    smiling[[55, 56, 57, 58, 59], 1] += 14
    half = HALVES["lower"]
    region = half.fine["mouth"]
    matrix = region_of(smiling, region)
    photo = np.full((region.side_px, region.side_px), 200, np.uint8)
    # A mouth is dark from one outer corner to the other, and a little further than landmarks say.
    upper = smiling[[48, 61, 62, 63, 54]] - [0, 1]
    lower = smiling[[65, 66, 67]] + [0, 1]
    outline = apply(inverse(matrix), np.concatenate([upper, lower]))
    cv2.fillPoly(photo, [np.round(outline).astype(np.int32)], 20)
    moved = MovedFace(smiling, shut[:68], half).guide(region, matrix).moved * (region.side_px / 2)
    y, x = np.mgrid[: region.side_px, : region.side_px].astype(np.float32)
    places = x + moved[0], y + moved[1]
    after = cv2.remap(photo, *places, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    assert (photo < 110).sum() > 400
    assert (after < 110).sum() < 0.05 * (photo < 110).sum()


def test_only_what_no_opening_showed_before_comes_to_light() -> None:
    points = points_of_a_face()
    shut = points.copy()
    shut[[61, 62, 63], 1] = shut[[67, 66, 65], 1] = points[[61, 62, 63], 1]
    opened = shut.copy()
    opened[[65, 66, 67], 1] += 25
    half = HALVES["lower"]
    region = half.fine["mouth"]
    matrix = region_of(shut, region)
    revealed = MovedFace(shut, opened[:68], half).guide(region, matrix).drawn[3]
    middle = apply(inverse(matrix), opened[[62, 66]].mean(0)[None])[0]
    assert at(revealed, middle) > 0.8
    assert at(revealed, apply(inverse(matrix), opened[[33]])[0]) == 0
    still = MovedFace(opened, opened[:68], half).guide(region, matrix).drawn[3]
    assert still.max() < 0.1


def test_lips_that_slide_along_their_own_edge_bring_no_teeth_along() -> None:
    points = points_of_a_face()
    middle = points[48:68, 0].mean()
    smiling, narrow = points.copy(), points.copy()
    smiling[48:68, 0] = middle + 1.3 * (points[48:68, 0] - middle)
    smiling[[65, 66, 67], 1] += 16
    smiling[[48, 54, 60, 64], 1] -= 8
    narrow[[65, 66, 67], 1] += 30
    narrow[[65, 67], 0] += [-8, 8]
    half = HALVES["lower"]
    region = half.fine["mouth"]
    matrix = region_of(smiling, region)
    guide = MovedFace(smiling, narrow[:68], half).guide(region, matrix)
    a, b = (apply(inverse(matrix), each[:68]) for each in (smiling, narrow))
    opening = openings(a, region.side_px)
    columns = np.linspace(b[60, 0], b[64, 0], 9)[1:-1]
    for x in columns:
        column = round(x)
        edge = int(np.flatnonzero(openings(b, region.side_px)[:, column] > 0.5).max()) + 1
        came = np.array([column, edge]) + guide.moved[:, edge, column] * (region.side_px / 2)
        lip = int(np.flatnonzero(opening[:, round(came[0])] > 0.5).max()) + 1
        assert lip - 1 < came[1] < lip + 3
