"""Random views of labelled pictures: framing, light, camera, backdrop, clothes and hair colour.

The labelled photos come from one studio. What is varied here is what makes other photographs different.
All randomness comes from the generator that is passed in.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.parsing.classes import IGNORE, FaceClass, mirror_labels
from facewright_models.parsing.network import INPUT_SIZE_PX
from facewright_models.parsing.textures import random_backdrop

__all__ = ["AugmentOptions", "draw_glasses", "random_camera", "random_light", "random_view"]

_Pixels = npt.NDArray[np.uint8]
_Floats = npt.NDArray[np.float32]
_Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class AugmentOptions:
    """How far a view strays from the canonical crop."""

    min_scale: float = 0.70
    max_scale: float = 1.35
    max_rotation_degrees: float = 20.0
    max_shift: float = 0.10  # of the crop's side
    max_stretch: float = 0.08  # aspect ratio and shear
    elastic_px: float = 2.5


def random_view(
    pixels: _Pixels,
    labels: _Pixels,
    photo_from_crop: _Matrix,
    rng: np.random.Generator,
    *,
    opacity: _Floats | None = None,
    strength: float = 1.0,
    options: AugmentOptions | None = None,
) -> tuple[_Floats, _Pixels]:
    """One training sample: pixels (256, 256, 3) float32 in [0, 1] and labels (256, 256) uint8.

    `opacity` is 0 on a plain backdrop; where it is given, the backdrop is replaced in most views. `strength` in
    [0, 1] scales everything else: at 0 the view is the canonical crop.
    """
    x, y, scale = _random_grid(photo_from_crop, rng, options or AugmentOptions(), strength)
    image = _sample(pixels.astype(np.float32), x, y, scale, cv2.BORDER_REPLICATE)
    target = cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_CONSTANT, borderValue=IGNORE)
    image /= 255.0
    if opacity is not None and rng.random() < 0.75:
        alpha = _sample(opacity, x, y, scale, cv2.BORDER_REPLICATE)[..., None]
        image = _recolor_clothes(image, target, alpha, rng)
        image = image * alpha + random_backdrop(INPUT_SIZE_PX, rng) * (1 - alpha)
    if rng.random() < 0.35 * strength:
        image = _recolor_hair(image, target, rng)
    if rng.random() < 0.5:
        image, target = image[:, ::-1].copy(), mirror_labels(target)
    if rng.random() < 0.12 * strength:
        eyes = _eye_centers(target)
        image = draw_glasses(image, eyes, rng) if eyes is not None else image
    image = random_light(image, rng, strength)
    if rng.random() < strength:
        image = random_camera(image, rng)
    if rng.random() < 0.2 * strength:
        image, target = _occlude(image, target, rng)
    return np.ascontiguousarray(image, dtype=np.float32), np.ascontiguousarray(target)


def _random_grid(
    photo_from_crop: _Matrix, rng: np.random.Generator, options: AugmentOptions, strength: float
) -> tuple[_Floats, _Floats, float]:
    """Photo coordinates of every crop pixel, and photo pixels per crop pixel."""
    side = INPUT_SIZE_PX
    middle = (side - 1) / 2
    scale = float(np.clip(math.exp(rng.normal(0, 0.17 * strength)), options.min_scale, options.max_scale))
    angle = math.radians(float(np.clip(rng.normal(0, 0.5), -1, 1)) * options.max_rotation_degrees * strength)
    stretch, shear = rng.uniform(-options.max_stretch, options.max_stretch, 2) * strength
    stretch += 1
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    linear = turn @ np.array([[stretch, shear], [0, 1 / stretch]]) / scale
    shift = rng.uniform(-options.max_shift, options.max_shift, 2) * side * strength
    y, x = np.mgrid[0:side, 0:side].astype(np.float64)
    points = np.stack([x - middle, y - middle], -1) @ linear.T + middle + shift
    if rng.random() < 0.5 * strength:  # one side nearer to the camera, as in a turned head
        lean = rng.uniform(-0.12, 0.12, 2) / side
        points = (points - middle) / (1 + (points - middle) @ lean)[..., None] + middle
    if rng.random() < 0.6 * strength:
        coarse = rng.normal(0, options.elastic_px, (6, 6, 2)).astype(np.float32)
        points += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)
    photo = points @ photo_from_crop[:, :2].T + photo_from_crop[:, 2]
    step = float(np.hypot(*photo_from_crop[:, 0])) / scale
    return photo[..., 0].astype(np.float32), photo[..., 1].astype(np.float32), step


def _sample(image: _Floats, x: _Floats, y: _Floats, step: float, border: int) -> _Floats:
    """Bilinear samples of an image blurred just enough for the step between them."""
    if step > 1.25:
        image = cv2.GaussianBlur(image, (0, 0), 0.35 * step)
    return np.asarray(cv2.remap(image, x, y, cv2.INTER_LINEAR, borderMode=border), dtype=np.float32)


def _recolor_clothes(image: _Floats, target: _Pixels, alpha: _Floats, rng: np.random.Generator) -> _Floats:
    """White shirts in any colour; the skin of the neck stays."""
    pale = np.clip((image.min(-1) / (image.max(-1) + 1e-3) - 0.82) / 0.1, 0, 1) * np.clip(
        image.max(-1) * 4 - 1.8, 0, 1
    )
    cloth = (pale * (target == FaceClass.BACKGROUND) * alpha[..., 0])[..., None]
    color = rng.uniform(0.03, 1.0, 3) ** rng.uniform(0.5, 2.0)
    if rng.random() < 0.5:
        color = color * (1 + 0.4 * (random_backdrop(INPUT_SIZE_PX, rng) - 0.5))
    return np.asarray(image * (1 - cloth * (1 - color)), dtype=np.float32)


def _recolor_hair(image: _Floats, target: _Pixels, rng: np.random.Generator) -> _Floats:
    """Hair (and sometimes brows) lighter, darker, or of another hue; its shading stays."""
    mask = target == FaceClass.HAIR
    if mask.sum() < 200:
        return image
    if rng.random() < 0.4:
        mask = mask | np.isin(target, (FaceClass.LEFT_BROW, FaceClass.RIGHT_BROW))
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 1.5)[..., None]
    luma = image @ np.array([0.299, 0.587, 0.114], np.float32)
    mean = float(luma[mask].mean())
    hues = np.array(
        [
            (0.85, 0.70, 0.45),
            (0.55, 0.35, 0.20),
            (0.25, 0.16, 0.10),
            (0.6, 0.22, 0.1),
            (0.7, 0.7, 0.7),
            (0.1, 0.1, 0.1),
        ]
    )
    color = hues[rng.integers(len(hues))] * rng.uniform(0.8, 1.2, 3)
    if rng.random() < 0.15:
        color = rng.uniform(0.05, 0.95, 3)
    contrast = rng.uniform(0.6, 1.2)
    shading = (1 + contrast * (luma - mean) / (mean + 0.05))[..., None]
    return np.asarray(image * (1 - soft) + np.clip(color * shading, 0, 1) * soft, dtype=np.float32)


def random_light(image: _Floats, rng: np.random.Generator, strength: float) -> _Floats:
    """Exposure, white balance, gamma, contrast, saturation, a light from the side, a coloured light."""
    side = image.shape[0]
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    linear = np.clip(image, 0, 1) ** 2.2
    if rng.random() < 0.6:
        angle = rng.uniform(0, 2 * math.pi)
        along = x * math.cos(angle) + y * math.sin(angle)
        amount = rng.uniform(0.1, 1.3) * strength
        if rng.random() < 0.3 * strength:  # a hard edge of shadow
            along = np.tanh((along - rng.uniform(-0.4, 0.4)) * rng.uniform(2, 10))
            amount *= 0.8
        tint = 1 + strength * rng.uniform(-0.15, 0.15, 3).astype(np.float32)
        linear = linear * np.exp(amount * along)[..., None] * np.where(along[..., None] > 0, tint, 1.0)
    linear = linear * np.exp(strength * (rng.normal(0, 0.13, 3) + rng.uniform(-0.9, 0.6)))
    if rng.random() < 0.3 * strength:  # haze, flare
        linear = linear + rng.uniform(0, 0.12) * rng.uniform(0.5, 1, 3)
    image = np.clip(linear, 0, 1).astype(np.float32) ** (1 / 2.2)
    grey = (image @ np.array([0.299, 0.587, 0.114], np.float32))[..., None]
    saturation = 0.0 if rng.random() < 0.07 * strength else 1 + strength * rng.uniform(-0.6, 0.5)
    image = grey + (image - grey) * saturation
    middle = float(image.mean())
    contrast = 1 + strength * rng.uniform(-0.35, 0.35)
    image = (image - middle) * contrast + middle + strength * rng.uniform(-0.06, 0.06)
    return np.asarray(np.clip(image, 0, 1) ** math.exp(strength * rng.uniform(-0.28, 0.26)), dtype=np.float32)


def random_camera(image: _Floats, rng: np.random.Generator) -> _Floats:
    """Defocus, motion, low resolution, noise, sharpening, JPEG."""
    side = image.shape[0]
    draw = rng.random()
    if draw < 0.2:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 2.2))
    elif draw < 0.4:
        small = int(side / rng.uniform(1.3, 3.2))
        image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
        image = cv2.resize(
            image, (side, side), interpolation=int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC]))
        )
    elif draw < 0.5:
        image = image + rng.uniform(0.3, 1.2) * (
            image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.8, 2.5))
        )
    elif draw < 0.56:
        kernel = np.zeros((9, 9), np.float32)
        angle = rng.uniform(0, math.pi)
        end = (round(4 + 4 * math.cos(angle)), round(4 + 4 * math.sin(angle)))
        cv2.line(kernel, (8 - end[0], 8 - end[1]), end, 1.0)
        image = cv2.filter2D(image, -1, kernel / kernel.sum())
    if rng.random() < 0.5:
        noise = rng.standard_normal(image.shape, dtype=np.float32) * np.float32(rng.uniform(0.004, 0.05))
        if rng.random() < 0.4:
            noise = cv2.GaussianBlur(noise, (0, 0), 0.8) * 2
        image = image + noise
    image = np.clip(image, 0, 1)
    if rng.random() < 0.4:
        flags = [cv2.IMWRITE_JPEG_QUALITY, int(rng.uniform(18, 92))]
        _, content = cv2.imencode(".jpg", (image * 255).astype(np.uint8)[..., ::-1], flags)
        decoded = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), dtype=np.float32)
        image = np.asarray(decoded[..., ::-1] / 255, dtype=np.float32)
    return np.asarray(image, dtype=np.float32)


def draw_glasses(image: _Floats, eyes: npt.NDArray[np.float64], rng: np.random.Generator) -> _Floats:
    """A frame round both eyes, whose centres (2, 2) are in pixels, from left to right."""
    centres = list(eyes)
    apart = centres[1] - centres[0]
    distance = float(np.hypot(*apart))
    angle = math.degrees(math.atan2(apart[1], apart[0]))
    axes = (int(distance * rng.uniform(0.33, 0.45)), int(distance * rng.uniform(0.22, 0.4)))
    thickness = max(1, round(int(rng.integers(1, 6)) * image.shape[0] / INPUT_SIZE_PX))
    cover = np.zeros(image.shape[:2], np.float32)
    for centre in centres:
        middle = (int(centre[0]), int(centre[1] + 0.06 * distance))
        cv2.ellipse(cover, middle, axes, angle, 0, 360, 1.0, thickness, cv2.LINE_AA)
    inner = [
        centre + sign * apart / distance * axes[0] for centre, sign in zip(centres, (1, -1), strict=True)
    ]
    outer = [
        centre - sign * apart / distance * axes[0] for centre, sign in zip(centres, (1, -1), strict=True)
    ]
    tips = [point - sign * apart * 0.45 for point, sign in zip(outer, (1, -1), strict=True)]
    for a, b in ((inner[0], inner[1]), (outer[0], tips[0]), (outer[1], tips[1])):
        cv2.line(cover, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 1.0, thickness, cv2.LINE_AA)
    color = rng.uniform(0, 0.25, 3) if rng.random() < 0.7 else rng.uniform(0, 1, 3)
    return np.asarray(image * (1 - cover[..., None]) + color * cover[..., None], dtype=np.float32)


def _eye_centers(target: _Pixels) -> npt.NDArray[np.float64] | None:
    """(2, 2) of the right and the left eye; None where one is hidden."""
    centres = []
    for eye in (FaceClass.RIGHT_EYE, FaceClass.LEFT_EYE):
        rows, columns = np.nonzero(target == eye)
        if len(rows) < 20:
            return None
        centres.append(np.array([columns.mean(), rows.mean()]))
    return np.array(centres)


def _occlude(image: _Floats, target: _Pixels, rng: np.random.Generator) -> tuple[_Floats, _Pixels]:
    """Something in front of the picture; nothing is learnt of what it hides."""
    side = image.shape[0]
    cover = np.zeros((side, side), np.uint8)
    centre = tuple(int(v) for v in rng.uniform(0, side, 2))
    axes = tuple(int(v) for v in rng.uniform(0.05, 0.2, 2) * side)
    cv2.ellipse(cover, centre, axes, float(rng.uniform(0, 180)), 0, 360, 1, -1)
    hidden = cover > 0
    image, target = image.copy(), target.copy()
    image[hidden] = random_backdrop(side, rng)[hidden]
    target[hidden] = IGNORE
    return image, target
