"""What every rig can do, whoever made it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol, runtime_checkable

from torch import Tensor

from facewright_models.rig.schema import RigSchema

__all__ = ["Rig"]


@runtime_checkable
class Rig(Protocol):
    """A parametric head: B batch, P continuous parameters, E facial actions, V vertices.

    Space: metres, Y up, the face looks along +Z, the subject's left is +X, origin inside the head. Calls are
    pure and differentiable; dtype and device follow `parameters`.
    """

    @property
    def schema(self) -> RigSchema:
        """Names, groups, kinds and neutral values of everything that can be set."""
        ...

    @property
    def vertex_count(self) -> int:
        """V."""
        ...

    def __call__(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """Vertices (B, V, 3) of parameters (B, P) and expression (B, E), both in [0,1]; None is the rest face."""
        ...

    def landmarks(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """The 68 landmark points (B, 68, 3) at a fraction of the cost of all vertices."""
        ...

    def shape_weights(self, parameters: Tensor, expression: Tensor | None = None) -> Tensor:
        """(B, K): how much of each of the rig's shapes; zero for the average head at rest.

        The last E are the facial actions. Vertices are linear in these, whatever they are in the parameters.
        """
        ...

    def offsets(self, weights: Tensor, *, parts: Collection[str] | None = None) -> Tensor:
        """Shape weights (B, K) -> what they add to the average head's vertices (B, V, 3), in metres.

        With `parts`, strands of hair whose part is not named stay at zero, which saves most of the time.
        """
        ...
