"""Meshes of the egl backend in the memory of the graphics card.

Triangles, colours and labels that are not writeable are sent once and found again by their identity; positions
and normals are sent for every frame.
"""

from __future__ import annotations

import weakref
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.backends.shaders import LABELS_PER_ROW
from facewright_renderer.scene import Mesh

__all__ = ["MeshBuffers", "MeshStore"]

_KEPT_MESHES = 48
_FLOATS_PER_VERTEX = 6


class MeshBuffers:
    """One mesh: buffers, its label texture, and a vertex array per program that has drawn it."""

    def __init__(self, context: Any, mesh: Mesh) -> None:
        self._context = context
        self._owners = tuple(weakref.ref(array) for array in _lasting(mesh))
        self._triangles = context.buffer(np.ascontiguousarray(mesh.triangles, np.int32))
        self._colors = context.buffer(np.ascontiguousarray(mesh.colors, np.float32))
        self._moving = context.buffer(reserve=len(mesh.vertices) * _FLOATS_PER_VERTEX * 4, dynamic=True)
        self._labels: Any = None
        self._arrays: dict[int, Any] = {}

    @property
    def is_wanted(self) -> bool:
        """Whether the arrays it was made from are still there."""
        return all(owner() is not None for owner in self._owners)

    def belongs_to(self, mesh: Mesh) -> bool:
        """Whether it was made from these very arrays."""
        return all(owner() is array for owner, array in zip(self._owners, _lasting(mesh), strict=True))

    def move(self, mesh: Mesh) -> None:
        """Send positions and normals."""
        packed = np.empty((len(mesh.vertices), _FLOATS_PER_VERTEX), np.float32)
        packed[:, :3], packed[:, 3:] = mesh.vertices, mesh.normals
        self._moving.orphan()
        self._moving.write(packed)

    def draw(self, program: Any, mesh: Mesh, *, with_labels: bool) -> None:
        """With a program whose uniforms are set."""
        if with_labels:
            if self._labels is None:
                self._labels = _label_texture(self._context, mesh.labels)
            self._labels.use(0)
        if program.glo not in self._arrays:
            self._arrays[program.glo] = self._array(program)
        self._arrays[program.glo].render()

    def release(self) -> None:
        """Free its memory."""
        for array in self._arrays.values():
            array.release()
        for buffer in (self._triangles, self._colors, self._moving):
            buffer.release()
        if self._labels is not None:
            self._labels.release()

    def _array(self, program: Any) -> Any:
        present = [name for name in ("in_position", "in_normal") if name in program]
        moving = {
            ("in_position", "in_normal"): "3f 3f",
            ("in_position",): "3f 12x",
        }[tuple(present)]
        content = [(self._moving, moving, *present)]
        if "in_color" in program:
            content.append((self._colors, "3f", "in_color"))
        return self._context.vertex_array(program, content, self._triangles, 4)


class MeshStore:
    """Buffers of the meshes that last, and of those of the frame that is being drawn."""

    def __init__(self, context: Any) -> None:
        self._context = context
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

    def end_frame(self) -> None:
        """Free what only this frame needed, and what nobody can ask for again."""
        for buffers in self._passing:
            buffers.release()
        self._passing.clear()
        for key in [key for key, buffers in self._kept.items() if not buffers.is_wanted]:
            self._kept.pop(key).release()
        while len(self._kept) > _KEPT_MESHES:
            self._kept.popitem(last=False)[1].release()

    def _lasting(self, mesh: Mesh) -> MeshBuffers:
        key = tuple(id(array) for array in _lasting(mesh))
        found = self._kept.get(key)
        if found is not None and not found.belongs_to(mesh):  # an address that was used again
            self._kept.pop(key).release()
            found = None
        if found is None:
            found = self._kept[key] = MeshBuffers(self._context, mesh)
        self._kept.move_to_end(key)
        return found


def _lasting(mesh: Mesh) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    return mesh.triangles, mesh.colors, mesh.labels


def _label_texture(context: Any, labels: NDArray[np.uint8]) -> Any:
    rows = -(-len(labels) // LABELS_PER_ROW)
    padded = np.zeros((rows, LABELS_PER_ROW), np.uint8)
    padded.reshape(-1)[: len(labels)] = labels
    texture = context.texture((LABELS_PER_ROW, rows), 1, padded, dtype="u1", alignment=1)
    texture.filter = (context.NEAREST, context.NEAREST)
    return texture
