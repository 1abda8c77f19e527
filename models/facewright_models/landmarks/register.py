"""Putting a trained landmark network into the package, with where its points lie on the mesh that taught it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch

from facewright_models.described_weights import load_described, register_described
from facewright_models.landmarks.mesh_points import MeshPoints
from facewright_models.landmarks.store import MESH_ENTRY, WEIGHTS_NAME

__all__ = ["load_mesh_points", "mesh_points_from_checkpoint", "register_landmark_network"]


def load_mesh_points() -> MeshPoints:
    """Of the shipped network, on the mesh of the rig that it was trained on. Raises WeightsError."""
    values, _ = load_described(WEIGHTS_NAME)
    mesh = values[MESH_ENTRY]
    return MeshPoints(vertices=np.array(mesh["vertices"], np.int64), shares=np.array(mesh["shares"]))


def mesh_points_from_checkpoint(checkpoint: Path) -> MeshPoints:
    """The same of a training checkpoint."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    return MeshPoints(vertices=state["vertices"].numpy(), shares=state["shares"].numpy())


def register_landmark_network(
    checkpoint: Path, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    mesh = mesh_points_from_checkpoint(checkpoint)
    described = {"vertices": mesh.vertices.tolist(), "shares": np.round(mesh.shares, 4).tolist()}
    register_described(
        WEIGHTS_NAME,
        checkpoint,
        more={MESH_ENTRY: described},
        licence="Apache-2.0; the photos and their templates CC BY 4.0 (Face Research Lab London Set)",
        command=command,
        data=data,
        quality=quality,
    )
