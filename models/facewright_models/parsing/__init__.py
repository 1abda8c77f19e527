"""The face parser f: eleven classes per pixel, and the features that the fit compares.

Only what serving needs is imported here; training lives in `parsing.train`.
"""

from facewright_models.parsing.alignment import (
    crop_similarity,
    similarity_from_labels,
    warp_crop,
    warp_labels,
)
from facewright_models.parsing.classes import CLASS_COLORS, CLASS_COUNT, IGNORE, FaceClass, mirror_labels
from facewright_models.parsing.network import INPUT_SIZE_PX, ParsingNetwork, ParsingOutput
from facewright_models.parsing.parser import load_parser, parse_aligned, parse_photo, parser_from_state

__all__ = [
    "CLASS_COLORS",
    "CLASS_COUNT",
    "IGNORE",
    "INPUT_SIZE_PX",
    "FaceClass",
    "ParsingNetwork",
    "ParsingOutput",
    "crop_similarity",
    "load_parser",
    "mirror_labels",
    "parse_aligned",
    "parse_photo",
    "parser_from_state",
    "similarity_from_labels",
    "warp_crop",
    "warp_labels",
]
