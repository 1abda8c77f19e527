"""What goes wrong with photos, at any strength: light, blur, compression, things before the face, few pixels, paint.

A disturbance changes pixels (H, W, 3) uint8 sRGB of a face whose 68 points are known. Strength is in [0, 1]: 0 leaves
every pixel as it is, 1 is about the worst that players send. The same seed draws the same hair.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["DISTURBANCES", "SMALLEST_FACE_PX", "Disturb", "disturbed"]

Pixels = NDArray[np.uint8]
Points = NDArray[np.float64]
Disturb = Callable[[Pixels, Points, float, np.random.Generator], Pixels]

SMALLEST_FACE_PX = 40.0
_GAMMA = 2.2
_RIGHT_EYE, _LEFT_EYE = slice(36, 42), slice(42, 48)
_HAIR_COLOR = (46, 33, 24)
_FRAME_COLOR = (28, 26, 30)
_SKIN_WIDTHS = 1.75
"""A face from ear to ear over the width of its outer eye corners."""


def disturbed(name: str, pixels: Pixels, landmarks_px: Points, strength: float, *, seed: int = 0) -> Pixels:
    """The picture under one of DISTURBANCES; it keeps its size, but for `small`, which shrinks it."""
    if strength <= 0:
        return pixels.copy()
    return DISTURBANCES[name](pixels, landmarks_px, min(strength, 1.0), np.random.default_rng(seed))


def _side_light(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """Light from one side: a ramp over the face in linear light, down to a tenth on the far side."""
    middle, width = marks[27, 0], _face_width(marks)
    columns = np.clip(0.5 + (np.arange(pixels.shape[1]) - middle) / width, 0, 1)
    gain = 1 - 0.9 * strength * columns + 0.25 * strength * (1 - columns)
    return _relit(pixels, gain[None, :, None])


def _low_light(pixels: Pixels, _: Points, strength: float, generator: np.random.Generator) -> Pixels:
    """Too little light: down to a sixteenth, warm, with the noise of a small sensor."""
    light = 2.0 ** (-4 * strength) * np.array([1.0, 1 - 0.15 * strength, 1 - 0.35 * strength])
    dark = _linear(pixels) * light
    dark = dark + 0.004 * strength * generator.standard_normal(dark.shape)
    return _display(dark)


def _blur(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """Out of focus: a Gaussian of up to a twelfth of the distance of the eyes."""
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), strength * _eye_distance(marks) / 12), np.uint8)


def _jpeg(pixels: Pixels, _: Points, strength: float, __: np.random.Generator) -> Pixels:
    """Compressed too much: JPEG quality 60 to 8."""
    quality = round(60 - 52 * strength)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.array(Image.open(buffer), dtype=np.uint8)


def _hair_cover(pixels: Pixels, marks: Points, strength: float, generator: np.random.Generator) -> Pixels:
    """Strands from the parting down over forehead and brow, and at last over the subject's right eye and cheek."""
    ocular = _eye_distance(marks)
    up = _up(marks)
    along = np.array([-up[1], up[0]])
    roots = marks[27] + 1.15 * ocular * up
    eye = marks[_RIGHT_EYE].mean(0)
    result = pixels.copy()
    for _ in range(round(260 * strength)):
        root = roots + ocular * generator.uniform(-0.55, 0.35) * along
        side = generator.normal(0, 0.22) * ocular
        tip = eye + side * along - up * ocular * (generator.uniform(-0.55, 0.25) + 0.9 * (strength - 0.5))
        bend = 0.5 * (root + tip) + along * ocular * generator.normal(-0.18, 0.08)
        _stroke(result, (root, bend, tip), _tone(_HAIR_COLOR, generator), max(1, round(0.03 * ocular)))
    return result


def _beard(pixels: Pixels, marks: Points, strength: float, generator: np.random.Generator) -> Pixels:
    """A dark beard along jaw and chin, longer below the chin the stronger."""
    ocular = _eye_distance(marks)
    up = _up(marks)
    below = 0.12 + 0.45 * strength
    jaw = marks[3:14]
    mouth = marks[48:60].mean(0)
    result = pixels.copy()
    for _ in range(round(1500 + 1500 * strength)):
        place = generator.uniform(0, len(jaw) - 1)
        edge = jaw[int(place)] + (place % 1) * (jaw[int(place) + 1] - jaw[int(place)])
        share = generator.uniform(0, 1)
        root = edge + share * 0.75 * (mouth - edge)
        if (
            cv2.pointPolygonTest(marks[48:60].astype(np.float32), (float(root[0]), float(root[1])), False)
            >= 0
        ):
            continue
        middle = 1 - abs(place / (len(jaw) - 1) - 0.5) * 2  # the chin's hair is longest
        tip = root - up * ocular * below * (0.25 + 0.75 * middle) * generator.uniform(0.5, 1)
        _stroke(result, (root, 0.5 * (root + tip), tip), _tone(_HAIR_COLOR, generator), 1)
    return result


def _wire_glasses(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """Round lenses in wire, thicker the stronger."""
    return _glasses(pixels, marks, radii=(0.38, 0.36), thickness=0.02 + 0.04 * strength, tint=0.0)


def _frame_glasses(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """A dark plastic frame with wide lenses, bolder the stronger."""
    return _glasses(pixels, marks, radii=(0.39, 0.31), thickness=0.05 + 0.07 * strength, tint=0.0)


def _tinted_glasses(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """Large lenses that let less light through the stronger, down to sunglasses."""
    return _glasses(pixels, marks, radii=(0.42, 0.36), thickness=0.04, tint=strength)


def _small(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """Few pixels: the face shrinks, in equal ratios, to 40 pixels of width."""
    width = _face_width(marks)
    factor = (SMALLEST_FACE_PX / width) ** strength
    size = (max(1, round(pixels.shape[1] * factor)), max(1, round(pixels.shape[0] * factor)))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _painting(pixels: Pixels, marks: Points, strength: float, _: np.random.Generator) -> Pixels:
    """As if painted: flat areas between firm lines (edge-preserving filters of Gastal and Oliveira, 2011)."""
    reach = min(0.3 * _eye_distance(marks), 200)
    flat = cv2.edgePreservingFilter(pixels, flags=1, sigma_s=reach, sigma_r=0.1 + 0.3 * strength)
    styled = cv2.stylization(flat, sigma_s=reach, sigma_r=0.1 + 0.2 * strength)
    return np.asarray(cv2.addWeighted(pixels, 1 - strength, styled, strength, 0), np.uint8)


DISTURBANCES: Mapping[str, Disturb] = {
    "side_light": _side_light,
    "low_light": _low_light,
    "blur": _blur,
    "jpeg": _jpeg,
    "hair_cover": _hair_cover,
    "beard": _beard,
    "wire_glasses": _wire_glasses,
    "frame_glasses": _frame_glasses,
    "tinted_glasses": _tinted_glasses,
    "small": _small,
    "painting": _painting,
}
"""Name -> function of pixels, the 68 points in them, a strength in (0, 1] and where randomness comes from."""


def _glasses(
    pixels: Pixels, marks: Points, *, radii: tuple[float, float], thickness: float, tint: float
) -> Pixels:
    """Two lenses about the eyes, a bar between them and temples to the ears; sizes over the distance of the eyes."""
    ocular, up = _eye_distance(marks), _up(marks)
    angle = float(np.degrees(np.arctan2(-up[0], -up[1])))
    centers = [marks[eye].mean(0) - 0.06 * ocular * up for eye in (_RIGHT_EYE, _LEFT_EYE)]
    axes = (round(radii[0] * ocular), round(radii[1] * ocular))
    width = max(1, round(thickness * ocular))
    result = pixels.copy()
    for center in centers:
        lens = np.zeros(pixels.shape[:2], np.float32)
        cv2.ellipse(lens, _whole(center), axes, -angle, 0, 360, 1.0, -1, cv2.LINE_AA)
        shade = 1 - 0.9 * tint * lens[..., None]
        result = np.asarray(np.clip(result * shade, 0, 255), np.uint8)
        result = np.ascontiguousarray(result)
        cv2.ellipse(result, _whole(center), axes, -angle, 0, 360, _FRAME_COLOR, width, cv2.LINE_AA)
    inner = [centers[0] + axes[0] * _along(up), centers[1] - axes[0] * _along(up)]
    outer = [centers[0] - axes[0] * _along(up), centers[1] + axes[0] * _along(up)]
    lift = 0.08 * ocular * up
    cv2.line(result, _whole(inner[0] + lift), _whole(inner[1] + lift), _FRAME_COLOR, width, cv2.LINE_AA)
    for start, ear in zip(outer, (marks[0], marks[16]), strict=True):
        cv2.line(
            result, _whole(start + lift), _whole(ear + 0.2 * ocular * up), _FRAME_COLOR, width, cv2.LINE_AA
        )
    return result


def _stroke(
    canvas: Pixels, points: tuple[Points, Points, Points], color: tuple[int, int, int], width: int
) -> None:
    """A quadratic Bézier curve."""
    share = np.linspace(0, 1, 9)[:, None]
    start, bend, end = points
    curve = (1 - share) ** 2 * start + 2 * share * (1 - share) * bend + share**2 * end
    cv2.polylines(canvas, [np.rint(curve).astype(np.int32)], False, color, width, cv2.LINE_AA)


def _tone(color: tuple[int, int, int], generator: np.random.Generator) -> tuple[int, int, int]:
    gain = generator.uniform(0.6, 1.7)
    return (round(color[0] * gain), round(color[1] * gain), round(color[2] * gain))


def _relit(pixels: Pixels, gain: NDArray[np.float64]) -> Pixels:
    return _display(_linear(pixels) * gain)


def _linear(pixels: Pixels) -> NDArray[np.float64]:
    return np.asarray((pixels / 255.0) ** _GAMMA, np.float64)


def _display(linear: NDArray[np.float64]) -> Pixels:
    return np.asarray(np.rint(np.clip(linear, 0, 1) ** (1 / _GAMMA) * 255), np.uint8)


def _eye_distance(marks: Points) -> float:
    return float(np.linalg.norm(marks[_LEFT_EYE].mean(0) - marks[_RIGHT_EYE].mean(0)))


def _face_width(marks: Points) -> float:
    """Ear to ear, by the outer eye corners: a beard or hair over the jaw changes nothing."""
    return _SKIN_WIDTHS * float(np.linalg.norm(marks[45] - marks[36]))


def _up(marks: Points) -> Points:
    """Unit vector from the mouth's side of the face to the brows' side."""
    eyes = marks[_LEFT_EYE].mean(0) - marks[_RIGHT_EYE].mean(0)
    up: Points = np.array([eyes[1], -eyes[0]]) / np.linalg.norm(eyes)
    return up


def _along(up: Points) -> Points:
    """Unit vector from the right eye to the left one."""
    return np.array([-up[1], up[0]])


def _whole(point: Points) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
