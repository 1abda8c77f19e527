"""Random views of faces whose points are known: framing, what stands before them, light, camera, style of picture.

Half of the views are framed as a second look is, by points; the others stray as a first look at a detector's box does.
All randomness comes from the generator that is passed in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.landmarks.crops import crop_of_points
from facewright_models.landmarks.network import CROP_PX
from facewright_models.landmarks.template import IRIS_CENTERS, POINT_MIRROR
from facewright_models.parsing.augment import draw_glasses, random_camera, random_light
from facewright_models.parsing.textures import random_backdrop

__all__ = ["MarkedFace", "disturbed", "random_view", "reshaped"]

_Floats = NDArray[np.float32]
_Matrix = NDArray[np.float64]

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_OUTSIDE_PX = 2.0
_FIELDS = ((4, 2.2), (9, 1.0))
"""Knots along a side and how far they are moved, in pixels of a view in which a face is 80 high."""
_ROUNDS = 4


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkedFace:
    """A picture (H, W, 3) with the network's points (81, 2) of its one face.

    `opacity` (H, W) uint8 is 0 on the backdrop, which may be replaced, and 255 on the person.
    """

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    opacity: NDArray[np.uint8] | None = None


def random_view(
    face: MarkedFace, rng: np.random.Generator
) -> tuple[_Floats, NDArray[np.float64], NDArray[np.bool_]]:
    """One training sample: pixels (128, 128, 3) in [0, 1], points (81, 2) in its pixels, and which lie inside."""
    photo_from_view = _framing(face.points, rng)
    image: _Floats = _warped(face.pixels, photo_from_view).astype(np.float32) / np.float32(255)
    points = cv2.perspectiveTransform(face.points[None], np.linalg.inv(photo_from_view))[0]
    if face.opacity is not None and rng.random() < 0.8:
        alpha = _warped(face.opacity, photo_from_view).astype(np.float32)[..., None] / np.float32(255)
        image = np.asarray(image * alpha + random_backdrop(CROP_PX, rng) * (1 - alpha), dtype=np.float32)
    if rng.random() < 0.5:
        image = image[:, ::-1].copy()
        points = np.stack([CROP_PX - 1 - points[:, 0], points[:, 1]], 1)[POINT_MIRROR]
    if rng.random() < 0.7:
        image, points = reshaped(image, points, rng)
    if rng.random() < 0.2:
        image = draw_glasses(image, points[list(IRIS_CENTERS)], rng)
    if rng.random() < 0.3:
        image = _occluded(image, points, rng)
    image = disturbed(image, rng)
    inside = ((points >= -_OUTSIDE_PX) & (points <= CROP_PX - 1 + _OUTSIDE_PX)).all(1)
    return image, points, inside


def disturbed(image: _Floats, rng: np.random.Generator) -> _Floats:
    """The same picture (S, S, 3) in other light, by another camera or painter, in [0, 1]."""
    if rng.random() < 0.06:
        image = _painted(image, rng)
    strength = 1.0 if rng.random() < 0.6 else 0.4
    image = random_light(image, rng, strength)
    if rng.random() < 0.2:
        image = _dimmed(image, rng)
    if rng.random() < 0.2:
        image = _enlarged(image, rng)
    if rng.random() < 0.8:
        image = random_camera(image, rng)
    return np.ascontiguousarray(np.clip(image, 0, 1), dtype=np.float32)


def reshaped(
    image: _Floats, points: NDArray[np.float64], rng: np.random.Generator
) -> tuple[_Floats, NDArray[np.float64]]:
    """Another face of the same: brows, eyes, nose, mouth and jaw moved, widened and shrunk by a smooth random field.

    Of few people a network learns where a part usually is; only where it is does not move with such a field.
    """
    side = image.shape[0]
    field = np.zeros((side, side, 2), np.float32)
    for nodes, spread_px in _FIELDS:
        knots = rng.normal(0, spread_px, (nodes, nodes, 2)).astype(np.float32)
        field += cv2.resize(knots, (side, side), interpolation=cv2.INTER_CUBIC)
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).astype(np.float32)
    moved = cv2.remap(image, grid + field, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    found = points.copy()
    for _ in range(_ROUNDS):  # where a place comes to lie: what is shown there is it
        places = found.astype(np.float32)[None]
        found = points - cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)[0]
    return np.asarray(moved, dtype=np.float32), found


def _framing(points: NDArray[np.float64], rng: np.random.Generator) -> _Matrix:
    """(3, 3) from pixels of the view to those of the picture."""
    is_first = rng.random() < 0.5
    if is_first:
        scale = float(np.clip(math.exp(rng.normal(0, 0.16)), 0.68, 1.5))
        angle = math.radians(float(rng.uniform(-42, 42)))
        shift = rng.uniform(-0.13, 0.13, 2) * CROP_PX
    else:
        scale = math.exp(rng.normal(0, 0.05))
        angle = math.radians(float(rng.normal(0, 5)))
        shift = rng.normal(0, 0.025, 2) * CROP_PX
    stretch, shear = rng.normal(0, 0.04, 2)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    view = np.eye(3)
    view[:2, :2] = turn @ np.array([[1 + stretch, shear], [0, 1 / (1 + stretch)]]) / scale
    if rng.random() < 0.3:  # one side nearer to the camera, as in a turned head
        view[2, :2] = rng.uniform(-0.1, 0.1, 2) / CROP_PX
    middle = np.eye(3)
    middle[:2, 2] = (CROP_PX - 1) / 2
    back = np.eye(3)
    back[:2, 2] = -(CROP_PX - 1) / 2 + shift
    photo_from_crop = np.concatenate([crop_of_points(points[:68]), [[0, 0, 1]]])
    return np.asarray(photo_from_crop @ middle @ view @ back)


def _warped(image: NDArray[np.uint8], photo_from_view: _Matrix) -> NDArray[np.uint8]:
    step = math.sqrt(abs(np.linalg.det(photo_from_view[:2, :2])))
    if step > 1.25:
        image = np.asarray(cv2.GaussianBlur(image, (0, 0), 0.35 * step), dtype=np.uint8)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = (CROP_PX, CROP_PX)
    warped = cv2.warpPerspective(image, photo_from_view, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(warped, dtype=np.uint8)


def _occluded(image: _Floats, points: NDArray[np.float64], rng: np.random.Generator) -> _Floats:
    """A block, a blob like a hand, strokes like hair, or a picture's border before a part of the face."""
    image = image.copy()
    cover = np.zeros(image.shape[:2], np.float32)
    low, extent = points[:68].min(0), float(np.ptp(points[:68], axis=0).max())
    middle = low + rng.uniform(-0.1, 1.1, 2) * extent
    draw = rng.random()
    if draw < 0.3:
        size = rng.uniform(0.1, 0.5, 2) * extent / 2
        box = cv2.boxPoints((middle.tolist(), (2 * size).tolist(), float(rng.uniform(0, 180))))
        cv2.fillPoly(cover, [np.round(box).astype(np.int32)], 1.0, cv2.LINE_AA)
    elif draw < 0.6:
        angle, width = rng.uniform(0, math.pi), rng.uniform(0.04, 0.09) * extent
        for finger in range(int(rng.integers(1, 5))):
            aside = 2.1 * width * finger * np.array([-math.sin(angle), math.cos(angle)])
            tip = (
                middle + aside + rng.uniform(0.2, 0.6) * extent * np.array([math.cos(angle), math.sin(angle)])
            )
            ends = [tuple(int(v) for v in end) for end in (middle + aside, tip)]
            cv2.line(cover, ends[0], ends[1], 1.0, max(2, round(2 * width)), cv2.LINE_AA)
    elif draw < 0.85:
        for _ in range(int(rng.integers(3, 25))):
            start = middle + rng.normal(0, 0.15, 2) * extent
            bend = start + rng.normal(0, 0.08, 2) * extent + [0, 0.25 * extent]
            stroke = np.round([start, bend, bend + rng.normal(0, 0.15, 2) * extent + [0, 0.2 * extent]])
            cv2.polylines(cover, [stroke.astype(np.int32)], False, 1.0, int(rng.integers(1, 3)), cv2.LINE_AA)
    else:
        side, share = int(rng.integers(4)), int(rng.uniform(0.05, 0.3) * CROP_PX)
        cover = np.rot90(cover, side).copy()
        cover[:share] = 1.0
        cover = np.ascontiguousarray(np.rot90(cover, -side))
    if draw < 0.6 and rng.random() < 0.5:  # of the face's own colour, so that colour does not tell
        center = np.clip(points[30].astype(int), 0, CROP_PX - 1)
        color = image[center[1], center[0]] * rng.uniform(0.7, 1.2)
    elif draw >= 0.85:
        color = np.zeros(3) if rng.random() < 0.5 else rng.uniform(0, 1, 3)
    else:
        color = rng.uniform(0, 1, 3) * rng.uniform(0.1, 1)
    alpha = cover[..., None]
    return np.asarray(image * (1 - alpha) + color.astype(np.float32) * alpha, dtype=np.float32)


def _painted(image: _Floats, rng: np.random.Generator) -> _Floats:
    """Flat areas, few tones, or lines as of a drawing."""
    pixels = (image * 255).astype(np.uint8)
    draw = rng.random()
    if draw < 0.4:
        flat = cv2.bilateralFilter(pixels, 7, 60, 5)
        levels = float(rng.integers(4, 10))
        return np.asarray(np.round(flat / 255 * levels) / levels, dtype=np.float32)
    if draw < 0.7:
        return np.asarray(cv2.medianBlur(pixels, int(rng.choice([3, 5]))) / np.float32(255))
    grey = image @ _LUMA
    soft = cv2.GaussianBlur(grey, (0, 0), rng.uniform(1.5, 4))
    lines = np.clip(grey / (soft + 0.02), 0, 1) ** rng.uniform(1, 4)
    return np.repeat(lines[..., None], 3, 2).astype(np.float32)


def _dimmed(image: _Floats, rng: np.random.Generator) -> _Floats:
    """Little light: dark, with the noise of a sensor, and often brightened again."""
    dark = image**2.2 * math.exp(rng.uniform(-3.5, -1.0))
    dark = dark + rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0.001, 0.012))
    dark = np.clip(dark, 0, 1)
    if rng.random() < 0.6:
        dark = dark * min(1 / (float(dark.mean()) + 1e-3) * rng.uniform(0.05, 0.25), 20.0)
    return np.asarray(np.clip(dark, 0, 1) ** (1 / 2.2), dtype=np.float32)


def _enlarged(image: _Floats, rng: np.random.Generator) -> _Floats:
    """As of a face that is 20 to 60 pixels wide."""
    small = int(rng.uniform(24, 90))
    side = image.shape[0]
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    way = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
    return np.asarray(cv2.resize(image, (side, side), interpolation=way), dtype=np.float32)
