"""The seam between a head's moving vertices and the meshes that a look draws them as."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig import RigPart
from facewright_renderer import Mesh, Preset

__all__ = ["Dress", "PlainMesh", "Pose", "lasting", "plain_mesh"]

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Pose:
    """Where a head is in one frame, on the stage.

    points, normals (N, 3) of all visible solid parts, `places` each one's range of them; landmarks (68, 3);
    `rotation` (3, 3) stage_from_head; strands of hair by part, which are not turned by it yet. `preset` says how finely
    the head is to be drawn; `shadow_from` (3,), whether and from where light casts shadows.
    """

    points: Array
    normals: Array
    places: Mapping[str, slice]
    strands: Mapping[str, Array]
    landmarks: Array
    rotation: Array
    preset: Preset = "full"
    shadow_from: tuple[float, float, float] | None = None

    def of(self, part: str) -> Array:
        """(n, 3) vertices of a solid part."""
        return self.points[self.places[part]]


@runtime_checkable
class Dress(Protocol):
    """How one character is drawn."""

    def meshes(self, pose: Pose) -> tuple[Mesh, ...]:
        """The meshes of a frame; their arrays that never change are not writeable."""
        ...


@dataclass(frozen=True, kw_only=True)
class PlainMesh:
    """Parts drawn as the rig has them, with vertex colours, as one mesh."""

    parts: tuple[str, ...]
    triangles: NDArray[np.int32]
    colors: Array
    labels: NDArray[np.uint8]
    roughness: float
    double_sided: bool

    def posed(self, pose: Pose) -> Mesh:
        """The mesh of a frame."""
        places = [pose.places[name] for name in self.parts]
        return Mesh(
            vertices=np.concatenate([pose.points[place] for place in places]),
            normals=np.concatenate([pose.normals[place] for place in places]),
            triangles=self.triangles,
            colors=self.colors,
            labels=self.labels,
            roughness=self.roughness,
            double_sided=self.double_sided,
        )


def plain_mesh(
    parts: Sequence[RigPart], roughness: float, color: Callable[[RigPart], NDArray[np.floating[Any]]]
) -> PlainMesh:
    """Parts of one roughness as one mesh; `color` gives (n, 3) linear colours of a part's vertices."""
    starts = np.cumsum([0, *(part.vertices.stop - part.vertices.start for part in parts)])
    triangles = np.concatenate([part.triangles + own for part, own in zip(parts, starts, strict=False)])
    return PlainMesh(
        parts=tuple(part.name for part in parts),
        triangles=lasting(triangles.astype(np.int32)),
        colors=lasting(np.concatenate([color(part) for part in parts]).astype(np.float32)),
        labels=lasting(np.concatenate([part.labels for part in parts])),
        roughness=roughness,
        double_sided=parts[0].name.startswith("hair"),
    )


def lasting(array: NDArray[Any]) -> NDArray[Any]:
    """Marked as never changing; see `facewright_renderer.Mesh`."""
    array.flags.writeable = False
    return array
