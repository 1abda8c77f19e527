"""What every training keeps: a network, the running mean of its weights, and its optimiser, in one checkpoint."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["TrainingRun", "rate_share"]


class TrainingRun:
    """A network that is being trained for a rig; `averaged` are the weights that will ship.

    `config` is the dataclass that the network was made from.
    """

    def __init__(
        self, rig_name: str, network: nn.Module, config: Any, optimiser: torch.optim.Optimizer
    ) -> None:
        self._rig_name, self._config = rig_name, dataclasses.asdict(config)
        self._network, self._optimiser = network, optimiser
        self.averaged: dict[str, Tensor] = {
            name: value.detach().clone() for name, value in network.state_dict().items()
        }

    def resume(self, path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
        """Go on from a checkpoint; returns it, with the progress that `save` was given."""
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        self._network.load_state_dict(state["network"])
        self.averaged = state["averaged"]
        self._optimiser.load_state_dict(state["optimiser"])
        return state

    @torch.no_grad()
    def average(self, share: float) -> None:
        """Move the mean towards the present weights by this share."""
        for name, value in self._network.state_dict().items():
            self.averaged[name].lerp_(value, share)

    def save(self, path: Path, **progress: Any) -> None:
        """Replace the checkpoint at once, and never half."""
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".partial")
        torch.save(
            {
                "rig": self._rig_name,
                "config": self._config,
                "network": self._network.state_dict(),
                "averaged": self.averaged,
                "optimiser": self._optimiser.state_dict(),
                **progress,
            },
            temporary,
        )
        temporary.replace(path)


def rate_share(step: int, steps: int) -> float:
    """Of the learning rate: rises over 100 steps, then falls like a cosine to a fiftieth."""
    warm = min(1.0, (step + 1) / 100)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
