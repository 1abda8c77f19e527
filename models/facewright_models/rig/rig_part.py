"""What a rig's vertices are drawn as."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RigPart"]


@dataclass(frozen=True, kw_only=True)
class RigPart:
    """A mesh of the rig: vertex range, own triangles (T, 3) counted from the range's start, labels (T,).

    Strands of hair have normals and tangents of their own, (N, 3) in the rig's space; for other parts both are None.
    """

    name: str
    style: tuple[str, str] | None
    vertices: slice
    triangles: NDArray[np.int32]
    labels: NDArray[np.uint8]
    normals: NDArray[np.float32] | None = None
    tangents: NDArray[np.float32] | None = None
