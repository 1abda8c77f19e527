"""The skin's colour map, painted from melanin, blood and what lies on and under the skin.

A character's skin colour is free; it is read as melanin and blood (`skin_optics`), and every mark on the skin is
more or less of the two, so that freckles, flushed cheeks and shadows under the eyes have the right colour on light
and on dark skin. Marks are functions of the place on the head, computed once for a rig.

Source of the zones (forehead yellower, the middle redder, the jaw of men darker): Gurney, "Color and Light" (2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from facewright_models.look.dress import lasting
from facewright_models.look.eyes import eye_sphere
from facewright_models.look.skin_optics import TABLE_STEPS, skin_composition, skin_table
from facewright_models.look.surface import skin_surface, texel_map
from facewright_models.rig import BakedRig

__all__ = [
    "MAKE_UP",
    "MakeUp",
    "SkinMarks",
    "SkinPaint",
    "Spot",
    "coded_texels",
    "cover",
    "display_coded",
    "paint_skin",
    "put_on",
    "skin_marks",
    "stubble_shade",
]

_SEED = 20_260
_FRECKLES = 2600
_MOUTH = (0.30, 0.115, 0.105)
_GAMMA = 2.2
Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class MakeUp:
    """What lies on the skin: linear colours with their strengths in [0, 1]."""

    shadow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    shadow_strength: float = 0.0
    liner_strength: float = 0.0
    lips: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lip_strength: float = 0.0
    cheeks: tuple[float, float, float] = (0.55, 0.10, 0.10)
    cheek_strength: float = 0.0
    evenness: float = 0.0


MAKE_UP = {
    "none": MakeUp(),
    "natural": MakeUp(
        shadow=(0.22, 0.12, 0.08), shadow_strength=0.22, liner_strength=0.35, lips=(0.52, 0.16, 0.15),
        lip_strength=0.35, cheek_strength=0.12, evenness=0.5,
    ),
    "classic": MakeUp(
        shadow=(0.16, 0.09, 0.07), shadow_strength=0.25, liner_strength=0.9, lips=(0.42, 0.012, 0.022),
        lip_strength=0.92, cheek_strength=0.15, evenness=0.8,
    ),
    "smoky": MakeUp(
        shadow=(0.018, 0.016, 0.02), shadow_strength=0.78, liner_strength=0.95, lips=(0.40, 0.15, 0.14),
        lip_strength=0.55, cheek_strength=0.16, evenness=0.8,
    ),
    "vivid": MakeUp(
        shadow=(0.03, 0.09, 0.32), shadow_strength=0.6, liner_strength=0.8, lips=(0.50, 0.02, 0.16),
        lip_strength=0.85, cheek_strength=0.30, evenness=0.7,
    ),
}  # fmt: skip
"""The options of the slot `make_up`."""


@dataclass(frozen=True, kw_only=True)
class SkinPaint:
    """What one character's skin looks like. Colours are linear; amounts in [0, 1].

    `stubble` is how dark shaved hair shows, `scalp` how much hair colour the scalp takes on.
    """

    skin: tuple[float, float, float]
    lips: tuple[float, float, float]
    hair: tuple[float, float, float]
    blush: float = 0.5
    freckles: float = 0.0
    age: float = 0.0
    blemishes: float = 0.35
    tired: float = 0.35
    beard_stubble: float = 0.0
    moustache_stubble: float = 0.0
    scalp: float = 0.85
    make_up: MakeUp = MakeUp()


@dataclass(frozen=True, kw_only=True)
class Spot:
    """The texels (K,) of a flattened texture where a mark is not zero, and its weights (K,) there."""

    texels: NDArray[np.int64]
    weights: Array

    @classmethod
    def of(cls, field: Array) -> Spot:
        """From a whole field (H, W)."""
        texels = np.flatnonzero(field > 0.004)
        return cls(texels=texels, weights=field.ravel()[texels].astype(np.float32))


@dataclass(frozen=True, kw_only=True)
class SkinMarks:
    """Where what may show: fields over the texture (H, W), about zero or in [0, 1], and spots."""

    blush: Array
    zone: Array
    mottle: Array
    pores: Array
    freckles: Spot
    lines: Spot
    under_eye: Spot
    lid: Spot
    cheeks: Spot
    lip: Spot
    lip_creases: Spot
    beard: Spot
    moustache: Spot
    scalp: Spot
    interior: Spot
    liner: Spot
    eye_shadow: Spot


def paint_skin(marks: SkinMarks, paint: SkinPaint) -> NDArray[np.uint8]:
    """(H, W, 3) albedo, display-coded with the exponent 1/2.2.

    Everything is mixed in display values: products stay products, and no power of a million texels is needed.
    """
    made = paint.make_up
    uneven = 1 - made.evenness
    melanin, blood = skin_composition(np.array(paint.skin))
    blotches = paint.blemishes * uneven
    more_melanin = (0.09 * blotches + 0.03 * paint.age) * marks.mottle
    more_blood = (
        0.10 * blotches * marks.mottle[::-1, ::-1] + 0.24 * paint.blush * marks.blush + 0.10 * marks.zone
    )
    tired = paint.tired * uneven
    for amount, of_melanin, of_blood, spot in (
        (1.0, 0.05, 0.10, marks.lid),
        (tired, 0.09, 0.16, marks.under_eye),
        (paint.age, 0.05, 0.10, marks.lines),
        (paint.freckles, 0.50 * (1 - 0.7 * melanin), 0.0, marks.freckles),
    ):
        if amount > 0:
            more_melanin.ravel()[spot.texels] += amount * of_melanin * spot.weights
            more_blood.ravel()[spot.texels] += amount * of_blood * spot.weights
    table = np.power(skin_table(), 1 / _GAMMA)
    base = table[tuple(_index(np.array([melanin, blood])))]
    colors = (display_coded(paint.skin) * (table / base)).astype(np.float32).reshape(-1, 3)
    place = _index(melanin + more_melanin) * TABLE_STEPS + _index(blood + more_blood)
    color = np.stack([plane.take(place.ravel()) for plane in np.ascontiguousarray(colors.T)])
    color *= 1 - 0.025 * marks.pores.ravel()
    _darken(color, marks.lines, 0.10 * paint.age)
    put_on(color, marks, made)
    lips = display_coded(paint.lips)
    lips = lips + (display_coded(made.lips) - lips) * np.float32(made.lip_strength)
    cover(color, marks.lip, lips, 0.92)
    _darken(color, marks.lip_creases, 0.08)
    stubble_shade(color, marks, paint)
    cover(color, marks.scalp, display_coded(paint.hair) * 0.9, paint.scalp)
    cover(color, marks.interior, np.array(_MOUTH, np.float32), 1.0)
    return coded_texels(color, marks)


def coded_texels(color: Array, marks: SkinMarks) -> NDArray[np.uint8]:
    """(H, W, 3) of texels (3, H * W) in display values."""
    result = np.empty((*marks.pores.shape, 3), np.uint8)
    for channel, plane in enumerate(color):
        shown = plane * 255 + 0.5
        result[..., channel] = np.clip(shown, 0, 255, out=shown).reshape(marks.pores.shape)
    return lasting(result)


def put_on(color: Array, marks: SkinMarks, made: MakeUp) -> None:
    """Make-up about eyes and cheeks, mixed into the texels (3, H * W) of a skin in display values."""
    cover(color, marks.cheeks, display_coded(made.cheeks) * float(color.mean()) * 1.7, made.cheek_strength)
    cover(color, marks.eye_shadow, display_coded(made.shadow), made.shadow_strength)
    cover(color, marks.liner, np.full(3, 0.10, np.float32), made.liner_strength)


def stubble_shade(color: Array, marks: SkinMarks, paint: SkinPaint) -> None:
    """What shows of hair under the skin where a beard grows, mixed in likewise."""
    shadow = 0.40 * display_coded(paint.hair) + 0.48 * display_coded(paint.skin)
    cover(color, marks.beard, shadow, paint.beard_stubble)
    cover(color, marks.moustache, shadow, paint.moustache_stubble)


@lru_cache(maxsize=4)
def skin_marks(rig: BakedRig, size_px: int) -> SkinMarks:
    """Where the marks of a rig's skin lie; computed once (seconds), the same for every character."""
    surface, texels = skin_surface(rig), texel_map(rig, size_px)
    place = texels.sample(surface.rest)  # (H, W, 3) metres
    paint = {
        name: texels.sample(surface.channel(name)) for name in ("lip", "blush", "beard", "moustache", "scalp")
    }
    paint |= {name: texels.sample(surface.channel(name)) for name in ("interior", "eyelid")}
    noise = _Noise(_SEED)
    x, y, z = np.abs(place[..., 0]), place[..., 1], place[..., 2]
    front = np.clip((z - 0.02) / 0.04, 0, 1)
    pixel = size_px / 1024
    forehead = _bump(x, 0, 0.045) * _bump(y, 0.055, 0.022) * front
    middle = _bump(x, 0.02, 0.04) * _bump(y, -0.030, 0.026) * front
    under_eye = _bump(x, 0.031, 0.013) * _bump(y, -0.0185 - 0.15 * np.abs(x - 0.031), 0.0065) * front
    pockets = _behind_the_lids(rig, place)
    from_opening = distance_transform_edt(~pockets).astype(np.float32) / (2.7 * pixel)  # about millimetres
    dots = 0.55 + 0.45 * np.clip(2 * noise.at(place, 1500.0), -1, 1)
    lip = np.clip(1.5 * gaussian_filter(paint["lip"], 2.0 * pixel) - 0.25, 0, 1)
    creases = np.clip(0.5 + noise.at(place * np.array([3.0, 0.35, 0.35], np.float32), 330.0), 0, 1)
    below = _below_middle(place)
    blush = gaussian_filter(paint["blush"], 6 * pixel)
    spots = {
        "freckles": _freckles(rig, place, front),
        "lines": _lines(place, noise) * front,
        "under_eye": under_eye,
        "lid": gaussian_filter(paint["eyelid"], 3 * pixel),
        "cheeks": blush * (x > 0.018),
        "lip": lip,
        "lip_creases": lip * creases,
        "beard": gaussian_filter(paint["beard"], 3 * pixel) * dots,
        "moustache": gaussian_filter(paint["moustache"], 2 * pixel) * dots,
        "scalp": np.where(
            pockets, 0, _ragged(gaussian_filter(paint["scalp"], 4 * pixel), noise.at(place, 420.0))
        ),
        "interior": paint["interior"],
        "liner": np.clip(1.5 - from_opening, 0, 1) * front * np.where(below, 0.45, 1.0),
        "eye_shadow": np.exp(-((from_opening / 5.5) ** 2)) * np.where(below, 0.35, 1.0) * front,
    }
    return SkinMarks(
        blush=blush,
        zone=middle - 0.6 * forehead,
        mottle=0.6 * noise.at(place, 45.0) + 0.4 * noise.at(place, 120.0),
        pores=noise.at(place, 900.0) * front,
        **{name: Spot.of(field) for name, field in spots.items()},
    )


def _behind_the_lids(rig: BakedRig, place: Array) -> NDArray[np.bool_]:
    """Texels of the eye's opening: they show the pocket in which the eyeball lies."""
    result = np.zeros(place.shape[:2], bool)
    for name in ("eye_left", "eye_right"):
        center, radius = eye_sphere(rig, name)
        near = (np.abs(place[..., :2] - center[:2]) < np.array([1.0, 0.75]) * radius).all(-1)
        result |= (
            near & (place[..., 2] < center[2] + 0.15 * radius) & (place[..., 2] > center[2] - 2 * radius)
        )
    return result


def _below_middle(place: Array) -> NDArray[np.bool_]:
    """Under the line through the eyes' corners, which rises outwards."""
    x, y = np.abs(place[..., 0]), place[..., 1]
    return np.asarray(y < 0.0015 + 0.10 * (x - 0.03))


class _Noise:
    """Smooth noise about zero, roughly within +-1, at places in metres and waves per metre."""

    def __init__(self, seed: int) -> None:
        self._grid = np.random.default_rng(seed).uniform(-1, 1, (48, 48, 48)).astype(np.float32)

    def at(self, place: Array, per_metre: float) -> Array:
        shape = place.shape[:-1]
        lattice = (place.reshape(-1, 3).T * per_metre + 1000.0).astype(np.float32)
        value = map_coordinates(self._grid, lattice, order=1, mode="grid-wrap")
        result: Array = (1.5 * value).reshape(shape).astype(np.float32)
        return result


def _freckles(rig: BakedRig, place: Array, front: Array) -> Array:
    generator = np.random.default_rng(_SEED + 1)
    surface = skin_surface(rig)
    x, y, z = np.abs(surface.rest[:, 0]), surface.rest[:, 1], surface.rest[:, 2]
    density = (
        (np.exp(-(((x - 0.030) / 0.026) ** 2) - ((y + 0.030) / 0.020) ** 2) + 0.06) * (z > 0.03) * (y > -0.11)
    )
    area = _vertex_areas(surface.rest, surface.triangles)
    chosen = generator.choice(len(x), _FRECKLES, p=density * area / (density * area).sum())
    centers = surface.rest[chosen] + generator.normal(0, 0.0012, (_FRECKLES, 3))
    radius = 0.0003 + 0.0006 * generator.uniform(0, 1, _FRECKLES) ** 2
    strength = generator.uniform(0.3, 1.0, _FRECKLES)
    near = front > 0
    distance, index = cKDTree(centers).query(place[near], distance_upper_bound=0.004)
    result = np.zeros(place.shape[:2], np.float32)
    index = np.minimum(index, _FRECKLES - 1)
    result[near] = np.where(
        np.isfinite(distance), strength[index] * np.exp(-((np.minimum(distance, 1) / radius[index]) ** 2)), 0
    )
    return result


def _lines(place: Array, noise: _Noise) -> Array:
    """Creases of age: across the forehead, beside the eyes, from the nose to the mouth's corners."""
    x, y = np.abs(place[..., 0]), place[..., 1]
    wave = 0.0016 * noise.at(place, 30.0)
    forehead = np.zeros_like(x)
    for height, reach in ((0.046, 0.034), (0.056, 0.040), (0.066, 0.036)):
        curve = height + wave - 1.6 * (x - 0.014) ** 2 * 3
        forehead += _bump(y, curve, 0.0009) * np.clip((reach - x) / 0.01, 0, 1)
    crow = np.zeros_like(x)
    for slope in (-0.55, -0.12, 0.30):
        out = x - 0.0515
        crow += (
            _bump(y, 0.001 + slope * out + wave, 0.0008)
            * np.clip(out / 0.003, 0, 1)
            * np.clip((0.017 - out) / 0.008, 0, 1)
        )
    t = np.clip((-0.036 - y) / 0.036, 0, 1)
    fold = (
        _bump(x, 0.0170 + 0.013 * t**0.6 + 0.6 * wave, 0.0022)
        * np.clip((y + 0.078) / 0.012, 0, 1)
        * np.clip((-0.036 - y) / 0.006, 0, 1)
    )
    frown = _bump(x, 0.0065 + wave, 0.0009) * _bump(y, 0.022, 0.008)
    return np.asarray(np.clip(forehead * 0.8 + crow * 0.7 + 0.75 * fold + 0.6 * frown, 0, 1), np.float32)


def _ragged(mask: Array, noise: Array) -> Array:
    """An edge that ends in single hairs."""
    result: Array = np.clip((mask - 0.35 + 0.22 * noise) * 3.2, 0, 1).astype(np.float32)
    return result


def _bump(value: Array, center: Array | float, width: float) -> Array:
    result: Array = np.exp(-(((value - center) / width) ** 2)).astype(np.float32)
    return result


def _vertex_areas(points: Array, triangles: NDArray[np.int32]) -> NDArray[np.float64]:
    corners = points[triangles].astype(float)
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    return np.asarray(np.bincount(triangles.ravel(), np.repeat(area, 3), len(points)), np.float64)


def _index(level: Array | NDArray[np.float64]) -> NDArray[np.int32]:
    steps = np.clip(level, 0, 1)
    steps *= TABLE_STEPS - 1
    steps += 0.5
    result: NDArray[np.int32] = steps.astype(np.int32)
    return result


def cover(color: Array, spot: Spot, by: Array, strength: float) -> None:
    """Mix a colour (3,) into the texels (3, H * W) of a spot, all in display values."""
    if strength > 0:
        share = strength * spot.weights
        kept = 1 - share
        for plane, shown in zip(color, by.astype(np.float32), strict=True):
            plane[spot.texels] = plane.take(spot.texels) * kept + shown * share


def _darken(color: Array, spot: Spot, strength: float) -> None:
    if strength > 0:
        kept = 1 - strength * spot.weights
        for plane in color:
            plane[spot.texels] = plane.take(spot.texels) * kept


def display_coded(linear: tuple[float, float, float]) -> Array:
    """(3,) a linear colour as it is displayed: with the exponent 1/2.2."""
    result: Array = np.power(np.asarray(linear, np.float32), np.float32(1 / _GAMMA))
    return result
