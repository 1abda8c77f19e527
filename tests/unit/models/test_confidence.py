"""Confidence per group of sliders: between none and all, less with worse marks, more with more photos."""

import pytest
import torch

from facewright_models.fitting import FitOptions
from facewright_models.fitting.confidence import (
    ConfidenceJudge,
    group_confidence,
    prior_firmness,
    slider_groups,
)
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.visible_surface import VisibleSurface, visible_surface
from facewright_models.fitting.warm_start import MARK_NOISE_PX, LandmarkRig
from facewright_models.foundry import VectorLayout
from facewright_models.rig import load_rig

EYES = slice(36, 48)


@pytest.fixture(scope="module")
def rig() -> LandmarkRig:
    loaded = load_rig("anny")
    return LandmarkRig(loaded, VectorLayout(loaded.schema))


@pytest.fixture(scope="module")
def surface(rig: LandmarkRig) -> VisibleSurface:
    return visible_surface(rig.rig)


def variables(rig: LandmarkRig, count: int = 1, options: FitOptions | None = None) -> FitVariables:
    return FitVariables(rig.layout, torch.zeros(count, dtype=torch.long), options or FitOptions())


def skin(count: int = 1, share: float = 1.0) -> torch.Tensor:
    """(N, 11, 64, 64): so much face everywhere, the rest hair."""
    result = torch.zeros(count, 11, 64, 64)
    result[:, 1], result[:, 2] = share, 1 - share
    return result


def confidence(
    rig: LandmarkRig,
    surface: VisibleSurface,
    noise: torch.Tensor,
    classes: torch.Tensor,
    options: FitOptions | None = None,
) -> dict[str, float]:
    held = variables(rig, len(noise), options)
    vectors = held.vectors(50.0)
    marked = rig.project(vectors)
    return group_confidence(
        rig, surface, vectors, held.free_sliders, held.own_sliders, marked, noise, classes
    )


def good(count: int = 1) -> torch.Tensor:
    return MARK_NOISE_PX.repeat(count, 1, 1)


def test_groups_are_the_schemas_and_values_lie_between_none_and_all(
    rig: LandmarkRig, surface: VisibleSurface
) -> None:
    found = confidence(rig, surface, good(), skin())
    assert list(found) == list(slider_groups(rig.rig.schema))
    assert all(0 <= value <= 1 for value in found.values())
    assert found["asymmetry"] == 0  # the fit leaves it alone
    assert found["nose"] > 0.2
    assert found["skin"] == pytest.approx(1.0)


@pytest.mark.parametrize("factor", [1.5, 4.0])
def test_worse_marks_make_everything_less_sure(
    rig: LandmarkRig, surface: VisibleSurface, factor: float
) -> None:
    before = confidence(rig, surface, good(), skin())
    after = confidence(rig, surface, factor * good(), skin())
    for group in before.keys() - {"asymmetry"}:
        assert after[group] < before[group], group


def test_marks_of_the_eyes_alone_hurt_the_eyes_most(rig: LandmarkRig, surface: VisibleSurface) -> None:
    noise = good()
    noise[:, EYES] *= 8
    before, after = confidence(rig, surface, good(), skin()), confidence(rig, surface, noise, skin())
    shares = {group: after[group] / before[group] for group in ("eyes", "chin", "mouth", "nose")}
    assert min(shares, key=lambda group: shares[group]) == "eyes"


def test_hair_over_the_face_leaves_less_to_see(rig: LandmarkRig, surface: VisibleSurface) -> None:
    before, after = (confidence(rig, surface, good(), skin(share=share)) for share in (1.0, 0.0))
    assert after["forehead"] < 0.5 * before["forehead"]


def test_a_second_photo_makes_surer_and_a_useless_one_changes_little(
    rig: LandmarkRig, surface: VisibleSurface
) -> None:
    one = confidence(rig, surface, good(), skin())
    two = confidence(rig, surface, good(2), skin(2))
    with_noise = good(2)
    with_noise[1] *= 1000
    useless = confidence(rig, surface, with_noise, torch.cat([skin(), skin(share=0.0)]))
    for group in one.keys() - {"asymmetry", "skin"}:
        assert two[group] > one[group], group
        assert useless[group] == pytest.approx(one[group], abs=0.02)


def test_locked_sliders_are_no_matter_of_doubt(rig: LandmarkRig, surface: VisibleSurface) -> None:
    names = rig.rig.schema.continuous_names
    ears = {names[place]: 0.7 for place in slider_groups(rig.rig.schema)["ears"]}
    found = confidence(rig, surface, good(), skin(), FitOptions(locked_sliders=ears))
    assert found["ears"] == pytest.approx(1.0)


def test_a_rig_of_which_only_frames_are_known_has_no_confidence(rig: LandmarkRig) -> None:
    held, judge = variables(rig), ConfidenceJudge(None)
    assert judge.confidence(held, held.vectors(50.0), [], good(), skin()) == {}


def test_the_prior_is_as_firm_as_ever_for_good_marks_and_firmer_for_bad_ones(rig: LandmarkRig) -> None:
    vectors = variables(rig).vectors(50.0)
    marked = rig.project(vectors)
    torch.testing.assert_close(
        prior_firmness(rig, vectors, marked, good()), torch.ones(len(rig.rig.schema.continuous_names))
    )
    worse = prior_firmness(rig, vectors, marked, 2 * good())
    torch.testing.assert_close(worse, torch.full_like(worse, 4.0))
    noise = good()
    noise[:, EYES] *= 8
    firm = prior_firmness(rig, vectors, marked, noise)
    groups = slider_groups(rig.rig.schema)
    assert float(firm[groups["eyes"]].mean()) > 2 * float(firm[groups["chin"]].mean()) >= 2


def test_firmness_has_a_limit(rig: LandmarkRig) -> None:
    vectors = variables(rig).vectors(50.0)
    firm = prior_firmness(rig, vectors, rig.project(vectors), 1e4 * good())
    assert float(firm.max()) == float(firm.min()) == 30.0
