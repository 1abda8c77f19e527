"""Blender imports the GLB: shape keys, bones, metres; and what it exports again still holds the character."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewright import Character as SavedCharacter
from facewright_models.export import ExportModel, ExportOptions, build_model, export_glb
from facewright_models.rig import BakedRig, neutral_character

LONGEST_SECS = 280
TEXT = SavedCharacter("anny", "2.0.0", {"nose-hump": 0.1234567890123}, {"hair": "crop"}).to_json()


@pytest.fixture(scope="module")
def model(rig: BakedRig) -> ExportModel:
    return build_model(rig, neutral_character(rig.schema), name="average", options=ExportOptions())


@pytest.fixture(scope="module")
def opened(
    blender: Path, rig: BakedRig, tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, Any], Path]:
    """What Blender reports, and the file it exported again."""
    folder = tmp_path_factory.mktemp("blender")
    extras = {"format": 1, "character_json": TEXT, "sha256": hashlib.sha256(TEXT.encode()).hexdigest()}
    (folder / "in.glb").write_bytes(export_glb(rig, neutral_character(rig.schema), extras=extras))
    paths = [folder / name for name in ("in.glb", "report.json", "picture.png", "again.glb")]
    script = Path(__file__).with_name("blender_open.py")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [blender, "-b", "--factory-startup", "--python-exit-code", "1", "-P", script, "--", *paths],
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return json.loads(paths[1].read_text()), paths[3]


def in_blender(points: np.ndarray) -> np.ndarray:
    """glTF's +Y up -> Blender's +Z up."""
    return points[..., [0, 2, 1]] * [1, -1, 1]


def test_blender_has_the_same_objects_with_the_same_shape_keys(
    opened: tuple[dict[str, Any], Path], model: ExportModel, rig: BakedRig
) -> None:
    report, _ = opened
    assert set(report["meshes"]) == {mesh.name for mesh in model.meshes}
    for mesh in model.meshes:
        keys = report["meshes"][mesh.name]["shape_keys"]
        assert list(keys) == [morph.name for morph in mesh.morphs]
        for morph in mesh.morphs:
            farthest = float(np.linalg.norm(morph.positions, axis=1).max())
            assert keys[morph.name] == pytest.approx(farthest, abs=1e-6), morph.name
    assert len(report["meshes"]["skin"]["shape_keys"]) == len(rig.schema.facial_actions) == 52


def test_objects_have_their_size_in_metres(opened: tuple[dict[str, Any], Path], model: ExportModel) -> None:
    report, _ = opened
    for mesh in model.meshes:
        placed = in_blender(mesh.positions.astype(float))
        assert report["meshes"][mesh.name]["low"] == pytest.approx(placed.min(0).tolist(), abs=1e-5)
        assert report["meshes"][mesh.name]["high"] == pytest.approx(placed.max(0).tolist(), abs=1e-5)


def test_bones_stand_where_the_joints_are(opened: tuple[dict[str, Any], Path], model: ExportModel) -> None:
    report, _ = opened
    assert set(report["bones"]) == {joint.name for joint in model.joints}
    for joint in model.joints:
        bone = report["bones"][joint.name]
        assert bone["parent"] == joint.parent
        assert bone["head"] == pytest.approx(in_blender(np.array(joint.position)).tolist(), abs=1e-5)


def test_every_object_has_its_material_and_colours(
    opened: tuple[dict[str, Any], Path], model: ExportModel
) -> None:
    report, _ = opened
    for mesh in model.meshes:
        assert report["meshes"][mesh.name]["materials"] == [mesh.material.name]
        assert len(report["meshes"][mesh.name]["colors"]) == 1
        assert report["meshes"][mesh.name]["paints_colors"]


def test_what_blender_exports_again_still_gives_the_character_back(
    opened: tuple[dict[str, Any], Path],
) -> None:
    _, again = opened
    assert SavedCharacter.from_file(again).to_json() == TEXT
