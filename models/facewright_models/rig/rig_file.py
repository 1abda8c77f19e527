"""The file of a baked rig: one safetensors file with template, sparse targets, parts, paint and schema.

Layout (V vertices of all parts, K targets, N stored offsets, T triangles):
`template` (V, 3) float32 metres; `target_starts` (K+1,), `target_vertices` (N,), `target_offsets` (N, 3) float16
millimetres; `triangles` (T, 3) into V; `triangle_labels` (T,) uint8; ids of both kinds are uint16, or int32 where there
are more vertices than that; `part_starts` (parts+1,) vertices and `part_triangle_starts`; `paint` (V, C) uint8;
`occlusion` (V,) uint8;
`landmark_vertices` (68, 4) int32 with `landmark_weights` (68, 4); the first `core` vertices carry the others:
`carrier_vertices` and `carrier_weights` (V - core, 3). Of S styles, `shadows` (S, V) uint8 is the share of the light
that they leave to the vertices. Strands of hair lie beside all this: see `groom_file`. The metadata key `description`
is JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from facewright_models.errors import WeightsError
from facewright_models.rig.anny_schema import Description
from facewright_models.rig.groom import Groom
from facewright_models.rig.groom_file import pack_grooms
from facewright_models.rig.parts import PAINT_CHANNELS, BakePart

__all__ = ["RigFile", "read_rig_file", "write_rig_file"]

_SMALLEST_OFFSET_MM = 0.004
_NARROW = ("target_vertices", "triangles")
"""Vertex ids that lie in the file as uint16 where these suffice."""


@dataclass(frozen=True, kw_only=True)
class RigFile:
    """The contents of a baked rig file; see the module's docstring for shapes."""

    arrays: Mapping[str, NDArray[Any]]
    description: Mapping[str, Any]

    @classmethod
    def from_parts(
        cls,
        *,
        name: str,
        version: str,
        parts: Sequence[BakePart],
        occlusion: Mapping[str, NDArray[np.float64]],
        target_names: Sequence[str],
        origin: NDArray[np.float64],
        scale: float,
        schema: Description,
        grooms: Sequence[Groom] = (),
        shadows: Mapping[tuple[str, str], Mapping[str, NDArray[np.float64]]] | None = None,
    ) -> RigFile:
        """Concatenate the parts; `origin` (part units) becomes zero and `scale` turns units into metres."""
        parts = sorted(parts, key=lambda part: part.carrier is not None)
        vertex_starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
        triangle_starts = np.cumsum([0, *(len(part.triangles) for part in parts)])
        ids: list[NDArray[np.int32]] = []
        values: list[NDArray[np.float16]] = []
        target_starts = [0]
        for target in target_names:
            count = 0
            for part, start in zip(parts, vertex_starts[:-1], strict=True):
                offset = part.offsets.get(target)
                if offset is None:
                    continue
                millimetres = offset * scale * 1000
                moved = np.flatnonzero(np.abs(millimetres).max(1) > _SMALLEST_OFFSET_MM)
                ids.append((moved + start).astype(np.int32))
                values.append(millimetres[moved].astype(np.float16))
                count += len(moved)
            target_starts.append(target_starts[-1] + count)
        start_of = {part.name: start for part, start in zip(parts, vertex_starts[:-1], strict=True)}
        bound = [(start_of[p.carrier[0]], p.carrier[1]) for p in parts if p.carrier is not None]
        paint = np.zeros((vertex_starts[-1], len(PAINT_CHANNELS)), np.uint8)
        for part, start in zip(parts, vertex_starts[:-1], strict=True):
            for channel, weight in part.paint.items():
                column = PAINT_CHANNELS.index(channel)
                paint[start : start + len(weight), column] = np.round(np.clip(weight, 0, 1) * 255)
        arrays: dict[str, NDArray[Any]] = {
            "template": np.concatenate([(p.vertices - origin) * scale for p in parts]).astype(np.float32),
            "target_starts": np.array(target_starts, np.int64),
            "target_vertices": np.concatenate(ids),
            "target_offsets": np.concatenate(values),
            "triangles": np.concatenate(
                [p.triangles + start for p, start in zip(parts, vertex_starts[:-1], strict=True)]
            ).astype(np.int32),
            "triangle_labels": np.concatenate([p.labels for p in parts]),
            "part_starts": vertex_starts.astype(np.int64),
            "part_triangle_starts": triangle_starts.astype(np.int64),
            "paint": paint,
            "carrier_vertices": np.concatenate([b.ids + start for start, b in bound]).astype(np.int32),
            "carrier_weights": np.concatenate([b.weights for _, b in bound]).astype(np.float32),
            "occlusion": np.round(np.concatenate([occlusion[p.name] for p in parts]) * 255).astype(np.uint8),
            "landmark_vertices": np.zeros((68, 4), np.int32),
            "landmark_weights": np.full((68, 4), 0.25, np.float32),
        }
        shades = np.full((len(shadows or {}), vertex_starts[-1]), 255, np.uint8)
        for row, shaded in zip(shades, (shadows or {}).values(), strict=True):
            for name_, left in shaded.items():
                row[start_of[name_] : start_of[name_] + len(left)] = np.round(np.clip(left, 0, 1) * 255)
        arrays["shadows"] = shades
        strands, described_grooms = pack_grooms(grooms, origin=origin, scale=scale)
        arrays.update(strands)
        described = {
            "grooms": described_grooms,
            "shadows": [list(style) for style in shadows or {}],
            "schema": replace(schema.schema, name=name, version=version).to_json(),
            "targets": list(target_names),
            "channels": [
                {"inputs": [list(i) for i in c.inputs], "positive": c.positive, "negative": c.negative}
                for c in schema.channels
            ],
            "parts": [{"name": p.name, "style": list(p.style) if p.style else None} for p in parts],
        }
        return cls(arrays=arrays, description=described)


def write_rig_file(file: RigFile, path: Path) -> None:
    """Write atomically: a killed bake leaves the old file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    save_file(
        {name: _narrowed(name, array) for name, array in file.arrays.items()},
        temporary,
        metadata={"description": json.dumps(file.description, separators=(",", ":"))},
    )
    temporary.replace(path)


def _narrowed(name: str, array: NDArray[Any]) -> NDArray[Any]:
    fits = name in _NARROW and array.size > 0 and array.max() <= np.iinfo(np.uint16).max
    return np.ascontiguousarray(array, np.uint16 if fits else array.dtype)


def _widened(name: str, array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.int32) if name in _NARROW else array


def read_rig_file(path: Path) -> RigFile:
    """Read a baked rig. Raises WeightsError when the file is missing or not a rig."""
    try:
        with safe_open(path, framework="np") as handle:
            arrays = {name: _widened(name, handle.get_tensor(name)) for name in handle.keys()}  # noqa: SIM118
            description = json.loads((handle.metadata() or {})["description"])
    except (OSError, KeyError, ValueError, SafetensorError) as error:
        raise WeightsError(
            f"cannot read the baked rig {path.name}: {error}; bake it again with "
            "'facewright-server bake anny'"
        ) from error
    return RigFile(arrays=arrays, description=description)
