"""Strands as ribbons: their shape, their file, how they follow the head, and that they stay within their budget."""

import time
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from facewright_models.rig import BakedRig, rig_path
from facewright_models.rig.groom import Groom, expand, ribbon_triangles
from facewright_models.rig.groom_file import pack_grooms, unpack_grooms
from facewright_models.rig.rig_file import read_rig_file

STRANDS, POINTS = 5, 4
MILLIMETRE = 1e-3


def groom(**changes: object) -> Groom:
    """Straight strands along +Y beside each other, half a millimetre wide, tapering to their tips."""
    points = np.zeros((STRANDS, POINTS, 3), np.float32)
    points[..., 0] = 0.01 * np.arange(STRANDS)[:, None]
    points[..., 1] = 0.02 * np.arange(POINTS)
    points[..., 2] = 0.1
    sides = np.zeros_like(points)
    sides[..., 0] = 0.00025 * np.linspace(1, 0, POINTS)
    generator = np.random.default_rng(0)
    weights = generator.dirichlet(np.ones(3), (STRANDS, POINTS)).astype(np.float32)
    made = Groom(
        name="test",
        style=("hair", "test"),
        label=2,
        points=points,
        sides=sides,
        tones=generator.uniform(size=(STRANDS, 2)).astype(np.float32),
        openness=generator.uniform(size=(STRANDS, POINTS)).astype(np.float32),
        triangles=generator.integers(0, 9000, (STRANDS, POINTS)),
        weights=weights,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def test_a_ribbon_has_two_vertices_a_point_and_one_at_its_tip() -> None:
    ribbons = expand(groom())
    count = STRANDS * (2 * POINTS - 1)
    assert ribbons.vertices.shape == ribbons.normals.shape == ribbons.tangents.shape == (count, 3)
    assert ribbons.tones.shape == ribbons.openness.shape == ribbons.point_of.shape == (count,)
    assert groom().vertex_count == count
    assert ribbons.triangles.shape == (STRANDS * (2 * POINTS - 3), 3)
    assert set(np.unique(ribbons.triangles)) == set(range(count))


def test_triangles_of_a_strand_use_its_own_vertices_and_face_one_way() -> None:
    triangles = ribbon_triangles(STRANDS, POINTS)
    own = 2 * POINTS - 1
    assert (triangles // own == triangles[:, :1] // own).all()
    corners = expand(groom()).vertices[triangles]
    facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    assert (facing > 0).all() or (facing < 0).all()


def test_a_ribbon_is_as_wide_as_its_sides_and_ends_in_a_point() -> None:
    vertices = expand(groom()).vertices.reshape(STRANDS, -1, 3)
    widths = np.linalg.norm(vertices[:, 1:-1:2] - vertices[:, 0:-1:2], axis=-1)
    np.testing.assert_allclose(
        widths, np.tile(0.0005 * np.linspace(1, 0, POINTS)[:-1], (STRANDS, 1)), rtol=1e-3
    )
    np.testing.assert_array_equal(vertices[:, -1], groom().points[:, -1])


def test_normals_lean_outwards_at_the_edges_and_tangents_run_along() -> None:
    ribbons = expand(groom(roundness=0.0))
    np.testing.assert_allclose(np.linalg.norm(ribbons.normals, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(ribbons.tangents, axis=1), 1, atol=1e-5)
    assert (ribbons.tangents[:, 1] > 0.9).all()
    assert (ribbons.normals[:, 2] > 0.8).all()  # away from the centre, which lies behind
    edges = ribbons.normals.reshape(STRANDS, -1, 3)[..., 0]
    assert (edges[:, 0] < -0.3).all()
    assert (edges[:, 1] > 0.3).all()


def test_equal_grooms_give_equal_ribbons() -> None:
    first, second = expand(groom()), expand(groom())
    for name in ("vertices", "normals", "tangents", "tones", "openness", "triangles"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_a_target_moves_and_widens_the_ribbons() -> None:
    offset = np.zeros((STRANDS, POINTS, 3), np.float32)
    offset[..., 1] = 0.003
    ribbons = expand(groom(offsets={"brow-thickness": offset}, widen={"brow-thickness": 1.0}))
    moved = (ribbons.vertices + ribbons.offsets["brow-thickness"]).reshape(STRANDS, -1, 3)
    np.testing.assert_allclose(moved[:, -1], groom().points[:, -1] + [0, 0.003, 0], atol=1e-7)
    assert np.linalg.norm(moved[:, 1] - moved[:, 0], axis=-1) == pytest.approx(0.001, rel=1e-3)


@pytest.mark.parametrize("bindings", [1, POINTS])
def test_a_groom_comes_back_from_its_file(bindings: int) -> None:
    made = groom(
        triangles=groom().triangles[:, :bindings],
        weights=groom().weights[:, :bindings],
        offsets={"brow-thickness": 0.1 * groom().points},
        widen={"brow-thickness": 0.5},
        rigid=False,
    )
    other = groom(name="other", style=None)
    arrays, described = pack_grooms([made, other], origin=np.zeros(3), scale=1.0)
    back, second = unpack_grooms(arrays, described)
    assert (second.name, second.style) == ("other", None)
    assert (back.name, back.style, back.label, back.rigid, back.widen) == (
        made.name, made.style, made.label, False, made.widen,
    )  # fmt: skip
    np.testing.assert_allclose(back.points, made.points, atol=0.6e-5)
    np.testing.assert_allclose(back.sides, made.sides, atol=2e-6)
    np.testing.assert_allclose(back.offsets["brow-thickness"], made.offsets["brow-thickness"], atol=0.6e-5)
    np.testing.assert_array_equal(back.triangles, made.triangles)
    for name in ("weights", "tones", "openness"):
        np.testing.assert_allclose(getattr(back, name), getattr(made, name), atol=0.005)
    np.testing.assert_allclose(back.weights.sum(-1), 1, atol=1e-6)
    np.testing.assert_allclose(second.points, other.points, atol=0.6e-5)


def test_a_groom_is_placed_by_origin_and_scale() -> None:
    arrays, described = pack_grooms([groom()], origin=np.array([0.0, 0.0, 0.1]), scale=0.1)
    np.testing.assert_allclose(
        unpack_grooms(arrays, described)[0].points, 0.1 * (groom().points - [0, 0, 0.1]), atol=0.6e-5
    )


def moved(rig: BakedRig, part: str, *, slider: str | None = None, action: str | None = None) -> torch.Tensor:
    """(V,) how far each vertex of a part goes, in metres."""
    sliders = torch.full((1, len(rig.schema.continuous_names)), 0.5)
    expression = torch.zeros(1, len(rig.schema.facial_actions))
    rest = rig(sliders, expression)[0]
    if slider is not None:
        sliders[0, rig.schema.continuous_names.index(slider)] = 1.0
    if action is not None:
        expression[0, rig.schema.facial_actions.index(action)] = 1.0
    chosen = next(p.vertices for p in rig.parts if p.name == part)
    return (rig(sliders, expression)[0] - rest)[chosen]


def test_hair_follows_the_skin_below_it(rig: BakedRig) -> None:
    wider = moved(rig, "hair_crop_locks", slider="head-scale-horiz").norm(dim=1)
    assert float(wider.max()) > 2 * MILLIMETRE
    assert float(moved(rig, "hair_crop_locks", slider="mouth-scale-horiz").norm(dim=1).max()) < (
        0.2 * MILLIMETRE
    )


def test_long_hair_does_not_move_with_the_jaw_but_the_beard_does(rig: BakedRig) -> None:
    assert float(moved(rig, "hair_straight_long_locks", action="jawOpen").abs().max()) == 0.0
    assert float(moved(rig, "beard_full_beard_locks", action="jawOpen").norm(dim=1).max()) > 5 * MILLIMETRE


def test_lashes_sink_with_their_lid_and_turn_down(rig: BakedRig) -> None:
    upper = moved(rig, "lashes_left_upper", action="eyeBlinkLeft")[:, 1]
    assert float(upper.max()) < -2 * MILLIMETRE
    by_strand = upper.view(-1, 7)
    assert bool((by_strand[:, -1] < by_strand[:, 0]).all())  # the tips sink further than the roots
    assert float(moved(rig, "lashes_right_upper", action="eyeBlinkLeft").abs().max()) < 0.2 * MILLIMETRE


@pytest.mark.parametrize("style", ["natural", "bushy", "thin", "lifted"])
def test_all_hairs_of_a_brow_go_with_it(style: str, rig: BakedRig) -> None:
    raised = moved(rig, f"brow_left_{style}_hairs", action="browOuterUpLeft")[:, 1].view(-1, 5)
    assert float(raised.mean()) > 1 * MILLIMETRE
    assert float(raised.min()) > -0.5 * MILLIMETRE  # none hangs on the lid
    thicker = moved(rig, f"brow_left_{style}_hairs", slider="brow-thickness")
    assert 0.2 * MILLIMETRE < float(thicker.norm(dim=1).max()) < 6 * MILLIMETRE


def test_only_the_named_strands_are_moved(rig: BakedRig) -> None:
    generator = torch.Generator().manual_seed(3)
    sliders = torch.rand(2, len(rig.schema.continuous_names), generator=generator)
    everything = rig(sliders)
    some = rig(sliders, parts={"hair_bob_locks"})
    for part in rig.parts:
        if part.normals is None or part.name == "hair_bob_locks":
            torch.testing.assert_close(
                some[:, part.vertices], everything[:, part.vertices], atol=1e-6, rtol=0
            )
    other = next(part.vertices for part in rig.parts if part.name == "hair_afro_coils")
    neutral = rig(torch.full((1, sliders.shape[1]), 0.5))
    torch.testing.assert_close(some[:1, other], neutral[:, other], atol=1e-6, rtol=0)


def test_every_style_keeps_within_its_budget_of_triangles(rig: BakedRig) -> None:
    triangles: dict[tuple[str, str], int] = defaultdict(int)
    lashes = 0
    for part in rig.parts:
        if part.style is not None:
            triangles[part.style] += len(part.triangles)
        lashes += len(part.triangles) * part.name.startswith("lashes")
    for (slot, option), count in triangles.items():
        assert count <= {"hair": 25_000, "brows": 1_500, "facial_hair": 15_000}[slot], option
    assert 0 < lashes <= 1_200


def test_the_strands_take_less_than_three_megabytes_and_expand_quickly() -> None:
    file = read_rig_file(rig_path("anny"))
    assert sum(array.nbytes for name, array in file.arrays.items() if name.startswith("groom_")) < 3_000_000
    grooms = unpack_grooms(file.arrays, file.description["grooms"])
    style = [made for made in grooms if made.style == ("hair", "wavy_long")]
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        for made in style:
            expand(made)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.3
