"""Expressions: degrees, their measure, and photos drawn with other degrees."""

from facewright_models.expression.types import DEGREE_RANGES, DEGREES, OpenedFace

__all__ = ["DEGREES", "DEGREE_RANGES", "OpenedFace"]
