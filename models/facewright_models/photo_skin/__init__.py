"""From a fitted photo to the character's own skin."""

from facewright_models.photo_skin.baking import bake_skin
from facewright_models.photo_skin.projection import FRAME_PX, FacePhoto

__all__ = ["FRAME_PX", "FacePhoto", "bake_skin"]
