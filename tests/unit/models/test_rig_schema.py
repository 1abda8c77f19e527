"""What the creator of the default rig offers, and finding rigs by name."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from facewright_models.errors import UnknownRigError, WeightsError
from facewright_models.look.skin_texture import MAKE_UP
from facewright_models.rig import (
    BakedRig,
    ParameterKind,
    RigSchema,
    list_rigs,
    load_rig,
    rig_path,
)
from facewright_models.rig.anny_schema import IRIS_PATTERNS
from facewright_models.rig.beard_hair import BEARD_STYLES
from facewright_models.rig.brow_hair import BROW_STYLES
from facewright_models.rig.hair_styles import HAIR_STYLES
from facewright_models.rig.rig_file import RigFile, read_rig_file, write_rig_file

_SIDED = (
    "browDown browOuterUp cheekSquint eyeBlink eyeLookDown eyeLookIn eyeLookOut eyeLookUp eyeSquint eyeWide "
    "mouthDimple mouthFrown mouthLowerDown mouthPress mouthSmile mouthStretch mouthUpperUp noseSneer"
)
_UNSIDED = (
    "browInnerUp cheekPuff jawForward jawLeft jawOpen jawRight mouthClose mouthFunnel mouthLeft mouthPucker "
    "mouthRight mouthRollLower mouthRollUpper mouthShrugLower mouthShrugUpper tongueOut"
)
ARKIT = {*_UNSIDED.split(), *(name + side for name in _SIDED.split() for side in ("Left", "Right"))}


@pytest.fixture(scope="module")
def schema() -> RigSchema:
    return load_rig("anny").schema


def test_there_are_at_least_110_sliders_neutral_at_one_half(schema: RigSchema) -> None:
    sliders = schema.of_kind(ParameterKind.CONTINUOUS)
    assert len(sliders) >= 110
    assert {slider.neutral for slider in sliders} == {0.5}
    assert schema.continuous_names == tuple(slider.name for slider in sliders)


def test_there_are_five_style_slots_with_enough_options(schema: RigSchema) -> None:
    counts = {slot: len(parameter.options) for slot, parameter in schema.styles.items()}
    assert set(counts) == {"hair", "brows", "facial_hair", "iris_pattern", "make_up"}
    assert counts["hair"] >= 12
    assert counts["brows"] >= 10
    assert counts["facial_hair"] >= 6
    assert counts["iris_pattern"] >= 6
    assert counts["make_up"] >= 4
    for slot, parameter in schema.styles.items():
        assert parameter.neutral in parameter.options, slot
        assert len(set(parameter.options)) == len(parameter.options), slot


def test_skin_hair_iris_and_lips_have_colours(schema: RigSchema) -> None:
    assert {"skin", "hair", "iris", "lips"} <= set(schema.colors)
    for parameter in schema.colors.values():
        assert isinstance(parameter.neutral, tuple)
        assert all(0 < channel < 1 for channel in parameter.neutral)


def test_the_facial_actions_are_the_52_names_of_arkit(schema: RigSchema) -> None:
    assert len(ARKIT) == 52
    assert len(schema.facial_actions) == 52
    assert set(schema.facial_actions) == ARKIT


def test_names_are_unique_and_everything_is_described_for_a_creator(schema: RigSchema) -> None:
    names = [parameter.name for parameter in schema.parameters]
    assert len(set(zip(names, (p.kind for p in schema.parameters), strict=True))) == len(names)
    assert len(set(schema.continuous_names)) == len(schema.continuous_names)
    for parameter in schema.parameters:
        assert re.fullmatch(r"[a-z][a-z0-9_-]*", parameter.name), parameter.name
        assert parameter.group, parameter.name
        assert len(parameter.description) >= 8, parameter.name
        if parameter.kind is ParameterKind.CONTINUOUS and parameter.group not in {"phenotype", "asymmetry"}:
            assert re.search(r"(0 = .+|none up to 0\.5), 1 = .+", parameter.description), parameter.name


def test_no_slider_of_the_body_or_of_the_framing_is_offered(schema: RigSchema) -> None:
    words = {
        "torso",
        "hip",
        "pelvis",
        "arm",
        "leg",
        "hand",
        "foot",
        "breast",
        "buttocks",
        "stomach",
        "measure",
    }
    assert not [name for name in schema.continuous_names if words & set(name.split("-"))]
    assert not [name for name in schema.continuous_names if name.startswith(("head-trans", "neck-trans"))]


def test_every_asymmetry_belongs_to_a_tied_slider(schema: RigSchema) -> None:
    asymmetries = [name for name in schema.continuous_names if name.endswith("-asymmetry")]
    assert len(asymmetries) > 10
    assert {name.removesuffix("-asymmetry") for name in asymmetries} <= set(schema.continuous_names)


def test_the_schema_survives_json(schema: RigSchema) -> None:
    assert RigSchema.from_json(json.loads(json.dumps(schema.to_json()))) == schema


def test_version_and_licence_are_stated(schema: RigSchema) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", schema.version)
    assert "CC0" in schema.license


def test_parts_tile_the_vertices_and_have_known_labels() -> None:
    rig = load_rig("anny")
    assert rig.parts[0].vertices.start == 0
    assert rig.parts[-1].vertices.stop == rig.vertex_count
    for part, following in zip(rig.parts, rig.parts[1:], strict=False):
        assert part.vertices.stop == following.vertices.start
    for part in rig.parts:
        count = part.vertices.stop - part.vertices.start
        assert len(part.labels) == len(part.triangles), part.name
        if len(part.triangles):
            assert 0 <= part.triangles.min() <= part.triangles.max() < count, part.name
            assert part.labels.max() <= 10, part.name
        if part.style is not None:
            slot, option = part.style
            assert option in rig.schema.styles[slot].options, part.name


def test_every_style_option_but_the_bare_ones_has_a_mesh_or_paint() -> None:
    rig = load_rig("anny")
    shown = {part.style for part in rig.parts}
    for slot in ("hair", "brows", "facial_hair"):
        for option in rig.schema.styles[slot].options:
            assert (slot, option) in shown or option in {"bald", "none", "stubble"}, (slot, option)
    assert set(rig.schema.styles["iris_pattern"].options) == set(IRIS_PATTERNS)
    assert set(rig.schema.styles["make_up"].options) == set(MAKE_UP)


def test_the_styles_of_the_schema_are_those_that_grow() -> None:
    styles = load_rig("anny").schema.styles
    assert styles["hair"].options == tuple(HAIR_STYLES)
    assert styles["brows"].options == tuple(BROW_STYLES)
    assert styles["facial_hair"].options == tuple(BEARD_STYLES)


def test_landmark_weights_are_means_of_skin_vertices() -> None:
    arrays = read_rig_file(rig_path("anny")).arrays
    skin = load_rig("anny").parts[0]
    assert skin.name == "skin"
    assert arrays["landmark_vertices"].shape == arrays["landmark_weights"].shape == (68, 4)
    np.testing.assert_allclose(arrays["landmark_weights"].sum(1), 1, atol=1e-5)
    assert arrays["landmark_weights"].min() >= 0
    assert arrays["landmark_vertices"].max() < skin.vertices.stop
    assert len(np.unique(arrays["landmark_vertices"], axis=0)) > 60, "the landmarks were never calibrated"


def test_carried_vertices_hang_on_convex_combinations_of_the_core() -> None:
    arrays = read_rig_file(rig_path("anny")).arrays
    core = len(arrays["template"]) - len(arrays["carrier_vertices"])
    np.testing.assert_allclose(arrays["carrier_weights"].sum(1), 1, atol=1e-4)
    assert arrays["carrier_vertices"].max() < core


def test_rigs_are_found_by_name_and_loaded_once() -> None:
    assert "anny" in list_rigs()
    assert load_rig("anny") is load_rig("anny")


def test_an_unknown_rig_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownRigError, match="rigs: anny") as caught:
        load_rig("nobody")
    assert caught.value.metadata == {"got": "nobody"}
    assert caught.value.field == "rig"
    with pytest.raises(UnknownRigError):
        rig_path("../anny")


def test_a_missing_or_damaged_rig_file_says_how_to_bake_it(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="facewright-server bake anny"):
        BakedRig(tmp_path / "rig_nobody.safetensors")
    (tmp_path / "damaged.safetensors").write_bytes(rig_path("anny").read_bytes()[:5000])
    with pytest.raises(WeightsError, match="cannot read the baked rig damaged"):
        BakedRig(tmp_path / "damaged.safetensors")
    save_file({"template": np.zeros((1, 3), np.float32)}, tmp_path / "bare.safetensors")
    with pytest.raises(WeightsError, match="cannot read the baked rig bare"):
        BakedRig(tmp_path / "bare.safetensors")


@pytest.mark.parametrize(("largest", "stored"), [(65_535, np.uint16), (65_536, np.int32)])
def test_vertex_ids_take_two_bytes_where_these_suffice(
    largest: int, stored: type[np.generic], tmp_path: Path
) -> None:
    ids = np.array([0, 7, largest], np.int32)
    write_rig_file(RigFile(arrays={"target_vertices": ids}, description={}), tmp_path / "rig.safetensors")
    with safe_open(tmp_path / "rig.safetensors", framework="np") as handle:
        assert handle.get_tensor("target_vertices").dtype == stored
    read = read_rig_file(tmp_path / "rig.safetensors").arrays["target_vertices"]
    assert read.dtype == np.int32
    assert np.array_equal(read, ids)


def test_a_rig_file_survives_writing_and_reading(tmp_path: Path) -> None:
    file = read_rig_file(rig_path("anny"))
    write_rig_file(file, tmp_path / "copy.safetensors")
    copy = read_rig_file(tmp_path / "copy.safetensors")
    assert copy.description == file.description
    assert set(copy.arrays) == set(file.arrays)
    for name, array in file.arrays.items():
        np.testing.assert_array_equal(copy.arrays[name], array, err_msg=name)
    assert [path.name for path in tmp_path.iterdir()] == ["copy.safetensors"]


SERVING = """
import sys
import torch
from facewright_models.fitting import Fitter
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig
rig = load_rig("anny")
rig(torch.full((1, len(rig.schema.continuous_names)), 0.5))
print("LOADED", sorted({name.split(".")[0] for name in sys.modules} & {"anny", "warp"}))
"""


def test_serving_imports_neither_anny_nor_warp() -> None:
    done = subprocess.run([sys.executable, "-c", SERVING], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("LOADED")[1].strip() == "[]"
