"""What every training keeps: a network, the running mean of its weights, and its optimiser, in one checkpoint."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from facewright_models.errors import InvalidInputError

__all__ = ["TrainingRun", "rate_share", "with_buffers"]


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
        state = {
            "rig": self._rig_name,
            "config": self._config,
            "network": self._network.state_dict(),
            "averaged": self.averaged,
            "optimiser": self._optimiser.state_dict(),
            **progress,
        }
        _replace(path, state)


def with_buffers(path: Path, values: Mapping[str, Tensor]) -> Path:
    """The checkpoint, with other values of what its network does not learn in steps. Raises InvalidInputError where
    there is none.
    """
    if not path.exists():
        raise InvalidInputError(f"there is no checkpoint {path}", field="out")
    state: dict[str, Any] = torch.load(path, weights_only=True)
    for part in ("network", "averaged"):
        state[part].update({name: value.detach().clone() for name, value in values.items()})
    _replace(path, state)
    return path


def _replace(path: Path, state: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".partial")
    torch.save(state, temporary)
    temporary.replace(path)


def rate_share(step: int, steps: int) -> float:
    """Of the learning rate: rises over 100 steps, then falls like a cosine to a fiftieth."""
    warm = min(1.0, (step + 1) / 100)
    return warm * (0.02 + 0.49 * (1 + math.cos(math.pi * step / steps)))
