"""Grooms in the file of a baked rig: whole numbers, about 170 bytes for a strand of twelve points.

Arrays, all grooms after each other (P points, N strands, B bindings: P of them, or N where strands move with their
roots): `groom_points` (P, 3) int16 in 10 micrometres; `groom_sides` (P, 3) int8 in shares of the groom's `side`;
`groom_openness` (P,) and `groom_tones` (N, 2) uint8; `groom_triangles` (B,) uint16 into the skin's triangles with
`groom_weights` (B, 2) uint8 of their second and third corners; `groom_offsets` (., 3) int16 in 10 micrometres.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig.groom import Groom

__all__ = ["pack_grooms", "unpack_grooms"]

_STEP_METRES = 1e-5
_ARRAYS = ("points", "sides", "openness", "tones", "triangles", "weights", "offsets")


def pack_grooms(
    grooms: Sequence[Groom], *, origin: NDArray[np.float64], scale: float
) -> tuple[dict[str, NDArray[Any]], list[dict[str, Any]]]:
    """Arrays and their description; `origin` (groom units) becomes zero, `scale` turns units into metres."""
    columns: dict[str, list[NDArray[Any]]] = {name: [] for name in _ARRAYS}
    described = []
    for groom in grooms:
        side = max(float(np.abs(groom.sides).max()), 1e-9)
        columns["points"].append(_steps((groom.points - origin) * scale))
        columns["sides"].append(np.round(groom.sides / side * 127).astype(np.int8).reshape(-1, 3))
        columns["openness"].append(_share(groom.openness).ravel())
        columns["tones"].append(_share(groom.tones))
        columns["triangles"].append(groom.triangles.astype(np.uint16).ravel())
        columns["weights"].append(_share(groom.weights[..., 1:]).reshape(-1, 2))
        columns["offsets"] += [_steps(offset * scale) for offset in groom.offsets.values()]
        described.append(
            {
                "name": groom.name,
                "style": list(groom.style) if groom.style else None,
                "label": groom.label,
                "strands": groom.points.shape[0],
                "points": groom.points.shape[1],
                "bindings": groom.triangles.shape[1],
                "side": side * scale,
                "rigid": groom.rigid,
                "offsets": list(groom.offsets),
                "widen": dict(groom.widen),
                "center": [float(x) for x in (np.asarray(groom.center) - origin) * scale],
                "roundness": groom.roundness,
            }
        )
    columns["offsets"].append(np.zeros((0, 3), np.int16))
    return {f"groom_{name}": np.concatenate(rows) for name, rows in columns.items()}, described


def unpack_grooms(arrays: Mapping[str, NDArray[Any]], described: Sequence[Mapping[str, Any]]) -> list[Groom]:
    """The grooms in metres."""
    at = dict.fromkeys(_ARRAYS, 0)

    def take(name: str, count: int) -> NDArray[Any]:
        start = at[name]
        at[name] = start + count
        return arrays[f"groom_{name}"][start : start + count]

    grooms = []
    for row in described:
        strands, length, bindings = int(row["strands"]), int(row["points"]), int(row["bindings"])
        points = strands * length
        two = take("weights", strands * bindings).astype(np.float32) / np.float32(255)
        weights = np.concatenate([1 - two.sum(1, keepdims=True), two], 1)
        style = row["style"]
        grooms.append(
            Groom(
                name=str(row["name"]),
                style=(style[0], style[1]) if style else None,
                label=int(row["label"]),
                points=_metres(take("points", points), strands),
                sides=take("sides", points).astype(np.float32).reshape(strands, length, 3)
                * np.float32(row["side"] / 127),
                tones=take("tones", strands).astype(np.float32) / np.float32(255),
                openness=take("openness", points).astype(np.float32).reshape(strands, length)
                / np.float32(255),
                triangles=take("triangles", strands * bindings).astype(np.int64).reshape(strands, bindings),
                weights=weights.reshape(strands, bindings, 3),
                rigid=bool(row["rigid"]),
                offsets={name: _metres(take("offsets", points), strands) for name in row["offsets"]},
                widen={name: float(value) for name, value in row["widen"].items()},
                center=tuple(row["center"]),
                roundness=float(row["roundness"]),
            )
        )
    return grooms


def _steps(metres: NDArray[Any]) -> NDArray[np.int16]:
    return np.round(metres / _STEP_METRES).clip(-32767, 32767).astype(np.int16).reshape(-1, 3)


def _metres(steps: NDArray[np.int16], strands: int) -> NDArray[np.float32]:
    return (steps.astype(np.float32) * np.float32(_STEP_METRES)).reshape(strands, -1, 3)


def _share(values: NDArray[Any]) -> NDArray[np.uint8]:
    shares: NDArray[np.uint8] = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return shares
