"""What a fit looks at: whether it can, which styles it searches, and how much pixels count."""

import numpy as np
import pytest
import torch

from facewright_models.errors import NoImitatorError
from facewright_models.fitting import FitOptions, Fitter
from facewright_models.fitting import fitter as fitter_module
from facewright_models.fitting import start as start_module
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.objective import Scales, objective
from facewright_models.fitting.start import discernible_styles, initial_styles
from facewright_models.fitting.types import go_on
from facewright_models.fitting.variables import FitVariables
from facewright_models.foundry import VectorLayout
from unit.models.fitting_stand_ins import TOY_SCHEMA, FaceImitator, tiny_extractor


@pytest.fixture
def faces() -> list[np.ndarray]:
    """Two pictures (512, 512, 3)."""
    generator = np.random.default_rng(0)
    return [generator.integers(0, 255, (512, 512, 3), np.uint8) for _ in range(2)]


def test_a_rig_without_an_imitator_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitter_module, "has_imitator", lambda rig_name: False)
    with pytest.raises(NoImitatorError, match="'anny' has no trained imitator yet"):
        Fitter.load("anny")


def test_a_slot_whose_options_look_alike_is_not_searched(faces: list[np.ndarray]) -> None:
    layout = VectorLayout(TOY_SCHEMA)
    imitator = FaceImitator(layout, faces[0])
    slots = list(layout.styles)
    with torch.no_grad():
        imitator.tint[layout.styles[slots[0]]] = imitator.tint[layout.styles[slots[0]].start]
    models = FitModels(
        layout=layout, imitator=imitator, extractor=tiny_extractor(), landmark_rig=None, scales=Scales()
    )
    assert discernible_styles(models, imitator.average[None], slots) == frozenset(slots[1:])


def test_only_hopeful_options_are_tried(faces: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    layout = VectorLayout(TOY_SCHEMA)
    imitator, marks = FaceImitator(layout, faces[0]), np.full((68, 2), 100.0)
    models = FitModels(
        layout=layout, imitator=imitator, extractor=tiny_extractor(), landmark_rig=None, scales=Scales()
    )
    with torch.no_grad():
        photo = models.extractor(
            models.imitate_coarsely(imitator.average[None]), torch.full((1, 68, 2), 50.0)
        )
    hidden, block = torch.zeros(1, dtype=torch.bool), layout.styles["hair"]
    worn = []
    for hopes in ({}, {"hair": torch.tensor([[0.0, -9.0, -1.0]])}):  # the average's own hair is the second
        variables = FitVariables(layout, torch.tensor([0]), FitOptions())
        monkeypatch.setattr(start_module, "_HOPEFUL", 2)
        initial_styles(models, marks, variables, photo, go_on, {}, frozenset({"hair"}), hopes, hidden)
        worn.append(int(variables.final_vectors()[0, block].argmax()))
    assert worn[0] == 1
    assert worn[1] != 1


def test_pixels_count_more_where_they_are_to(faces: list[np.ndarray]) -> None:
    extractor, options, scales = tiny_extractor(), FitOptions(), Scales()
    marks = torch.zeros(2, 68, 2) + 100.0
    images = torch.from_numpy(np.stack(faces[:2])).permute(0, 3, 1, 2).float() / 255
    photo, shown = extractor(images, marks), extractor(images.flip(0), marks)
    sliders = torch.full((2, 3), 0.5)
    plain = objective(photo, shown, None, sliders, options, scales).total
    weighted = objective(photo, shown, None, sliders, options, scales, torch.tensor([1.0, 5.0])).total
    assert float(weighted[0]) == pytest.approx(float(plain[0]))
    assert float(weighted[1]) > float(plain[1])
