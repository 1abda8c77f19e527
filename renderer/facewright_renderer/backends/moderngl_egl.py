"""moderngl over EGL: the fast backend.

One draw call per mesh writes every pass at once; light is computed in the vertex shader, and what does not change
between frames stays in buffers. With the preset `full` the colour pass has four samples per pixel and is drawn
apart from the others, which are never smoothed.
"""

from __future__ import annotations

import threading
from collections.abc import Set
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.backends.egl import EGL_HINT, FAR_METRES, NEAR_METRES
from facewright_renderer.backends.gl_meshes import (
    LABEL_UNIT,
    TEXTURE_UNIT,
    MeshBuffers,
    MeshStore,
    kind_of,
)
from facewright_renderer.backends.gl_targets import Targets
from facewright_renderer.backends.shaders import MAX_LIGHTS, OUTPUTS, fragment_source, vertex_source
from facewright_renderer.errors import MissingDriverError, RendererError, WrongThreadError
from facewright_renderer.lighting import gloss
from facewright_renderer.scene import Camera, Frame, Light, Mesh, Pass, Preset, Scene

__all__ = ["ModernglRenderer"]

_SAMPLES = 4
_STRAIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
_EGL: dict[str, Any] = {"backend": "egl", "libgl": "libGL.so.1", "libegl": "libEGL.so.1"}


class ModernglRenderer:
    """See `facewright_renderer.Renderer`."""

    def __init__(self) -> None:
        try:
            import moderngl

            self._context: Any = moderngl.create_context(standalone=True, **_EGL)
        except Exception as error:  # moderngl raises ImportError and bare Exception
            raise MissingDriverError(f"{EGL_HINT}: {error}") from error
        self._thread = threading.get_ident()
        self._error = moderngl.Error
        with self._context:
            self._context.enable_only(moderngl.DEPTH_TEST)
            self._context.depth_func = "<"
        self._culling = moderngl.CULL_FACE
        self._programs: dict[tuple[str, ...], Any] = {}
        self._targets = Targets(self._context)
        self._meshes = MeshStore(self._context)

    def render(self, scene: Scene, *, size_px: int, passes: Set[Pass], preset: Preset = "full") -> Frame:
        """Draw the asked passes; see the protocol."""
        self._check_use()
        if len(scene.lights) > MAX_LIGHTS:
            raise RendererError(f"the scene has {len(scene.lights)} lights; expected at most {MAX_LIGHTS}")
        try:
            with self._context:
                return self._frame(scene, size_px, passes, preset)
        except (self._error, MemoryError) as error:
            raise RendererError(f"OpenGL failed while drawing {size_px}x{size_px}: {error}") from error

    def close(self) -> None:
        """Free the context with all that is in it; a second call does nothing."""
        if self._context is not None:
            self._check_use()
            self._context.release()
            self._context = None

    def _check_use(self) -> None:
        if self._context is None:
            raise RendererError("the renderer was closed; make a new one")
        if threading.get_ident() != self._thread:
            raise WrongThreadError(
                "the renderer was made on another thread, and its GL context belongs to that; make one per thread"
            )

    def _frame(self, scene: Scene, size_px: int, passes: Set[Pass], preset: Preset) -> Frame:
        meshes = [(mesh, self._meshes.buffers(mesh)) for mesh in scene.meshes]
        images: dict[str, NDArray[Any]] = {}
        try:
            if preset == "full" and "color" in passes:
                images |= self._draw(scene, meshes, size_px, frozenset({"color"}), _SAMPLES)
                passes = passes - {"color"}
            if passes:
                images |= self._draw(scene, meshes, size_px, passes, 0)
        finally:
            self._meshes.end_frame()
        return Frame(**images)  # type: ignore[arg-type]

    def _draw(
        self,
        scene: Scene,
        meshes: list[tuple[Mesh, MeshBuffers]],
        size_px: int,
        passes: Set[Pass],
        samples: int,
    ) -> dict[str, NDArray[Any]]:
        """Images by the name of their pass."""
        outputs = tuple(name for name in OUTPUTS if name in passes) or ("labels",)
        target = self._targets.get(size_px=size_px, outputs=outputs, samples=samples)
        target.begin(scene.background)
        staged: dict[str, Any] = {}
        for mesh, buffers in meshes:
            kind = kind_of(mesh)
            program = staged.get(kind)
            if program is None:
                program = staged[kind] = self._program(outputs, kind)
                _set_stage(program, scene.camera, scene.lights, scene.ambient)
            exponent, energy = gloss(mesh.roughness)
            _set(
                program,
                exponent=exponent,
                energy=energy,
                double_sided=mesh.double_sided,
                world_from_mesh=_STRAIGHT
                if mesh.rotation is None
                else tuple(mesh.rotation.T.ravel().tolist()),
            )
            (self._context.enable if mesh.front_only else self._context.disable)(self._culling)
            self._meshes.use_texture(mesh)
            buffers.draw(program, mesh, with_labels="labels" in outputs)
        return {name: getattr(target, name)() for name in passes}

    def _program(self, outputs: tuple[str, ...], kind: str) -> Any:
        key = (*outputs, kind)
        if key not in self._programs:
            self._programs[key] = self._context.program(
                vertex_shader=vertex_source(outputs, kind), fragment_shader=fragment_source(outputs, kind)
            )
            _set(self._programs[key], triangle_labels=LABEL_UNIT, albedo=TEXTURE_UNIT)
        return self._programs[key]


def _set_stage(program: Any, camera: Camera, lights: tuple[Light, ...], ambient: float) -> None:
    camera_from_world = np.linalg.inv(camera.world_from_camera)
    clip_from_world = _clip_from_camera(camera) @ camera_from_world
    toward = np.zeros((MAX_LIGHTS, 3), np.float32)
    colors = np.zeros((MAX_LIGHTS, 3), np.float32)
    for index, light in enumerate(lights):
        direction = np.asarray(light.toward_light, np.float32)
        toward[index] = direction / np.linalg.norm(direction)
        colors[index] = np.asarray(light.color, np.float32) * light.intensity
    _set(
        program,
        clip_from_world=tuple(clip_from_world.T.ravel().tolist()),
        camera_from_world=tuple(camera_from_world[:3, :3].T.ravel().tolist()),
        eye=tuple(camera.world_from_camera[:3, 3].tolist()),
        toward_light=[tuple(row) for row in toward.tolist()],
        light_color=[tuple(row) for row in colors.tolist()],
        light_count=len(lights),
        ambient=ambient,
    )


def _set(program: Any, **values: Any) -> None:
    """Uniforms; the compiler has removed those that the passes do not need."""
    for name, value in values.items():
        if name in program:
            program[name].value = value


def _clip_from_camera(camera: Camera) -> NDArray[np.float64]:
    """(4, 4)."""
    scale = 1 / np.tan(np.deg2rad(camera.vertical_fov_degrees) / 2)
    clip = np.zeros((4, 4))
    clip[0, 0] = clip[1, 1] = scale
    clip[2, 2] = (FAR_METRES + NEAR_METRES) / (NEAR_METRES - FAR_METRES)
    clip[2, 3] = 2 * FAR_METRES * NEAR_METRES / (NEAR_METRES - FAR_METRES)
    clip[3, 2] = -1
    return clip
