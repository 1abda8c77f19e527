"""The kit's default thresholds on our own faces at 512 pixels: what a studio relies on.

`python benchmarks/golden_margins.py` prints the same for more characters, with every slider that can be seen.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from facewright.testing import Picture, compare_pictures, load_scenes
from facewright_models.look import CharacterRenderer
from facewright_models.rig import load_rig
from golden.test_golden_renders import draw

pytestmark = [pytest.mark.golden, pytest.mark.slow]

SIZE_PX = 512
SCENES = {
    scene.name: replace(scene, size_px=SIZE_PX)
    for scene in load_scenes([Path(__file__).with_name("scenes.toml")])
    if scene.passes == ("color",)
}
FACES = ("dark_afro_smile_turned", "woman_long_hair")
# A hair is finer than a pixel: with more samples, curls and long hair are other pictures at their outlines.
SMOOTH_FACES = ("average_front", "average_three_quarters", "blink_left_mouth_open")
Renders = Callable[..., np.ndarray]


@pytest.fixture(scope="module")
def renderer() -> Iterator[CharacterRenderer]:
    with CharacterRenderer(load_rig("anny"), size_px=SIZE_PX) as renderer:
        yield renderer


@pytest.fixture(params=FACES, scope="module")
def rendered(request: pytest.FixtureRequest, renderer: CharacterRenderer) -> Renders:
    """Draws one face, with sliders moved and at any size."""
    scene = SCENES[request.param]

    def render(size_px: int = SIZE_PX, **moved: float) -> np.ndarray:
        sliders = {**scene.character.sliders}
        for name, by in moved.items():
            slider = name.replace("_", "-")
            sliders[slider] = sliders.get(slider, 0.5) + by
        character = replace(scene.character, sliders=sliders)
        return draw(renderer, replace(scene, character=character, size_px=size_px))

    return render


@pytest.fixture(scope="module")
def face(rendered: Renders) -> np.ndarray:
    return rendered()


def passes(actual: np.ndarray, expected: np.ndarray) -> bool:
    return compare_pictures(Picture(actual), Picture(expected)).is_within


def gamma(picture: np.ndarray, exponent: float) -> np.ndarray:
    return np.rint(255 * (picture / 255) ** exponent).astype(np.uint8)


def test_a_second_run_and_noise_of_one_step_pass(rendered: Renders, face: np.ndarray) -> None:
    assert passes(rendered(), face)
    noise = np.random.default_rng(0).integers(-1, 2, face.shape)
    assert passes(np.clip(face.astype(int) + noise, 0, 255).astype(np.uint8), face)


@pytest.mark.parametrize("rendered", SMOOTH_FACES, indirect=True)
def test_more_samples_at_the_edges_pass(rendered: Renders, face: np.ndarray) -> None:
    large = rendered(2 * SIZE_PX).astype(float)
    averaged = np.rint(large.reshape(SIZE_PX, 2, SIZE_PX, 2, 3).mean((1, 3))).astype(np.uint8)
    assert (averaged != face).any()
    assert passes(averaged, face)


@pytest.mark.parametrize("slider", ["head_scale_horiz", "mouth_trans_down_up", "eye_trans_in_out"])
def test_a_visible_slider_by_a_twentieth_fails(slider: str, rendered: Renders, face: np.ndarray) -> None:
    assert not passes(rendered(**{slider: 0.05}), face)


@pytest.mark.parametrize(
    ("slip", "change"),
    [
        ("one pixel", lambda face: np.roll(face, 1, 1)),
        ("mirrored", lambda face: np.ascontiguousarray(face[:, ::-1])),
        ("2.0 for 2.2", lambda face: gamma(face, 2.2 / 2.0)),
        ("twice", lambda face: gamma(face, 1 / 2.2)),
    ],
)
def test_a_shift_a_mirror_and_a_slip_of_gamma_fail(
    slip: str, change: Callable[[np.ndarray], np.ndarray], face: np.ndarray
) -> None:
    assert not passes(change(face), face), slip
