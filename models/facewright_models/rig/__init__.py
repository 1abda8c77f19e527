"""Rigs: what a character creator offers, and how its sliders move a mesh.

Use:

    rig = load_rig("anny")
    vertices = rig(parameters, expression)  # (B, V, 3) metres, differentiable
"""

from facewright_models.rig.baked import BakedRig, RigPart, front_vertices
from facewright_models.rig.character import (
    Character,
    check_name,
    expression_vector,
    neutral_character,
    slider_vector,
    validate_character,
)
from facewright_models.rig.ict import IctRig, load_ict
from facewright_models.rig.protocol import Rig
from facewright_models.rig.registry import list_rigs, load_rig, rig_path
from facewright_models.rig.schema import Color, Parameter, ParameterKind, RigSchema
from facewright_models.rig.skin_texture import (
    SKIN_TEXTURE_PX,
    SkinTexture,
    read_skin_texture,
    skin_texture_file,
)

__all__ = [
    "SKIN_TEXTURE_PX",
    "BakedRig",
    "Character",
    "Color",
    "IctRig",
    "Parameter",
    "ParameterKind",
    "Rig",
    "RigPart",
    "RigSchema",
    "SkinTexture",
    "check_name",
    "expression_vector",
    "front_vertices",
    "list_rigs",
    "load_ict",
    "load_rig",
    "neutral_character",
    "read_skin_texture",
    "rig_path",
    "skin_texture_file",
    "slider_vector",
    "validate_character",
]
