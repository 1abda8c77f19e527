"""The painted skin: its own colour, and marks that stay where they belong."""

from dataclasses import replace

import numpy as np
import pytest

from facewright_models.look.skin_texture import MAKE_UP, SkinMarks, SkinPaint, paint_skin, skin_marks
from facewright_models.look.surface import skin_surface, texel_map
from facewright_models.rig import load_rig
from facewright_models.rig.anny_schema import MAKE_UPS

SIZE_PX = 256


def linear(r: float, g: float, b: float) -> tuple[float, float, float]:
    return r**2.2, g**2.2, b**2.2


PLAIN = SkinPaint(
    skin=linear(0.82, 0.64, 0.55), lips=linear(0.7, 0.42, 0.4), hair=linear(0.2, 0.15, 0.1), scalp=0.0
)


@pytest.fixture(scope="module")
def marks() -> SkinMarks:
    return skin_marks(load_rig("anny"), SIZE_PX)


@pytest.fixture(scope="module")
def plain(marks: SkinMarks) -> np.ndarray:
    return paint_skin(marks, PLAIN).astype(float)


def changed(marks: SkinMarks, plain: np.ndarray, **options: object) -> np.ndarray:
    """(H, W) by how many steps of 255 an option changes the texture."""
    other = paint_skin(marks, replace(PLAIN, **options)).astype(float)  # type: ignore[arg-type]
    return np.asarray(np.abs(other - plain).max(-1))


def places() -> np.ndarray:
    rig = load_rig("anny")
    return texel_map(rig, SIZE_PX).sample(skin_surface(rig).rest)


def test_the_skin_has_on_average_the_colour_that_was_asked_for(plain: np.ndarray) -> None:
    place = places()
    forehead = (np.abs(place[..., 0]) < 0.04) & (np.abs(place[..., 1] - 0.05) < 0.01) & (place[..., 2] > 0.05)
    assert np.allclose(plain[forehead].mean(0), [209, 163, 140], atol=9)


@pytest.mark.parametrize("skin", [linear(0.95, 0.82, 0.75), linear(0.36, 0.25, 0.19)])
def test_very_light_and_very_dark_skin_keep_their_colours(
    marks: SkinMarks, skin: tuple[float, float, float]
) -> None:
    painted = paint_skin(marks, replace(PLAIN, skin=skin)).astype(float)
    assert np.allclose(np.median(painted.reshape(-1, 3), 0), 255 * np.array(skin) ** (1 / 2.2), atol=8)


def test_the_same_paint_gives_the_same_texture(marks: SkinMarks, plain: np.ndarray) -> None:
    assert (paint_skin(marks, PLAIN) == plain).all()


def test_freckles_darken_small_spots_below_the_eyes(marks: SkinMarks, plain: np.ndarray) -> None:
    spots = changed(marks, plain, freckles=1.0) > 12
    assert 0.001 < spots.mean() < 0.06
    assert np.median(places()[spots][:, 1]) < 0


def test_stubble_grows_below_the_nose_only(marks: SkinMarks, plain: np.ndarray) -> None:
    grown = changed(marks, plain, beard_stubble=0.8, moustache_stubble=0.8) > 20
    assert grown.any()
    assert places()[grown][:, 1].max() < 0.03
    assert (places()[grown][:, 1] < -0.03).mean() > 0.9


def test_age_draws_lines_and_leaves_the_rest(marks: SkinMarks, plain: np.ndarray) -> None:
    lines = changed(marks, plain, age=1.0)
    assert (lines > 15).mean() > 0.001
    assert (lines > 15).mean() < 0.05


def test_tired_eyes_are_darker_below(marks: SkinMarks, plain: np.ndarray) -> None:
    tired = changed(marks, plain, tired=1.0) > 6
    place = places()[tired]
    assert tired.any()
    assert ((place[:, 1] < 0) & (place[:, 1] > -0.045)).mean() > 0.95


def test_every_make_up_of_the_schema_exists() -> None:
    assert tuple(MAKE_UP) == MAKE_UPS


@pytest.mark.parametrize("name", [name for name in MAKE_UPS if name != "none"])
def test_make_up_touches_lids_lips_and_cheeks_and_no_neck(
    marks: SkinMarks, plain: np.ndarray, name: str
) -> None:
    strong = changed(marks, plain, make_up=replace(MAKE_UP[name], evenness=0.0)) > 15
    place = places()[strong]
    assert strong.any()
    assert place[:, 1].min() > -0.085
    assert place[:, 1].max() < 0.03


def test_red_lips_are_red(marks: SkinMarks) -> None:
    painted = paint_skin(marks, replace(PLAIN, make_up=MAKE_UP["classic"])).reshape(-1, 3)
    lips = painted[marks.lip.texels[marks.lip.weights > 0.95]].astype(float).mean(0)
    assert lips[0] > 2.5 * lips[1]
