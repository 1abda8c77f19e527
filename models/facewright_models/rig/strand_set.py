"""All grooms of a rig as parts of its mesh that follow the skin.

Dimensions: B batch, P points of all strands, V vertices.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.rig.groom import Groom, expand
from facewright_models.rig.parts import PAINT_CHANNELS
from facewright_models.rig.rig_part import RigPart

__all__ = ["StrandSet"]


@dataclass(frozen=True, kw_only=True)
class _Motion:
    """How one groom moves: `carriers` and `weights` (M, 3) of its bindings, `binding_of` (V,) for its vertices."""

    rigid: bool
    carriers: Tensor
    weights: Tensor
    binding_of: Tensor
    offsets: dict[str, Tensor]


class StrandSet:
    """Grooms (in metres) expanded once; their vertices follow each other from the id `start` on."""

    def __init__(self, grooms: Sequence[Groom], *, skin: RigPart, start: int, dtype: torch.dtype) -> None:
        parts, motions, templates, tones, openness = [], [], [], [], []
        for groom in grooms:
            ribbons = expand(groom)
            count = len(ribbons.vertices)
            bound = groom.triangles.shape[1]
            binding = ribbons.point_of if bound > 1 else ribbons.point_of // groom.points.shape[1]
            carriers = skin.triangles[groom.triangles.ravel()].astype(np.int64) + skin.vertices.start
            motions.append(
                _Motion(
                    rigid=groom.rigid,
                    carriers=torch.from_numpy(carriers),
                    weights=torch.from_numpy(groom.weights.reshape(-1, 3)).to(dtype)[..., None],
                    binding_of=torch.from_numpy(binding),
                    offsets={
                        name: torch.from_numpy(values).to(dtype) for name, values in ribbons.offsets.items()
                    },
                )
            )
            parts.append(
                RigPart(
                    name=groom.name,
                    style=groom.style,
                    vertices=slice(start, start + count),
                    triangles=ribbons.triangles,
                    labels=np.full(len(ribbons.triangles), groom.label, np.uint8),
                    normals=ribbons.normals,
                    tangents=ribbons.tangents,
                )
            )
            templates.append(ribbons.vertices)
            tones.append(ribbons.tones)
            openness.append(ribbons.openness)
            start += count
        self.parts: tuple[RigPart, ...] = tuple(parts)
        self._motions = motions
        self._places = {part.name: place for place, part in enumerate(parts)}
        self._rows: dict[str, int] = {}
        empty = np.zeros(0, np.float32)
        self.template = torch.from_numpy(np.concatenate([np.zeros((0, 3), np.float32), *templates])).to(dtype)
        self.vertex_count = len(self.template)
        self.openness: NDArray[np.float32] = np.concatenate([empty, *openness])
        self.paint = np.zeros((self.vertex_count, len(PAINT_CHANNELS)), np.float32)
        self.paint[:, PAINT_CHANNELS.index("strand")] = np.concatenate([empty, *tones])

    def name_rows(self, targets: Sequence[str]) -> None:
        """Say which target each shape weight belongs to, the first of equal names counting."""
        wanted = {name for motion in self._motions for name in motion.offsets}
        self._rows = {name: targets.index(name) for name in wanted}

    def carried(self, name: str, skin: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """What one part's vertices (N, 3) are moved by when facial actions move the skin by (S, 3), or None.

        Raises KeyError for a part that is no groom.
        """
        motion = self._motions[self._places[name]]
        if motion.rigid:
            return None
        carriers, weights = motion.carriers.numpy(), motion.weights.numpy()
        bound: NDArray[np.float32] = (skin[carriers] * weights).sum(1)
        moved: NDArray[np.float32] = bound[motion.binding_of.numpy()]
        return moved

    def is_rigid(self, name: str) -> bool:
        """Whether facial actions leave that part alone. Raises KeyError for a part that is no groom."""
        return self._motions[self._places[name]].rigid

    def moved(
        self, still: Tensor, acting: Tensor, weights: Tensor, names: Collection[str] | None
    ) -> Iterator[tuple[slice, Tensor]]:
        """Vertices and offsets (B, V, 3) of every part in `names`; None are all.

        Args:
            still, acting: offsets (B, core, 3) of the carrying vertices without and with facial actions.
            weights: the shape weights (B, K).
            names: parts that count.
        """
        for part, motion in zip(self.parts, self._motions, strict=True):
            if names is not None and part.name not in names:
                continue
            source = still if motion.rigid else acting
            device = source.device
            bound = (source[:, motion.carriers.to(device)] * motion.weights.to(source)).sum(2)  # (B, M, 3)
            piece = bound[:, motion.binding_of.to(device)]
            for name, offset in motion.offsets.items():
                piece = piece + weights[:, self._rows[name], None, None] * offset.to(source)
            yield part.vertices, piece
