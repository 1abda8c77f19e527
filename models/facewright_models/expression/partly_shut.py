"""Shots whose lips are drawn nearer to each other, so that a network learns how teeth go on.

People are seen at rest and with a broad smile, seldom with two smiles. Lips that close hide, and hiding needs no
network: the shot is moved as its guide says. From there back to the shot more of the same teeth comes to light.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from facewright_models.expression.guide import MovedFace
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.shots import Shot
from facewright_models.expression.types import DEGREES

__all__ = ["partly_shut"]

_SIDE_PX = 256
_OPENING = ("smile", "jaw")


def partly_shut(shot: Shot, motion: LandmarkMotion, share: float) -> Shot:
    """A shot whose mouth shows teeth with this share of its smile and of its jaw's opening."""
    wanted = shot.degrees.copy()
    for name in _OPENING:
        wanted[DEGREES.index(name)] *= share
    goal = motion.moved(shot.points, shot.degrees, wanted)
    lower = HALVES["lower"]
    region = replace(lower.coarse, side_px=_SIDE_PX)
    photo_from_region = region_of(shot.points, region)
    moved = MovedFace(shot.points, goal, lower).guide(region, photo_from_region).moved.transpose(1, 2, 0)
    height, width = shot.pixels.shape[:2]
    linear = photo_from_region[:, :2] * (_SIDE_PX / 2)
    field = cv2.warpAffine(
        np.ascontiguousarray(moved @ linear.T.astype(np.float32)), photo_from_region, (width, height)
    )
    places = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32) + field
    pixels = cv2.remap(shot.pixels, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return replace(
        shot,
        pixels=np.asarray(pixels, np.uint8),
        points=np.concatenate([goal, shot.points[len(goal) :]]),
        degrees=motion.shown(shot.points, shot.degrees, goal),
    )
