"""Slopes and shine of the skin for engines: where lines run, how deep, and that everything else is nearly flat."""

from dataclasses import replace

import numpy as np
import pytest

from facewright_models.look.skin import skin_paint
from facewright_models.look.skin_relief import SKIN_ROUGHNESS, normal_texture, roughness_texture
from facewright_models.look.skin_texture import MAKE_UP, SkinPaint, skin_marks
from facewright_models.rig import BakedRig, Character

SIZE_PX = 512


@pytest.fixture(scope="module")
def paint(average: Character) -> SkinPaint:
    return skin_paint(average)


def slopes(rig: BakedRig, paint: SkinPaint) -> np.ndarray:
    return (normal_texture(rig, paint, size_px=SIZE_PX).astype(float) - 127.5) / 127.5


def place_of_forehead_line(rig: BakedRig) -> tuple[slice, int]:
    """Rows about the middle of a line across the forehead, and the column."""
    marks = skin_marks(rig, SIZE_PX)
    field = np.zeros(marks.pores.shape)
    field.ravel()[marks.lines.texels] = marks.lines.weights
    column = SIZE_PX // 2 + SIZE_PX // 40
    row = int(field[: SIZE_PX // 3, column].argmax())
    return slice(row - 4, row + 5), column


def test_normals_are_unit_vectors_that_look_outwards(rig: BakedRig, paint: SkinPaint) -> None:
    normals = slopes(rig, replace(paint, age=1.0))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=-1), 1, atol=0.02)
    assert normals[..., 2].min() > 0.6
    assert np.median(np.abs(normals[..., :2])) < 0.02


def test_a_line_is_a_groove_that_deepens_with_age(rig: BakedRig, paint: SkinPaint) -> None:
    rows, column = place_of_forehead_line(rig)
    young, old = (slopes(rig, replace(paint, age=age))[rows, column, 1] for age in (0.0, 1.0))
    # Above its middle the skin falls towards it and looks down, below it looks up.
    assert old[:4].min() < -0.08
    assert old[5:].max() > 0.08
    assert np.abs(young).max() < 0.5 * np.abs(old).max()


def test_lips_are_glossier_than_skin_and_powder_takes_the_shine(rig: BakedRig, paint: SkinPaint) -> None:
    marks = skin_marks(rig, SIZE_PX)
    lips = marks.lip.texels[marks.lip.weights > 0.95]
    plain = roughness_texture(rig, paint, size_px=SIZE_PX).ravel() / 255
    made = next(made for made in MAKE_UP.values() if made.evenness > 0 and made.lip_strength > 0)
    powdered = roughness_texture(rig, replace(paint, make_up=made), size_px=SIZE_PX).ravel() / 255
    assert plain[lips].mean() < SKIN_ROUGHNESS - 0.15
    assert powdered[lips].mean() < plain[lips].mean()
    bare = np.setdiff1d(np.arange(SIZE_PX**2), np.concatenate([marks.lip.texels, marks.interior.texels]))
    assert powdered[bare].mean() > plain[bare].mean()
    assert plain[bare].min() > 0.35
    assert np.median(plain[bare]) == pytest.approx(SKIN_ROUGHNESS, abs=0.03)
