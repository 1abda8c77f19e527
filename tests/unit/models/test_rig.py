"""The baked rig as a function: what its sliders and facial actions do to the mesh, and its derivatives."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from facewright_models.rig import BakedRig, ParameterKind, Rig, rig_path
from facewright_models.rig.rig_file import read_rig_file

MILLIMETRE = 1e-3
SIDEWAYS = {"nose-trans-in-out", "mouth-trans-in-out"}
"""Sliders that have no sides and take the nose or the mouth to one."""


@pytest.fixture(scope="module")
def precise_rig() -> BakedRig:
    return BakedRig(rig_path("anny"), dtype=torch.float64)


@pytest.fixture(scope="module")
def neutral(rig: BakedRig) -> torch.Tensor:
    """(V, 3) of the average head at rest."""
    return rig(parameters(rig))[0]


def parameters(rig: BakedRig, dtype: torch.dtype = torch.float32, **sliders: float) -> torch.Tensor:
    """(1, P): neutral but for the named sliders (underscores stand for hyphens)."""
    vector = torch.full((1, len(rig.schema.continuous_names)), 0.5, dtype=dtype)
    for name, value in sliders.items():
        vector[0, rig.schema.continuous_names.index(name.replace("_", "-"))] = value
    return vector


def actions(rig: BakedRig, **weights: float) -> torch.Tensor:
    """(1, E): zero but for the named facial actions."""
    vector = torch.zeros(1, len(rig.schema.facial_actions))
    for name, value in weights.items():
        vector[0, rig.schema.facial_actions.index(name)] = value
    return vector


def vertices_of(rig: BakedRig, part: str) -> slice:
    return next(p.vertices for p in rig.parts if p.name == part)


def random_parameters(rig: BakedRig, count: int, seed: int, dtype: torch.dtype) -> torch.Tensor:
    """(count, P) at least 0.05 away from 0, 0.5 and 1, where sliders have kinks."""
    generator = torch.Generator().manual_seed(seed)
    half = torch.rand(count, len(rig.schema.continuous_names), generator=generator, dtype=dtype) * 0.4 + 0.05
    upper = torch.rand(half.shape, generator=generator) < 0.5
    return torch.where(upper, half + 0.5, half)


def each_slider_at(rig: BakedRig, value: float) -> Iterator[tuple[str, torch.Tensor]]:
    """Every slider alone at a value: its name and the vertices (V, 3), strands of hair left at rest."""
    names = rig.schema.continuous_names
    for start in range(0, len(names), 49):
        chunk = names[start : start + 49]
        batch = torch.full((len(chunk), len(names)), 0.5)
        batch[range(len(chunk)), range(start, start + len(chunk))] = value
        with torch.inference_mode():
            yield from zip(chunk, rig(batch, parts=()), strict=True)


def test_it_is_a_rig(rig: BakedRig) -> None:
    assert isinstance(rig, Rig)


def test_the_neutral_vector_gives_the_template(rig: BakedRig, neutral: torch.Tensor) -> None:
    template = read_rig_file(rig_path("anny")).arrays["template"]
    assert neutral.shape == (rig.vertex_count, 3)
    np.testing.assert_allclose(neutral[: len(template)].numpy(), template, atol=1e-7)


def test_the_head_is_upright_looks_along_z_and_holds_the_origin(rig: BakedRig, neutral: torch.Tensor) -> None:
    low, high = neutral.amin(0), neutral.amax(0)
    assert (low < 0).all()
    assert (high > 0).all()
    eyes = torch.cat([neutral[vertices_of(rig, f"eye_{side}")] for side in ("left", "right")]).mean(0)
    teeth = neutral[vertices_of(rig, "upper_teeth")].mean(0)
    assert eyes[1] > teeth[1] + 0.04
    assert eyes[2] > 0.03
    assert neutral[vertices_of(rig, "eye_left"), 0].mean() > 0.02
    assert 0.20 < float(neutral[:, 1].amax() - rig.landmarks(parameters(rig))[0, 8, 1]) < 0.30


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_every_slider_moves_some_vertex_by_half_a_millimetre(
    value: float, rig: BakedRig, neutral: torch.Tensor
) -> None:
    moved = {name: float((v - neutral).norm(dim=1).max()) for name, v in each_slider_at(rig, value)}
    assert len(moved) == len(rig.schema.continuous_names)
    look = {p.name for p in rig.schema.of_kind(ParameterKind.CONTINUOUS) if p.group == "skin"}
    assert {name for name in look if moved.pop(name) > 0} == set()  # they paint the skin
    weak = {name: round(m / MILLIMETRE, 3) for name, m in moved.items() if m < 0.5 * MILLIMETRE}
    assert not weak


def test_a_batch_equals_single_calls(rig: BakedRig) -> None:
    batch = random_parameters(rig, 3, 0, torch.float32)
    expression = torch.rand(3, len(rig.schema.facial_actions), generator=torch.Generator().manual_seed(1))
    together = rig(batch, expression)
    for index in range(3):
        alone = rig(batch[index : index + 1], expression[index : index + 1])
        torch.testing.assert_close(together[index], alone[0], atol=1e-6, rtol=0)


def test_no_expression_is_the_expression_of_zeros(rig: BakedRig) -> None:
    batch = random_parameters(rig, 2, 3, torch.float32)
    torch.testing.assert_close(rig(batch), rig(batch, torch.zeros(2, len(rig.schema.facial_actions))))


def test_type_and_device_come_from_the_input(rig: BakedRig) -> None:
    assert rig(parameters(rig, torch.float64)).dtype == torch.float64
    assert rig.landmarks(parameters(rig, torch.float64)).dtype == torch.float64


def mirror_of(neutral: torch.Tensor, skin: slice) -> torch.Tensor:
    """(N,) for each skin vertex its mirror image."""
    points = neutral[skin]
    exactly = "donot_use_mm_for_euclid_dist"
    distance = torch.cdist(points * torch.tensor([-1.0, 1.0, 1.0]), points, compute_mode=exactly)
    assert float(distance.amin(1).max()) < 0.1 * MILLIMETRE, "the template is not symmetric"
    return distance.argmin(1)


def test_tied_sliders_move_both_sides_alike_and_asymmetries_do_not(
    rig: BakedRig, neutral: torch.Tensor
) -> None:
    skin = vertices_of(rig, "skin")
    mirror = mirror_of(neutral, skin)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    crooked, even = {}, {}
    for name, vertices in each_slider_at(rig, 1.0):
        offset = vertices[skin] - neutral[skin]
        unlike = float((offset - offset[mirror] * flip).norm(dim=1).max())
        size = float(offset.norm(dim=1).max())
        if name.endswith("-asymmetry"):
            if unlike < 0.5 * size:
                even[name] = (unlike, size)
        elif unlike > max(0.1 * size, 0.1 * MILLIMETRE):
            crooked[name] = (unlike, size)
    assert set(crooked) == SIDEWAYS
    assert not even


def test_asymmetry_adds_to_the_left_and_takes_from_the_right(rig: BakedRig, neutral: torch.Tensor) -> None:
    vertices = rig(parameters(rig, eye_scale_asymmetry=1.0))[0]

    def width(points: torch.Tensor, side: str) -> float:
        ball = points[vertices_of(rig, f"eye_{side}"), 0]
        return float(ball.amax() - ball.amin())

    assert width(vertices, "left") > width(neutral, "left") > width(vertices, "right")


def test_tied_and_asymmetry_sliders_add_up_on_each_side(rig: BakedRig) -> None:
    """The left side of `asymmetry` alone is the left side of the tied slider at the same channel value."""
    left = vertices_of(rig, "eye_left")
    share = 0.35 / 0.5  # of the ranges of eye-scale-asymmetry and eye-scale
    asymmetric = rig(parameters(rig, eye_scale_asymmetry=0.8))[0, left]
    tied = rig(parameters(rig, eye_scale=0.5 + share * 0.3))[0, left]
    torch.testing.assert_close(asymmetric, tied, atol=1e-6, rtol=0)


def test_a_blink_takes_the_lashes_of_its_side_along(rig: BakedRig, neutral: torch.Tensor) -> None:
    blinking = rig(parameters(rig), actions(rig, eyeBlinkLeft=1.0))[0]
    moved = (blinking - neutral).norm(dim=1)
    assert float(moved[vertices_of(rig, "lashes_left_upper")].max()) > 4 * MILLIMETRE
    assert float(moved[vertices_of(rig, "lashes_right_upper")].max()) < 0.1 * MILLIMETRE
    lashes = vertices_of(rig, "lashes_left_upper")
    assert float((blinking - neutral)[lashes, 1].min()) < -4 * MILLIMETRE


def test_eye_scale_grows_the_eyeballs_and_keeps_them_round(rig: BakedRig) -> None:
    extents = {}
    for value in (0.0, 0.5, 1.0):
        ball = rig(parameters(rig, eye_scale=value))[0, vertices_of(rig, "eye_left")]
        extents[value] = ball.amax(0) - ball.amin(0)
        assert float(extents[value][0] / extents[value][1]) == pytest.approx(1.0, abs=0.02)
    assert extents[1.0][0] > 1.03 * extents[0.5][0]
    assert extents[0.5][0] > 1.03 * extents[0.0][0]


def test_an_open_jaw_takes_lower_teeth_and_tongue_along_and_leaves_the_upper_teeth(
    rig: BakedRig, neutral: torch.Tensor
) -> None:
    moved = rig(parameters(rig), actions(rig, jawOpen=1.0))[0] - neutral
    assert float(moved[vertices_of(rig, "lower_teeth"), 1].mean()) < -8 * MILLIMETRE
    assert float(moved[vertices_of(rig, "tongue"), 1].mean()) < -3 * MILLIMETRE
    assert float(moved[vertices_of(rig, "upper_teeth")].norm(dim=1).max()) < 0.5 * MILLIMETRE


@pytest.mark.parametrize(
    "part", ["hair_crop_locks", "hair_straight_long_cap", "beard_full_beard_locks", "brow_left_natural_hairs"]
)
def test_hair_goes_with_the_head(part: str, rig: BakedRig, neutral: torch.Tensor) -> None:
    moved = (rig(parameters(rig, head_scale_horiz=1.0))[0] - neutral).norm(dim=1)
    assert float(moved[vertices_of(rig, part)].max()) > 1 * MILLIMETRE


def test_brow_thickness_widens_the_brows_and_nothing_else(rig: BakedRig, neutral: torch.Tensor) -> None:
    moved = (rig(parameters(rig, brow_thickness=1.0))[0] - neutral).norm(dim=1)
    brows = torch.zeros(rig.vertex_count, dtype=torch.bool)
    for part in rig.parts:
        brows[part.vertices] = part.name.startswith("brow_")
    assert float(moved[brows].max()) > 0.5 * MILLIMETRE
    assert float(moved[~brows].max()) == 0.0


def test_every_facial_action_moves_the_face(rig: BakedRig, neutral: torch.Tensor) -> None:
    count = len(rig.schema.facial_actions)
    with torch.inference_mode():
        moved = (rig(parameters(rig).repeat(count, 1), torch.eye(count)) - neutral).norm(dim=-1).amax(1)
    still = [name for name, m in zip(rig.schema.facial_actions, moved, strict=True) if m < 0.5 * MILLIMETRE]
    assert not still


def test_left_actions_are_the_mirror_image_of_right_ones(rig: BakedRig, neutral: torch.Tensor) -> None:
    skin = vertices_of(rig, "skin")
    mirror = mirror_of(neutral, skin)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    for name in rig.schema.facial_actions:
        if not name.endswith("Left") or name in {"jawLeft", "mouthLeft"}:
            continue
        other = name.removesuffix("Left") + "Right"
        left = rig(parameters(rig), actions(rig, **{name: 1.0}))[0, skin] - neutral[skin]
        right = rig(parameters(rig), actions(rig, **{other: 1.0}))[0, skin] - neutral[skin]
        unlike = float((left - right[mirror] * flip).norm(dim=1).max())
        assert unlike < 0.15 * float(left.norm(dim=1).max()), name
        assert (
            left[neutral[skin][:, 0] > 0].norm(dim=1).sum() > left[neutral[skin][:, 0] < 0].norm(dim=1).sum()
        )


def test_landmarks_are_the_picked_vertices(rig: BakedRig) -> None:
    batch = random_parameters(rig, 2, 5, torch.float32)
    expression = torch.rand(2, len(rig.schema.facial_actions), generator=torch.Generator().manual_seed(2))
    picked = rig.pick_landmarks(rig(batch, expression))
    assert picked.shape == (2, 68, 3)
    torch.testing.assert_close(rig.landmarks(batch, expression), picked, atol=2e-6, rtol=0)
    torch.testing.assert_close(rig.landmarks(batch), rig.pick_landmarks(rig(batch)), atol=2e-6, rtol=0)


def test_landmarks_of_the_average_head_are_where_a_face_has_them(rig: BakedRig) -> None:
    points = rig.landmarks(parameters(rig))[0]
    right_eye, left_eye = points[36:42].mean(0), points[42:48].mean(0)
    nose, mouth, chin = points[30], points[48:60].mean(0), points[8]
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] > nose[1] > mouth[1] > chin[1]
    assert nose[2] > mouth[2]
    assert 0.05 < float(left_eye[0] - right_eye[0]) < 0.08
    torch.testing.assert_close(points[:8, 0], -points.flip(0)[51:59, 0], atol=2e-3, rtol=0)


def test_derivatives_of_vertices_are_those_of_finite_differences(precise_rig: BakedRig) -> None:
    rig = precise_rig
    names = ["gender", "age", "asian", "weight", "eye-scale", "mouth-scale-horiz", "eye-scale-asymmetry"]
    columns = [rig.schema.continuous_names.index(name) for name in names]
    base = random_parameters(rig, 1, 7, torch.float64)
    chosen = torch.arange(0, rig.vertex_count, 997)
    acted = [rig.schema.facial_actions.index(name) for name in ("jawOpen", "eyeBlinkLeft")]

    def function(sliders: torch.Tensor, expression: torch.Tensor) -> torch.Tensor:
        full = base.index_copy(1, torch.tensor(columns), sliders)
        rest = torch.zeros(1, len(rig.schema.facial_actions), dtype=torch.float64)
        return rig(full, rest.index_copy(1, torch.tensor(acted), expression))[:, chosen] * 1000

    sliders = base[:, columns].clone().requires_grad_(True)
    expression = torch.tensor([[0.3, 0.6]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (sliders, expression))


def test_derivatives_of_landmarks_are_those_of_finite_differences(precise_rig: BakedRig) -> None:
    sliders = random_parameters(precise_rig, 1, 8, torch.float64).requires_grad_(True)
    expression = torch.full((1, 52), 0.4, dtype=torch.float64, requires_grad=True)
    direction = torch.randn(68, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def function(p: torch.Tensor, e: torch.Tensor) -> torch.Tensor:
        return (precise_rig.landmarks(p, e) * direction).sum((1, 2)) * 100

    assert torch.autograd.gradcheck(function, (sliders, expression))


def test_no_slider_is_dead_at_the_neutral_face(precise_rig: BakedRig) -> None:
    direction = torch.randn(
        precise_rig.vertex_count, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64
    )
    sliders = parameters(precise_rig, torch.float64).requires_grad_(True)
    (precise_rig(sliders)[0] * direction).sum().backward()
    assert sliders.grad is not None
    gradient = sliders.grad[0].abs()
    look = {p.name for p in precise_rig.schema.of_kind(ParameterKind.CONTINUOUS) if p.group == "skin"}
    dead = [
        name
        for name, g in zip(precise_rig.schema.continuous_names, gradient, strict=True)
        if not g > 1e-4 and name not in look
    ]
    assert not dead


def test_extreme_characters_stay_finite_and_near(rig: BakedRig) -> None:
    generator = torch.Generator().manual_seed(11)
    corners = (torch.rand(16, len(rig.schema.continuous_names), generator=generator) < 0.5).float()
    with torch.inference_mode():
        vertices = rig(corners, torch.ones(16, len(rig.schema.facial_actions)))
    assert bool(vertices.isfinite().all())
    assert float(vertices.abs().max()) < 0.8


def test_vertices_are_the_template_and_what_its_shapes_add(rig: BakedRig, neutral: torch.Tensor) -> None:
    sliders = random_parameters(rig, 3, 7, torch.float32)
    expression = torch.rand(3, len(rig.schema.facial_actions), generator=torch.Generator().manual_seed(8))
    weights = rig.shape_weights(sliders, expression)
    moved = rig.offsets(weights)
    assert float(moved.norm(dim=2).amax()) > 5 * MILLIMETRE
    torch.testing.assert_close(rig(sliders, expression), neutral + moved, atol=1e-6, rtol=0)
    torch.testing.assert_close(weights[:, -expression.shape[1] :], expression, atol=0, rtol=0)
    torch.testing.assert_close(
        rig.offsets(0.25 * weights[:1] + 0.5 * weights[1:2]), 0.25 * moved[:1] + 0.5 * moved[1:2],
        atol=1e-6, rtol=0,
    )  # fmt: skip


def test_the_average_head_at_rest_has_none_of_any_shape(rig: BakedRig) -> None:
    rest = rig.shape_weights(parameters(rig))
    assert float(rest.abs().max()) == pytest.approx(0.0, abs=1e-6)
    assert rest.shape == rig.shape_weights(parameters(rig), actions(rig, jawOpen=1.0)).shape
