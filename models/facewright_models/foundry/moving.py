"""Random expressions as faces make them: a few movements together, each as strong as it happens to be."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from facewright_models.rig import RigSchema

__all__ = ["MOVEMENTS", "moving_expression"]

MOVEMENTS: Mapping[str, tuple[float, Mapping[str, tuple[float, float]]]] = {
    "shut": (0.40, {"eyeBlink": (1.0, 1.0)}),
    "wide": (0.12, {"eyeWide": (0.7, 1.0)}),
    "smile": (
        0.45,
        {
            "mouthSmile": (0.8, 1.0),
            "cheekSquint": (0.2, 0.9),
            "mouthDimple": (0.0, 0.4),
            "mouthUpperUp": (-0.3, 0.7),
            "mouthLowerDown": (-0.3, 0.6),
        },
    ),
    "sad": (0.18, {"mouthFrown": (0.7, 1.0), "mouthShrugLower": (0.0, 0.6), "browInnerUp": (0.0, 0.7)}),
    "jaw": (0.30, {"jawOpen": (0.6, 1.0)}),
    "raised": (0.25, {"browInnerUp": (0.6, 1.0), "browOuterUp": (0.6, 1.0)}),
    "frown": (0.20, {"browDown": (0.7, 1.0), "eyeSquint": (-0.2, 0.5)}),
    "wrinkle": (0.15, {"noseSneer": (0.7, 1.0), "mouthUpperUp": (-0.2, 0.4)}),
    "stretch": (0.08, {"mouthStretch": (0.4, 0.9)}),
    "pucker": (0.08, {"mouthPucker": (0.4, 0.9), "mouthFunnel": (-0.3, 0.5)}),
    "press": (0.08, {"mouthPress": (0.4, 0.9), "mouthRollLower": (-0.3, 0.5), "mouthRollUpper": (-0.3, 0.5)}),
    "squint": (0.10, {"eyeSquint": (0.4, 0.9)}),
}
"""Movement -> how often it is part of an expression, and the facial actions that it drives: name without its side ->
least and most weight at full strength; below zero is none.
"""
_ONE_SIDED, _FULL = 0.12, 0.25


def moving_expression(schema: RigSchema, generator: np.random.Generator) -> dict[str, float]:
    """Facial action -> weight; a quarter of all movements are made to their end, an eighth on one side only."""
    weights: dict[str, float] = {}
    for often, actions in MOVEMENTS.values():
        if generator.random() >= often:
            continue
        strength = 1.0 if generator.random() < _FULL else float(generator.uniform())
        sides = ["Left", "Right"]
        if generator.random() < _ONE_SIDED:
            sides.pop(int(generator.integers(2)))
        for action, (least, most) in actions.items():
            weight = strength * float(generator.uniform(least, most))
            names = [action] if action in schema.facial_actions else [action + side for side in sides]
            for name in names:
                if weight > 0 and name in schema.facial_actions:
                    weights[name] = max(weights.get(name, 0.0), weight)
    return weights
