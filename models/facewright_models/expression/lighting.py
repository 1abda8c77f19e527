"""In what light a face is seen: teeth that come to light are lit as the whites of the eyes are.

Skin says little about light, since it differs from person to person. The whites of eyes and teeth hardly do, so that a
network that sees every face in the light in which these are alike draws teeth that belong to the photo, be it dark or
red; and edges of lips are marked alike.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.closer.model import cut

__all__ = ["evened", "usual_light"]

_WHITE = 0.62
"""How bright the whites of eyes are in usual light."""
_SHARES = (80, 98)
"""Per cent: between these of the brightnesses of an eye lie its white's; irises are darker, what glints is brighter."""
_LEAST_OPEN, _LEAST_PX = 0.12, 24
_GAINS = (0.6, 2.5)
_BRIGHTEST_SKIN = 0.75
"""In usual light, between nose and ear, mean of both sides: of 156 photos it is brighter in five, in four of them by
less than a tenth. Of eyes that a laugh narrows, lashes and shade are seen, and no white.
"""
_TINTED = 4.0
"""How soon, in powers of how much too bright skin would be, light has no colour."""
_CHEEKS = ((36, 41, 31, 48, 3, 2), (45, 46, 35, 54, 13, 14))
_LARGEST_PX = 64
_GREY = np.array([0.299, 0.587, 0.114])


def usual_light(
    pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "K 2"]
) -> Float32[np.ndarray, "3"]:
    """What red, green and blue are multiplied by for the whites of the eyes to be as usual, and skin no brighter than
    it can be; ones where eyes are too nearly shut, or too small, to say.
    """
    seen = [white for eye in (points[36:42], points[42:48]) if (white := _white(pixels, eye)) is not None]
    if not seen:
        return np.ones(3, np.float32)
    gains = np.clip(_WHITE / np.maximum(np.mean(seen, 0), 1e-3), *_GAINS)
    skin = np.mean([_cheek(pixels, points[list(cheek)]) for cheek in _CHEEKS], axis=0)
    too_bright = max(1.0, float((gains * skin) @ _GREY) / _BRIGHTEST_SKIN)
    # What is no white has no colour of light either.
    grey = float(gains @ _GREY)
    return np.asarray(grey / too_bright * (gains / grey) ** (too_bright**-_TINTED), np.float32)


def evened(
    pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "K 2"]
) -> UInt8[np.ndarray, "H W 3"]:
    """The photo with the face of these landmarks, and half of its size around it, in usual light."""
    result = pixels.copy()
    low, high = points[:68].min(0), points[:68].max(0)
    first = np.floor((3 * low - high) / 2).clip(0).astype(int)
    last = np.ceil((3 * high - low) / 2 + 1).clip(0).astype(int)
    place = np.s_[first[1] : last[1], first[0] : last[0]]
    result[place] = np.rint((pixels[place] * usual_light(pixels, points)).clip(0, 255)).astype(np.uint8)
    return result


def _white(pixels: NDArray[np.uint8], eye: NDArray[np.float64]) -> NDArray[np.float64] | None:
    width = float(np.hypot(*(eye[3] - eye[0])))
    height = float(np.hypot(*(eye[[1, 2]].mean(0) - eye[[5, 4]].mean(0))))
    if height < _LEAST_OPEN * width:
        return None
    colors = _colors(pixels, eye)
    if len(colors) < _LEAST_PX:
        return None
    brightness = colors @ _GREY
    least, most = np.percentile(brightness, _SHARES)
    return np.asarray(colors[(brightness >= least) & (brightness <= most)].mean(0))


def _cheek(pixels: NDArray[np.uint8], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,): the colour of most of it; black where nothing of it is seen."""
    colors = _colors(pixels, cv2.convexHull(outline.astype(np.float32))[:, 0].astype(np.float64))
    return np.asarray(np.median(colors, 0)) if len(colors) else np.zeros(3)


def _colors(pixels: NDArray[np.uint8], outline: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3), from 0 to 1: the pixels inside an outline (M, 2), of a photo that is made smaller where it is large."""
    low, high = np.floor(outline.min(0)), outline.max(0)
    step = max(1.0, float((high - low).max()) / _LARGEST_PX)
    side = int(np.ceil((high - low).max() / step)) + 1
    seen = cut(pixels, np.array([[step, 0, low[0]], [0, step, low[1]]]), side)
    inside = np.zeros((side, side), np.uint8)
    cv2.fillPoly(inside, [np.round(16 * (outline - low) / step).astype(np.int32)], 1, cv2.LINE_8, 4)
    return np.asarray(seen[inside.astype(bool)] / 255, np.float64)
