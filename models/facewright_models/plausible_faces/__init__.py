"""Which combinations of sliders people's faces have: a prior per facial part."""

from facewright_models.plausible_faces.prior import PlausibleFaces
from facewright_models.plausible_faces.store import (
    has_plausible_faces,
    load_plausible_faces,
    register_plausible_faces,
)

__all__ = ["PlausibleFaces", "has_plausible_faces", "load_plausible_faces", "register_plausible_faces"]
