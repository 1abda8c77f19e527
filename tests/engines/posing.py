"""Expressions as engines set them: morphs by weight, and joints as the file says."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facewright_models.export import ExportModel

__all__ = ["turns_of"]


def turns_of(model: ExportModel, expression: Mapping[str, float]) -> dict[str, list[float]]:
    """Joint -> the sum of its actions' rotation vectors, in degrees."""
    turns: dict[str, np.ndarray] = {}
    for action, weight in expression.items():
        if action in model.extras["eye_look"]:
            turn = model.extras["eye_look"][action]
            vector = weight * np.array(turn["rotation_vector_degrees"])
            turns[turn["joint"]] = turns.get(turn["joint"], np.zeros(3)) + vector
    return {joint: vector.tolist() for joint, vector in turns.items()}
