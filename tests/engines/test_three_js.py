"""three.js in headless Chromium opens the GLB: what it finds, and the same pictures as our own renderer's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from engines.comparison import LIMITS, Likeness, likeness
from engines.own_frames import own_normals, own_unlit
from engines.posing import turns_of
from engines.tools import Browser, Shot
from facewright_models.export import ExportModel, ExportOptions, build_model, write_glb
from facewright_models.foundry import random_posed
from facewright_models.look import CharacterRenderer
from facewright_models.rig import BakedRig, Character, neutral_character

SIZE_PX = 384
SMILE = {"mouthSmileLeft": 1.0}


@dataclass(frozen=True, kw_only=True)
class Pose:
    name: str
    expression: Mapping[str, float]
    yaw: float = 0.0


POSES = (
    Pose(name="rest", expression={}),
    Pose(name="jaw", expression={"jawOpen": 0.8, "mouthSmileLeft": 0.6, "mouthSmileRight": 0.6}),
    Pose(name="one_sided_smile", expression=SMILE),
    Pose(name="blink", expression={"eyeBlinkLeft": 1.0, "browInnerUp": 0.7}),
    Pose(name="glance", expression={"eyeLookOutLeft": 0.8, "eyeLookInRight": 0.8}),
    Pose(name="down", expression={"eyeLookDownLeft": 1.0, "eyeLookDownRight": 1.0}),
    Pose(name="turned", expression={"tongueOut": 1.0, "jawOpen": 0.6}, yaw=35.0),
)


def characters(rig: BakedRig) -> dict[str, Character]:
    """The average one, and two at random with the widest hair and beards."""
    average = neutral_character(rig.schema)
    generator = np.random.default_rng(3)
    found = {"average": average}
    for name, styles in (
        ("long", {"hair": "straight_long", "facial_hair": "none"}),
        ("bearded", {"hair": "afro", "facial_hair": "full_beard"}),
    ):
        drawn = random_posed(rig.schema, generator, turned=0.0).character
        mild = {slider: 0.5 + 0.5 * (value - 0.5) for slider, value in drawn.sliders.items()}
        found[name] = replace(drawn, sliders=mild, styles={**drawn.styles, **styles})
    return found


def shots_of(file: Path, model: ExportModel, pose: Pose) -> list[Shot]:
    """The three pictures that `judged` takes."""
    turns = turns_of(model, pose.expression)
    return [
        Shot(file=file, mode=mode, morphs=dict(pose.expression), turns=turns, yaw=pose.yaw)
        for mode in ("unlit", "normals", "mask")
    ]


def judged(
    pictures: list[np.ndarray], rig: BakedRig, renderer: CharacterRenderer, character: Character, pose: Pose
) -> Likeness:
    """three.js's three pictures of a pose against ours."""
    unlit, packed, mask = pictures
    normals = packed.astype(float) / 255 * 2 - 1
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    asked = {"expression": pose.expression, "yaw": pose.yaw, "size_px": SIZE_PX}
    colors, strands = own_unlit(rig, character, **asked)
    return likeness(
        unlit=unlit,
        own_unlit=colors,
        normals=normals,
        own_normals=own_normals(renderer, character, **asked),
        mask=mask[..., 0] > 127,
        strands=strands,
    )


@pytest.fixture(scope="module")
def average_model(rig: BakedRig) -> ExportModel:
    return build_model(rig, neutral_character(rig.schema), name="average", options=ExportOptions())


def test_three_js_finds_every_mesh_with_its_morphs_and_joints(
    browser: Browser, average_model: ExportModel, rig: BakedRig, tmp_path: Path
) -> None:
    file = tmp_path / "average.glb"
    file.write_bytes(write_glb(average_model, generator="Facewright test"))
    _, found = browser.shoot([Shot(file=file, mode="lit")], tmp_path, size_px=64)
    assert found["generator"] == "Facewright test"
    assert found["bones"] == ["head", "left_eye", "right_eye"]
    assert list(found["meshes"]) == ["skin", "eyes", "teeth", "tongue", "lashes", "brows", "hair"]
    assert tuple(found["meshes"]["skin"]["morphs"]) == rig.schema.facial_actions
    assert found["meshes"]["eyes"]["morphs"] == []
    assert all(mesh["isSkinned"] and mesh["hasColors"] for mesh in found["meshes"].values())
    assert [name for name, mesh in found["meshes"].items() if mesh["hasTexture"]] == ["skin", "eyes"]
    assert found["meshes"]["eyes"]["roughness"] < found["meshes"]["skin"]["roughness"]
    assert found["userData"]["facewright"]["eye_look"] == average_model.extras["eye_look"]


@pytest.mark.parametrize("name", ["average", "long", "bearded"])
def test_the_pictures_of_three_js_are_ours(
    name: str, browser: Browser, rig: BakedRig, renderer: CharacterRenderer, tmp_path: Path
) -> None:
    character = characters(rig)[name]
    model = build_model(rig, character, name=name, options=ExportOptions())
    file = tmp_path / f"{name}.glb"
    file.write_bytes(write_glb(model, generator="test"))
    shots = [shot for pose in POSES for shot in shots_of(file, model, pose)]
    pictures, _ = browser.shoot(shots, tmp_path, size_px=SIZE_PX)
    wrong = {}
    for index, pose in enumerate(POSES):
        found = judged(pictures[3 * index : 3 * index + 3], rig, renderer, character, pose)
        print(name, pose.name, found)
        if exceeded := LIMITS.exceeded_by(found):
            wrong[pose.name] = exceeded
    assert not wrong


def swapped(model: ExportModel) -> ExportModel:
    """Left morphs under the names of right ones."""
    sides = {"Left": "Right", "Right": "Left"}

    def other(name: str) -> str:
        return next((name.removesuffix(a) + b for a, b in sides.items() if name.endswith(a)), name)

    return replace(
        model,
        meshes=tuple(
            replace(mesh, morphs=tuple(replace(morph, name=other(morph.name)) for morph in mesh.morphs))
            for mesh in model.meshes
        ),
    )


def weakened(model: ExportModel) -> ExportModel:
    """Every morph does two thirds of its work."""
    return replace(
        model,
        meshes=tuple(
            replace(
                mesh,
                morphs=tuple(
                    replace(
                        m, positions=m.positions * np.float32(2 / 3), normals=m.normals * np.float32(2 / 3)
                    )
                    for m in mesh.morphs
                ),
            )
            for mesh in model.meshes
        ),
    )


def inside_out(model: ExportModel) -> ExportModel:
    """Triangles wound the other way round."""
    return replace(
        model, meshes=tuple(replace(mesh, triangles=mesh.triangles[:, ::-1].copy()) for mesh in model.meshes)
    )


def without_normals_of_morphs(model: ExportModel) -> ExportModel:
    """Shapes move, light does not."""
    return replace(
        model,
        meshes=tuple(
            replace(mesh, morphs=tuple(replace(m, normals=np.zeros_like(m.normals)) for m in mesh.morphs))
            for mesh in model.meshes
        ),
    )


def cross_eyed(model: ExportModel) -> ExportModel:
    """Both eyes' rotations the other way round."""
    turned = {
        action: {**turn, "rotation_vector_degrees": [-angle for angle in turn["rotation_vector_degrees"]]}
        for action, turn in model.extras["eye_look"].items()
    }
    return replace(model, extras={**model.extras, "eye_look": turned})


def twice_as_bright(model: ExportModel) -> ExportModel:
    """Colours that were taken for sRGB once too often."""
    return replace(
        model,
        meshes=tuple(
            replace(mesh, colors=None if mesh.colors is None else np.sqrt(mesh.colors))
            for mesh in model.meshes
        ),
    )


FAULTS = {
    "swapped": (swapped, "one_sided_smile"),
    "swapped_lids": (swapped, "blink"),
    "weakened": (weakened, "jaw"),
    "inside_out": (inside_out, "rest"),
    "without_normals_of_morphs": (without_normals_of_morphs, "jaw"),
    "cross_eyed": (cross_eyed, "glance"),
    "twice_as_bright": (twice_as_bright, "rest"),
}


def test_every_planted_fault_is_seen(
    browser: Browser, rig: BakedRig, renderer: CharacterRenderer, average_model: ExportModel, tmp_path: Path
) -> None:
    poses = {pose.name: pose for pose in POSES}
    shots = []
    for name, (spoil, pose) in FAULTS.items():
        spoilt = spoil(average_model)
        file = tmp_path / f"{name}.glb"
        file.write_bytes(write_glb(spoilt, generator="test"))
        shots += shots_of(file, spoilt, poses[pose])
    pictures, _ = browser.shoot(shots, tmp_path, size_px=SIZE_PX)
    unseen = {}
    average = neutral_character(rig.schema)
    for index, (name, (_, pose)) in enumerate(FAULTS.items()):
        found = judged(pictures[3 * index : 3 * index + 3], rig, renderer, average, poses[pose])
        print(name, found, LIMITS.exceeded_by(found))
        if not LIMITS.exceeded_by(found):
            unseen[name] = found
    assert not unseen
