"""Fine eyes and teeth: they follow the rig's, look where it looks, and are lit by the mouth's opening."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from facewright_models.look.dress import Pose
from facewright_models.look.eyes import FineEye, paint_iris
from facewright_models.look.teeth import FineTeeth, dental_arch
from facewright_models.rig import BakedRig, RigPart, expression_vector, neutral_character
from facewright_models.rig.anny_schema import IRIS_PATTERNS
from facewright_renderer import Mesh

BROWN, BLUE = (0.09, 0.045, 0.02), (0.12, 0.22, 0.36)


def posed(
    rig: BakedRig,
    sliders: dict[str, float] | None = None,
    *,
    rotation: np.ndarray | None = None,
    **expression: float,
) -> Pose:
    """The rig's parts, not dressed."""
    values = torch.full((1, len(rig.schema.continuous_names)), 0.5)
    for name, value in (sliders or {}).items():
        values[0, rig.schema.continuous_names.index(name)] = value
    turn = np.eye(3, dtype=np.float32) if rotation is None else rotation
    with torch.inference_mode():
        vertices = rig(values, expression_vector(rig.schema, expression)[None])
        marks = rig.pick_landmarks(vertices)[0].numpy()
    return Pose(
        points=vertices[0].numpy() @ turn.T,
        normals=np.zeros((rig.vertex_count, 3), np.float32),
        places={part.name: part.vertices for part in rig.parts},
        strands={},
        landmarks=marks @ turn.T,
        rotation=turn,
    )


def part_of(rig: BakedRig, name: str) -> RigPart:
    return next(part for part in rig.parts if part.name == name)


def eye(rig: BakedRig, pose: Pose, name: str = "eye_left") -> np.ndarray:
    character = neutral_character(rig.schema)
    return FineEye(rig, part_of(rig, name), character, paint_iris("fibres", BROWN)).posed(pose).vertices


def opened(rig: BakedRig, pose: Pose, jaw: str = "upper_teeth", gap: float = 0.02) -> Mesh:
    """The teeth behind lips that are `gap` metres apart."""
    marks = pose.landmarks.copy()
    marks[62], marks[66] = 0.0, [0.0, -gap, 0.0]
    return FineTeeth(rig, jaw).posed(replace(pose, landmarks=marks))


@pytest.mark.parametrize("name", ["eye_left", "eye_right"])
@pytest.mark.parametrize("sliders", [{}, {"eye-scale": 1.0}, {"eye-trans-down-up": 0.1}])
def test_the_fine_eye_lies_on_the_rigs_sphere(rig: BakedRig, name: str, sliders: dict[str, float]) -> None:
    pose = posed(rig, sliders)
    own = pose.of(name).astype(float)
    system = np.concatenate([2 * own, np.ones((len(own), 1))], 1)
    fitted = np.linalg.lstsq(system, (own**2).sum(1), rcond=None)[0]
    radius = np.sqrt(fitted[3] + (fitted[:3] ** 2).sum())
    distance = np.linalg.norm(eye(rig, pose, name) - fitted[:3], axis=1)
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
    closed, wide = posed(rig), posed(rig, jawOpen=0.8)
    moved = {
        name: opened(rig, wide, name).vertices - opened(rig, closed, name).vertices
        for name in ("upper_teeth", "lower_teeth")
    }
    assert np.abs(moved["upper_teeth"]).max() < 0.0005
    assert moved["lower_teeth"][:, 1].mean() < -0.008


def test_teeth_turn_with_the_head(rig: BakedRig) -> None:
    turn = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [-1.0, 0.0, 0.0]], np.float32)
    straight, turned = opened(rig, posed(rig)), opened(rig, posed(rig, rotation=turn))
    assert np.allclose(turned.vertices, straight.vertices @ turn.T, atol=1e-5)


@pytest.mark.parametrize("name", ["upper_teeth", "lower_teeth"])
def test_front_teeth_face_the_front(rig: BakedRig, name: str) -> None:
    mesh = opened(rig, posed(rig), name)
    crowns = mesh.colors[:, 1] > 0.35
    front = crowns & (mesh.vertices[:, 2] > np.quantile(mesh.vertices[crowns, 2], 0.7))
    assert mesh.normals[front, 2].mean() > 0.3


def test_closed_lips_leave_the_teeth_in_the_dark(rig: BakedRig) -> None:
    pose = posed(rig)
    assert opened(rig, pose, gap=0.001).colors.max() < 0.06 < opened(rig, pose, gap=0.02).colors.max()


@pytest.mark.parametrize("name", ["upper_teeth", "lower_teeth"])
def test_each_jaw_has_fourteen_teeth_and_gums(rig: BakedRig, name: str) -> None:
    arch = dental_arch(rig, name)
    assert len(arch.beside) == 14 * 63 + 6 * 90
    assert np.allclose(arch.weights.sum(1), 1, atol=1e-5)
