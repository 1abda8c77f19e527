"""How a character looks: colours, stage and frames."""

from facewright_models.look.baked_head import BACKGROUND
from facewright_models.look.character_renderer import CharacterRenderer, RenderedCharacter
from facewright_models.look.clip import Clip, make_clip
from facewright_models.look.staging import View, portrait_camera

__all__ = [
    "BACKGROUND",
    "CharacterRenderer",
    "Clip",
    "RenderedCharacter",
    "View",
    "make_clip",
    "portrait_camera",
]
