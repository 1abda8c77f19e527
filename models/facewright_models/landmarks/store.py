"""The trained landmark network on disk: one half-precision file in the register of weights; see `register`."""

from __future__ import annotations

from pathlib import Path

from facewright_models.described_weights import as_config, averaged_network, load_described
from facewright_models.landmarks.network import LandmarkNetwork, LandmarkNetworkConfig

__all__ = ["MESH_ENTRY", "WEIGHTS_NAME", "load_landmark_network", "network_from_checkpoint"]

WEIGHTS_NAME = "landmarks"
MESH_ENTRY = "mesh"
"""Of the description: where the points lie on the mesh of the rig, which only training and evaluation read."""


def load_landmark_network() -> LandmarkNetwork:
    """The shipped network, frozen, in eval mode. Raises WeightsError."""
    values, state = load_described(WEIGHTS_NAME)
    values.pop(MESH_ENTRY, None)
    network = LandmarkNetwork(as_config(LandmarkNetworkConfig, values))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def network_from_checkpoint(checkpoint: Path) -> LandmarkNetwork:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    network = averaged_network(
        checkpoint, lambda values: LandmarkNetwork(as_config(LandmarkNetworkConfig, values))
    )
    return network.requires_grad_(False)
