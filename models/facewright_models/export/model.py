"""What is exported, before it has a file format: meshes with materials, joints and morphs as plain arrays.

N vertices, T triangles. Space: metres, right-handed, Y up, the face looks along +Z, the subject's left is +X.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ExportMesh", "ExportModel", "Joint", "Material", "Morph"]


@dataclass(frozen=True, kw_only=True)
class Material:
    """Metallic-roughness, never metallic. Textures are the bytes of PNG files, read through the mesh's `uv`.

    `base_color_png` is sRGB. `normal_png` is in tangent space with +Y up, `roughness_png` has roughness in its
    green channel and replaces `roughness`. None stands for no texture.
    """

    name: str
    roughness: float
    is_double_sided: bool = False
    base_color_png: bytes | None = field(default=None, repr=False)
    normal_png: bytes | None = field(default=None, repr=False)
    roughness_png: bytes | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.roughness <= 1:
            raise ValueError(f"the roughness of material '{self.name}' is {self.roughness}; expected [0, 1]")


@dataclass(frozen=True, kw_only=True)
class Joint:
    """A bone without rotation; `position` is in the model's space, `parent` an earlier joint's name or None."""

    name: str
    position: tuple[float, float, float]
    parent: str | None = None


@dataclass(frozen=True, kw_only=True)
class Morph:
    """What a facial action at full strength adds to a mesh: (N, 3) positions in metres, (N, 3) to its normals."""

    name: str
    positions: NDArray[np.float32] = field(repr=False)
    normals: NDArray[np.float32] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class ExportMesh:
    """One object with one material.

    positions, unit normals (N, 3) float32; triangles (T, 3) int32, counter-clockwise from outside; joints (N,)
    index of the one joint that a vertex follows; colors (N, 3) float32 linear in [0,1], or None where the
    material's texture has the colour; uv (N, 2) float32 with (0, 0) at the texture's upper left corner, or None;
    tangents (N, 4) float32 where the material has a texture of normals, the handedness in the last column.
    """

    name: str
    material: Material
    positions: NDArray[np.float32] = field(repr=False)
    normals: NDArray[np.float32] = field(repr=False)
    triangles: NDArray[np.int32] = field(repr=False)
    joints: NDArray[np.uint8] = field(repr=False)
    colors: NDArray[np.float32] | None = field(default=None, repr=False)
    uv: NDArray[np.float32] | None = field(default=None, repr=False)
    tangents: NDArray[np.float32] | None = field(default=None, repr=False)
    morphs: tuple[Morph, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True)
class ExportModel:
    """A whole character. `copyright` is about the rig's data; `extras` is JSON that travels with the scene."""

    name: str
    meshes: tuple[ExportMesh, ...]
    joints: tuple[Joint, ...]
    copyright: str
    extras: Mapping[str, Any] = field(default_factory=dict)
