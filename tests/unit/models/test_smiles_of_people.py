"""Where landmarks go in smiles of people, and how these change the light on skin."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.expression.degrees import LIMITS
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.least_deviations import least_deviations
from facewright_models.expression.losses import plain_loss
from facewright_models.expression.network import Drawn, Told
from facewright_models.expression.pairs import PairBatch, sample_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.ratio_images import RATIO_PX, RatioImages
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.shots import Shot
from facewright_models.expression.smile_motion import BEND, bent, shut_alike, smile_ways
from facewright_models.expression.types import DEGREES
from facewright_models.training_run import TrainingRun, with_buffers
from unit.models.test_closer_look import points_of_a_face
from unit.models.test_expression_networks import SMALL


def test_a_regression_to_medians_is_exact_and_follows_what_most_samples_do() -> None:
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(60, 2))
    weights = np.array([[1.5, -2.0, 0.0], [0.25, 3.0, -1.0]])
    assert least_deviations(inputs, inputs @ weights) == pytest.approx(weights, abs=1e-5)
    strange = inputs @ weights
    strange[:20] += 50
    assert least_deviations(inputs, strange) == pytest.approx(weights, abs=0.1)
    assert np.abs(np.linalg.lstsq(inputs, strange, rcond=None)[0] - weights).max() > 1
    assert np.isfinite(least_deviations(np.zeros((3, 1)), np.zeros((3, 2)))).all()


def smiles(share_parted: float, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Slight and broad smiles whose corners rise; of the slight ones so many part their lips."""
    grown = np.linspace(0.02, 0.2, count)
    went = np.zeros((count, 68, 2))
    went[:, [48, 54], 1] = -2 * grown[:, None]
    slight = np.flatnonzero(grown <= BEND)
    parted = slight[: round(share_parted * len(slight))]
    for smile in range(count):
        apart = 0.08 if smile in parted else max(grown[smile] - BEND, 0)
        went[smile, [65, 66, 67], 1] = apart * np.array([0.9, 1.1, 0.9])
    return grown, went


def apart(ways: np.ndarray, grown: float) -> np.ndarray:
    moved = ways[0] * grown + ways[1] * bent(np.array(grown))
    return np.asarray(moved[[67, 66, 65], 1] - moved[[61, 62, 63], 1])


def test_lips_that_few_slight_smiles_part_stay_shut_up_to_the_bend_and_part_evenly_beyond() -> None:
    ways = smile_ways(*smiles(0.3))
    assert apart(ways, BEND) == pytest.approx(0, abs=1e-6)
    assert apart(ways, 0.2) == pytest.approx(0.09 * np.array([0.9, 1.1, 0.9]), abs=0.01)
    assert ways[0, 48, 1] == pytest.approx(-2, abs=1e-3)
    # Where most of the slight ones part them, they part.
    assert apart(smile_ways(*smiles(0.9)), 0.08).min() > 0.02


def test_lips_that_are_parted_further_part_no_more_until_others_do() -> None:
    ways = np.zeros((2, 8, 68, 2))
    ways[:, DEGREES.index("smile")] = smile_ways(*smiles(0.3))
    motion = LandmarkMotion(ways)
    points = points_of_a_face()
    points[60:68, 1] = points[60, 1]
    early = points.copy()
    early[[65, 66, 67], 1] += 15
    early[[48, 54], 1] -= 24
    own, smile = np.zeros(8), DEGREES.index("smile")
    own[smile] = 0.12 / LIMITS["smile"]

    def gap(face: np.ndarray, now: np.ndarray, wanted: float) -> float:
        goal = now.copy()
        goal[smile] = wanted
        moved = motion.moved(face, now, goal)
        return float((moved[[67, 66, 65], 1] - moved[[61, 62, 63], 1]).mean())

    assert gap(early, own, 0.15 / LIMITS["smile"]) == pytest.approx(15, abs=1)
    assert gap(early, own, 0.2 / LIMITS["smile"]) == pytest.approx(15, abs=1)
    assert gap(early, own, 0.3 / LIMITS["smile"]) == pytest.approx(19, abs=1)
    # Lips that are parted at rest part from there on.
    rest = points.copy()
    rest[[65, 66, 67], 1] += 15
    assert gap(rest, np.zeros(8), 0.2 / LIMITS["smile"]) == pytest.approx(15 + 9, abs=2)


def test_a_smile_that_fades_shuts_the_lips_that_it_had_parted_and_no_others() -> None:
    ways = np.zeros((2, 8, 68, 2))
    ways[:, DEGREES.index("smile")] = smile_ways(*smiles(0.3))
    motion = LandmarkMotion(ways)
    shut = points_of_a_face()
    shut[60:68, 1] = shut[60, 1]
    own, smile = np.zeros(8), DEGREES.index("smile")
    own[smile] = 0.09 / LIMITS["smile"]

    def gaps(apart_px: float, wanted: float, now: np.ndarray = own) -> np.ndarray:
        face = shut.copy()
        face[[65, 66, 67], 1] += np.array([0.6, 1.0, 0.8]) * apart_px
        goal = now.copy()
        goal[smile] = wanted
        moved = motion.moved(face, now, goal)
        return np.asarray(moved[[67, 66, 65], 1] - moved[[61, 62, 63], 1])

    # It is too slight to part most people's lips, so that no median shuts them.
    assert gaps(15, 0.0) == pytest.approx(0, abs=0.5)
    assert gaps(15, own[smile] / 2) == pytest.approx([6, 7.5, 4.5], abs=0.7)
    assert gaps(15, own[smile]) == pytest.approx([12, 15, 9], abs=1e-6)
    # Lips that are parted without a smile, or wider than smiles part them, stay so.
    assert gaps(15, -0.2, np.zeros(8)) == pytest.approx([12, 15, 9], abs=1)
    assert gaps(60, 0.0) == pytest.approx([48, 60, 36], abs=2)


def test_lips_that_come_closer_shut_all_along_their_edges() -> None:
    before = points_of_a_face()
    shut = before.copy()[:68]
    shut[[62, 66], 1] = shut[[62, 66], 1].mean()
    shut[[61, 63], 1] += 8
    shut[[67, 65], 1] -= 8
    even = shut_alike(before, shut)
    was, uneven, now = (face[[67, 66, 65], 1] - face[[61, 62, 63], 1] for face in (before, shut, even))
    assert np.ptp(uneven / was) > 0.2
    assert np.ptp(now / was) < 0.04
    assert now.sum() == pytest.approx(uneven.sum(), rel=0.1)
    assert even[[61, 62, 63]] + even[[67, 66, 65]] == pytest.approx(shut[[61, 62, 63]] + shut[[67, 66, 65]])
    wider = before.copy()[:68]
    wider[66, 1] += 10
    assert np.array_equal(shut_alike(before, wider), wider)


def lit_people(count: int = 6, *, fold: float = -0.3) -> tuple[list, np.ndarray]:
    """Faces of one tone at rest and smiling, as broad as each smiles; beside the nose a fold is darker then, and every
    smiling photo is exposed anew.
    """
    points = points_of_a_face()
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:400, :400]
    folded = np.exp(-(((np.abs(x - 200) - 55) / 8.0) ** 2) - (((y - 235) / 18.0) ** 2))
    grown = np.linspace(0.05, 0.2, count)
    pairs = []
    for share in grown:
        calm = np.full((400, 400, 3), 150.0) * rng.uniform(0.7, 1.2)
        smiling = calm * np.exp(fold * share / 0.2 * folded)[..., None] * rng.uniform(0.8, 1.2)
        pairs.append((calm.astype(np.uint8), points, smiling.astype(np.uint8), points))
    return pairs, grown


@pytest.fixture(scope="module")
def ratios() -> RatioImages:
    return RatioImages.fitted(*lit_people())


def lower_light(
    ratios: RatioImages, change: tuple[float, float], side: float = 0
) -> tuple[np.ndarray, np.ndarray]:
    """How light changes in the lower region of a face that lies so far to the side, and its way to the photo."""
    points = points_of_a_face() + np.array([side, 0.0])
    region = HALVES["lower"].coarse
    matrix = region_of(points, region)
    return ratios.light(points, points[:68], matrix, region.side_px, change), matrix


def seen_at(light: np.ndarray, matrix: np.ndarray, x: float, y: float) -> float:
    place = np.linalg.solve(matrix[:, :2], np.array([x, y]) - matrix[:, 2])
    column, row = np.round(place).astype(int)
    return float(light[row, column])


def test_a_smile_darkens_its_folds_as_those_of_people_are_and_nothing_else(ratios: RatioImages) -> None:
    broad = 0.2 / LIMITS["smile"]
    light, matrix = lower_light(ratios, (0.0, broad))
    for fold in (145, 255):
        assert seen_at(light, matrix, fold, 235) == pytest.approx(math.exp(-0.3), abs=0.06)
    assert seen_at(light, matrix, 200, 300) == pytest.approx(1, abs=0.02)
    slight = seen_at(lower_light(ratios, (0.0, broad / 2))[0], matrix, 145, 235)
    assert 0.8 < slight < 0.95
    back = seen_at(lower_light(ratios, (broad, 0.0))[0], matrix, 145, 235)
    assert back > 1.2  # a smile that ends brightens them, a bright place more, as films need
    beside, moved = lower_light(ratios, (0.0, broad), side=31)
    assert seen_at(beside, moved, 145 + 31, 235) == pytest.approx(seen_at(light, matrix, 145, 235), abs=0.03)


def test_no_smile_and_ratio_images_of_nothing_change_no_light(ratios: RatioImages) -> None:
    assert (lower_light(ratios, (0.4, 0.4))[0] == 1).all()
    nothing = RatioImages(np.zeros((2, RATIO_PX, RATIO_PX)), np.zeros((68, 2)))
    assert (lower_light(nothing, (0.0, 1.0))[0] == 1).all()


def test_light_follows_landmarks_and_lips_never_become_brighter(ratios: RatioImages) -> None:
    points = points_of_a_face()
    lifted = points[:68].copy()
    lifted[[*range(31, 36), *range(48, 68)], 1] -= 12
    region = HALVES["lower"].coarse
    matrix = region_of(points, region)
    broad = 0.2 / LIMITS["smile"]
    still = ratios.light(points, points[:68], matrix, region.side_px, (0.0, broad))
    light = ratios.light(points, lifted, matrix, region.side_px, (0.0, broad))
    assert seen_at(light, matrix, 145, 226) < seen_at(still, matrix, 145, 226) - 0.02
    brighter = RatioImages(np.ones_like(ratios.logarithms), ratios.mean_face)
    light, matrix = lower_light(brighter, (0.0, 1.0))
    assert seen_at(light, matrix, *points[48:60].mean(0)) == pytest.approx(1, abs=0.01)
    assert seen_at(light, matrix, 145, 235) > 1.1


def test_networks_start_from_the_light_that_is_known_and_pairs_tell_them(ratios: RatioImages) -> None:
    points, half = points_of_a_face(), HALVES["lower"]
    calm = Shot(pixels=np.full((400, 400, 3), 120, np.uint8), points=points, degrees=np.zeros(8))
    degrees = np.zeros(8)
    degrees[2] = 0.9
    smiling = Shot(pixels=calm.pixels, points=points, degrees=degrees)
    fine = half.fine["mouth"]
    told, plain = (
        PairBatch.of([sample_of(calm, smiling, half, fine, np.random.default_rng(2), None, known)])
        for known in (ratios, None)
    )
    assert told.coarse_light.min() < 0.9
    assert (plain.coarse_light == 1).all()
    model = ProcessingModel(SMALL)
    with torch.inference_mode():
        gains = [model("lower", batch)[0].gain for batch in (told, plain)]
    assert (gains[0] / gains[1] - told.coarse_light).abs().max() < 0.02
    # What is kept small is what a network adds to that light.
    guided = told.coarse_moved
    known, unknown = (
        plain_loss(Drawn(moved=guided, gain=gain), guided, told.coarse_light)
        for gain in (told.coarse_light, torch.ones_like(told.coarse_light))
    )
    assert known == 0
    assert unknown > 1e-4
    upper = HALVES["upper"]
    eye = sample_of(calm, smiling, upper, upper.fine["right_eye"], np.random.default_rng(2), None, ratios)
    assert (eye.coarse_light == 1).all()
    assert (
        Told(asked=torch.zeros(1, 4), moved=torch.zeros(1, 2, 8, 8), drawn=torch.zeros(1, 5, 8, 8)).light
        is None
    )


def test_what_is_not_learnt_in_steps_is_put_into_a_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = ProcessingModel(SMALL)
    path = tmp_path / "model.pt"
    with pytest.raises(InvalidInputError, match="no checkpoint"):
        with_buffers(path, {})
    TrainingRun("anny", model, model.config, torch.optim.AdamW(model.parameters())).save(path, step=7)
    before = torch.load(path, weights_only=True)
    with_buffers(path, {"ways": torch.ones(2, 8, 68, 2)})
    after = torch.load(path, weights_only=True)
    assert (after["averaged"]["ways"] == 1).all()
    assert (after["network"]["ways"] == 1).all()
    assert after["step"] == 7
    assert all(
        torch.equal(value, after["averaged"][name])
        for name, value in before["averaged"].items()
        if name != "ways"
    )
    assert not path.with_suffix(".partial").exists()
