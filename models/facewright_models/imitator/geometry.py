"""What the imitator knows of a slider before it has seen a frame.

G geometry codes, B batch. A code is 0 where the average character at rest stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import torch
from torch import Tensor

from facewright_models.foundry.sampling import ACTION_GROUPS, VectorLayout
from facewright_models.rig import Rig

__all__ = ["GeometryCode", "RigShapes", "halves"]

GeometryCode = Callable[[Tensor, Tensor], Tensor]
"""(sliders (B, P), nuisance (B, N)) in [0,1] -> codes (B, G), differentiable."""


def halves(sliders: Tensor, nuisance: Tensor) -> Tensor:
    """Both halves of every variable: all that is known of a game of which there are only captures."""
    return _halves(2 * torch.cat([sliders, nuisance], 1) - 1)


class RigShapes:
    """The weights of the rig's own shapes, in which its vertices are linear; then both halves of the turns.

    Phenotypes act by products, so that the motion that a slider causes depends on the other sliders; here
    that dependence is exact and need not be learnt.
    """

    def __init__(self, rig: Rig, layout: VectorLayout) -> None:
        self._rig = rig
        start = min(layout.nuisance.values())
        self._groups = [
            (layout.nuisance[group] - start, [rig.schema.facial_actions.index(name) for name in names])
            for group, names in ACTION_GROUPS.items()
        ]
        self._turns = [layout.nuisance[name] - start for name in ("yaw", "pitch")]
        self.width = self(
            torch.full((1, layout.sliders.stop), 0.5), torch.zeros(1, len(layout.nuisance))
        ).shape[1]

    def __call__(self, sliders: Tensor, nuisance: Tensor) -> Tensor:
        """See `GeometryCode`; of the facial actions only the fitted groups, one code each."""
        shapes = self._rig.shape_weights(sliders)[:, : -len(self._rig.schema.facial_actions)]
        groups = nuisance[:, [column for column, _ in self._groups]]
        return torch.cat([shapes, groups, _halves(2 * nuisance[:, self._turns] - 1)], 1)

    def offsets(self, code: int, *, parts: Collection[str] | None = None) -> Tensor:
        """(V, 3) metres: what one unit of a code adds to the vertices; for `parts` see `Rig`.

        Not for the codes of turns.
        """
        actions = len(self._rig.schema.facial_actions)
        shapes = self.width - len(self._groups) - 2 * len(self._turns)
        weights = torch.zeros(1, shapes + actions)
        if code < shapes:
            weights[0, code] = 1.0
        else:
            weights[0, [shapes + action for action in self._groups[code - shapes][1]]] = 1.0
        return self._rig.offsets(weights, parts=parts)[0]


def _halves(signed: Tensor) -> Tensor:
    return torch.cat([signed.clamp(min=0), (-signed).clamp(min=0)], 1)
