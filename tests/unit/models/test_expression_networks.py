"""Regions, networks and animated faces: what is laid where, and what never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
import torch

from facewright_models.errors import ParameterRangeError, UnknownParameterError
from facewright_models.expression import DEGREES
from facewright_models.expression.animated_face import AnimatedFace, face_mask
from facewright_models.expression.calibrated_face import CalibratedFace, ResponseCurve
from facewright_models.expression.degrees import LIMITS, Rest, lengths_of
from facewright_models.expression.losses import image_loss, motion_loss
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.network import carried, lit, moved_by
from facewright_models.expression.pairs import PairBatch, sample_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.regions import HALVES, between, contours, region_of
from facewright_models.expression.shots import Shot
from facewright_models.expression.still_points import similarity
from facewright_models.landmarks.crops import apply, inverse
from unit.models.test_closer_look import points_of_a_face

SMALL = MigrationConfig(coarse_widths=(4, 6, 8), fine_widths=(4, 6, 8), blocks=1)


@pytest.fixture
def pixels() -> np.ndarray:
    generator = np.random.default_rng(3)
    coarse = generator.integers(0, 255, (40, 40, 3), np.uint8)
    return np.kron(coarse, np.ones((10, 10, 1), np.uint8))


@pytest.fixture
def wild() -> ProcessingModel:
    """A model that changes a lot."""
    torch.manual_seed(0)
    model = ProcessingModel(SMALL).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return model.requires_grad_(False)


def animated(model: ProcessingModel, pixels: np.ndarray) -> AnimatedFace:
    points = points_of_a_face()
    return AnimatedFace(model, pixels, points, Rest(lengths=lengths_of(points)))


def test_every_degree_acts_in_one_half() -> None:
    assert sorted(name for half in HALVES.values() for name in half.degrees) == sorted(DEGREES)


def test_places_of_one_region_are_found_in_another() -> None:
    points = points_of_a_face()
    for half in HALVES.values():
        outer = region_of(points, half.coarse)
        for region in half.fine.values():
            inner = region_of(points, region)
            way = between(inner, region.side_px, outer, half.coarse.side_px)
            pixel = np.array([[10.0, 70.0]])
            place = (2 * pixel + 1) / region.side_px - 1
            there = (apply(way, place) + 1) * half.coarse.side_px / 2 - 0.5
            assert there == pytest.approx(apply(inverse(outer), apply(inner, pixel)))


def test_what_moves_in_one_region_moves_the_same_way_in_another() -> None:
    """Also where that one is mirrored: a move to the photo's left is one to the mirrored region's right."""
    points = points_of_a_face()
    half = HALVES["upper"]
    outer = region_of(points, half.coarse)
    moved = torch.zeros(1, 2, 96, 96)
    moved[:, 0] = 0.1
    for name, sign in (("right_eye", 1), ("left_eye", -1)):
        region = half.fine[name]
        way = between(region_of(points, region), region.side_px, outer, 96)
        inner = carried(moved, torch.from_numpy(way).float()[None], region.side_px)
        share = half.coarse.window.side / region.window.side
        assert inner[0, 0, 48, 48] == pytest.approx(sign * 0.1 * share, rel=1e-3)
        assert inner[0, 1, 48, 48] == pytest.approx(0, abs=1e-5)


def test_pictures_are_moved_by_places() -> None:
    image = torch.zeros(1, 1, 16, 16)
    image[0, 0, 4, 9] = 1
    moved = torch.zeros(1, 2, 16, 16)
    moved[:, 0] = 2 * 3 / 16
    assert moved_by(image, moved)[0, 0, 4, 6] == pytest.approx(1)


def test_light_dims_in_proportion_and_never_overexposes() -> None:
    image = np.linspace(0, 1, 11, dtype=np.float32)
    assert lit(image, np.full_like(image, 0.4)) == pytest.approx(0.4 * image)
    assert np.array_equal(lit(image, np.ones_like(image)), image)
    brighter = lit(image, np.full_like(image, 1.7))
    assert (np.diff(brighter) > 0).all()
    assert brighter[0] == 0
    assert brighter[5] == pytest.approx(0.5 + 0.7 * 0.25)
    assert brighter[-1] == pytest.approx(1)
    both = lit(torch.from_numpy(image), torch.full((11,), 1.7))
    assert both.numpy() == pytest.approx(brighter)


def test_a_degree_that_is_out_of_reach_is_approached_to_the_last() -> None:
    asked, measured = np.array([0.0, 0.4, 0.8, 1.2]), np.array([0.0, 0.4, 0.6, 0.65])
    ends, spreads = ResponseCurve(0.0, asked, measured), ResponseCurve(0.0, asked, measured, most=1.0)
    assert ends.asked_for(0.7) == ends.asked_for(1.0) == pytest.approx(1.2)
    wanted = np.linspace(0, 1, 21)
    requests = [spreads.asked_for(float(each)) for each in wanted]
    assert (np.diff(requests) > 0).all()
    assert requests[-1] == pytest.approx(1.2)
    for each in (0.2, 0.4, 0.5):
        assert spreads.asked_for(each) == pytest.approx(ends.asked_for(each))
    assert ResponseCurve(0.0, asked, 2 * measured, most=1.0).asked_for(1.0) == pytest.approx(
        ResponseCurve(0.0, asked, 2 * measured).asked_for(1.0)
    )


def test_what_is_tried_last_and_does_less_is_not_asked_for() -> None:
    asked = np.array([0.0, 0.4, 0.8, 1.2])
    curve = ResponseCurve(0.0, asked, np.array([0.0, 0.4, 0.7, 0.5]), most=1.0)
    assert curve.asked_for(1.0) == pytest.approx(0.8)
    assert 0.4 < curve.asked_for(0.65) < curve.asked_for(0.8) < 0.8
    deaf = ResponseCurve(0.0, asked, np.array([0.0, -0.1, -0.1, -0.1]), most=1.0)
    assert 0 < deaf.asked_for(1.0) <= 0.4


def test_contours_lie_on_the_key_points() -> None:
    points = points_of_a_face()
    region = HALVES["lower"].fine["mouth"]
    matrix = region_of(points, region)
    drawn = contours(points, matrix, region)
    assert drawn.shape == (128, 128, 2)
    column, row = np.round(apply(inverse(matrix), points[48:49])[0]).astype(int)
    assert drawn[row, column, 0] > 0.5
    assert drawn[5, 5].max() == 0


def test_without_a_change_the_frame_is_the_photo(wild: ProcessingModel, pixels: np.ndarray) -> None:
    face = animated(wild, pixels)
    assert np.array_equal(face.frame({}), pixels)
    assert np.array_equal(face.frame(face.own), pixels)


def test_beyond_the_face_no_pixel_changes_and_within_it_does(
    wild: ProcessingModel, pixels: np.ndarray
) -> None:
    mask = face_mask(points_of_a_face(), pixels.shape[:2])
    before = pixels.copy()
    for degrees in ({"smile": 1.0, "jaw": 1.0}, {"left_eye": 0.0, "brow_raise": 1.0}):
        frame = animated(wild, pixels).frame(degrees)
        assert np.array_equal(frame[mask == 0], pixels[mask == 0])
        assert (frame != pixels).any()
        assert np.array_equal(pixels, before)


def test_the_same_degrees_make_the_same_frame(wild: ProcessingModel, pixels: np.ndarray) -> None:
    face = animated(wild, pixels)
    first = face.frame({"smile": 0.4})
    face.frame({"smile": 0.9})
    assert np.array_equal(face.frame({"smile": 0.4}), first)


def test_landmarks_can_be_wanted_themselves(wild: ProcessingModel, pixels: np.ndarray) -> None:
    points = points_of_a_face()
    face = animated(wild, pixels)
    wanted = points[:68].copy()
    wanted[[48, 54], 1] -= 12
    frame = face.towards(wanted)
    beyond = face_mask(points, pixels.shape[:2]) == 0
    assert np.array_equal(frame[beyond], pixels[beyond])
    assert not np.array_equal(frame, face.towards(points[:68]))


def test_a_face_at_the_border_of_the_photo_is_drawn(wild: ProcessingModel, pixels: np.ndarray) -> None:
    points = points_of_a_face() - [170, 120]
    face = AnimatedFace(wild, pixels, points, Rest(lengths=lengths_of(points)))
    assert face.frame({"smile": 1.0}).shape == pixels.shape


@pytest.mark.parametrize(
    ("degrees", "error"),
    [
        ({"grin": 0.5}, UnknownParameterError),
        ({"smile": 1.2}, ParameterRangeError),
        ({"smile": float("nan")}, ParameterRangeError),
        ({"left_eye": -0.1}, ParameterRangeError),
    ],
)
def test_unknown_degrees_and_values_out_of_range_are_refused(
    wild: ProcessingModel, pixels: np.ndarray, degrees: dict[str, float], error: type[Exception]
) -> None:
    with pytest.raises(error):
        animated(wild, pixels).frame(degrees)


def test_the_mask_fades_within_the_grown_hull() -> None:
    points = points_of_a_face()
    mask = face_mask(points, (400, 400))
    width = points[16, 0] - points[0, 0]
    chin = points[8].astype(int)
    assert mask[chin[1], chin[0]] == 1
    assert mask[round(chin[1] + 0.16 * width), chin[0]] == 0
    assert 0 < mask[round(chin[1] + 0.12 * width), chin[0]] < 1


def test_a_pair_without_a_difference_asks_for_nothing_and_is_laid_over_itself(pixels: np.ndarray) -> None:
    points = points_of_a_face()
    shot = Shot(pixels=pixels, points=points, degrees=np.linspace(0, 1, 8))
    tilt = 0.2
    turn = np.array([[np.cos(tilt), -np.sin(tilt)], [np.sin(tilt), np.cos(tilt)]])
    matrix = similarity(points, points @ turn.T + [5, 7])
    assert matrix[:2, :2] == pytest.approx(turn)
    half = HALVES["upper"]
    samples = [sample_of(shot, shot, half, region, np.random.default_rng(2)) for region in half.fine.values()]
    batch = PairBatch.of(samples)
    assert torch.equal(batch.degrees_a, batch.degrees_b)
    assert batch.fine_a.shape == (2, 5, 96, 96)
    assert batch.closely_a[1, 0] == batch.degrees_a[1, 1]  # the mirrored eye sees itself as the right one
    with torch.inference_mode():
        coarse, fine = MigrationModel(SMALL)("upper", batch)
    assert motion_loss(fine.moved, batch.fine_points) < 0.05
    assert coarse.paint(batch.coarse_a[:, :3]).shape == (2, 3, 96, 96)


def test_a_face_that_is_exposed_anew_is_learnt_as_bright_as_it_was(pixels: np.ndarray) -> None:
    points, half = points_of_a_face(), HALVES["upper"]
    pale = (64 + pixels // 2).astype(np.uint8)
    shot = Shot(pixels=pale, points=points, degrees=np.zeros(8))
    darker = Shot(
        pixels=np.round(pale * [0.8, 0.7, 0.9]).astype(np.uint8), points=points, degrees=np.zeros(8)
    )
    sample = sample_of(shot, darker, half, half.fine["right_eye"], np.random.default_rng(2))
    for seen, wanted in ((sample.fine_a, sample.fine_b), (sample.coarse_a, sample.coarse_b)):
        assert (seen[:, :3] - wanted).abs().mean() < 0.01


def test_what_only_a_guide_opens_is_not_learnt(pixels: np.ndarray) -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    points[60:68, 1] = 257
    shot = Shot(pixels=pixels, points=points, degrees=np.zeros(8))
    opened = points[:68].copy()
    opened[[65, 66, 67], 1] += 20
    fine = half.fine["mouth"]
    told, expected, shut = (
        sample_of(shot, shot, half, fine, np.random.default_rng(2), goal)
        for goal in (None, opened, points[:68])
    )
    assert told.known.min() == 1
    assert expected.known[expected.fine_drawn[:, 2:3] > 0.9].mean() < 0.2
    assert expected.known[expected.fine_drawn[:, 2:3] == 0].mean() > 0.95
    assert shut.known.mean() > 0.99
    rendered = sample_of(shot, replace(shot, is_rendered=True), half, fine, np.random.default_rng(2), opened)
    assert rendered.known[rendered.fine_drawn[:, 4:] > 0].max() == 0
    assert replace(shot, is_rendered=True).mirrored().is_rendered
    assert rendered.known[rendered.fine_drawn[:, 2:3] > 0.99].max() < 0.01
    upper = HALVES["upper"]
    eye = upper.fine["right_eye"]
    of_people, of_a_rig = (
        sample_of(shot, each, upper, eye, np.random.default_rng(2))
        for each in (shot, replace(shot, is_rendered=True))
    )
    assert of_people.known.min() == 1
    assert of_a_rig.known[of_a_rig.fine_drawn[:, 2:3] > 0.99] == pytest.approx(0.3)
    assert of_a_rig.known[..., 90:, :].min() == 1


def test_a_mirrored_shot_has_mirrored_points_and_swapped_eyes(pixels: np.ndarray) -> None:
    shot = Shot(pixels=pixels, points=points_of_a_face(), degrees=np.arange(8.0))
    mirrored = shot.mirrored()
    assert mirrored.degrees[[0, 1]].tolist() == [1, 0]
    assert mirrored.points[36] == pytest.approx(shot.points[45] * [-1, 1] + [399, 0])
    assert np.array_equal(mirrored.mirrored().pixels, pixels)


def test_losses_tell_equal_from_blurred_and_moved_right_from_wrong() -> None:
    torch.manual_seed(0)
    sharp = torch.rand(1, 3, 64, 64)
    soft = torch.nn.functional.avg_pool2d(sharp, 3, 1, 1)
    assert image_loss(sharp, sharp) == 0
    assert image_loss(soft, sharp) > 0.1
    known = torch.zeros(1, 1, 64, 64)
    assert image_loss(soft, sharp, known=known) == 0
    known[..., :32] = 1
    assert 0 < image_loss(soft, sharp, known=known) < image_loss(soft, sharp)
    points = torch.zeros(1, 2, 68, 2)
    points[:, 0, :, 0] = 0.2
    right = torch.zeros(1, 2, 32, 32)
    right[:, 0] = 0.2
    assert motion_loss(right, points) == pytest.approx(0, abs=1e-6)
    assert motion_loss(-right, points) == pytest.approx(0.4, abs=1e-6)


def test_a_response_curve_is_undone_and_keeps_the_faces_own_degree() -> None:
    asked = np.array([0.0, 0.4, 0.8, 1.2])
    curve = ResponseCurve(0.1, asked, 0.5 * asked)
    assert curve.asked_for(0.1) == 0.1
    assert curve.asked_for(0.4) == pytest.approx(0.8, abs=0.02)
    assert curve.asked_for(0.9) == pytest.approx(1.2)
    uneven = ResponseCurve(1.0, np.array([-0.3, 0.25, 0.6, 1.5]), np.array([0.05, 0.02, 0.6, 1.2]))
    assert uneven.asked_for(1.0) == 1.0
    wanted = np.linspace(0, 1.2, 13)
    assert (np.diff([uneven.asked_for(float(value)) for value in wanted]) >= 0).all()


def test_a_calibrated_face_asks_for_what_then_measures_as_wanted(
    wild: ProcessingModel, pixels: np.ndarray
) -> None:
    """Measured by a stand-in for which a mouth is lifted by half of what was asked."""
    points = points_of_a_face()
    rest = Rest(lengths=lengths_of(points))
    face = animated(wild, pixels)
    asked: list[Mapping[str, float]] = []

    class Recorded(AnimatedFace):
        def drawn(self, degrees: Mapping[str, float]) -> np.ndarray:
            asked.append(degrees)
            return pixels

    face.__class__ = Recorded

    def mark(frame: np.ndarray, near: np.ndarray) -> np.ndarray:
        moved = near.copy()
        moved[[48, 54], 1] -= 0.5 * asked[-1].get("smile", 0.0) * 2 * 100 * LIMITS["smile"]
        return moved

    calibrated = CalibratedFace(face, points, rest, mark)
    calibrated.frame({"smile": 0.4})
    assert asked[-1]["smile"] == pytest.approx(0.8, abs=0.02)
    tried = len(asked)
    calibrated.frame({"smile": 0.2})
    assert len(asked) == tried + 1
    with pytest.raises(UnknownParameterError):
        calibrated.frame({"grin": 1.0})
