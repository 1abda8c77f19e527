"""The identity imitator network: a parameter vector -> what the identity network sees in that character's frame.

The imitator draws, and a recogniser looks at the drawing; both together are one smooth function of the parameters with
128 answers, which a small network learns as it is. A step of a fit through it takes milliseconds, a step through the
drawing a hundred times that. It is a surrogate model in the sense of simulation-based optimisation: the drawing still
has the last word.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from facewright_models.identity import EMBEDDING_SIZE

__all__ = ["IdentityImitator", "IdentityImitatorConfig"]


@dataclass(frozen=True, kw_only=True)
class IdentityImitatorConfig:
    """Length of the imitator's vectors, and the width of the two hidden layers."""

    parameters: int
    hidden: int = 768
    dropout: float = 0.2


class IdentityImitator(nn.Module):
    """Vectors (B, D) in [0,1] -> embeddings (B, 128). See the module."""

    center: Tensor
    spread: Tensor

    def __init__(self, config: IdentityImitatorConfig) -> None:
        super().__init__()
        self.config = config
        self.register_buffer("center", torch.zeros(EMBEDDING_SIZE))
        self.register_buffer("spread", torch.ones(()))
        self.layers = nn.Sequential(
            nn.Linear(config.parameters, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, config.hidden),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(config.hidden, EMBEDDING_SIZE),
        )

    @torch.no_grad()
    def measure(self, embeddings: Tensor) -> None:
        """Take mean and spread from embeddings (N, 128), before training."""
        self.center.copy_(embeddings.mean(0))
        self.spread.copy_(embeddings.std())

    def forward(self, vectors: Tensor) -> Tensor:
        """Embeddings (B, 128) of imitator vectors (B, D)."""
        result: Tensor = self.center + self.spread * self.layers(2 * vectors - 1)
        return result
