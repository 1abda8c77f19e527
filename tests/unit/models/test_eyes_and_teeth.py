"""Fine eyes and teeth: they follow the rig's, look where it looks, and are lit by the mouth's opening."""

import numpy as np
import pytest
import torch

from facewright_models.look.eyes import eye_mesh, paint_iris
from facewright_models.look.teeth import dental_arch, teeth_mesh
from facewright_models.rig import BakedRig, expression_vector, load_rig, neutral_character
from facewright_models.rig.anny_schema import IRIS_PATTERNS

BROWN, BLUE = (0.09, 0.045, 0.02), (0.12, 0.22, 0.36)
UPRIGHT = np.eye(3)


@pytest.fixture(scope="module")
def rig() -> BakedRig:
    return load_rig("anny")


def posed(rig: BakedRig, sliders: dict[str, float] | None = None, **expression: float) -> np.ndarray:
    """(V, 3) vertices."""
    values = torch.full((1, len(rig.schema.continuous_names)), 0.5)
    for name, value in (sliders or {}).items():
        values[0, rig.schema.continuous_names.index(name)] = value
    with torch.inference_mode():
        return rig(values, expression_vector(rig.schema, expression)[None])[0].numpy()


def eye(rig: BakedRig, points: np.ndarray, name: str = "eye_left") -> np.ndarray:
    return eye_mesh(rig, name, points, neutral_character(rig.schema), paint_iris("fibres", BROWN)).vertices


@pytest.mark.parametrize("name", ["eye_left", "eye_right"])
@pytest.mark.parametrize("sliders", [{}, {"eye-scale": 1.0}, {"eye-trans-down-up": 0.1}])
def test_the_fine_eye_lies_on_the_rigs_sphere(rig: BakedRig, name: str, sliders: dict[str, float]) -> None:
    points = posed(rig, sliders)
    part = next(part for part in rig.parts if part.name == name)
    own = points[part.vertices].astype(float)
    system = np.concatenate([2 * own, np.ones((len(own), 1))], 1)
    fitted = np.linalg.lstsq(system, (own**2).sum(1), rcond=None)[0]
    radius = np.sqrt(fitted[3] + (fitted[:3] ** 2).sum())
    distance = np.linalg.norm(eye(rig, points, name) - fitted[:3], axis=1)
    assert np.abs(distance - radius).max() < 0.0003


def test_the_pupil_goes_where_the_rig_looks(rig: BakedRig) -> None:
    rest, aside = eye(rig, posed(rig))[0], eye(rig, posed(rig, eyeLookOutLeft=1.0))[0]
    assert aside[0] - rest[0] > 0.003  # the left eye outwards is towards +X


@pytest.mark.parametrize("pattern", IRIS_PATTERNS)
def test_an_iris_is_dark_inside_coloured_around_and_white_outside(pattern: str) -> None:
    image = paint_iris(pattern, BLUE).astype(float)
    half = len(image) // 2
    pupil, iris, white = (
        image[half, half],
        image[half, half + 68 : half + 78].mean(0),
        image[half, half + 112],
    )
    assert pupil.max() < 40
    assert iris[2] > 1.15 * iris[0]
    assert white.min() > 140


def test_patterns_differ_in_more_than_noise() -> None:
    images = [paint_iris(pattern, BLUE).astype(float) for pattern in IRIS_PATTERNS]
    for index, one in enumerate(images):
        for other in images[index + 1 :]:
            assert np.abs(one - other).mean() > 1.0


def test_lower_teeth_follow_the_jaw_and_upper_ones_stay(rig: BakedRig) -> None:
    closed, opened = posed(rig), posed(rig, jawOpen=0.8)
    moved = {
        name: teeth_mesh(rig, name, opened, UPRIGHT, 1.0).vertices
        - teeth_mesh(rig, name, closed, UPRIGHT, 1.0).vertices
        for name in ("upper_teeth", "lower_teeth")
    }
    assert np.abs(moved["upper_teeth"]).max() < 0.0005
    assert moved["lower_teeth"][:, 1].mean() < -0.008


def test_teeth_turn_with_the_head(rig: BakedRig) -> None:
    points = posed(rig)
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]])
    straight = teeth_mesh(rig, "upper_teeth", points, UPRIGHT, 1.0).vertices
    turned = teeth_mesh(rig, "upper_teeth", (points @ turn.T).astype(np.float32), turn, 1.0).vertices
    assert np.allclose(turned, straight @ turn.T, atol=1e-5)


def test_front_teeth_face_the_front(rig: BakedRig) -> None:
    for name in ("upper_teeth", "lower_teeth"):
        mesh = teeth_mesh(rig, name, posed(rig), UPRIGHT, 1.0)
        crowns = mesh.colors[:, 1] > 0.35
        front = crowns & (mesh.vertices[:, 2] > np.quantile(mesh.vertices[crowns, 2], 0.7))
        assert mesh.normals[front, 2].mean() > 0.3


def test_closed_lips_leave_the_teeth_in_the_dark(rig: BakedRig) -> None:
    lit, dark = (teeth_mesh(rig, "upper_teeth", posed(rig), UPRIGHT, light).colors for light in (1.0, 0.0))
    assert dark.max() < 0.06 < lit.max()


def test_each_jaw_has_fourteen_teeth_and_gums(rig: BakedRig) -> None:
    for name in ("upper_teeth", "lower_teeth"):
        arch = dental_arch(rig, name)
        assert len(arch.rest) == 14 * 63 + 6 * 90
        assert np.allclose(arch.weights.sum(1), 1, atol=1e-5)
