"""The light at a vertex, against the formulas written out once more by hand."""

import math

import numpy as np
import pytest

from facewright_renderer import Camera, Light, Mesh, Scene
from facewright_renderer.lighting import linear_to_srgb, shade_vertices


def one_vertex(
    *,
    normal: tuple[float, float, float],
    albedo: float,
    light: tuple[float, float, float] | None,
    roughness: float = 0.7,
    intensity: float = 0.6,
    ambient: float = 0.2,
    double_sided: bool = False,
) -> float:
    """Display value of a grey vertex at the origin, seen from (0, 0, 2)."""
    pose = np.eye(4)
    pose[2, 3] = 2.0
    mesh = Mesh(
        vertices=np.zeros((1, 3), np.float32),
        normals=np.array([normal], np.float32),
        colors=np.full((1, 3), albedo, np.float32),
        triangles=np.zeros((0, 3), np.int32),
        labels=np.zeros(0, np.uint8),
        roughness=roughness,
        double_sided=double_sided,
    )
    lights = () if light is None else (Light(toward_light=light, intensity=intensity),)
    camera = Camera(world_from_camera=pose, vertical_fov_degrees=30.0)
    scene = Scene(meshes=(mesh,), camera=camera, lights=lights, ambient=ambient)
    shaded = shade_vertices(mesh, scene)
    assert shaded.shape == (1, 3)
    assert shaded.dtype == np.float32
    assert np.ptp(shaded) < 1e-6  # grey stays grey under white light
    return float(shaded[0, 0])


def test_the_display_curve_has_exponent_one_over_2_2_and_clips() -> None:
    values = linear_to_srgb(np.array([-1.0, 0.0, 0.25, 1.0, 7.0], np.float32))
    np.testing.assert_allclose(values, [0, 0, 0.25 ** (1 / 2.2), 1, 1], rtol=1e-6)


@pytest.mark.parametrize(("normal_y", "sky"), [(1.0, 1.0), (0.0, 0.75), (-1.0, 0.5)])
def test_ambient_light_is_stronger_from_above(normal_y: float, sky: float) -> None:
    side = math.sqrt(1 - normal_y**2)
    shaded = one_vertex(normal=(side, normal_y, 0.0), albedo=0.5, light=None, ambient=0.4)
    assert shaded == pytest.approx((0.5 * 0.4 * sky) ** (1 / 2.2), rel=1e-5)


@pytest.mark.parametrize("angle_degrees", [0.0, 30.0, 60.0, 89.0, 100.0, 120.0])
def test_diffuse_light_wraps_round_the_terminator(angle_degrees: float) -> None:
    angle = math.radians(angle_degrees)
    light = (0.0, math.sin(angle), math.cos(angle))
    shaded = one_vertex(normal=(0.0, 0.0, 1.0), albedo=0.2, light=light, roughness=1.0, ambient=0.0)
    cosine = math.cos(angle)
    diffuse = 0.2 * 0.6 * max((cosine + 0.3) / 1.3, 0.0) ** 1.3
    # At roughness 1 the highlight's exponent is 0, its energy an eighth of 2 times the reflectance.
    highlight = 2 / 8 * 0.045 * 0.6 * max(cosine, 0.0) * min(4 * 0.2, 1)
    assert shaded == pytest.approx((diffuse + highlight) ** (1 / 2.2), rel=1e-4)


def test_the_highlight_follows_the_half_vector() -> None:
    roughness, angle = 0.5, math.radians(40.0)
    light = (
        0.0,
        math.sin(angle),
        math.cos(angle),
    )  # the eye is along +Z, so the half vector is at 20 degrees
    exponent = 2 / roughness**4 - 2
    shine = math.cos(angle / 2) ** exponent * math.cos(angle)
    highlight = (exponent + 2) / 8 * 0.045 * shine * 0.6
    diffuse = 0.3 * 0.6 * ((math.cos(angle) + 0.3) / 1.3) ** 1.3
    shaded = one_vertex(normal=(0, 0, 1), albedo=0.3, light=light, roughness=roughness, ambient=0.0)
    assert shaded == pytest.approx((diffuse + highlight) ** (1 / 2.2), rel=1e-4)


def test_what_is_black_does_not_shine() -> None:
    assert one_vertex(normal=(0, 0, 1), albedo=0.0, light=(0, 0, 1), roughness=0.3) == 0.0


def test_a_double_sided_vertex_is_lit_from_the_side_that_is_seen() -> None:
    facing = one_vertex(normal=(0, 0, 1), albedo=0.5, light=(0, 0, 1))
    away = one_vertex(normal=(0, 0, -1), albedo=0.5, light=(0, 0, 1))
    flipped = one_vertex(normal=(0, 0, -1), albedo=0.5, light=(0, 0, 1), double_sided=True)
    assert flipped == pytest.approx(facing, rel=1e-6)
    assert away < facing


def test_a_lights_length_does_not_matter() -> None:
    near = one_vertex(normal=(0, 0, 1), albedo=0.5, light=(0.1, 0.2, 0.3))
    far = one_vertex(normal=(0, 0, 1), albedo=0.5, light=(1.0, 2.0, 3.0))
    assert near == pytest.approx(far, rel=1e-6)


def strand(
    *, tangent: tuple[float, float, float], albedo: float = 0.2, light: tuple[float, float, float] = (0, 0, 1)
) -> float:
    """Display value of a grey vertex of a strand at the origin, facing the eye at (0, 0, 2), without ambient light."""
    pose = np.eye(4)
    pose[2, 3] = 2.0
    mesh = Mesh(
        vertices=np.zeros((1, 3), np.float32),
        normals=np.array([[0, 0, 1]], np.float32),
        colors=np.full((1, 3), albedo, np.float32),
        triangles=np.zeros((0, 3), np.int32),
        labels=np.zeros(0, np.uint8),
        tangents=np.array([tangent], np.float32),
    )
    camera = Camera(world_from_camera=pose, vertical_fov_degrees=30.0)
    scene = Scene(
        meshes=(mesh,), camera=camera, lights=(Light(toward_light=light, intensity=0.6),), ambient=0.0
    )
    shaded = shade_vertices(mesh, scene)
    assert shaded.shape == (1, 3)
    assert shaded.dtype == np.float32
    return float(shaded[0, 0])


def test_a_strand_across_the_light_is_lit_by_the_formula_of_its_lobes() -> None:
    white = 0.075 * (1 - 0.12**2) ** 32
    broad = (1 - 0.16**2) ** 8
    expected = 0.6 * (0.2 * (0.45 + 0.55 + 0.85 * broad) + white)
    assert strand(tangent=(1, 0, 0)) == pytest.approx(expected ** (1 / 2.2), rel=1e-4)


def test_a_strand_along_the_light_is_darker_than_one_across_it() -> None:
    assert strand(tangent=(0, 0, 1)) < 0.8 * strand(tangent=(0, 1, 0))


def test_the_length_of_a_tangent_scales_the_white_highlight_alone() -> None:
    full, half, none = (strand(tangent=(length, 0, 0)) ** 2.2 for length in (1.0, 0.5, 0.0))
    assert none < half < full
    black_full, black_half = (strand(tangent=(length, 0, 0), albedo=0.0) ** 2.2 for length in (1.0, 0.5))
    assert black_half == pytest.approx(black_full / 2, rel=1e-4)


def test_a_strand_turned_from_the_light_is_dark() -> None:
    assert strand(tangent=(1, 0, 0), light=(0, 0, -1)) == 0.0
