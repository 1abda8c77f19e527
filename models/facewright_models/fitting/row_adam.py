"""Adam over tensors whose rows may leave.

The arithmetic is torch's own, by its functional form: the first `torch.optim.Adam` of a process loads torch's compiler,
which takes two seconds that a server has to be ready in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.optim.adam import adam

__all__ = ["AdamGroup"]

_BETAS = (0.85, 0.98)
_EPSILON = 1e-8


@dataclass(kw_only=True)
class AdamGroup:
    """Tensors (N, ...) that are adjusted at one rate, with the moments of their gradients."""

    rate: float
    tensors: list[Tensor]
    _means: list[Tensor] = field(init=False)
    _squares: list[Tensor] = field(init=False)
    _steps: list[Tensor] = field(init=False)

    def __post_init__(self) -> None:
        self._means = [torch.zeros_like(tensor) for tensor in self.tensors]
        self._squares = [torch.zeros_like(tensor) for tensor in self.tensors]
        self._steps = [torch.zeros(()) for _ in self.tensors]

    def forget_gradients(self) -> None:
        """Before a new evaluation."""
        for tensor in self.tensors:
            tensor.grad = None

    @torch.no_grad()
    def step(self, share: float) -> None:
        """Move every tensor that has a gradient, at this share of the rate."""
        moved = [index for index, tensor in enumerate(self.tensors) if tensor.grad is not None]
        gradients = [tensor.grad for tensor in self.tensors if tensor.grad is not None]
        adam(
            [self.tensors[index] for index in moved],
            gradients,
            [self._means[index] for index in moved],
            [self._squares[index] for index in moved],
            [],
            [self._steps[index] for index in moved],
            foreach=False,
            amsgrad=False,
            beta1=_BETAS[0],
            beta2=_BETAS[1],
            lr=share * self.rate,
            weight_decay=0.0,
            eps=_EPSILON,
            maximize=False,
        )

    def narrowed(self, tensors: Sequence[Tensor], rows: Tensor) -> AdamGroup:
        """The group of `tensors`, which hold some rows (K,) of these, with their gradients and moments."""
        result = AdamGroup(rate=self.rate, tensors=list(tensors))
        for old, new in zip(self.tensors, result.tensors, strict=True):
            new.grad = None if old.grad is None else old.grad[rows]
        result._means = [mean[rows] for mean in self._means]
        result._squares = [square[rows] for square in self._squares]
        result._steps = [step.clone() for step in self._steps]
        return result
