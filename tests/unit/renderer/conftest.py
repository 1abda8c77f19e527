"""A renderer of every backend on this thread, and scenes whose pictures can be computed by hand."""

from collections.abc import Iterator

import numpy as np
import pytest
import trimesh

from facewright_renderer import BACKENDS, Camera, Light, Mesh, Renderer, Scene, create_renderer
from with_egl import require_egl


@pytest.fixture(scope="module", params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """The name of a backend; every test that asks for it runs once per backend."""
    require_egl()
    return str(request.param)


@pytest.fixture(scope="module")
def renderer(backend: str) -> Iterator[Renderer]:
    renderer = create_renderer(backend)
    yield renderer
    renderer.close()


def ball(
    radius: float,
    *,
    center: tuple[float, float, float] = (0.0, 0.0, 0.0),
    label: int = 1,
    color: tuple[float, float, float] = (0.5, 0.4, 0.3),
) -> Mesh:
    """A sphere of 20,480 triangles."""
    sphere = trimesh.creation.icosphere(subdivisions=5)
    directions = np.asarray(sphere.vertices, np.float32)
    return Mesh(
        vertices=(directions * radius + np.array(center)).astype(np.float32),
        normals=directions,
        colors=np.tile(np.array(color, np.float32), (len(directions), 1)),
        triangles=np.asarray(sphere.faces, np.int32),
        labels=np.full(len(sphere.faces), label, np.uint8),
    )


def camera_at(distance: float, *, about_y_degrees: float = 0.0, fov_degrees: float = 30.0) -> Camera:
    """A camera that looks at the origin from `distance`, walked round it by an angle."""
    angle = np.deg2rad(about_y_degrees)
    pose = np.eye(4)
    pose[:3, :3] = [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    pose[:3, 3] = pose[:3, :3] @ [0, 0, distance]
    return Camera(world_from_camera=pose, vertical_fov_degrees=fov_degrees)


def scene_of(*meshes: Mesh, camera: Camera | None = None) -> Scene:
    """Meshes under one light, before a grey background."""
    return Scene(
        meshes=meshes,
        camera=camera or camera_at(2.0),
        lights=(Light(toward_light=(0.3, 0.5, 1.0), intensity=0.8),),
        background=(0.25, 0.5, 0.75),
    )
