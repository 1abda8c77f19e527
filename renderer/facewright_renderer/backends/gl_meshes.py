"""Meshes of the egl backend in the memory of the graphics card.

Triangles, colours and labels that are not writeable are sent once and found again by their identity; positions
and normals are sent for every frame, unless they are not writeable either.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.backends.shaders import LABELS_PER_ROW
from facewright_renderer.scene import Mesh

__all__ = ["LABEL_UNIT", "TEXTURE_UNIT", "MeshBuffers", "MeshStore", "kind_of"]

_KEPT_MESHES = 48
_KEPT_TEXTURES = 12
LABEL_UNIT, TEXTURE_UNIT = 0, 1


def kind_of(mesh: Mesh) -> str:
    """One of `shaders.KINDS`."""
    if mesh.tangents is not None:
        return "strands"
    return "plain" if mesh.texture is None else "textured"


class MeshBuffers:
    """One mesh: buffers, its label texture, and a vertex array per program that has drawn it."""

    def __init__(self, context: Any, mesh: Mesh) -> None:
        self._context = context
        self._owners = tuple(weakref.ref(array) for array in _identity(mesh))
        self._triangles = context.buffer(np.ascontiguousarray(mesh.triangles, np.int32))
        self._colors = context.buffer(np.ascontiguousarray(mesh.colors, np.float32))
        self._inputs = _moving_inputs(mesh)
        self._floats = sum(self._inputs.values())  # of a vertex, that move
        self._moving = context.buffer(reserve=len(mesh.vertices) * self._floats * 4, dynamic=True)
        self._uvs = None if mesh.uvs is None else context.buffer(np.ascontiguousarray(mesh.uvs, np.float32))
        self._is_placed = False
        self._labels: Any = None
        self._arrays: dict[int, Any] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the arrays it was made from are still there."""
        return all(owner() is not None for owner in self._owners)

    def belongs_to(self, mesh: Mesh) -> bool:
        """Whether it was made from these very arrays."""
        return all(owner() is array for owner, array in zip(self._owners, _identity(mesh), strict=True))

    def move(self, mesh: Mesh) -> None:
        """Send positions, normals, tangents and shade, unless they are there and still the same."""
        if self._is_placed:
            return
        packed = np.concatenate(
            [array.reshape(len(array), -1) for array in _moving(mesh)], 1, dtype=np.float32
        )
        self._moving.orphan()
        self._moving.write(packed)
        self._is_placed = _is_still(mesh)

    def draw(self, program: Any, mesh: Mesh, *, with_labels: bool) -> None:
        """With a program whose uniforms are set."""
        if with_labels:
            if self._labels is None:
                self._labels = _label_texture(self._context, mesh.labels)
            self._labels.use(LABEL_UNIT)
        if program.glo not in self._arrays:
            self._arrays[program.glo] = self._array(program)
        self._arrays[program.glo].render()

    def release(self) -> None:
        """Free its memory."""
        for array in self._arrays.values():
            array.release()
        for buffer in (self._triangles, self._colors, self._moving, self._uvs):
            if buffer is not None:
                buffer.release()
        if self._labels is not None:
            self._labels.release()

    def _array(self, program: Any) -> Any:
        formats = " ".join(
            f"{floats}f" if name in program else f"{4 * floats}x" for name, floats in self._inputs.items()
        )
        content = [(self._moving, formats, *(name for name in self._inputs if name in program))]
        if "in_color" in program:
            content.append((self._colors, "3f", "in_color"))
        if "in_uv" in program:
            content.append((self._uvs, "2f", "in_uv"))
        return self._context.vertex_array(program, content, self._triangles, 4)


class MeshStore:
    """Buffers of the meshes that last, and of those of the frame that is being drawn; textures likewise."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._textures: OrderedDict[int, tuple[Any, Any]] = OrderedDict()  # id -> (reference, texture)
        self._kept: OrderedDict[tuple[int, ...], MeshBuffers] = OrderedDict()
        self._passing: list[MeshBuffers] = []

    def buffers(self, mesh: Mesh) -> MeshBuffers:
        """With positions and normals of the mesh; valid until `end_frame`."""
        if any(array.flags.writeable for array in _lasting(mesh)):
            buffers = MeshBuffers(self._context, mesh)
            self._passing.append(buffers)
        else:
            buffers = self._lasting(mesh)
        buffers.move(mesh)
        return buffers

    def use_texture(self, mesh: Mesh) -> None:
        """Bind the mesh's texture, if it has one, sending it when it is new."""
        source = mesh.texture
        if source is None:
            return
        found = self._textures.get(id(source))
        if found is None or found[0]() is not source or source.flags.writeable:
            if found is not None:
                found[1].release()
            found = self._textures[id(source)] = (weakref.ref(source), _color_texture(self._context, source))
        self._textures.move_to_end(id(source))
        found[1].use(TEXTURE_UNIT)

    def end_frame(self) -> None:
        """Free what only this frame needed, and what nobody can ask for again."""
        for buffers in self._passing:
            buffers.release()
        self._passing.clear()
        for key in [key for key, buffers in self._kept.items() if not buffers.is_wanted]:
            self._kept.pop(key).release()
        for place in [place for place, (source, _) in self._textures.items() if source() is None]:
            self._textures.pop(place)[1].release()
        while len(self._textures) > _KEPT_TEXTURES:
            self._textures.popitem(last=False)[1][1].release()
        while len(self._kept) > _KEPT_MESHES:
            self._kept.popitem(last=False)[1].release()

    def _lasting(self, mesh: Mesh) -> MeshBuffers:
        key = (len(_moving_inputs(mesh)), *(id(array) for array in _identity(mesh)))
        found = self._kept.get(key)
        if found is not None and not found.belongs_to(mesh):  # an address that was used again
            self._kept.pop(key).release()
            found = None
        if found is None:
            found = self._kept[key] = MeshBuffers(self._context, mesh)
        self._kept.move_to_end(key)
        return found


def _identity(mesh: Mesh) -> tuple[NDArray[Any], ...]:
    """What buffers that are kept are found by."""
    return (*_lasting(mesh), *(_moving(mesh) if _is_still(mesh) else ()))


def _is_still(mesh: Mesh) -> bool:
    return not any(array.flags.writeable for array in _moving(mesh))


def _moving(mesh: Mesh) -> tuple[NDArray[Any], ...]:
    return tuple(a for a in (mesh.vertices, mesh.normals, mesh.tangents, mesh.shade) if a is not None)


def _moving_inputs(mesh: Mesh) -> dict[str, int]:
    """Inputs of the vertex shader that the arrays of `_moving` feed, in their order, with their numbers of floats."""
    inputs = {"in_position": 3, "in_normal": 3}
    if mesh.tangents is not None:
        inputs["in_tangent"] = 3
    if mesh.shade is not None:
        inputs["in_shade"] = 1
    return inputs


def _lasting(mesh: Mesh) -> tuple[NDArray[Any], ...]:
    arrays = (mesh.triangles, mesh.colors, mesh.labels, mesh.uvs)
    return tuple(array for array in arrays if array is not None)


def _color_texture(context: Any, source: NDArray[np.uint8]) -> Any:
    """Row 0 of the source is at v = 1. Smaller versions of texels of four bytes are made in a quarter of the time."""
    height, width = source.shape[:2]
    padded = np.full((height, width, 4), 255, np.uint8)
    padded[..., :3] = source[::-1]
    texture = context.texture((width, height), 4, padded)
    texture.build_mipmaps()
    texture.filter = (context.LINEAR_MIPMAP_LINEAR, context.LINEAR)
    return texture


def _label_texture(context: Any, labels: NDArray[np.uint8]) -> Any:
    rows = -(-len(labels) // LABELS_PER_ROW)
    padded = np.zeros((rows, LABELS_PER_ROW), np.uint8)
    padded.reshape(-1)[: len(labels)] = labels
    texture = context.texture((LABELS_PER_ROW, rows), 1, padded, dtype="u1", alignment=1)
    texture.filter = (context.NEAREST, context.NEAREST)
    return texture
