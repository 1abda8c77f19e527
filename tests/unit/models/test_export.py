"""What is exported of a character: every vertex, the rig's own offsets, joints in the eyes, what travels along."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial import cKDTree

from facewright_models.errors import InvalidInputError, ParameterRangeError, UnknownParameterError
from facewright_models.export import (
    MESH_NAMES,
    ExportModel,
    ExportOptions,
    Material,
    Surface,
    build_model,
    character_surfaces,
)
from facewright_models.export.eyes import ball_center, turn_degrees
from facewright_models.export.texture import bake_colors, linear_to_display
from facewright_models.look import View
from facewright_models.look.baked_head import BakedHead, HeadBaker, visible_parts
from facewright_models.look.dresser import dresser
from facewright_models.look.shading import part_colors
from facewright_models.look.surface import skin_surface
from facewright_models.rig import (
    BakedRig,
    Character,
    expression_vector,
    load_ict,
    neutral_character,
    slider_vector,
    validate_character,
)
from unit.models.test_ict import write_tiny

DRESSED = {"hair": "straight_long", "brows": "arched", "facial_hair": "full_beard"}


@pytest.fixture(scope="module")
def character(rig: BakedRig) -> Character:
    named = Character(
        rig="anny",
        rig_version=rig.schema.version,
        sliders={"gender": 0.8, "nose-hump": 0.9, "eye-scale": 0.7, "age": 0.7},
        styles=DRESSED,
        colors={"hair": (0.5, 0.2, 0.1)},
    )
    return validate_character(rig.schema, named)


@pytest.fixture(scope="module")
def model(rig: BakedRig, character: Character) -> ExportModel:
    return build_model(rig, character, name="dressed", options=ExportOptions())


def vertices_of(rig: BakedRig, character: Character, **expression: float) -> np.ndarray:
    """(V, 3) by the rig itself."""
    actions = torch.tensor([[expression.get(name, 0.0) for name in rig.schema.facial_actions]])
    with torch.inference_mode():
        return rig(slider_vector(rig.schema, character)[None], actions)[0].numpy()


def drawn_in(head: BakedHead, rig: BakedRig, **expression: float) -> dict[str, np.ndarray]:
    """Mesh -> vertices that the renderer draws in draft: of the eyes and teeth, which are finer than the rig's."""
    actions = expression_vector(rig.schema, expression).numpy()
    meshes = head.scene(actions, View(), "draft").meshes[1:5]
    places = [mesh.on_stage.vertices for mesh in meshes]
    return {"eyes": np.concatenate(places[:2]), "teeth": np.concatenate(places[2:])}


def subdivided(rig: BakedRig, vertices: np.ndarray) -> np.ndarray:
    """The skin as it is drawn, of all vertices of the rig."""
    return skin_surface(rig).vertices(vertices[rig.part("skin").vertices])


@pytest.fixture(scope="module")
def head(rig: BakedRig, character: Character) -> BakedHead:
    return HeadBaker(rig, dresser(rig)).bake(character)


@pytest.fixture(scope="module")
def places(rig: BakedRig, character: Character, model: ExportModel) -> np.ndarray:
    """Where among the vertices of the drawn skin each exported one is."""
    skin = subdivided(rig, vertices_of(rig, character))
    distances, found = cKDTree(skin).query(model.meshes[0].positions)
    assert distances.max() < 1e-6
    return np.asarray(found)


def parts_of(rig: BakedRig, character: Character) -> dict[str, list[slice]]:
    """Mesh -> vertex ranges, from the parts' names, in the rig's order."""
    found: dict[str, list[slice]] = {}
    for part in visible_parts(rig, character):
        mesh = part.style[0] if part.style else part.name.split("_")[0]
        mesh = {"eye": "eyes", "upper": "teeth", "lower": "teeth"}.get(mesh, mesh)
        found.setdefault(mesh, []).append(part.vertices)
    return found


def ids_of(rig: BakedRig, character: Character) -> dict[str, np.ndarray]:
    """Mesh -> which vertex of the rig each of its vertices is: at the seams of a texture, several are one."""
    found: dict[str, list[np.ndarray]] = {}
    for surface in character_surfaces(rig, character):
        found.setdefault(surface.mesh, []).append(surface.vertex_ids)
    return {mesh: np.concatenate(ids) for mesh, ids in found.items()}


def test_every_vertex_of_every_part_that_is_worn_occurs_and_none_else(
    rig: BakedRig, character: Character, model: ExportModel, head: BakedHead, places: np.ndarray
) -> None:
    parts = parts_of(rig, character)
    assert [mesh.name for mesh in model.meshes] == list(MESH_NAMES)
    assert set(parts) == set(MESH_NAMES)
    rest, ids = vertices_of(rig, character), ids_of(rig, character)
    drawn = {**drawn_in(head, rig), "skin": subdivided(rig, rest)[places]}
    for mesh in model.meshes:
        worn = np.concatenate([np.arange(own.start, own.stop) for own in parts[mesh.name]])
        assert np.array_equal(np.unique(ids[mesh.name]), np.sort(worn)), mesh.name
        assert mesh.name == "skin" or len(ids[mesh.name]) == len(worn), mesh.name
        if mesh.name in drawn:
            np.testing.assert_allclose(mesh.positions, drawn[mesh.name], atol=1e-6)
        else:
            assert np.array_equal(mesh.positions, rest[ids[mesh.name]]), mesh.name
        assert set(np.unique(mesh.triangles)) == set(range(len(mesh.positions)))


def test_morphs_are_what_moves_the_drawn_face(
    rig: BakedRig, character: Character, model: ExportModel, head: BakedHead, places: np.ndarray
) -> None:
    ids = ids_of(rig, character)
    rest, still = vertices_of(rig, character), drawn_in(head, rig)
    still["skin"] = subdivided(rig, rest)[places]
    for index, action in enumerate(rig.schema.facial_actions):
        acting = vertices_of(rig, character, **{action: 1.0})
        offsets = acting - rest
        moved = {**drawn_in(head, rig, **{action: 1.0}), "skin": subdivided(rig, acting)[places]}
        for mesh in model.meshes:
            is_fine = mesh.name in moved
            expected = moved[mesh.name] - still[mesh.name] if is_fine else offsets[ids[mesh.name]]
            exact = 1e-6 if is_fine else 2e-7
            morphs = {morph.name: morph for morph in mesh.morphs}
            if mesh.name == "skin":
                assert mesh.morphs[index].name == action
            if mesh.name == "eyes":
                continue
            if action in morphs:
                assert np.abs(morphs[action].positions - expected).max() < exact
            else:
                assert np.abs(expected).max() < exact


def test_normals_of_morphs_lead_to_the_normals_of_the_moved_shape(
    rig: BakedRig, character: Character, model: ExportModel
) -> None:
    for action in ("jawOpen", "mouthSmileLeft"):
        posed = build_model(
            rig, character, name="x", options=ExportOptions(expression={action: 1.0}, has_morphs=False)
        )
        for mesh, moved in zip(model.meshes, posed.meshes, strict=True):
            assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
            morph = next((m for m in mesh.morphs if m.name == action), None)
            turned = mesh.normals if morph is None else mesh.normals + morph.normals
            if mesh.name != "eyes":
                assert np.abs(turned - moved.normals).max() < 2e-3, mesh.name


def test_without_area_a_normal_points_ahead(rig: BakedRig, character: Character) -> None:
    flat = Surface(
        mesh="skin",
        material=Material(name="skin", roughness=0.5),
        vertex_ids=np.array([0, 1, 1]),
        triangles=np.array([[0, 1, 2]], np.int32),
        colors=np.ones((3, 3), np.float32),
    )
    model = build_model(rig, character, name="x", options=ExportOptions(), surfaces=[flat])
    assert model.meshes[0].normals.tolist() == [[0, 0, 1]] * 3


def test_joints_stand_in_the_eyeballs_and_at_the_top_of_the_neck(
    rig: BakedRig, character: Character, model: ExportModel
) -> None:
    head, left, right = model.joints
    assert [(joint.name, joint.parent) for joint in model.joints] == [
        ("head", None),
        ("left_eye", "head"),
        ("right_eye", "head"),
    ]
    rest = vertices_of(rig, character)
    for joint, name in ((left, "eye_left"), (right, "eye_right")):
        ball = rest[next(part.vertices for part in rig.parts if part.name == name)]
        radii = np.linalg.norm(ball - np.array(joint.position), axis=1)
        assert radii.max() - radii.min() < 5e-5  # several targets together leave the ball that far from round
    assert left.position[0] > 0 > right.position[0]
    skin = rest[next(part.vertices for part in rig.parts if part.name == "skin")]
    beside = skin[np.abs(skin[:, 1] - head.position[1]) < 0.01]
    assert beside[:, 0].min() < head.position[0] < beside[:, 0].max()
    assert beside[:, 2].min() < head.position[2] < beside[:, 2].max()


def test_eyeballs_follow_their_joints_and_everything_else_the_head(model: ExportModel) -> None:
    for mesh in model.meshes:
        if mesh.name == "eyes":
            is_left = mesh.positions[:, 0] > 0
            assert np.array_equal(mesh.joints, np.where(is_left, 1, 2))
        else:
            assert not mesh.joints.any()


def test_either_joints_or_morphs_turn_the_eyes(
    rig: BakedRig, character: Character, model: ExportModel, head: BakedHead
) -> None:
    looks = {action for action in rig.schema.facial_actions if action.startswith("eyeLook")}
    assert set(model.extras["eye_look"]) == looks
    assert [mesh.morphs for mesh in model.meshes if mesh.name == "eyes"] == [()]
    moved = build_model(rig, character, name="x", options=ExportOptions(has_eye_morphs=True))
    assert "eye_look" not in moved.extras
    (eyes,) = (mesh for mesh in moved.meshes if mesh.name == "eyes")
    assert {morph.name for morph in eyes.morphs} == looks
    (morph,) = (morph for morph in eyes.morphs if morph.name == "eyeLookInLeft")
    expected = drawn_in(head, rig, eyeLookInLeft=1.0)["eyes"] - drawn_in(head, rig)["eyes"]
    assert np.abs(morph.positions - expected).max() < 1e-6


def test_the_turn_that_the_file_tells_brings_the_iris_to_within_a_millimetre_of_the_rig(
    rig: BakedRig, model: ExportModel, character: Character
) -> None:
    rest = vertices_of(rig, character)
    joints = {joint.name: np.array(joint.position) for joint in model.joints}
    for action, turn in model.extras["eye_look"].items():
        side = turn["joint"].removesuffix("_eye")
        iris = next(part.vertices for part in rig.parts if part.name == f"eye_{side}").start
        vector = np.deg2rad(turn["rotation_vector_degrees"])
        angle = np.linalg.norm(vector)
        axis, arm = vector / angle, rest[iris] - joints[turn["joint"]]
        turned = (  # Rodrigues
            arm * np.cos(angle)
            + np.cross(axis, arm) * np.sin(angle)
            + axis * (axis @ arm) * (1 - np.cos(angle))
        )
        moved = vertices_of(rig, character, **{action: 1.0})[iris] - joints[turn["joint"]]
        assert np.linalg.norm(moved - arm) > 0.002
        assert np.linalg.norm(turned - moved) < 0.0013, action


@pytest.mark.parametrize("angle", [0.0, 1e-3, 25.0, 120.0])
def test_a_turn_is_measured_as_it_was_made(angle: float) -> None:
    generator = np.random.default_rng(2)
    points = generator.normal(size=(50, 3))
    axis = np.array([1.0, -2.0, 0.5]) / np.linalg.norm([1.0, -2.0, 0.5])
    x, y, z = axis
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    radians = np.deg2rad(angle)
    rotation = np.eye(3) + np.sin(radians) * cross + (1 - np.cos(radians)) * cross @ cross
    center = np.array([0.1, 0.2, 0.3])
    found = turn_degrees(points, (points - center) @ rotation.T + center, center)
    assert np.allclose(found, angle * axis, atol=1e-7)


def test_the_centre_of_a_cap_is_that_of_its_ball() -> None:
    generator = np.random.default_rng(1)
    directions = generator.normal(size=(200, 3))
    directions = directions[directions[:, 2] > 0.3]
    points = 0.015 * directions / np.linalg.norm(directions, axis=1, keepdims=True) + [0.03, 0.005, 0.06]
    assert np.allclose(ball_center(points), [0.03, 0.005, 0.06], atol=1e-12)


def test_an_expression_is_baked_and_told_and_its_morphs_still_add(
    rig: BakedRig, character: Character, model: ExportModel
) -> None:
    posed = build_model(rig, character, name="x", options=ExportOptions(expression={"jawOpen": 0.5}))
    assert posed.extras["expression"] == {"jawOpen": 0.5}
    assert "expression" not in model.extras
    skin, still = posed.meshes[0], model.meshes[0]
    jaw = rig.schema.facial_actions.index("jawOpen")
    assert np.allclose(skin.positions, still.positions + 0.5 * still.morphs[jaw].positions, atol=2e-7)
    assert np.allclose(skin.morphs[jaw].positions, still.morphs[jaw].positions, atol=2e-7)
    assert posed.joints[0] == model.joints[0]


def test_without_morphs_there_are_none(rig: BakedRig, character: Character) -> None:
    small = build_model(rig, character, name="x", options=ExportOptions(has_morphs=False))
    assert all(mesh.morphs == () for mesh in small.meshes)
    assert small.extras == {}


def test_a_bald_character_has_no_hair_and_no_beard(rig: BakedRig) -> None:
    average = neutral_character(rig.schema)
    bald = replace(average, styles={**average.styles, "hair": "bald"})
    names = [surface.mesh for surface in character_surfaces(rig, bald)]
    assert set(names) == set(MESH_NAMES) - {"hair", "facial_hair"}


def test_colours_look_in_srgb_as_they_do_in_our_frames(
    rig: BakedRig, character: Character, model: ExportModel
) -> None:
    brow = next(part for part in rig.parts if part.style == ("brows", "arched"))
    (brows,) = (mesh for mesh in model.meshes if mesh.name == "brows")
    assert brows.colors is not None
    expected = np.clip(part_colors(rig, brow, character), 0, 1) ** (1 / 2.2)  # our renderer's curve
    assert np.abs(linear_to_display(brows.colors[: len(expected)]) - expected).max() < 1e-5


def test_hair_has_fronts_on_both_sides_lit_alike_and_eyes_shine_most(model: ExportModel) -> None:
    materials = {mesh.name: mesh.material for mesh in model.meshes}
    assert not any(material.is_double_sided for material in materials.values())
    for mesh in model.meshes:
        edges = {tuple(row) for row in mesh.triangles.tolist()}
        has_backs = all((c, b, a) in edges for a, b, c in edges)
        assert has_backs == (mesh.name in {"hair", "facial_hair", "lashes", "brows"}), mesh.name
    assert min(materials, key=lambda name: materials[name].roughness) == "eyes"


def test_a_surface_of_no_known_mesh_is_a_mistake_and_is_not_left_out(
    rig: BakedRig, character: Character
) -> None:
    with pytest.raises(ValueError, match="hat"):
        replace(character_surfaces(rig, character)[0], mesh="hat")


def test_a_material_of_impossible_roughness_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="roughness"):
        Material(name="x", roughness=1.5)


@pytest.mark.parametrize(
    ("expression", "error"),
    [({"jawOpne": 1.0}, UnknownParameterError), ({"jawOpen": float("nan")}, ParameterRangeError)],
)
def test_a_bad_expression_is_refused(
    rig: BakedRig, expression: dict[str, float], error: type[Exception]
) -> None:
    with pytest.raises(error):
        build_model(
            rig, neutral_character(rig.schema), name="x", options=ExportOptions(expression=expression)
        )


def test_any_rig_can_be_exported_with_its_surfaces_and_says_so_without(
    rig: BakedRig, character: Character
) -> None:
    class Wrapped:
        """The same rig, of which only the protocol is known."""

        def __init__(self) -> None:
            self.schema, self.vertex_count = rig.schema, rig.vertex_count
            self.landmarks, self.shape_weights, self.offsets = rig.landmarks, rig.shape_weights, rig.offsets

        def __call__(self, parameters: torch.Tensor, expression: torch.Tensor | None = None) -> torch.Tensor:
            return rig(parameters, expression)

    options = ExportOptions(has_morphs=False)
    surfaces = character_surfaces(rig, character)
    made = build_model(Wrapped(), character, name="x", options=options, surfaces=surfaces)
    assert len(made.meshes) == len(MESH_NAMES)
    with pytest.raises(InvalidInputError, match="which triangles and colours"):
        build_model(Wrapped(), character, name="x", options=options)


def test_a_second_rig_is_exported_by_its_materials(tmp_path) -> None:
    write_tiny(tmp_path)
    ict = load_ict(tmp_path)
    model = build_model(ict, neutral_character(ict.schema), name="x", options=ExportOptions())
    assert [mesh.name for mesh in model.meshes] == ["skin", "eyes"]
    assert [morph.name for morph in model.meshes[0].morphs] == list(ict.schema.facial_actions)
    assert [joint.name for joint in model.joints] == ["head", "left_eye"]
    assert model.meshes[1].joints.tolist() == [1, 1, 1]


def test_with_texture_coordinates_the_colours_become_a_texture(rig: BakedRig, character: Character) -> None:
    skin = character_surfaces(rig, character)[0]
    corners = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
    colors = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]], np.float32)
    square = replace(
        skin,
        material=replace(skin.material, base_color_png=None),
        vertex_ids=skin.vertex_ids[:4],
        triangles=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        colors=colors,
        uv=corners,
    )
    model = build_model(rig, character, name="x", options=ExportOptions(), surfaces=[square])
    (mesh,) = model.meshes
    assert mesh.colors is None
    assert np.array_equal(mesh.uv, corners)
    with Image.open(io.BytesIO(mesh.material.base_color_png)) as opened:
        image = np.asarray(opened)
    assert image.shape == (1024, 1024, 3)
    assert np.abs(image[[0, 0, -1, -1], [0, -1, -1, 0]].astype(int) - 255 * colors).max() <= 12


def test_a_texture_mixes_inside_triangles_and_continues_beside_them() -> None:
    uv = np.array([[0.25, 0.25], [0.75, 0.25], [0.25, 0.75]], np.float32)
    colors = np.array([[0.5, 0, 0], [0.5, 0.2, 0], [0.5, 0, 0.8]], np.float32)
    baked = bake_colors(
        Material(name="x", roughness=0.5), uv, np.array([[0, 1, 2]], np.int32), colors, size_px=64
    )
    with Image.open(io.BytesIO(baked.base_color_png)) as opened:
        image = np.asarray(opened).astype(float) / 255
    x, y = 20, 24
    second, third = (np.array([x, y]) + 0.5 - 16) / 32
    shown = linear_to_display(colors)
    expected = (1 - second - third) * shown[0] + second * shown[1] + third * shown[2]
    assert np.abs(image[y, x] - expected).max() < 0.01
    assert np.allclose(image[0, 0], image[16, 16])
    assert np.allclose(image[..., 0], shown[0, 0], atol=0.003)


def test_tangents_run_where_the_texture_runs(model: ExportModel) -> None:
    (skin,) = (mesh for mesh in model.meshes if mesh.name == "skin")
    assert skin.tangents is not None
    assert skin.uv is not None
    assert [mesh.name for mesh in model.meshes if mesh.tangents is not None] == ["skin"]
    tangents = skin.tangents[:, :3]
    np.testing.assert_allclose(np.linalg.norm(tangents, axis=1), 1, atol=1e-5)
    assert np.abs((tangents * skin.normals).sum(1)).max() < 1e-5
    assert set(np.unique(skin.tangents[:, 3])) <= {-1.0, 1.0}
    nose = np.argmax(skin.positions[:, 2])  # u grows to the right of the picture, v downwards
    assert tangents[nose, 0] > 0.9
    assert skin.tangents[nose, 3] == 1.0
    between = np.cross(skin.normals[nose], tangents[nose])
    assert between[1] > 0.7


def test_black_skin_has_a_shade_all_the_same(rig: BakedRig, character: Character) -> None:
    black = replace(character, colors={**character.colors, "skin": (0.0, 0.0, 0.0)})
    skin = character_surfaces(rig, black)[0]
    assert np.isfinite(skin.colors).all()
    assert skin.colors.max() <= 1
