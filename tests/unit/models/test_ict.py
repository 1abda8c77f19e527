"""A second rig behind the same interface, so that nothing knows only the first."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from facewright_models.errors import WeightsError
from facewright_models.fitting.warm_start import LandmarkRig
from facewright_models.foundry import VectorLayout
from facewright_models.rig import (
    IctRig,
    ParameterKind,
    Rig,
    list_rigs,
    load_ict,
    neutral_character,
    validate_character,
)

CORNERS = np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [-0.5, 1, 6], [0.5, 1, 6], [0, 1.2, 6]])


def write_tiny(folder: Path) -> None:
    """Seven vertices in centimetres, two identity modes, five shapes; the last triangle is both eyes."""
    generator = np.random.default_rng(0)
    np.savez(
        folder / "topology_neutral.npz",
        neutral=CORNERS.astype(np.float32),
        faces=np.array([[0, 1, 2, 3], [4, 5, 6, -1]], np.int32),
        material_names=np.array(["M_Face", "M_ScleraLeft"]),
        face_material=np.array([0, 1], np.int16),
    )
    for name, names in (
        ("identity_000_001_int16", ["identity000", "identity001"]),
        ("expressions_int16", ["browInnerUp_L", "browInnerUp_R", "eyeBlink_L", "jawOpen", "PupilDilate_L"]),
    ):
        np.savez(
            folder / f"{name}.npz",
            delta=generator.integers(-1000, 1000, (len(names), 7, 3)).astype(np.int16),
            scale=generator.uniform(1e-4, 1e-3, len(names)).astype(np.float32),
            names=np.array(names),
        )
    marks = {"idx_to_landmark_verts": [index % 7 for index in range(68)]}
    (folder / "vertex_indices.json").write_text(json.dumps(marks))


@pytest.fixture
def tiny(tmp_path: Path) -> IctRig:
    write_tiny(tmp_path)
    return load_ict(tmp_path)


def test_vertices_are_the_documented_sum_in_metres(tiny: IctRig, tmp_path: Path) -> None:
    identity = np.load(tmp_path / "identity_000_001_int16.npz")
    shapes = np.load(tmp_path / "expressions_int16.npz")
    x, e = [0.9, 0.2], [0.3, 0.5, 0.7]
    offsets = {
        str(name): delta.astype(np.float32) * scale
        for name, delta, scale in zip(shapes["names"], shapes["delta"], shapes["scale"], strict=True)
    }
    expected = CORNERS - [0.0, CORNERS[4:, 1].mean(), 2.0]
    for value, delta, scale in zip(x, identity["delta"], identity["scale"], strict=True):
        expected = expected + 2.0 * (2 * value - 1) * delta * scale
    expected = expected + e[0] * (offsets["browInnerUp_L"] + offsets["browInnerUp_R"])
    expected = expected + e[1] * offsets["eyeBlink_L"] + e[2] * offsets["jawOpen"]
    assert tiny.schema.facial_actions == ("browInnerUp", "eyeBlinkLeft", "jawOpen")
    vertices = tiny(torch.tensor([x]), torch.tensor([e]))[0]
    np.testing.assert_allclose(vertices.numpy(), expected / 100, atol=1e-7)


def test_both_arguments_pass_gradcheck(tiny: IctRig) -> None:
    x = torch.tensor([[0.9, 0.2], [0.4, 0.6]], dtype=torch.float64, requires_grad=True)
    e = torch.rand(2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_(True)
    assert torch.autograd.gradcheck(tiny, (x, e))
    assert torch.autograd.gradcheck(tiny.landmarks, (x, e))


def test_landmarks_are_the_named_vertices(tiny: IctRig) -> None:
    x, e = torch.rand(3, 2), torch.rand(3, 3)
    torch.testing.assert_close(tiny.landmarks(x, e), tiny(x, e)[:, [index % 7 for index in range(68)]])
    torch.testing.assert_close(tiny.landmarks(x), tiny(x)[:, [index % 7 for index in range(68)]])


def check_shapes(rig: IctRig) -> None:
    """Vertices are the template and what the shapes add, and the last shapes are the facial actions."""
    generator = torch.Generator().manual_seed(5)
    sliders = torch.rand(3, len(rig.schema.continuous_names), generator=generator)
    expression = torch.rand(3, len(rig.schema.facial_actions), generator=generator)
    neutral = torch.full((1, sliders.shape[1]), 0.5)
    template = rig(neutral)
    weights = rig.shape_weights(sliders, expression)
    moved = rig.offsets(weights)
    assert moved.shape == (3, rig.vertex_count, 3)
    assert float(moved.norm(dim=2).amax()) > 1e-3
    torch.testing.assert_close(rig(sliders, expression), template + moved, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        rig(sliders), template + rig.offsets(rig.shape_weights(sliders)), atol=1e-6, rtol=0
    )
    torch.testing.assert_close(weights[:, -expression.shape[1] :], expression, atol=0, rtol=0)
    assert not rig.shape_weights(neutral).any()
    assert rig.shape_weights(sliders).shape == weights.shape


def test_vertices_are_the_template_and_what_its_shapes_add(tiny: IctRig) -> None:
    check_shapes(tiny)


def test_faces_with_three_and_four_corners_become_triangles(tiny: IctRig) -> None:
    assert sorted(map(tuple, tiny.triangles.tolist())) == [(0, 1, 2), (0, 2, 3), (4, 5, 6)]


def test_it_is_a_rig_but_no_character_is_made_with_it(tiny: IctRig) -> None:
    assert isinstance(tiny, Rig)
    assert "ict" not in list_rigs()


def test_a_folder_without_the_data_says_which_files_are_expected(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected topology_neutral"):
        load_ict(tmp_path)
    write_tiny(tmp_path)
    (tmp_path / "vertex_indices.json").write_text("{}")
    with pytest.raises(WeightsError, match="idx_to_landmark_verts"):
        load_ict(tmp_path)


@pytest.fixture(scope="module")
def ict(shared_data: Path) -> IctRig:
    return load_ict(shared_data / "rigs" / "ict_facekit")


def test_the_real_data_has_100_sliders_and_51_of_arkits_actions(ict: IctRig) -> None:
    assert len(ict.schema.of_kind(ParameterKind.CONTINUOUS)) == 100
    assert {p.neutral for p in ict.schema.parameters} == {0.5}
    assert len(ict.schema.facial_actions) == 51
    assert "tongueOut" not in ict.schema.facial_actions
    assert ict.vertex_count == 26719
    assert not ict.schema.styles
    assert not ict.schema.colors


def test_vertices_of_the_real_data_are_the_template_and_what_its_shapes_add(ict: IctRig) -> None:
    check_shapes(ict)


def test_every_identity_slider_of_the_real_data_moves_half_a_millimetre(ict: IctRig) -> None:
    neutral = torch.full((1, 100), 0.5)
    with torch.inference_mode():
        rest = ict(neutral)[0]
        for start in range(0, 100, 25):
            batch = neutral.repeat(25, 1)
            batch[range(25), range(start, start + 25)] = 1.0
            moved = (ict(batch) - rest).norm(dim=-1).amax(1)
            assert float(moved.min()) >= 5e-4


def test_the_real_head_stands_like_the_default_one(ict: IctRig) -> None:
    neutral = torch.full((1, 100), 0.5)
    vertices, points = ict(neutral)[0], ict.landmarks(neutral)[0]
    assert (vertices.amin(0) < 0).all()
    assert (vertices.amax(0) > 0).all()
    right_eye, left_eye, nose, mouth, chin = (
        points[36:42].mean(0), points[42:48].mean(0), points[30], points[48:60].mean(0), points[8],
    )  # fmt: skip
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_eye[1] > nose[1] > mouth[1] > chin[1]
    assert 0.05 < float(left_eye[0] - right_eye[0]) < 0.08
    assert abs(float(left_eye[1])) < 0.01  # eye height
    assert float(left_eye[2]) > 0.03


def test_real_actions_act_on_the_side_they_name(ict: IctRig) -> None:
    neutral = torch.full((1, 100), 0.5)
    rest = ict(neutral)[0]
    for name, sign in (("eyeBlinkLeft", 1), ("mouthSmileRight", -1)):
        expression = torch.zeros(1, 51)
        expression[0, ict.schema.facial_actions.index(name)] = 1.0
        moved = (ict(neutral, expression)[0] - rest).norm(dim=1)
        assert float((moved * rest[:, 0]).sum()) * sign > 0, name
        assert float(moved.max()) > 5e-3, name


def test_characters_vectors_and_the_landmark_fit_work_on_the_second_rig(ict: IctRig) -> None:
    layout = VectorLayout(ict.schema)
    assert layout.size == 100 + 5
    character = validate_character(ict.schema, neutral_character(ict.schema))
    assert len(character.sliders) == 100
    rig = LandmarkRig(ict, layout)
    generator = torch.Generator().manual_seed(3)
    goal = torch.full((1, layout.size), 0.5)
    goal[:, -3:] = 0.0
    goal[:, :12] += 0.4 * torch.rand(1, 12, generator=generator) - 0.2
    marked = rig.project(goal).detach()
    vector = torch.full((1, layout.size), 0.5)
    vector[:, -3:] = 0.0
    before = float(rig.error(rig.project(vector), marked))
    vector.requires_grad_(True)
    optimiser = torch.optim.Adam([vector], lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        rig.error(rig.project(vector), marked).sum().backward()
        optimiser.step()
    assert float(rig.error(rig.project(vector.detach()), marked)) < 0.4 * before
