"""Frames of scenes that can be computed by hand, drawn by every backend."""

import dataclasses
import hashlib
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from facewright_renderer import Frame, Renderer, create_renderer
from facewright_renderer.lighting import shade_vertices
from unit.renderer.conftest import ball, camera_at, scene_of

ALL = frozenset({"color", "labels", "depth", "normals"})
RADIUS, DISTANCE, FOV = 0.3, 2.0, 30.0


def pixel_rays(size_px: int) -> np.ndarray:
    """(H, W, 3) directions through pixel centres with depth 1 along -Z of the camera."""
    focal = 0.5 * size_px / np.tan(np.deg2rad(FOV) / 2)
    axis = (np.arange(size_px) + 0.5 - size_px / 2) / focal
    x, y = np.meshgrid(axis, -axis)
    return np.stack([x, y, -np.ones_like(x)], -1)


def sphere_hit(size_px: int, radius: float = RADIUS) -> tuple[np.ndarray, np.ndarray]:
    """Depth (H, W), NaN beside the sphere, and camera-space normals of a sphere `DISTANCE` ahead."""
    rays = pixel_rays(size_px)
    center = np.array([0.0, 0.0, -DISTANCE])
    a, b = (rays**2).sum(-1), rays @ center
    discriminant = b**2 - a * (center @ center - radius**2)
    with np.errstate(invalid="ignore"):
        depth = (b - np.sqrt(discriminant)) / a
    points = rays * depth[..., None]
    return depth, (points - center) / radius


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


@pytest.fixture(scope="module")
def sphere(renderer: Renderer) -> Frame:
    return renderer.render(scene_of(ball(RADIUS)), size_px=160, passes=ALL)


def test_every_pass_has_its_shape_and_type(sphere: Frame) -> None:
    shapes = {"color": (160, 160, 3), "labels": (160, 160), "depth": (160, 160), "normals": (160, 160, 3)}
    types = {"color": np.uint8, "labels": np.uint8, "depth": np.float32, "normals": np.float32}
    for name, shape in shapes.items():
        image = getattr(sphere, name)
        assert image.shape == shape, name
        assert image.dtype == types[name], name


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_pass_that_was_not_asked_for_is_missing(name: str, renderer: Renderer) -> None:
    frame = renderer.render(scene_of(ball(RADIUS)), size_px=32, passes=frozenset({name}))
    assert {other for other in ALL if getattr(frame, other) is not None} == {name}


def test_depth_is_that_of_the_sphere_and_zero_beside_it(sphere: Frame) -> None:
    expected, _ = sphere_hit(160)
    inner, _ = sphere_hit(160, RADIUS * 0.95)
    outer, _ = sphere_hit(160, RADIUS * 1.03)
    inside, beside = np.isfinite(inner), ~np.isfinite(outer)
    # With multisampling, a pixel's depth is that of one sample somewhere in the pixel, not of its centre.
    slope = np.abs(np.gradient(np.nan_to_num(expected, nan=DISTANCE))).sum(0)
    error = np.abs(sphere.depth - expected)
    assert (error[inside] <= 0.5 * slope[inside] + 5e-4).all()
    assert error[75:85, 75:85].max() < 1e-3
    assert not sphere.depth[beside].any()


def test_normals_are_those_of_the_sphere_and_zero_beside_it(sphere: Frame) -> None:
    _, expected = sphere_hit(160)
    inner, _ = sphere_hit(160, RADIUS * 0.9)
    outer, _ = sphere_hit(160, RADIUS * 1.03)
    inside, beside = np.isfinite(inner), ~np.isfinite(outer)
    np.testing.assert_allclose(sphere.normals[inside], expected[inside], atol=0.03)
    np.testing.assert_allclose(np.linalg.norm(sphere.normals[inside], axis=-1), 1, atol=1e-5)
    assert not sphere.normals[beside].any()


def test_normals_are_in_the_space_of_the_camera(renderer: Renderer, sphere: Frame) -> None:
    scene = scene_of(ball(RADIUS), camera=camera_at(DISTANCE, about_y_degrees=70.0))
    turned = renderer.render(scene, size_px=160, passes=frozenset({"normals"})).normals
    inner, _ = sphere_hit(160, RADIUS * 0.9)
    inside = np.isfinite(inner)
    np.testing.assert_allclose(turned[inside], sphere.normals[inside], atol=0.03)


def test_labels_cover_the_sphere_and_nothing_else(sphere: Frame) -> None:
    expected, _ = sphere_hit(160)
    assert set(np.unique(sphere.labels)) == {0, 1}
    assert abs(int((sphere.labels == 1).sum()) - int(np.isfinite(expected).sum())) < 0.01 * 160 * 160


def test_the_nearer_mesh_hides_the_farther_one_in_every_pass(renderer: Renderer) -> None:
    scene = scene_of(ball(0.3, label=1), ball(0.1, center=(0.0, 0.0, 0.5), label=7, color=(0.0, 0.6, 0.0)))
    frame = renderer.render(scene, size_px=96, passes=ALL)
    assert frame.labels[48, 48] == 7
    assert frame.depth[48, 48] == pytest.approx(1.4, abs=2e-3)
    assert frame.color[48, 48, 1] > frame.color[48, 48, 0] + 60
    assert set(np.unique(frame.labels)) == {0, 1, 7}


def test_labels_of_background_class_still_hide_what_is_behind(renderer: Renderer) -> None:
    scene = scene_of(ball(0.3, label=5), ball(0.15, center=(0.0, 0.0, 0.5), label=0))
    labels = renderer.render(scene, size_px=64, passes=frozenset({"labels"})).labels
    assert labels[32, 32] == 0
    assert (labels == 5).any()


def test_a_surface_has_its_label_and_its_depth_seen_from_behind_too(renderer: Renderer) -> None:
    mesh = ball(RADIUS, label=2)
    inside_out = dataclasses.replace(mesh, triangles=np.ascontiguousarray(mesh.triangles[:, ::-1]))
    frame = renderer.render(scene_of(inside_out), size_px=64, passes=frozenset({"labels", "depth"}))
    assert frame.labels[32, 32] == 2
    assert frame.depth[32, 32] == pytest.approx(DISTANCE - RADIUS, abs=2e-3)


def test_one_mesh_may_carry_several_labels(renderer: Renderer) -> None:
    mesh = ball(RADIUS)
    upper = mesh.vertices[mesh.triangles].mean(1)[:, 1] > 0
    mesh.labels[:] = np.where(upper, 8, 10)
    labels = renderer.render(scene_of(mesh), size_px=64, passes=frozenset({"labels"})).labels
    assert labels[20, 32] == 8
    assert labels[44, 32] == 10


def test_colour_is_the_light_at_the_vertices_and_the_background_is_as_given(sphere: Frame) -> None:
    scene = scene_of(ball(RADIUS))
    (mesh,) = scene.meshes
    nearest = int(np.argmax(mesh.vertices[:, 2]))
    expected = shade_vertices(mesh, scene)[nearest] * 255
    np.testing.assert_allclose(sphere.color[80, 80], expected, atol=3)
    np.testing.assert_allclose(sphere.color[2, 2], np.array([0.25, 0.5, 0.75]) * 255, atol=1.0)


def test_rows_run_downwards_and_columns_to_the_right(renderer: Renderer) -> None:
    scene = scene_of(ball(0.05, center=(0.3, 0.3, 0.0), label=3))
    rows, columns = np.nonzero(renderer.render(scene, size_px=100, passes=frozenset({"labels"})).labels)
    assert rows.mean() < 50 < columns.mean()


def test_projection_and_raster_agree_to_half_a_pixel(renderer: Renderer) -> None:
    center = (0.21, -0.13, 0.0)
    scene = scene_of(ball(0.04, center=center, label=3))
    rows, columns = np.nonzero(renderer.render(scene, size_px=256, passes=frozenset({"labels"})).labels)
    projected = scene.camera.project(np.array([center]), 256)[0]
    np.testing.assert_allclose([columns.mean() + 0.5, rows.mean() + 0.5], projected[:2], atol=0.5)


def test_an_empty_scene_is_background(renderer: Renderer) -> None:
    frame = renderer.render(scene_of(), size_px=16, passes=ALL)
    assert not frame.labels.any()
    assert not frame.depth.any()
    assert (frame.color == frame.color[0, 0]).all()


def test_two_renderers_on_one_thread_do_not_disturb_each_other(
    renderer: Renderer, sphere: Frame, backend: str
) -> None:
    other = create_renderer(backend)
    small = other.render(scene_of(ball(0.1)), size_px=40, passes=ALL)
    again = renderer.render(scene_of(ball(RADIUS)), size_px=160, passes=ALL)
    np.testing.assert_array_equal(again.color, sphere.color)
    np.testing.assert_array_equal(
        other.render(scene_of(ball(0.1)), size_px=40, passes=ALL).color, small.color
    )
    other.close()
    other.close()
    after = renderer.render(scene_of(ball(RADIUS)), size_px=160, passes=ALL)
    np.testing.assert_array_equal(after.labels, sphere.labels)


def test_where_two_meshes_are_equally_near_the_first_one_is_seen_every_time(renderer: Renderer) -> None:
    colors = [(0.8, 0.1, 0.1), (0.1, 0.8, 0.1), (0.1, 0.1, 0.8), (0.4, 0.4, 0.4)]
    balls = [ball(RADIUS, color=color, label=index + 1) for index, color in enumerate(colors)]
    alone = renderer.render(scene_of(balls[0]), size_px=48, passes=ALL)
    litter = []
    for count in range(12):
        litter.append(bytearray(1000 * count))  # so that objects get other addresses
        frame = renderer.render(scene_of(*balls), size_px=48, passes=ALL)
        np.testing.assert_array_equal(frame.color, alone.color)
        np.testing.assert_array_equal(frame.labels, alone.labels)


def test_a_renderer_can_be_made_after_another_one_was_closed(sphere: Frame, backend: str) -> None:
    for _ in range(2):
        short_lived = create_renderer(backend)
        frame = short_lived.render(scene_of(ball(RADIUS)), size_px=160, passes=ALL)
        np.testing.assert_array_equal(frame.color, sphere.color)
        short_lived.close()


def test_the_same_scene_gives_the_same_png_byte_for_byte(renderer: Renderer, sphere: Frame) -> None:
    again = renderer.render(scene_of(ball(RADIUS)), size_px=160, passes=ALL)
    assert png(again.color) == png(sphere.color)
    np.testing.assert_array_equal(again.labels, sphere.labels)
    np.testing.assert_array_equal(again.depth, sphere.depth)


PROGRAM = """
import hashlib, sys
from unit.renderer.conftest import ball, scene_of
from unit.renderer.test_backends import png
from facewright_renderer import create_renderer
frame = create_renderer(sys.argv[1]).render(scene_of(ball(0.3)), size_px=160, passes=frozenset({"color"}))
print(hashlib.sha256(png(frame.color)).hexdigest())
"""


def test_another_process_draws_the_same_png(sphere: Frame, backend: str, pytestconfig: pytest.Config) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, backend],
        cwd=pytestconfig.rootpath / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == hashlib.sha256(png(sphere.color)).hexdigest()


NO_OPENGL = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("OpenGL", "glcontext"):
            raise ImportError("libEGL.so.1: cannot open shared object file")
sys.meta_path.insert(0, Blocked())
"""
REPORT = """
import sys
from facewright_renderer import MissingDriverError, create_renderer
try:
    create_renderer(sys.argv[1])
except MissingDriverError as error:
    print("MESSAGE", error)
"""


@pytest.mark.parametrize(
    ("preparation", "environment"),
    [(NO_OPENGL, {}), ("", {"__EGL_VENDOR_LIBRARY_FILENAMES": "/nonexistent/vendor.json"})],
    ids=["no library", "no driver"],
)
def test_a_machine_without_egl_is_told_what_to_install(
    preparation: str, environment: dict[str, str], backend: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", preparation + REPORT, backend],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.stdout.startswith("MESSAGE"), done.stdout + done.stderr
    assert "libegl1" in done.stdout
    assert "libgl1-mesa-dri" in done.stdout
    assert "apt-get install" in done.stdout


def test_of_a_front_only_mesh_back_faces_are_not_drawn(renderer: Renderer) -> None:
    whole = ball(RADIUS)
    inside_out = dataclasses.replace(whole, triangles=whole.triangles[:, ::-1].copy())
    for mesh, middle in ((whole, DISTANCE - RADIUS), (inside_out, DISTANCE + RADIUS)):
        front = dataclasses.replace(mesh, front_only=True)
        frame = renderer.render(scene_of(front), size_px=64, passes=ALL)
        assert frame.depth[32, 32] == pytest.approx(middle, abs=0.01)
        assert frame.labels[32, 32] == 1
    # The next mesh is drawn from both sides again.
    frame = renderer.render(scene_of(inside_out), size_px=64, passes=ALL)
    assert frame.depth[32, 32] == pytest.approx(DISTANCE - RADIUS, abs=0.01)


def test_a_mesh_is_turned_by_its_rotation(renderer: Renderer) -> None:
    mesh = ball(RADIUS)
    stretched = dataclasses.replace(mesh, vertices=mesh.vertices * np.float32([1.0, 0.5, 0.7]))
    turn = np.float32([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    ready = dataclasses.replace(
        stretched, vertices=stretched.vertices @ turn.T, normals=stretched.normals @ turn.T
    )
    frames = [
        renderer.render(scene_of(one), size_px=96, passes=ALL)
        for one in (ready, dataclasses.replace(stretched, rotation=turn))
    ]
    assert np.abs(frames[0].color.astype(int) - frames[1].color).max() <= 1
    np.testing.assert_array_equal(frames[0].labels, frames[1].labels)
    np.testing.assert_allclose(frames[0].normals, frames[1].normals, atol=0.02)
