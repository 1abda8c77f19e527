"""Shadows that a head casts on itself: where they fall, that their edges are soft, and which lights cast them."""

import numpy as np
import pytest

from facewright_models.look import CharacterRenderer, Stage, View
from facewright_models.look.cast_shadow import CastShadow
from facewright_models.look.staging import LIGHTINGS
from facewright_models.rig import BakedRig, Character
from facewright_renderer import compare_images
from with_egl import require_egl

UP = (0.0, 0.0, 1.0)
NO_HAIR = np.zeros((0, 3), np.float32)


def wall(*, side: float, height: float, step: float = 0.0015) -> np.ndarray:
    """Points of a square about the middle, so high above z = 0."""
    axis = np.arange(-side / 2, side / 2 + step / 2, step, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    return np.stack([x, y, np.full_like(x, height)], -1).reshape(-1, 3)


def shade_below(caster: np.ndarray, hair: np.ndarray, toward: tuple[float, float, float]) -> np.ndarray:
    """Along x on the ground, every millimetre from -50 to 50."""
    points = np.zeros((101, 3), np.float32)
    points[:, 0] = np.linspace(-0.05, 0.05, 101)
    return CastShadow(caster, hair, toward).at(points, np.tile(np.float32(UP), (101, 1)))


def test_what_stands_between_a_point_and_the_light_shades_it_softly() -> None:
    shade = shade_below(wall(side=0.04, height=0.04), NO_HAIR, UP)
    assert (shade[40:61] == 1).all()
    assert (shade[:12] == 0).all()
    assert (shade[-12:] == 0).all()
    assert ((shade > 0.05) & (shade < 0.95)).sum() >= 12  # two edges of six millimetres and more
    assert (np.diff(shade[:40]) >= -0.13).all()


def test_the_shadow_falls_away_from_the_light() -> None:
    shade = shade_below(wall(side=0.02, height=0.02), NO_HAIR, (-1.0, 0.0, 1.0))
    middle = float((shade * np.linspace(-0.05, 0.05, 101)).sum() / shade.sum())
    assert middle == pytest.approx(0.02, abs=0.004)


def test_a_surface_does_not_shade_itself() -> None:
    assert not shade_below(wall(side=0.12, height=0.0), NO_HAIR, (0.6, 0.3, 1.0)).any()


def test_strands_with_gaps_between_them_shade_as_a_whole_and_a_lone_one_does_not_grow() -> None:
    strands = wall(side=0.04, height=0.03)
    strands = strands[np.round(strands[:, 0] / 0.0015).astype(int) % 6 == 0]  # nine millimetres apart
    shade = shade_below(wall(side=0.2, height=-0.05), strands, UP)
    assert shade[38:63].min() > 0.9
    assert shade_below(wall(side=0.2, height=-0.05), strands[:1], UP).max() < 0.3


@pytest.mark.parametrize("light", sorted(LIGHTINGS))
def test_only_lights_that_say_so_cast_shadows(
    light: str, rig: BakedRig, average: Character, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_egl()
    view = View(stage=Stage(light=light), yaw_degrees=20.0)
    with CharacterRenderer(rig, size_px=128, texture_px=64, backend="egl") as renderer:
        drawn = renderer.render(average, view=view).frame.color
        monkeypatch.setattr(CastShadow, "at", lambda self, points, normals: np.zeros(len(points), np.float32))
        unshaded = renderer.render(average, view=view).frame.color
    assert drawn is not None
    assert unshaded is not None
    assert LIGHTINGS[light].casts_shadow is bool((drawn != unshaded).any())
    # At edges of triangles, of which a pixel shows a part, colours are extrapolated.
    assert (drawn > unshaded).any(-1).mean() < 0.02


@pytest.mark.parametrize("light", ["daylight", "dramatic"])
def test_both_backends_draw_the_same_shadows(light: str, rig: BakedRig, average: Character) -> None:
    require_egl()
    view = View(stage=Stage(light=light), pitch_degrees=10.0)
    frames = []
    for backend in ("pyrender", "egl"):
        with CharacterRenderer(rig, size_px=192, texture_px=64, backend=backend) as renderer:
            frames.append(renderer.render(average, view=view).frame.color)
    assert compare_images(frames[1], frames[0]).within(mean_difference=0.2, outlier_share=0.001)
