"""Trained identity imitators on disk: one half-precision file per rig, in the register of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from facewright_models.described_weights import (
    as_config,
    averaged_network,
    load_described,
    register_described,
)
from facewright_models.identity_imitator.network import IdentityImitator, IdentityImitatorConfig
from facewright_models.weights import read_register

__all__ = [
    "has_identity_imitator",
    "identity_imitator_from_checkpoint",
    "load_identity_imitator",
    "register_identity_imitator",
]


def has_identity_imitator(rig_name: str) -> bool:
    """Whether one is shipped for the rig; without it every step of a fit goes through the drawing."""
    return _name(rig_name) in read_register()


def load_identity_imitator(rig_name: str) -> IdentityImitator:
    """The shipped one of a rig, frozen, in eval mode. Raises WeightsError."""
    values, state = load_described(_name(rig_name))
    network = IdentityImitator(as_config(IdentityImitatorConfig, values))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def identity_imitator_from_checkpoint(checkpoint: Path) -> IdentityImitator:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    network = averaged_network(
        checkpoint, lambda values: IdentityImitator(as_config(IdentityImitatorConfig, values))
    )
    return network.requires_grad_(False)


def register_identity_imitator(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    register_described(
        _name(rig_name),
        checkpoint,
        licence="Apache-2.0",
        command=command,
        data=data,
        quality=quality,
    )


def _name(rig_name: str) -> str:
    return f"identity_imitator_{rig_name}"
