"""What the egl backend promises beyond the protocol: presets, threads, buffers that stay, several contexts."""

import dataclasses
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from facewright_renderer import (
    Light,
    Mesh,
    Renderer,
    RendererError,
    Scene,
    UnknownBackendError,
    WrongThreadError,
    compare_images,
    create_renderer,
)
from facewright_renderer.lighting import shade_vertices
from unit.renderer.conftest import ball, camera_at, scene_of
from with_egl import require_egl

ALL = frozenset({"color", "labels", "depth", "normals"})


@pytest.fixture(scope="module")
def fast() -> Iterator[Renderer]:
    require_egl()
    renderer = create_renderer("egl")
    yield renderer
    renderer.close()


def lasting(mesh: Mesh) -> Mesh:
    """The mesh with everything marked as never changing that a renderer may keep."""
    for array in (mesh.triangles, mesh.colors, mesh.labels):
        array.flags.writeable = False
    return mesh


def lit_scene(*meshes: Mesh) -> Scene:
    lights = (
        Light(toward_light=(-0.45, 0.50, 1.0), color=(1.0, 0.98, 0.95), intensity=0.74),
        Light(toward_light=(0.85, 0.10, 0.70), color=(0.95, 0.97, 1.0), intensity=0.24),
        Light(toward_light=(0.1, 0.7, -1.0), intensity=0.10),
    )
    return Scene(meshes=meshes, camera=camera_at(2.0), lights=lights, ambient=0.26)


def shown_at(scene: Scene, color: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """The pixels under some vertices."""
    columns, rows, _ = scene.camera.project(vertices, len(color)).T.astype(int)
    return color[rows, columns].astype(float)


@pytest.mark.parametrize("roughness", [0.05, 0.22, 0.68, 1.0])
@pytest.mark.parametrize("double_sided", [False, True])
def test_light_in_the_shader_is_the_light_of_the_reference_formula(
    roughness: float, double_sided: bool, fast: Renderer
) -> None:
    mesh = ball(0.3)
    flip = -1 if double_sided else 1  # normals that point away show which side is lit
    mesh = dataclasses.replace(
        mesh, normals=flip * mesh.normals, roughness=roughness, double_sided=double_sided
    )
    scene = lit_scene(mesh)
    color = fast.render(scene, size_px=512, passes={"color"}, preset="draft").color
    seen = np.flatnonzero((flip * mesh.normals)[:, 2] > 0.5)
    expected = shade_vertices(mesh, scene)[seen] * 255
    error = np.abs(shown_at(scene, color, mesh.vertices[seen]) - expected)
    # A pixel's centre is not the vertex itself: a sharp highlight changes within a pixel.
    assert np.median(error) < 0.6
    assert np.quantile(error, 0.99) < (2.5 if roughness > 0.1 else 20)


def test_full_has_smooth_edges_and_draft_has_two_colours_only(fast: Renderer) -> None:
    black = dataclasses.replace(scene_of(ball(0.3, color=(0.0, 0.0, 0.0))), lights=(), ambient=0.0)
    draft = fast.render(black, size_px=128, passes={"color"}, preset="draft").color
    full = fast.render(black, size_px=128, passes={"color"}, preset="full").color
    assert len(np.unique(draft.reshape(-1, 3), axis=0)) == 2
    assert len(np.unique(full.reshape(-1, 3), axis=0)) == 5  # four samples: 0, 1/4, 1/2, 3/4, 1
    assert compare_images(draft, full).outlier_share < 0.05


def test_presets_differ_in_the_colour_pass_alone(fast: Renderer) -> None:
    scene = scene_of(ball(0.3, label=4))
    draft = fast.render(scene, size_px=96, passes=ALL, preset="draft")
    full = fast.render(scene, size_px=96, passes=ALL, preset="full")
    for name in ("labels", "depth", "normals"):
        np.testing.assert_array_equal(getattr(draft, name), getattr(full, name))
    assert (draft.color != full.color).any()


@pytest.mark.parametrize("preset", ["draft", "full"])
def test_the_same_scene_gives_the_same_bytes_whatever_was_drawn_in_between(
    preset: str, fast: Renderer
) -> None:
    scene = scene_of(lasting(ball(0.3)))
    first = fast.render(scene, size_px=200, passes=ALL, preset=preset)
    fast.render(scene_of(ball(0.1)), size_px=64, passes={"labels"}, preset="draft")
    other = create_renderer("egl")
    for renderer in (fast, other):
        again = renderer.render(scene, size_px=200, passes=ALL, preset=preset)
        for name in ALL:
            assert getattr(again, name).tobytes() == getattr(first, name).tobytes(), name
    other.close()


def test_a_mesh_that_is_kept_moves_with_its_vertices(fast: Renderer) -> None:
    mesh = lasting(ball(0.1, label=3))
    moved = dataclasses.replace(mesh, vertices=mesh.vertices + np.array([0.25, 0, 0], np.float32))
    first = fast.render(scene_of(mesh), size_px=96, passes=ALL)
    right = fast.render(scene_of(moved), size_px=96, passes=ALL)
    again = fast.render(scene_of(mesh), size_px=96, passes=ALL)
    assert np.nonzero(right.labels)[1].mean() > np.nonzero(first.labels)[1].mean() + 20
    np.testing.assert_array_equal(again.color, first.color)


def test_arrays_that_may_change_are_read_for_every_frame(fast: Renderer) -> None:
    mesh = ball(0.3)
    before = fast.render(scene_of(mesh), size_px=64, passes=ALL)
    mesh.colors[:] = (0.0, 0.5, 0.0)
    mesh.labels[:] = 9
    after = fast.render(scene_of(mesh), size_px=64, passes=ALL)
    assert after.labels[32, 32] == 9
    assert after.color[32, 32, 0] < before.color[32, 32, 0] - 50


def test_a_new_mesh_at_the_address_of_a_lost_one_is_a_new_mesh(fast: Renderer) -> None:
    for turn in range(40):
        label = 1 + turn % 10
        mesh = lasting(ball(0.3, label=label))
        assert fast.render(scene_of(mesh), size_px=32, passes={"labels"}).labels[16, 16] == label
        del mesh


def test_more_meshes_than_are_kept_are_drawn_all(fast: Renderer) -> None:
    meshes = [
        lasting(ball(0.02, center=(0.05 * (i % 10) - 0.25, 0.05 * (i // 10) - 0.25, 0))) for i in range(60)
    ]
    labels = fast.render(scene_of(*meshes), size_px=64, passes={"labels"}).labels
    again = fast.render(scene_of(*meshes), size_px=64, passes={"labels"}).labels
    assert (labels > 0).sum() > 200
    np.testing.assert_array_equal(labels, again)


def test_a_renderer_belongs_to_the_thread_that_made_it(fast: Renderer) -> None:
    errors: list[Exception] = []

    def use(action: str) -> None:
        try:
            if action == "render":
                fast.render(scene_of(), size_px=16, passes={"color"})
            else:
                fast.close()
        except RendererError as error:
            errors.append(error)

    for action in ("render", "close"):
        thread = threading.Thread(target=use, args=(action,))
        thread.start()
        thread.join()
    assert [type(error) for error in errors] == [WrongThreadError, WrongThreadError]
    assert fast.render(scene_of(), size_px=16, passes={"color"}).color is not None


def test_threads_draw_at_the_same_time_each_with_its_own_renderer(fast: Renderer) -> None:
    scene = scene_of(ball(0.3))
    expected = fast.render(scene, size_px=128, passes=ALL)
    frames: list[np.ndarray] = []

    def draw() -> None:
        renderer = create_renderer("egl")
        frames.extend(renderer.render(scene, size_px=128, passes=ALL).color for _ in range(5))
        renderer.close()

    threads = [threading.Thread(target=draw) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(frames) == 15
    assert all((frame == expected.color).all() for frame in frames)


def test_both_backends_live_side_by_side_and_leave_each_other_alone(fast: Renderer) -> None:
    scene = scene_of(ball(0.3))
    first = fast.render(scene, size_px=64, passes=ALL)
    reference = create_renderer("pyrender")
    slow = reference.render(scene, size_px=64, passes=ALL)
    other = create_renderer("egl")
    other.close()
    np.testing.assert_array_equal(reference.render(scene, size_px=64, passes=ALL).color, slow.color)
    np.testing.assert_array_equal(fast.render(scene, size_px=64, passes=ALL).color, first.color)
    reference.close()
    np.testing.assert_array_equal(fast.render(scene, size_px=64, passes=ALL).color, first.color)


def test_a_closed_renderer_says_so(fast: Renderer) -> None:
    renderer = create_renderer("egl")
    renderer.close()
    renderer.close()
    with pytest.raises(RendererError, match="was closed"):
        renderer.render(scene_of(), size_px=16, passes={"color"})


def test_too_many_lights_and_unknown_backends_are_refused(fast: Renderer) -> None:
    scene = dataclasses.replace(scene_of(), lights=(Light(toward_light=(0, 0, 1)),) * 9)
    with pytest.raises(RendererError, match="9 lights; expected at most 8"):
        fast.render(scene, size_px=16, passes={"color"})
    with pytest.raises(UnknownBackendError, match="expected one of pyrender, egl"):
        create_renderer("vulkan")


def test_a_mesh_that_keeps_still_is_sent_once_and_still_turns(fast: Renderer) -> None:
    still = lasting(ball(0.3))
    stretched = dataclasses.replace(still, vertices=still.vertices * np.float32([1.0, 0.5, 1.0]))
    stretched.vertices.flags.writeable = stretched.normals.flags.writeable = False
    turn = np.float32([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    lying, standing = (
        fast.render(
            scene_of(dataclasses.replace(stretched, rotation=rotation)), size_px=64, passes={"labels"}
        ).labels
        for rotation in (np.eye(3, dtype=np.float32), turn)
    )
    np.testing.assert_array_equal(lying.any(0), standing.any(1))
    assert lying.any(0).sum() > 1.5 * lying.any(1).sum()


def test_another_mesh_with_the_same_triangles_has_its_own_place(fast: Renderer) -> None:
    """What stays on the graphics card is found by its vertices, too."""
    first = lasting(ball(0.3))
    second = dataclasses.replace(first, vertices=first.vertices * np.float32(0.5))
    for mesh in (first, second):
        mesh.vertices.flags.writeable = mesh.normals.flags.writeable = False
    large, small, again = (
        (fast.render(scene_of(mesh), size_px=64, passes={"labels"}).labels > 0).sum()
        for mesh in (first, second, first)
    )
    assert large == again > 3 * small
