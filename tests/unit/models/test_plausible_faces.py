"""The prior of plausible faces: what people vary in is free, what nobody varies in is held."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from facewright_models.fitting import FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.foundry import VectorLayout
from facewright_models.plausible_faces import (
    PlausibleFaces,
    load_plausible_faces,
    register_plausible_faces,
)
from facewright_models.plausible_faces import store as store_module
from facewright_models.weights import load_weights, register_weights
from unit.models.fitting_stand_ins import TOY_SCHEMA

GROUPS = {"eyes": [0, 1], "nose": [2, 3, 4]}


@pytest.fixture
def fits() -> torch.Tensor:
    """(200, 5): sliders 0 and 1 move together about 0.6, the others hardly at all."""
    generator = torch.Generator().manual_seed(0)
    sliders = 0.6 + 0.01 * torch.randn(200, 5, generator=generator)
    sliders[:, :2] += 0.15 * torch.randn(200, 1, generator=generator)
    return sliders


def test_the_mean_face_surprises_nobody(fits: torch.Tensor) -> None:
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    torch.testing.assert_close(faces.mean, fits.mean(0))
    assert float(faces.surprises(faces.mean[None]).abs().max()) == 0.0


def test_what_people_vary_in_surprises_less(fits: torch.Tensor) -> None:
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    together, apart, still = faces.mean.repeat(3, 1)
    together[:2] += 0.1
    apart[0] += 0.1
    apart[1] -= 0.1
    still[2] += 0.1
    sizes = faces.surprises(torch.stack([together, apart, still])).norm(dim=1)
    assert float(sizes[0]) < 0.6 * float(sizes[1])
    assert float(sizes[0]) < 0.8 * float(sizes[2])


def test_it_is_as_strong_as_the_plain_prior_over_its_own_fits(fits: torch.Tensor) -> None:
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    plain = (2 * fits - 1).square().mean()
    torch.testing.assert_close(faces.surprises(fits).square().mean(), plain)


def test_nearer_keeps_what_people_show_and_takes_off_the_rest(fits: torch.Tensor) -> None:
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    odd = faces.mean.repeat(2, 1)
    odd[0, :2] += 0.2
    odd[1, 3] += 0.2
    moved = faces.nearer(odd) - faces.mean
    assert float(moved[0, 0]) > 0.17
    assert abs(float(moved[1, 3])) < 0.05
    assert float(faces.nearer(torch.full((1, 5), 9.0)).max()) <= 1.0


def test_parts_do_not_speak_for_each_other(fits: torch.Tensor) -> None:
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    assert (faces.whitening[:2, 2:] == 0).all()
    assert (faces.pull[2:, :2] == 0).all()


def test_one_fit_is_no_people(fits: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="expected two or more"):
        PlausibleFaces.of_fits(fits[:1], GROUPS)


def test_what_is_registered_comes_back(
    fits: torch.Tensor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    monkeypatch.setattr(store_module, "register_weights", partial(register_weights, folder=folder))
    monkeypatch.setattr(store_module, "load_weights", partial(load_weights, folder=folder))
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    register_plausible_faces(faces, "toy", command="c", data="d", quality={"variance_kept": 0.5})
    loaded = load_plausible_faces("toy")
    for name, value in vars(faces).items():
        np.testing.assert_allclose(getattr(loaded, name), value, atol=5e-3)


def test_a_fit_is_pulled_towards_what_is_plausible_unless_it_begins_elsewhere(fits: torch.Tensor) -> None:
    layout = VectorLayout(TOY_SCHEMA)
    variables = FitVariables(layout, torch.tensor([0, 1]), FitOptions())
    plain = variables.surprises()
    assert (plain == 0.5).all()
    faces = PlausibleFaces.of_fits(fits, GROUPS)
    variables.plausible = replace(faces, mean=torch.full((5,), 0.6))
    variables.started[1] = True
    surprises = variables.surprises()
    assert float((surprises[0] - 0.5).abs().max()) > 0.05
    assert (surprises[1] == 0.5).all()
