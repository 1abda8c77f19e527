"""Random characters, poses and expressions, and their encoding as one vector.

The vector of a rig, in order: P sliders, the one-hot style options, the sRGB colours (3 each), then the
nuisance variables (head turn and a few facial actions), each scaled to [0,1] with 0.5 for "none" where a
sign is possible. Source: [0061], [0069]-[0070]: uniform sampling, one-hot styles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.look.staging import View
from facewright_models.rig import Character, Color, Rig, RigSchema

__all__ = [
    "ACTION_GROUPS",
    "MAX_PITCH_DEGREES",
    "MAX_YAW_DEGREES",
    "Posed",
    "VectorLayout",
    "at_rest",
    "one_slider_apart",
    "random_posed",
    "slider_shares",
]

MAX_YAW_DEGREES = 20.0
MAX_PITCH_DEGREES = 14.0
ACTION_GROUPS: Mapping[str, tuple[str, ...]] = {
    "jaw_open": ("jawOpen",),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "blink": ("eyeBlinkLeft", "eyeBlinkRight"),
}
"""Nuisance expression: variable -> the facial actions that it drives together."""

# Anchor tones, light to dark and dark to light; samples are mixtures of two neighbours plus jitter.
_SKIN = ((0.93, 0.78, 0.70), (0.84, 0.66, 0.56), (0.74, 0.55, 0.44), (0.58, 0.41, 0.31), (0.37, 0.25, 0.19))
_HAIR = (
    (0.05, 0.045, 0.045),
    (0.18, 0.12, 0.09),
    (0.36, 0.24, 0.16),
    (0.55, 0.30, 0.16),
    (0.72, 0.56, 0.36),
    (0.88, 0.80, 0.64),
    (0.70, 0.69, 0.68),
)
_IRIS = ((0.14, 0.09, 0.06), (0.36, 0.24, 0.13), (0.42, 0.42, 0.22), (0.36, 0.48, 0.42), (0.40, 0.52, 0.64))


@dataclass(frozen=True, kw_only=True)
class Posed:
    """A complete character with a head turn and nuisance expression (variable -> [0,1])."""

    character: Character
    view: View
    actions: Mapping[str, float]

    @property
    def expression(self) -> dict[str, float]:
        """Facial action -> weight."""
        return {name: self.actions[group] for group, names in ACTION_GROUPS.items() for name in names}


def at_rest(character: Character) -> Posed:
    """A complete character before the camera, looking ahead, without expression."""
    return Posed(character=character, view=View(), actions=dict.fromkeys(ACTION_GROUPS, 0.0))


@dataclass(frozen=True)
class VectorLayout:
    """Where each parameter of a schema sits in the imitator's input vector of `size` numbers."""

    schema: RigSchema

    @cached_property
    def sliders(self) -> slice:
        """The P continuous parameters."""
        return slice(0, len(self.schema.continuous_names))

    @cached_property
    def styles(self) -> dict[str, slice]:
        """Slot -> its one-hot block."""
        blocks, start = {}, self.sliders.stop
        for slot, parameter in self.schema.styles.items():
            blocks[slot] = slice(start, start + len(parameter.options))
            start = blocks[slot].stop
        return blocks

    @cached_property
    def colors(self) -> dict[str, slice]:
        """Colour -> its three channels."""
        start = max((block.stop for block in self.styles.values()), default=self.sliders.stop)
        return {name: slice(start + 3 * i, start + 3 * i + 3) for i, name in enumerate(self.schema.colors)}

    @cached_property
    def nuisance(self) -> dict[str, int]:
        """yaw, pitch and the action groups -> index."""
        start = max((block.stop for block in self.colors.values()), default=self.sliders.stop)
        return {name: start + i for i, name in enumerate(("yaw", "pitch", *ACTION_GROUPS))}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """(size,) what each entry is: `nose-hump`, `hair=bob`, `skin.red`, `yaw`."""
        return (
            *self.schema.continuous_names,
            *(f"{slot}={option}" for slot in self.styles for option in self.schema.styles[slot].options),
            *(f"{name}.{channel}" for name in self.colors for channel in ("red", "green", "blue")),
            *self.nuisance,
        )

    @cached_property
    def size(self) -> int:
        """Length of the vector."""
        return max(self.nuisance.values()) + 1

    def encode(self, posed: Posed) -> Tensor:
        """(size,) float32."""
        vector = torch.zeros(self.size)
        sliders = posed.character.sliders
        vector[self.sliders] = torch.tensor([sliders[name] for name in self.schema.continuous_names])
        for slot, block in self.styles.items():
            vector[block.start + self.schema.styles[slot].options.index(posed.character.styles[slot])] = 1
        for name, block in self.colors.items():
            vector[block] = torch.tensor(posed.character.colors[name])
        vector[self.nuisance["yaw"]] = 0.5 + 0.5 * posed.view.yaw_degrees / MAX_YAW_DEGREES
        vector[self.nuisance["pitch"]] = 0.5 + 0.5 * posed.view.pitch_degrees / MAX_PITCH_DEGREES
        for group, value in posed.actions.items():
            vector[self.nuisance[group]] = value
        return vector

    def decode(self, vector: Tensor) -> Character:
        """The character of a vector; styles by the largest entry, the nuisance variables are dropped."""
        values = vector.detach().clamp(0, 1).tolist()
        styles = {}
        for slot, block in self.styles.items():
            scores = values[block]
            styles[slot] = self.schema.styles[slot].options[scores.index(max(scores))]
        return Character(
            rig=self.schema.name,
            rig_version=self.schema.version,
            sliders=dict(zip(self.schema.continuous_names, values[self.sliders], strict=True)),
            styles=styles,
            colors={
                name: (values[block][0], values[block][1], values[block][2])
                for name, block in self.colors.items()
            },
        )


def random_posed(schema: RigSchema, generator: np.random.Generator, *, turned: float = 0.5) -> Posed:
    """A uniformly random character; with probability `turned` also a random pose and expression.

    Sliders and styles are uniform. Colours are mixtures of natural tones with jitter, because no game
    offers a green skin.
    """
    character = Character(
        rig=schema.name,
        rig_version=schema.version,
        sliders={name: float(generator.uniform()) for name in schema.continuous_names},
        styles={
            slot: parameter.options[int(generator.integers(len(parameter.options)))]
            for slot, parameter in schema.styles.items()
        },
        colors=_random_colors(schema, generator),
    )
    if generator.uniform() >= turned:
        return Posed(character=character, view=View(), actions=dict.fromkeys(ACTION_GROUPS, 0.0))
    view = View(
        yaw_degrees=float(generator.uniform(-MAX_YAW_DEGREES, MAX_YAW_DEGREES)),
        pitch_degrees=float(generator.uniform(-MAX_PITCH_DEGREES, MAX_PITCH_DEGREES)),
    )
    actions = {
        "jaw_open": float(generator.uniform(0, 0.6) * (generator.uniform() < 0.4)),
        "smile": float(generator.uniform() * (generator.uniform() < 0.6)),
        "blink": float(generator.uniform() * (generator.uniform() < 0.25)),
    }
    return Posed(character=character, view=view, actions=actions)


def one_slider_apart(
    posed: Posed, shares: Mapping[str, float], generator: np.random.Generator
) -> tuple[Posed, Posed]:
    """The same character twice, but for one slider that lies 0.25 to 0.5 higher in the second.

    `shares` (they sum to one) says how often each slider is chosen.
    """
    name = str(generator.choice(list(shares), p=list(shares.values())))
    apart = float(generator.uniform(0.25, 0.5))
    low = float(generator.uniform(0, 1 - apart))
    first, second = (
        replace(posed, character=replace(posed.character, sliders={**posed.character.sliders, name: value}))
        for value in (low, low + apart)
    )
    return first, second


@torch.inference_mode()
def slider_shares(rig: Rig) -> dict[str, float]:
    """How often pairs should show each slider: a third evenly, the rest by the root of how far it moves vertices."""
    count = len(rig.schema.continuous_names)
    high, low = torch.full((count, count), 0.5), torch.full((count, count), 0.5)
    high.fill_diagonal_(0.7)
    low.fill_diagonal_(0.3)
    moved = rig.offsets(rig.shape_weights(high) - rig.shape_weights(low), parts=()).norm(dim=-1).mean(1)
    moved = moved.double().sqrt()
    shares = 1 / count + 2 * moved / moved.sum()
    return dict(zip(rig.schema.continuous_names, (shares / shares.sum()).tolist(), strict=True))


def _random_colors(schema: RigSchema, generator: np.random.Generator) -> dict[str, Color]:
    skin = _tone(_SKIN, generator, 0.03)
    hair = _tone(_HAIR, generator, 0.03)
    rosy = np.array([0.92, 0.70, 0.72]) * skin
    free = np.array([0.75, 0.30, 0.33]) + generator.uniform(-0.15, 0.15, 3)
    natural = {
        "skin": skin,
        "hair": hair,
        "brows": 0.7 * hair + 0.3 * _tone(_HAIR[:5], generator, 0.02),
        "iris": _tone(_IRIS, generator, 0.03),
        "lips": rosy + 0.7 * (free - rosy) * generator.uniform() ** 2,
    }
    colors = {}
    for name in schema.colors:
        rgb = np.clip(natural.get(name, generator.uniform(size=3)), 0, 1)
        colors[name] = (float(rgb[0]), float(rgb[1]), float(rgb[2]))
    return colors


def _tone(anchors: tuple[Color, ...], generator: np.random.Generator, jitter: float) -> NDArray[np.float64]:
    position = generator.uniform(0, len(anchors) - 1)
    low = min(int(position), len(anchors) - 2)
    share = position - low
    tone = (1 - share) * np.array(anchors[low]) + share * np.array(anchors[low + 1])
    strayed = generator.normal(0, jitter, 3)
    tinted = tone * (1 + 2.5 * strayed.mean()) + 0.4 * (
        strayed - strayed.mean()
    )  # lighter or darker, not greener
    result: NDArray[np.float64] = np.clip(tinted, 0, 1)
    return result
