"""A reader of GLB files for tests, from the specification and independent of the writer."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

__all__ = ["ReadGlb"]

_TYPES = {5121: "<u1", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class ReadGlb:
    """The two chunks; `accessor` resolves sparse ones and normalised integers."""

    def __init__(self, content: bytes) -> None:
        magic, version, length = struct.unpack("<4sII", content[:12])
        assert (magic, version, length) == (b"glTF", 2, len(content))
        json_bytes, kind = struct.unpack("<I4s", content[12:20])
        assert kind == b"JSON"
        self.document: dict[str, Any] = json.loads(content[20 : 20 + json_bytes])
        start = 20 + json_bytes
        binary_bytes, kind = struct.unpack("<I4s", content[start : start + 8])
        assert kind == b"BIN\0"
        assert start + 8 + binary_bytes == len(content)
        self.binary = content[start + 8 :]
        self.chunk_starts = (20, start + 8)

    @property
    def extras(self) -> dict[str, Any]:
        extras: dict[str, Any] = self.document["scenes"][0]["extras"]["facewright"]
        return extras

    def mesh(self, name: str) -> dict[str, Any]:
        (mesh,) = (mesh for mesh in self.document["meshes"] if mesh["name"] == name)
        return mesh  # type: ignore[no-any-return]

    def attribute(self, mesh: str, name: str) -> np.ndarray:
        return self.accessor(self.mesh(mesh)["primitives"][0]["attributes"][name])

    def triangles(self, mesh: str) -> np.ndarray:
        return self.accessor(self.mesh(mesh)["primitives"][0]["indices"]).reshape(-1, 3)

    def targets(self, mesh: str) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Name -> positions and normals."""
        found = self.mesh(mesh)
        names = found.get("extras", {}).get("targetNames", [])
        targets = found["primitives"][0].get("targets", [])
        assert len(names) == len(targets) == len(found.get("weights", []))
        return {
            name: (self.accessor(target["POSITION"]), self.accessor(target["NORMAL"]))
            for name, target in zip(names, targets, strict=True)
        }

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["name"]: node for node in self.document["nodes"]}

    def accessor(self, index: int) -> np.ndarray:
        entry = self.document["accessors"][index]
        width, dtype = _WIDTHS[entry["type"]], np.dtype(_TYPES[entry["componentType"]])
        values = np.zeros((entry["count"], width), dtype)
        if "bufferView" in entry:
            values[:] = self._values(entry["bufferView"], dtype, entry["count"], width)
        if "sparse" in entry:
            sparse = entry["sparse"]
            index_type = np.dtype(_TYPES[sparse["indices"]["componentType"]])
            rows = self._values(sparse["indices"]["bufferView"], index_type, sparse["count"], 1)[:, 0]
            assert (np.diff(rows.astype(np.int64)) > 0).all()
            values[rows] = self._values(sparse["values"]["bufferView"], dtype, sparse["count"], width)
        assert values.min(0).tolist() == entry["min"]
        assert values.max(0).tolist() == entry["max"]
        if entry.get("normalized"):
            return values / np.iinfo(dtype).max
        return values

    def _values(self, view_index: int, dtype: np.dtype[Any], count: int, width: int) -> np.ndarray:
        view = self.document["bufferViews"][view_index]
        assert view["byteOffset"] % 4 == 0
        assert view["byteLength"] == count * width * dtype.itemsize
        return np.frombuffer(self.binary, dtype, count * width, view["byteOffset"]).reshape(count, width)
