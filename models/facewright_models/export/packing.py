"""Arrays as glTF accessors over one binary buffer.

Everything starts at a multiple of four bytes, every accessor tells its smallest and largest values, indices take
the smallest type that holds them, and what is mostly zero is stored sparse.

Source: Khronos glTF 2.0 specification, section 3.6.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BufferPacker"]

_ARRAY_BUFFER, _ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENT_TYPES = {"u1": 5121, "u2": 5123, "u4": 5125, "f4": 5126}
_SHAPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}
_INDEX_TYPES = (("u1", 0xFF), ("u2", 0xFFFF), ("u4", 0xFFFFFFFF))


class BufferPacker:
    """Collects `accessors` and `views` (lists of glTF objects) and the bytes that they lie in."""

    def __init__(self) -> None:
        self.accessors: list[dict[str, Any]] = []
        self.views: list[dict[str, Any]] = []
        self._bytes = bytearray()

    @property
    def content(self) -> bytes:
        """The buffer so far."""
        return bytes(self._bytes)

    def attribute(self, values: NDArray[Any], *, is_normalized: bool = False) -> int:
        """(N, D) values of vertices, as they are typed -> accessor index."""
        return self._dense(values, _ARRAY_BUFFER, is_normalized=is_normalized)

    def matrices(self, values: NDArray[np.float32]) -> int:
        """(N, 4, 4) matrices of row vectors' transposes -> accessor index; stored column by column."""
        return self._dense(np.ascontiguousarray(values.transpose(0, 2, 1)).reshape(-1, 16), None)

    def triangles(self, triangles: NDArray[np.int32]) -> int:
        """(T, 3) -> accessor index. The largest value of a type is never an index: it restarts primitives."""
        flat = triangles.reshape(-1, 1)
        return self._dense(flat.astype(_index_type(int(flat.max()) + 1)), _ELEMENT_ARRAY_BUFFER)

    def displacements(self, *fields: NDArray[np.float32]) -> list[int]:
        """Several (N, 3) fields of the same vertices, zero for most -> an accessor index of each."""
        moved = np.flatnonzero(np.any([field.any(1) for field in fields], axis=0))
        if not len(moved):
            moved = np.zeros(1, np.int64)  # a sparse accessor needs an entry, and loaders a sparse accessor
        indices = moved.astype(_index_type(int(moved[-1])))
        count, wide = len(fields[0]), len(fields) * 12
        if len(moved) * (wide + indices.itemsize) >= count * wide:
            return [self.attribute(field) for field in fields]
        index_view = self.view(indices.tobytes())
        return [self._sparse(field, moved, indices, index_view) for field in fields]

    def view(self, content: bytes, *, target: int | None = None) -> int:
        """Bytes -> index of their view."""
        self._bytes += bytes(-len(self._bytes) % 4)
        view: dict[str, Any] = {
            "buffer": 0,
            "byteOffset": len(self._bytes),
            "byteLength": len(content),
        }
        if target is not None:
            view["target"] = target
        self._bytes += content
        self.views.append(view)
        return len(self.views) - 1

    def _dense(self, values: NDArray[Any], target: int | None, *, is_normalized: bool = False) -> int:
        little = values.astype(values.dtype.newbyteorder("<"))
        return self._add(
            {
                "bufferView": self.view(little.tobytes(), target=target),
                **_description(values),
                **({"normalized": True} if is_normalized else {}),
            }
        )

    def _sparse(
        self, field: NDArray[np.float32], moved: NDArray[np.int64], indices: NDArray[Any], index_view: int
    ) -> int:
        return self._add(
            {
                **_description(field),
                "sparse": {
                    "count": len(moved),
                    "indices": {"bufferView": index_view, "componentType": _component_type(indices)},
                    "values": {"bufferView": self.view(field[moved].astype("<f4").tobytes())},
                },
            }
        )

    def _add(self, accessor: dict[str, Any]) -> int:
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def _description(values: NDArray[Any]) -> dict[str, Any]:
    return {
        "componentType": _component_type(values),
        "count": len(values),
        "type": _SHAPES[values.shape[1]],
        "min": values.min(0).tolist(),
        "max": values.max(0).tolist(),
    }


def _component_type(values: NDArray[Any]) -> int:
    return _COMPONENT_TYPES[f"{values.dtype.kind}{values.dtype.itemsize}"]


def _index_type(largest: int) -> np.dtype[Any]:
    return np.dtype("<" + next(name for name, limit in _INDEX_TYPES if largest <= limit))
