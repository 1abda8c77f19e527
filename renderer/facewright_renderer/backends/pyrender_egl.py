"""pyrender over EGL: the reference backend.

pyrender is imported inside the constructor, because importing it loads the GL library of the platform
named in PYOPENGL_PLATFORM, and a machine without EGL must get an error that says what to install.
Light is computed at the vertices (see `lighting`), so that pyrender only rasterises. Known limits of
pyrender 0.1.45: on numpy 2 `Mesh.bounds` and directional shadows raise; neither is used.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.backends.egl import EGL_HINT, FAR_METRES, NEAR_METRES
from facewright_renderer.errors import MissingDriverError, RendererError
from facewright_renderer.lighting import shade_vertices
from facewright_renderer.scene import Camera, Frame, Mesh, Pass, Preset, Scene

__all__ = ["PyrenderRenderer"]

_TRIANGLES = 4
_KEPT_TEXTURES = 4


class PyrenderRenderer:
    """See `facewright_renderer.Renderer`."""

    def __init__(self) -> None:
        os.environ["PYOPENGL_PLATFORM"] = "egl"
        try:
            import pyrender

            self._offscreen: Any = pyrender.OffscreenRenderer(64, 64)
        except Exception as error:  # OpenGL raises ImportError, AttributeError, EGLError, ValueError ...
            raise MissingDriverError(f"{EGL_HINT}: {error}") from error
        _keep_display(self._offscreen._platform)  # noqa: SLF001
        self._pyrender = pyrender
        self._is_smooth = True
        self._choose_samples(self._offscreen._renderer)  # noqa: SLF001
        self._kept: list[tuple[NDArray[np.uint8], Any]] = []
        self._scene_class = _ordered_scene_class(pyrender)

    def render(
        self,
        scene: Scene,
        *,
        size_px: int,
        passes: Set[Pass],
        preset: Preset = "full",
    ) -> Frame:
        """Draw the asked passes; see the protocol."""
        self._offscreen.viewport_width = self._offscreen.viewport_height = size_px
        scene = replace(scene, meshes=tuple(mesh.on_stage for mesh in scene.meshes))
        try:
            return Frame(
                color=self._draw_color(scene, is_smooth=preset == "full") if "color" in passes else None,
                depth=self._draw_depth(scene) if "depth" in passes else None,
                labels=self._draw_labels(scene) if "labels" in passes else None,
                normals=self._draw_normals(scene) if "normals" in passes else None,
            )
        except self._gl_errors() as error:
            raise RendererError(f"OpenGL failed while drawing {size_px}x{size_px}: {error}") from error

    def close(self) -> None:
        """Free the context; a second call does nothing."""
        if self._offscreen is not None:
            self._offscreen.delete()
            self._offscreen = None

    def _choose_samples(self, renderer: Any) -> None:
        """Let what must not be averaged do without the four samples of each pixel that pyrender always asks for.

        It switches them on at the start of each pass, and asks for the camera's matrices before its first triangle.
        """
        camera_matrices = renderer._get_camera_matrices  # noqa: SLF001

        def after_samples_are_chosen(scene: Any) -> Any:
            from OpenGL.GL import GL_MULTISAMPLE, glDisable

            if not self._is_smooth:
                glDisable(GL_MULTISAMPLE)
            return camera_matrices(scene)

        renderer._get_camera_matrices = after_samples_are_chosen  # noqa: SLF001

    def _draw_color(self, scene: Scene, *, is_smooth: bool) -> NDArray[np.uint8]:
        lit = [self._mesh(mesh, shade_vertices(mesh, scene)) for mesh in scene.meshes]
        return self._draw_flat(scene.camera, lit, scene.background, is_smooth=is_smooth)[0]

    def _draw_depth(self, scene: Scene) -> NDArray[np.float32]:
        plain = [self._mesh(mesh, None) for mesh in scene.meshes]
        return self._draw_flat(scene.camera, plain, scene.background, is_smooth=False)[1]

    def _draw_flat(
        self, camera: Camera, meshes: list[Any], background: tuple[float, float, float], *, is_smooth: bool
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        self._is_smooth = is_smooth
        drawn = self._scene(camera, meshes, background)
        color, depth = self._offscreen.render(drawn, flags=self._pyrender.RenderFlags.FLAT)
        return np.ascontiguousarray(color), depth

    def _draw_labels(self, scene: Scene) -> NDArray[np.uint8]:
        drawn = self._scene(scene.camera, [], (0.0, 0.0, 0.0))
        colors: dict[Any, tuple[int, int, int]] = {}
        for label, meshes in _by_label(scene.meshes):
            primitives = [self._primitive(mesh, None) for mesh in meshes]
            node = drawn.add(self._pyrender.Mesh(primitives), name=f"{label:03d}")
            colors[node] = (label, label, label)
        image, _ = self._offscreen.render(drawn, flags=self._pyrender.RenderFlags.SEG, seg_node_map=colors)
        return np.ascontiguousarray(image[..., 0])

    def _draw_normals(self, scene: Scene) -> NDArray[np.float32]:
        rotation = scene.camera.world_from_camera[:3, :3]
        encoded = [
            self._mesh(
                replace(mesh, texture=None, uvs=None),
                (mesh.normals @ rotation * 0.5 + 0.5).astype(np.float32),
            )
            for mesh in scene.meshes
        ]
        image, depth = self._draw_flat(scene.camera, encoded, (0.5, 0.5, 0.5), is_smooth=False)
        normals = image.astype(np.float32) / 255 * 2 - 1
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        valid = (length > 0.5) & (depth[..., None] > 0)
        result: NDArray[np.float32] = np.where(valid, normals / np.maximum(length, 1e-6), 0).astype(
            np.float32
        )
        return result

    def _scene(self, camera: Camera, meshes: Iterable[Any], background: tuple[float, float, float]) -> Any:
        drawn = self._scene_class(bg_color=[*background, 1.0])
        lens = self._pyrender.PerspectiveCamera(
            yfov=float(np.deg2rad(camera.vertical_fov_degrees)), znear=NEAR_METRES, zfar=FAR_METRES
        )
        drawn.add(lens, pose=camera.world_from_camera)
        for index, mesh in enumerate(meshes):
            drawn.add(mesh, name=f"{index:03d}")
        return drawn

    def _mesh(self, mesh: Mesh, colors: NDArray[np.float32] | None) -> Any:
        return self._pyrender.Mesh([self._primitive(mesh, colors)])

    def _primitive(self, mesh: Mesh, colors: NDArray[np.float32] | None) -> Any:
        material = self._pyrender.MetallicRoughnessMaterial(
            doubleSided=not mesh.front_only,
            baseColorTexture=None if colors is None else self._texture(mesh),
        )
        rgba = None
        if colors is not None:
            rgba = np.concatenate([colors, np.ones((len(colors), 1), np.float32)], 1)
        return self._pyrender.Primitive(
            positions=mesh.vertices,
            normals=mesh.normals,
            color_0=rgba,
            texcoord_0=None if colors is None else mesh.uvs,
            indices=mesh.triangles.astype(np.uint32),
            material=material,
            mode=_TRIANGLES,
        )

    def _texture(self, mesh: Mesh) -> Any:
        """The mesh's texture; the last few are kept on the graphics side."""
        if mesh.texture is None:
            return None
        for index, (source, texture) in enumerate(self._kept):
            if source is mesh.texture:
                self._kept.append(self._kept.pop(index))
                return texture
        self._kept = [*self._kept[1 - _KEPT_TEXTURES :]]
        self._kept.append((mesh.texture, self._pyrender.Texture(source=mesh.texture, source_channels="RGB")))
        return self._kept[-1][1]

    @staticmethod
    def _gl_errors() -> tuple[type[Exception], ...]:
        from OpenGL.error import Error

        return (Error,)


def _ordered_scene_class(pyrender: Any) -> Any:
    """pyrender's scene, drawing its meshes in the order of their names.

    pyrender keeps them in a set, whose order changes from frame to frame, and with it the winner of every
    pixel where two meshes are equally near.
    """

    class OrderedScene(pyrender.Scene):  # type: ignore[misc]
        @property
        def mesh_nodes(self) -> list[Any]:
            return sorted(super().mesh_nodes, key=lambda node: node.name)

    return OrderedScene


def _keep_display(platform: Any) -> None:
    """Let a platform free its context alone: pyrender would end the EGL display, which all renderers of the
    process share, and with it every other renderer.
    """

    def delete_context() -> None:
        from OpenGL.EGL import eglDestroyContext

        eglDestroyContext(platform._egl_display, platform._egl_context)  # noqa: SLF001

    platform.delete_context = delete_context


def _both_ways(triangles: NDArray[np.int32]) -> NDArray[np.int32]:
    """Every triangle seen from both sides: pyrender's segmentation culls back faces whatever its flags say, and
    the inside of long hair would be background.
    """
    return np.concatenate([triangles, triangles[:, ::-1]])


def _by_label(meshes: Iterable[Mesh]) -> Iterable[tuple[int, list[Mesh]]]:
    """Every label that occurs, with compact meshes of its triangles; background included as an occluder."""
    groups: dict[int, list[Mesh]] = {}
    for mesh in meshes:
        for label in np.unique(mesh.labels):
            triangles = mesh.triangles[mesh.labels == label]
            if not mesh.front_only:
                triangles = _both_ways(triangles)
            used, compact = np.unique(triangles, return_inverse=True)
            groups.setdefault(int(label), []).append(
                Mesh(
                    vertices=mesh.vertices[used],
                    normals=mesh.normals[used],
                    colors=mesh.colors[used],
                    triangles=compact.reshape(-1, 3).astype(np.int32),
                    labels=mesh.labels[:0],
                )
            )
    return sorted(groups.items())
