"""Pictures of the look against accepted ones, so that no change of it goes unseen; `facewright.testing` compares.

A change that is meant: run this, look at out/golden/report.html, and
`facewright golden accept --run out/golden --all --replace --message "why"`.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from facewright import Character as SavedCharacter
from facewright.testing import Scene, load_scenes, read_picture
from facewright.testing.pytest_session import AssertGolden
from facewright_models.look import CharacterRenderer, View
from facewright_models.rig import Character, load_rig
from facewright_renderer import create_renderer

pytestmark = pytest.mark.golden

LARGEST_BYTES = 60_000
SCENES = load_scenes([Path(__file__).with_name("scenes.toml")])
SIZE_PX = 256


@pytest.fixture(scope="module")
def renderer() -> Iterator[CharacterRenderer]:
    with CharacterRenderer(load_rig("anny"), size_px=SIZE_PX) as renderer:
        yield renderer


@pytest.fixture(scope="module")
def backend() -> str:
    """The module name of the default backend; each backend has references of its own."""
    renderer = create_renderer()
    renderer.close()
    return type(renderer).__module__.rpartition(".")[2]


def draw(renderer: CharacterRenderer, scene: Scene) -> np.ndarray:
    """The picture of a scene: colour, class indices times 20, or normals with 128 for zero."""
    saved = scene.character
    assert isinstance(saved, SavedCharacter)
    character = Character(
        rig="anny",
        rig_version=load_rig("anny").schema.version,
        sliders=saved.sliders,
        styles=saved.styles,
        colors={name: (rgb.red, rgb.green, rgb.blue) for name, rgb in saved.colors.items()},
    )
    (wanted,) = scene.passes
    frame = renderer.render(
        character,
        expression=scene.expression,
        view=View(yaw_degrees=scene.view.yaw_degrees, pitch_degrees=scene.view.pitch_degrees),
        size_px=scene.size_px,
        passes={wanted},
    ).frame
    image = getattr(frame, wanted)
    if wanted == "labels":
        return np.asarray(image * 20, np.uint8)
    if wanted == "normals":
        return np.asarray(np.round(image * 127 + 128), np.uint8)
    return np.asarray(image)


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_the_picture_is_that_of_the_reference(
    scene: Scene, renderer: CharacterRenderer, backend: str, assert_golden: AssertGolden
) -> None:
    (wanted,) = scene.passes
    assert_golden(
        draw(renderer, scene),
        scene.name,
        pass_name=wanted,
        thresholds=scene.thresholds_of(wanted),
        backend=backend,
    )


def test_a_second_renderer_draws_the_same_bytes(renderer: CharacterRenderer) -> None:
    with CharacterRenderer(load_rig("anny"), size_px=SIZE_PX) as second:
        for scene in SCENES:
            np.testing.assert_array_equal(draw(second, scene), draw(renderer, scene), err_msg=scene.name)


def test_every_reference_belongs_to_a_scene_and_is_small(facewright_references: Path) -> None:
    names = {scene.name for scene in SCENES}
    paths = list(facewright_references.rglob("*.png"))
    assert len(paths) >= len(names)
    for path in paths:
        assert path.parent.parent.name in names, f"{path} belongs to no scene; delete it"
        assert path.with_suffix(".json").is_file(), f"{path} was never accepted"
        assert path.stat().st_size <= LARGEST_BYTES, f"{path} is too large"
        assert max(read_picture(path).pixels.shape[:2]) <= SIZE_PX


def test_scenes_differ_from_each_other(renderer: CharacterRenderer) -> None:
    """A scene whose parameters had no effect would guard nothing."""
    frames = {scene.name: draw(renderer, scene) for scene in SCENES if scene.passes == ("color",)}
    for first, a in frames.items():
        for second, b in frames.items():
            if first < second:
                assert np.abs(a.astype(int) - b.astype(int)).mean() > 1.0, (first, second)
