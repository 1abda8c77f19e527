"""Who is in a scene: a character as it is written, a save file, or one drawn by lot."""

from __future__ import annotations

import hashlib
import random
from typing import Callable

from facewright.character import Character, Color
from facewright.errors import CharacterFileError
from facewright.rigs import Parameter, Rig
from facewright.testing.errors import SceneFileError
from facewright.testing.scenes import RandomCharacter, Scene

__all__ = ["character_of", "random_character"]

_DARKEST = 0.25


def character_of(scene: Scene, rig_of: Callable[[str], Rig]) -> Character:
    """The character of a scene; `rig_of` is asked for the schema of a rig by name. Raises `SceneFileError`."""
    source = scene.character
    if isinstance(source, Character):
        return source
    if isinstance(source, RandomCharacter):
        return random_character(rig_of(source.rig), source.seed)
    try:
        return Character.from_file(source)
    except (CharacterFileError, OSError) as error:
        raise SceneFileError(f"{scene.file}: the character {source} cannot be read: {error}") from error


def random_character(rig: Rig, seed: int) -> Character:
    """The character of `rig` that this seed draws, on every machine and with every Python.

    Every parameter is drawn for itself, from the seed and its name: a slider that a later version of the rig adds
    leaves the others as they were, and a style that it adds changes few characters. Colours are the neutral ones,
    lighter or darker, so that no skin is green.
    """
    sliders, styles, colors = {}, {}, {}
    for parameter in rig.parameters:
        lot = random.Random(f"{seed}/{parameter.name}")
        if isinstance(parameter.neutral, Color):
            colors[parameter.name] = _shade(parameter.neutral, lot)
        elif parameter.options:
            styles[parameter.name] = _option(parameter, seed)
        else:
            sliders[parameter.name] = round(lot.random(), 6)
    return Character(rig.name, rig.version, sliders, styles, colors)


def _option(parameter: Parameter, seed: int) -> str:
    """The option whose own lot is the highest: a new option wins only its share."""
    return max(
        parameter.options,
        key=lambda option: hashlib.sha256(f"{seed}/{parameter.name}/{option}".encode()).digest(),
    )


def _shade(neutral: Color, lot: random.Random) -> Color:
    strength = _DARKEST + (1.25 - _DARKEST) * lot.random()
    red, green, blue = (
        round(min(1.0, strength * part), 6) for part in (neutral.red, neutral.green, neutral.blue)
    )
    return Color(red, green, blue)
