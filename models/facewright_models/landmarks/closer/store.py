"""The trained networks of the closer look on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from facewright_models.described_weights import (
    as_config,
    averaged_network,
    load_described,
    register_described,
)
from facewright_models.landmarks.closer.network import CloserConfig, CloserNetworks

__all__ = ["WEIGHTS_NAME", "closer_from_checkpoint", "load_closer_networks", "register_closer_networks"]

WEIGHTS_NAME = "landmarks_closer"


def load_closer_networks() -> CloserNetworks:
    """The shipped ones, frozen, in eval mode. Raises WeightsError."""
    values, state = load_described(WEIGHTS_NAME)
    networks = CloserNetworks(as_config(CloserConfig, values))
    networks.load_state_dict(state)
    return networks.eval().requires_grad_(False)


def closer_from_checkpoint(checkpoint: Path) -> CloserNetworks:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    networks = averaged_network(checkpoint, lambda values: CloserNetworks(as_config(CloserConfig, values)))
    return networks.requires_grad_(False)


def register_closer_networks(
    checkpoint: Path, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write their row of the register."""
    register_described(
        WEIGHTS_NAME,
        checkpoint,
        licence="Apache-2.0; the photos and their templates CC BY 4.0 (Face Research Lab London Set)",
        command=command,
        data=data,
        quality=quality,
    )
