"""The files: what readers that are not ours find in them, and that the same character gives the same bytes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from facewright_models.errors import ParameterRangeError
from facewright_models.export import (
    ExportMesh,
    ExportModel,
    ExportOptions,
    Joint,
    Material,
    Morph,
    build_model,
    export_glb,
    export_obj,
    write_glb,
    write_obj,
)
from facewright_models.rig import BakedRig, Character, neutral_character
from unit.models.glb_reading import ReadGlb

PROGRAM = """
import hashlib
from facewright_models.export import export_glb
from facewright_models.rig import load_rig, neutral_character
rig = load_rig("anny")
print(hashlib.sha256(export_glb(rig, neutral_character(rig.schema), extras={"format": 1})).hexdigest())
"""


@pytest.fixture(scope="module")
def character(rig: BakedRig) -> Character:
    return neutral_character(rig.schema)


@pytest.fixture(scope="module")
def model(rig: BakedRig, character: Character) -> ExportModel:
    return build_model(rig, character, name="average", options=ExportOptions())


@pytest.fixture(scope="module")
def content(rig: BakedRig, character: Character) -> bytes:
    return export_glb(rig, character, name="average", extras={"format": 1})


@pytest.fixture(scope="module")
def file(content: bytes) -> ReadGlb:
    return ReadGlb(content)


def png(color: tuple[int, int, int]) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 4), color).save(stream, "PNG")
    return stream.getvalue()


def a_triangle(**changes: object) -> ExportMesh:
    mesh = ExportMesh(
        name="skin",
        material=Material(name="skin", roughness=0.5),
        positions=np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32),
        normals=np.tile(np.array([0, 0, 1], np.float32), (3, 1)),
        triangles=np.array([[0, 1, 2]], np.int32),
        joints=np.zeros(3, np.uint8),
        uv=np.array([[0, 0], [1, 0], [0, 1]], np.float32),
    )
    return replace(mesh, **changes)  # type: ignore[arg-type]


def a_model(*meshes: ExportMesh) -> ExportModel:
    return ExportModel(
        name="m", meshes=meshes, joints=(Joint(name="head", position=(0, 0, 0)),), copyright="CC0-1.0"
    )


def test_the_file_holds_what_the_model_has(file: ReadGlb, model: ExportModel) -> None:
    assert [mesh["name"] for mesh in file.document["meshes"]] == [mesh.name for mesh in model.meshes]
    for mesh in model.meshes:
        assert np.array_equal(file.attribute(mesh.name, "POSITION"), mesh.positions)
        assert np.array_equal(file.attribute(mesh.name, "NORMAL"), mesh.normals)
        assert np.array_equal(file.triangles(mesh.name), mesh.triangles)
        if mesh.colors is None:
            assert np.array_equal(file.attribute(mesh.name, "TEXCOORD_0"), mesh.uv)
        else:
            colors = file.attribute(mesh.name, "COLOR_0")
            assert np.abs(colors[:, :3] - mesh.colors).max() < 1e-5
            assert (colors[:, 3] == 1).all()
        assert np.array_equal(file.attribute(mesh.name, "JOINTS_0")[:, 0], mesh.joints)
        assert file.attribute(mesh.name, "WEIGHTS_0").tolist() == [[1, 0, 0, 0]] * len(mesh.positions)
        targets = file.targets(mesh.name)
        assert list(targets) == [morph.name for morph in mesh.morphs]
        for morph in mesh.morphs:
            positions, normals = targets[morph.name]
            assert np.array_equal(positions, morph.positions)
            assert np.array_equal(normals, morph.normals)


def test_the_skin_has_the_52_actions_in_the_order_of_the_rig(file: ReadGlb, rig: BakedRig) -> None:
    assert file.mesh("skin")["extras"]["targetNames"] == list(rig.schema.facial_actions)
    assert len(rig.schema.facial_actions) == 52


def test_joints_are_bound_where_they_stand(file: ReadGlb, model: ExportModel) -> None:
    (skin,) = file.document["skins"]
    nodes = file.document["nodes"]
    assert [nodes[index]["name"] for index in skin["joints"]] == [joint.name for joint in model.joints]
    inverse = file.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    head = np.array(nodes[skin["joints"][0]]["translation"])
    for index, joint in enumerate(model.joints):
        assert np.allclose(inverse[index] @ [*joint.position, 1], [0, 0, 0, 1], atol=1e-7)
        own = np.array(nodes[skin["joints"][index]]["translation"])
        assert np.allclose(own + (0 if joint.parent is None else head), joint.position)
    assert nodes[0]["children"] == [1, 2]


def test_the_file_says_who_made_it_and_whose_the_rig_is(file: ReadGlb, rig: BakedRig) -> None:
    asset = file.document["asset"]
    assert asset["version"] == "2.0"
    assert asset["generator"] == f"Facewright {version('facewright')}"
    assert rig.schema.license in asset["copyright"]
    assert file.extras["format"] == 1
    assert set(file.extras) == {"format", "eye_look"}


def test_chunks_and_accessors_start_at_multiples_of_four(content: bytes, file: ReadGlb) -> None:
    assert len(content) % 4 == 0
    assert all(start % 4 == 0 for start in file.chunk_starts)
    assert all(view["byteOffset"] % 4 == 0 for view in file.document["bufferViews"])


@pytest.mark.parametrize(("count", "component"), [(255, 5121), (256, 5123), (65535, 5123), (65536, 5125)])
def test_indices_take_the_smallest_type_and_never_its_largest_value(count: int, component: int) -> None:
    positions = np.zeros((count, 3), np.float32)
    mesh = a_triangle(
        positions=positions,
        normals=positions + np.array([0, 0, 1], np.float32),
        joints=np.zeros(count, np.uint8),
        triangles=np.array([[0, 1, count - 1]], np.int32),
        uv=None,
    )
    read = ReadGlb(write_glb(a_model(mesh), generator="t"))
    assert read.triangles("skin").tolist() == [[0, 1, count - 1]]
    indices = read.document["accessors"][read.mesh("skin")["primitives"][0]["indices"]]
    assert indices["componentType"] == component


@pytest.mark.parametrize("moved", [[], [2], [0, 1, 2]])
def test_morphs_are_sparse_only_where_that_is_smaller(moved: list[int]) -> None:
    positions, normals = np.zeros((2, 3, 3), np.float32)
    positions[moved], normals[moved] = 0.5, -0.25
    mesh = a_triangle(morphs=(Morph(name="jawOpen", positions=positions, normals=normals),))
    read = ReadGlb(write_glb(a_model(mesh), generator="t"))
    found, turned = read.targets("skin")["jawOpen"]
    assert np.array_equal(found, positions)
    assert np.array_equal(turned, normals)
    is_sparse = any("sparse" in accessor for accessor in read.document["accessors"])
    assert is_sparse == (len(moved) < 3)


def test_textures_are_in_the_file_once_each_and_on_their_materials() -> None:
    red, blue = png((255, 0, 0)), png((0, 0, 255))
    skin = Material(name="skin", roughness=0.5, base_color_png=red, normal_png=blue, roughness_png=blue)
    hair = Material(name="hair", roughness=0.6, base_color_png=red, is_double_sided=True)
    read = ReadGlb(
        write_glb(a_model(a_triangle(material=skin), a_triangle(name="hair", material=hair)), generator="t")
    )
    assert len(read.document["images"]) == len(read.document["textures"]) == 2
    first, second = read.document["materials"]
    assert first["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert first["normalTexture"] == first["pbrMetallicRoughness"]["metallicRoughnessTexture"] == {"index": 1}
    assert first["pbrMetallicRoughness"]["roughnessFactor"] == 1
    assert second["pbrMetallicRoughness"]["baseColorTexture"] == {"index": 0}
    assert second["doubleSided"]
    assert "doubleSided" not in first
    view = read.document["bufferViews"][read.document["images"][0]["bufferView"]]
    assert read.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]] == red
    assert "COLOR_0" not in read.mesh("skin")["primitives"][0]["attributes"]
    assert np.array_equal(read.attribute("skin", "TEXCOORD_0"), a_triangle().uv)


def test_the_same_character_gives_the_same_bytes_in_another_process(
    rig: BakedRig, character: Character
) -> None:
    import hashlib

    here = hashlib.sha256(export_glb(rig, character, extras={"format": 1})).hexdigest()
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == here


def test_another_character_gives_other_bytes(rig: BakedRig, character: Character, content: bytes) -> None:
    other = replace(character, sliders={**character.sliders, "nose-hump": 0.51})
    assert export_glb(rig, other, name="average", extras={"format": 1}) != content


def test_trimesh_opens_the_file_in_metres(content: bytes, model: ExportModel) -> None:
    scene = trimesh.load_scene(io.BytesIO(content), file_type="glb")
    assert set(scene.geometry) == {mesh.name for mesh in model.meshes}
    for mesh in model.meshes:
        found = scene.geometry[mesh.name]
        assert np.allclose(found.vertices, mesh.positions)
        assert np.array_equal(found.faces, mesh.triangles)
    assert 0.2 < scene.extents[1] < 0.6
    skin = scene.geometry["skin"].bounds
    assert skin[1, 2] > 0.09  # the tip of the nose: the face looks along +Z


def texture_bytes(content: bytes) -> int:
    """What the pictures in a GLB take, which every export of a character has."""
    document = ReadGlb(content).document
    return sum(document["bufferViews"][image["bufferView"]]["byteLength"] for image in document["images"])


def test_without_morphs_the_file_is_much_smaller(rig: BakedRig, character: Character, content: bytes) -> None:
    small = export_glb(rig, character, options=ExportOptions(has_morphs=False))
    # Most strands of hair have no morphs.
    assert len(small) - texture_bytes(small) < 0.5 * (len(content) - texture_bytes(content))
    assert "extras" not in ReadGlb(small).mesh("skin")


def test_a_character_with_everything_is_far_below_the_message_limit(
    rig: BakedRig, character: Character
) -> None:
    dressed = replace(
        character, styles={"hair": "straight_long", "brows": "bushy", "facial_hair": "full_beard"}
    )
    content = export_glb(rig, dressed, options=ExportOptions(has_eye_morphs=True))
    assert len(content) < 16_000_000


@pytest.mark.parametrize("name", ["", "../x", "a b", "a/b", ".hidden", "x" * 65, "ä"])
def test_a_name_that_is_no_plain_file_name_is_refused(name: str, rig: BakedRig, character: Character) -> None:
    with pytest.raises(ParameterRangeError) as caught:
        export_obj(rig, character, name=name)
    assert caught.value.field == "name"


def test_obj_has_every_mesh_with_colours_materials_and_the_expression(
    rig: BakedRig, character: Character, tmp_path: Path
) -> None:
    options = ExportOptions(expression={"jawOpen": 1.0})
    files = export_obj(rig, character, name="face", options=options)
    assert {name for name in files if not name.endswith(".png")} == {"face.obj", "face.mtl"}
    pictures = {name for name in files if name.endswith(".png")}
    assert len(pictures) == 4  # skin, its slopes, its roughness, irises
    assert all(name in files["face.mtl"].decode() for name in pictures)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    model = build_model(rig, character, name="face", options=options)
    scene = trimesh.load_scene(tmp_path / "face.obj", split_object=True, group_material=False)
    assert len(scene.geometry) == len(model.meshes)
    total = sum(len(mesh.triangles) for mesh in model.meshes)
    assert sum(len(mesh.faces) for mesh in scene.geometry.values()) == total
    assert np.allclose(
        scene.bounds,
        [
            np.min([mesh.positions.min(0) for mesh in model.meshes], 0),
            np.max([mesh.positions.max(0) for mesh in model.meshes], 0),
        ],
        atol=1e-5,
    )
    text = files["face.obj"].decode()
    assert "mtllib face.mtl" in text
    lengths = {len(line.split()) for line in text.splitlines() if line.startswith("v ")}
    assert lengths == {7}  # all have colours, or the shade of their folds
    materials = [
        line.split()[1] for line in files["face.mtl"].decode().splitlines() if line.startswith("newmtl")
    ]
    assert materials == [mesh.material.name for mesh in model.meshes]


def test_obj_refers_to_its_textures_and_counts_from_one() -> None:
    red = png((255, 0, 0))
    textured = a_triangle(material=Material(name="skin", roughness=0.5, base_color_png=red))
    painted = a_triangle(
        name="hair",
        material=Material(name="hair", roughness=0.5),
        uv=None,
        colors=np.full((3, 3), 0.5, np.float32),
    )
    files = write_obj(a_model(textured, painted), generator="t")
    assert files["m_skin_base_color.png"] == red
    assert "map_Kd m_skin_base_color.png" in files["m.mtl"].decode()
    lines = files["m.obj"].decode().splitlines()
    assert [line for line in lines if line.startswith("f ")] == ["f 1/1/1 2/2/2 3/3/3", "f 4//4 5//5 6//6"]
    assert next(line for line in lines if line.startswith("vt ")) == "vt 0.000000 1.000000"


def test_the_json_of_the_file_is_strict(content: bytes) -> None:
    def refuse(word: str) -> None:
        raise AssertionError(word)

    length = int.from_bytes(content[12:16], "little")
    json.loads(content[20 : 20 + length], parse_constant=refuse)
