"""What the imitator knows of a rig before training: codes in which vertices are linear, and where they go."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from facewright_models.foundry import VectorLayout
from facewright_models.imitator.geometry import RigShapes, halves
from facewright_models.imitator.network import FIELD_PX, Imitator, ImitatorConfig
from facewright_models.imitator.prior import FieldPrior, field_priors
from facewright_models.look import portrait_camera
from facewright_models.rig import BakedRig
from unit.models.fitting_stand_ins import average_vector

INNER = slice(17, 60)
"""Brows, eyes, nose and outer lips."""
NEAR = 0.05  # half frames
RANK = ImitatorConfig.field_rank


@pytest.fixture(scope="module")
def layout(rig: BakedRig) -> VectorLayout:
    return VectorLayout(rig.schema)


@pytest.fixture(scope="module")
def code(rig: BakedRig, layout: VectorLayout) -> RigShapes:
    return RigShapes(rig, layout)


@pytest.fixture(scope="module")
def priors(rig: BakedRig, layout: VectorLayout) -> tuple[FieldPrior, FieldPrior]:
    return field_priors(rig, layout, rank=RANK, shade_rank=64)


@pytest.fixture(scope="module")
def prior(priors: tuple[FieldPrior, FieldPrior]) -> FieldPrior:
    return priors[0]


@pytest.fixture(scope="module")
def network(layout: VectorLayout, code: RigShapes, prior: tuple[torch.Tensor, torch.Tensor]) -> Imitator:
    torch.manual_seed(0)
    config = ImitatorConfig(
        sliders=layout.sliders.stop,
        styles=tuple(block.stop - block.start for block in layout.styles.values()),
        colors=len(layout.colors),
        nuisance=len(layout.nuisance),
        shapes=code.width,
        widths=(8, 8, 8, 8, 6, 4, 4),
        canonical_channels=(2, 2),
        linear_channels=2,
        field_rank=RANK,
    )
    network = Imitator(config, code)
    with torch.no_grad():
        network.field_code.weight.copy_(prior[0])
        network.field.weight.copy_(prior[1])
    return network.eval()


def test_halves_are_the_two_sides_of_every_variable() -> None:
    codes = halves(torch.tensor([[0.75, 0.5]]), torch.tensor([[0.0]]))
    torch.testing.assert_close(codes, torch.tensor([[0.5, 0.0, 0.0, 0.0, 0.0, 1.0]]))


def test_the_average_character_at_rest_has_the_code_zero(layout: VectorLayout, code: RigShapes) -> None:
    average = average_vector(layout)[None]
    codes = code(average[:, layout.sliders], average[:, list(layout.nuisance.values())])
    assert codes.shape == (1, code.width)
    assert float(codes.abs().max()) < 1e-5


def test_vertices_are_the_sum_of_the_codes_offsets(
    rig: BakedRig, layout: VectorLayout, code: RigShapes
) -> None:
    generator = torch.Generator().manual_seed(4)
    sliders = torch.rand(1, layout.sliders.stop, generator=generator)
    nuisance = torch.tensor([[0.5, 0.5, 0.4, 0.7, 0.2]])
    codes = code(sliders, nuisance)[0]
    worn = {"hair_bob_locks", "brow_left_natural_hairs"}  # all strands at once would fill two gigabytes
    chosen = [part.vertices for part in rig.parts if part.normals is None or part.name in worn]
    shown = torch.cat([torch.arange(vertices.start, vertices.stop) for vertices in chosen])
    offsets = torch.stack([code.offsets(index, parts=worn)[shown] for index in range(code.width - 4)])
    expression = torch.zeros(1, len(rig.schema.facial_actions))
    for name, value in (("jawOpen", 0.4), ("mouthSmileLeft", 0.7), ("mouthSmileRight", 0.7),
                        ("eyeBlinkLeft", 0.2), ("eyeBlinkRight", 0.2)):  # fmt: skip
        expression[0, rig.schema.facial_actions.index(name)] = value
    expected = rig(sliders, expression)[0] - rig(torch.full_like(sliders, 0.5))[0]
    found = torch.einsum("g,gvc->vc", codes[:-4], offsets)
    torch.testing.assert_close(found, expected[shown], atol=2e-6, rtol=0)


def test_turns_are_the_last_codes(layout: VectorLayout, code: RigShapes) -> None:
    average = average_vector(layout)[None].clone()
    average[0, layout.nuisance["yaw"]] = 0.8
    average[0, layout.nuisance["pitch"]] = 0.1
    codes = code(average[:, layout.sliders], average[:, list(layout.nuisance.values())])
    torch.testing.assert_close(codes[0, -4:], torch.tensor([0.6, 0.0, 0.0, 0.8]))


@pytest.fixture(scope="module")
def seen(rig: BakedRig) -> np.ndarray:
    """(43,) vertices of the skin: at brows, eyes, nose and lips the one that is seen.

    Landmarks are means of vertices, of some that are hidden as well; the field is about what is seen.
    """
    with torch.inference_mode():
        neutral = torch.full((1, len(rig.schema.continuous_names)), 0.5)
        skin = rig(neutral)[0, rig.part("skin").vertices].numpy().astype(float)
        marks = rig.landmarks(neutral)[0, INNER].numpy().astype(float)
    camera = portrait_camera()
    places, wanted = (camera.project(points, 2)[:, :2] for points in (skin, marks))
    near = np.linalg.norm(places[None] - wanted[:, None], axis=-1) < NEAR
    assert near.any(1).all()
    found: np.ndarray = np.where(near, skin[:, 2], -np.inf).argmax(1)
    return found


def on_frame(rig: BakedRig, sliders: torch.Tensor, seen: np.ndarray) -> np.ndarray:
    """(43, 2) in the frame, -1..1 from edge to edge, y down."""
    with torch.inference_mode():
        points = rig(sliders, parts=())[0, rig.part("skin").vertices].numpy().astype(float)[seen]
    return portrait_camera().project(points, 2)[:, :2] - 1


def field_of(network: Imitator, vectors: torch.Tensor) -> torch.Tensor:
    with torch.inference_mode():
        geometry, _, _ = network._split(vectors)
        field: torch.Tensor = network.field(network.field_code(geometry)).view(-1, 2, FIELD_PX, FIELD_PX)
    return field


@pytest.mark.parametrize(
    "name", ["eye-trans-down-up", "mouth-scale-horiz", "nose-scale-horiz", "eyebrows-trans-down-up", "age"]
)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_field_moves_the_face_like_the_slider(
    name: str, sign: int, rig: BakedRig, layout: VectorLayout, network: Imitator, seen: np.ndarray
) -> None:
    column = layout.schema.continuous_names.index(name)
    vector = average_vector(layout)[None].clone()
    vector[0, column] += 0.3 * sign
    neutral = torch.full((1, layout.sliders.stop), 0.5)
    start = on_frame(rig, neutral, seen)
    expected = on_frame(rig, vector[:, layout.sliders], seen) - start
    places = torch.tensor(start[None, None], dtype=torch.float32)
    found = functional.grid_sample(field_of(network, vector), places, align_corners=False)[0, :, 0].T.numpy()
    cosine = (found * expected).sum() / np.linalg.norm(found) / np.linalg.norm(expected)
    assert cosine > 0.9
    assert np.linalg.norm(found) / np.linalg.norm(expected) == pytest.approx(1.0, abs=0.35)


def test_sliders_that_act_by_products_move_the_face_together_as_the_rig_does(
    rig: BakedRig, layout: VectorLayout, network: Imitator, seen: np.ndarray
) -> None:
    vector = average_vector(layout)[None].clone()
    for name, value in (("gender", 0.95), ("age", 0.9), ("african", 0.9), ("asian", 0.1)):
        vector[0, layout.schema.continuous_names.index(name)] = value
    start = on_frame(rig, torch.full((1, layout.sliders.stop), 0.5), seen)
    expected = on_frame(rig, vector[:, layout.sliders], seen) - start
    places = torch.tensor(start[None, None], dtype=torch.float32)
    found = functional.grid_sample(field_of(network, vector), places, align_corners=False)[0, :, 0].T.numpy()
    assert np.linalg.norm(found - expected) < 0.3 * np.linalg.norm(expected)


def test_the_average_character_is_not_displaced(layout: VectorLayout, network: Imitator) -> None:
    average = average_vector(layout)[None]
    assert float(field_of(network, average).abs().max()) < 1e-4
    smile = average.clone()
    smile[0, layout.nuisance["smile"]] = 1.0
    assert float(field_of(network, smile).abs().max()) > 0.01


def test_skin_that_turns_to_the_light_brightens(
    priors: tuple[FieldPrior, FieldPrior], code: RigShapes
) -> None:
    """The key light comes from the picture's left and above: looking down darkens the forehead."""
    codes, shade = priors[1]
    assert codes.shape == (64, code.width)
    assert shade.shape == (FIELD_PX * FIELD_PX, 64)
    fields = (shade @ codes).view(FIELD_PX, FIELD_PX, -1)  # the last four codes: yaw and pitch, both ways
    brow_row = round(0.33 * FIELD_PX)
    middle = slice(round(0.45 * FIELD_PX), round(0.55 * FIELD_PX))
    up, down = float(fields[brow_row, middle, -3].mean()), float(fields[brow_row, middle, -1].mean())
    assert up > 0.005
    assert down < -0.005


def test_the_prior_is_finite_and_moderate(prior: tuple[torch.Tensor, torch.Tensor], code: RigShapes) -> None:
    assert prior[0].shape == (RANK, code.width)
    assert prior[1].shape == (2 * FIELD_PX * FIELD_PX, RANK)
    assert bool(prior[0].isfinite().all())
    assert bool(prior[1].isfinite().all())
    assert float((prior[1] @ prior[0]).abs().max()) < 0.8
