"""How a character looks: colours, stage and frames."""

from facewright_models.look.character_renderer import CharacterRenderer, RenderedCharacter
from facewright_models.look.clip import Clip, make_clip
from facewright_models.look.staging import Stage, View, portrait_camera

__all__ = [
    "CharacterRenderer",
    "Clip",
    "RenderedCharacter",
    "Stage",
    "View",
    "make_clip",
    "portrait_camera",
]
