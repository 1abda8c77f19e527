"""Eyes: finely meshed eyeballs with painted irises in a free colour.

The rig carries a coarse sphere; its transforms are affine, so every vertex of a finer one is a fixed mixture of four of
its vertices, and eyes follow all sliders and glances exactly. The fineness is for the wet highlight, which is computed
at the vertices.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from facewright_models.look.dress import Pose, lasting
from facewright_models.look.shading import left_by_hair
from facewright_models.rig import BakedRig, Character, RigPart
from facewright_models.rig.anny_schema import IRIS_PATTERNS
from facewright_renderer import Mesh, Preset

__all__ = [
    "EYE_ROUGHNESS",
    "EyeSurface",
    "FineEye",
    "eye_light",
    "eye_sphere",
    "eye_surface",
    "iris_pattern",
    "paint_iris",
]

Array = NDArray[np.floating[Any]]
_TEXTURE_PX = 256
_COVERED_DEGREES = 38.0
"""The texture shows the eyeball up to this angle from the gaze; the white beyond is that of its rim."""
_IRIS_DEGREES = 27.0
_REAR_DEGREES = (62.0, 75.0, 90.0, 112.0)
_RINGS_DEGREES: Mapping[Preset, Array] = {
    "full": np.concatenate([np.arange(0, 30, 1.5), np.arange(30, 60, 5.0), _REAR_DEGREES]),
    "draft": np.concatenate([np.arange(0, 30, 2.5), np.arange(30, 60, 6.0), _REAR_DEGREES]),
}
_SEGMENTS: Mapping[Preset, int] = {"full": 56, "draft": 40}
_SCLERA = (0.80, 0.765, 0.735)
EYE_ROUGHNESS = 0.25
_GAMMA = 2.2


@dataclass(frozen=True, kw_only=True)
class EyeSurface:
    """A fine eyeball: `mix` (W, 4) of four of the part's vertices `anchors`, `triangles`, `uv` (W, 2), `openness` (W,),
    `nearest` (W,) vertex of the part; `equator` the vertices of its largest ring.
    """

    anchors: NDArray[np.int64]
    mix: Array
    triangles: NDArray[np.int32]
    uv: Array
    openness: Array
    nearest: NDArray[np.int64]
    labels: NDArray[np.uint8]
    equator: slice


@lru_cache(maxsize=8)
def eye_surface(rig: BakedRig, name: str, preset: Preset = "full") -> EyeSurface:
    """The fine eyeball over the rig's part `name` (eye_left or eye_right)."""
    part = rig.part(name)
    neutral = rig.average(name).astype(float)
    center, radius = eye_sphere(rig, name)
    rings, segments = _RINGS_DEGREES[preset], _SEGMENTS[preset]
    unit, triangles = _sphere(rings, segments)
    dense = center + radius * unit
    anchors = _spread(neutral)
    system = np.concatenate([neutral[anchors].T, np.ones((1, 4))])
    mix = np.linalg.solve(system, np.concatenate([dense.T, np.ones((1, len(dense)))])).T
    nearest = ((dense[:, None] - neutral[None]) ** 2).sum(-1).argmin(1)
    openness = rig.occlusion[part.vertices][nearest]
    lid_shadow = np.clip(1.0 - 1.1 * np.clip(unit[:, 1] - 0.10, 0, 1), 0.35, 1)
    corner = np.clip(1.15 - 1.0 * np.abs(unit[:, 0]) ** 2, 0.5, 1)
    return EyeSurface(
        anchors=anchors,
        mix=mix.astype(np.float32),
        triangles=lasting(triangles.astype(np.int32)),
        uv=lasting((0.5 + 0.5 * _flat(unit)).astype(np.float32)),
        openness=(openness * lid_shadow * corner).astype(np.float32),
        nearest=nearest,
        labels=lasting(np.full(len(triangles), part.labels[0], np.uint8)),
        equator=slice(1 + (len(rings) - 3) * segments, 1 + (len(rings) - 2) * segments),
    )


def eye_sphere(rig: BakedRig, name: str) -> tuple[NDArray[np.float64], float]:
    """Centre (3,) and radius in metres of an average head's eyeball."""
    neutral = rig.average(name).astype(float)
    low, high = neutral.min(0), neutral.max(0)
    radius = float((high[0] - low[0]) / 2)
    middle = (low + high) / 2
    return np.array([middle[0], middle[1], neutral[0, 2] - radius]), radius


class FineEye:
    """One eye of a character, with a painted iris (256, 256, 3)."""

    def __init__(
        self, rig: BakedRig, part: RigPart, character: Character, texture: NDArray[np.uint8]
    ) -> None:
        self._rig = rig
        self._part = part.name
        self._texture = texture
        self._left = left_by_hair(rig, part, character)
        self._colors: dict[Preset, Array] = {}

    def posed(self, pose: Pose) -> Mesh:
        """The eyeball where the rig's vertices have it."""
        eye = eye_surface(self._rig, self._part, pose.preset)
        if pose.preset not in self._colors:
            light = _light(eye, self._left)
            self._colors[pose.preset] = lasting(np.repeat(light[:, None], 3, 1))
        vertices = (eye.mix @ pose.of(self._part)[eye.anchors]).astype(np.float32)
        normals = vertices - vertices[eye.equator].mean(0)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return Mesh(
            vertices=vertices,
            triangles=eye.triangles,
            normals=normals,
            colors=self._colors[pose.preset],
            labels=eye.labels,
            roughness=EYE_ROUGHNESS,
            uvs=eye.uv,
            texture=self._texture,
            front_only=True,
        )


def eye_light(rig: BakedRig, part: RigPart, character: Character, eye: EyeSurface) -> NDArray[np.float32]:
    """(W,) how much light lids and hair let through to the vertices of a fine eyeball."""
    return _light(eye, left_by_hair(rig, part, character))


def _light(eye: EyeSurface, left: Array) -> NDArray[np.float32]:
    light: NDArray[np.float32] = (0.22 + 0.78 * eye.openness * left[eye.nearest]).astype(np.float32)
    return light


def iris_pattern(character: Character) -> str:
    """The pattern that a character's slot names; fibres where the rig has no such slot."""
    return character.styles.get("iris_pattern", IRIS_PATTERNS[0])


@dataclass(frozen=True, kw_only=True)
class _IrisFields:
    """What does not depend on the colour, (256, 256): brightness, second colour, and the shares of the zones."""

    tone: Array
    amber: Array
    white: Array
    white_share: Array


@lru_cache(maxsize=32)
def paint_iris(pattern: str, color: tuple[float, float, float]) -> NDArray[np.uint8]:
    """(256, 256, 3) display-coded: white, limbus, iris and pupil; `color` is linear."""
    fields = _iris_fields(pattern)
    own = np.asarray(color, np.float32)
    iris = own * fields.tone[..., None]
    if pattern == "two_tone":
        amber = np.array([1.55, 0.95, 0.40], np.float32) * (0.6 * float(own.mean()) + 0.03)
        iris = iris + (amber * fields.tone[..., None] - iris) * fields.amber[..., None]
    iris = np.power(np.clip(iris + 0.002, 0, 1), np.float32(1 / _GAMMA))
    mixed = iris + (fields.white - iris) * fields.white_share[..., None]
    return lasting((mixed * 255 + 0.5).astype(np.uint8))


@lru_cache(maxsize=8)
def _iris_fields(pattern: str) -> _IrisFields:
    half = (np.arange(_TEXTURE_PX) + 0.5) / _TEXTURE_PX * 2 - 1
    x, y = np.meshgrid(half, -half)
    degrees = np.hypot(x, y) * _COVERED_DEGREES
    turn = np.arctan2(y, x)
    inner = np.clip(degrees / _IRIS_DEGREES, 0, 2)  # 0 at the centre, 1 at the limbus
    limbus = 1 - 0.62 * _rise(inner, 0.86, 0.08)
    # Light from above crosses the cornea and brightens the iris's lower half.
    caustic = 1.0 - 0.35 * np.clip(y / 0.7, -1, 1) * _fall(inner, 1.0, 0.1)
    pupil = 1 - 0.97 * _fall(inner, 0.40, 0.035)
    veins = _veins(x, y) * _rise(inner, 1.15, 0.2)
    white = np.asarray(_SCLERA, np.float32) * (
        1 - veins[..., None] * np.array([0.03, 0.15, 0.14], np.float32)
    )
    return _IrisFields(
        tone=(_stroma(pattern, inner, turn) * limbus * caustic * pupil).astype(np.float32),
        amber=_fall(inner, 0.62, 0.16),
        white=white.astype(np.float32),
        white_share=_rise(inner, 0.985, 0.035),
    )


def _flat(unit: NDArray[np.float64]) -> NDArray[np.float64]:
    """Directions (n, 3) from an eye's centre -> places (n, 2) within +-1 of the texture: the angle from the gaze."""
    angle = np.rad2deg(np.arccos(np.clip(unit[:, 2], -1, 1)))
    across = np.maximum(np.hypot(unit[:, 0], unit[:, 1]), 1e-9)
    return np.asarray(unit[:, :2] * (np.minimum(angle / _COVERED_DEGREES, 0.99) / across)[:, None])


def _stroma(pattern: str, inner: Array, turn: Array) -> Array:
    """Brightness of the iris about one."""
    fine = _spokes(turn + 0.03 * np.sin(9 * inner), 150, 3) * 0.5 + _spokes(turn, 60, 5) * 0.5
    rays = _spokes(turn + 0.06 * np.sin(5 * inner), 26, 11)
    ring = np.exp(-(((inner - 0.55) / 0.07) ** 2))
    glow = 1.25 - 0.35 * inner
    stroma: Array = 1 + 0.10 * fine  # smooth
    if pattern == "fibres":
        stroma = 1 + 0.42 * fine + 0.18 * ring
    elif pattern == "starburst":
        stroma = 1 + 0.30 * fine + 0.55 * rays * np.clip(1.25 - inner, 0, 1)
    elif pattern == "collarette":
        stroma = 1 + 0.30 * fine + 0.75 * ring - 0.15 * _fall(inner, 0.5, 0.08)
    elif pattern == "speckled":
        stroma = (1 + 0.25 * fine) * (1 - 0.55 * _specks(inner, turn))
    elif pattern == "two_tone":
        stroma = 1 + 0.36 * fine + 0.2 * rays
    return np.asarray(glow * stroma)


def _spokes(turn: Array, count: int, seed: int) -> Array:
    """Smooth noise round the circle, within +-1, of about `count` rays."""
    generator = np.random.default_rng(seed)
    steps = 2048
    noise = gaussian_filter1d(generator.standard_normal(steps), steps / count / 3, mode="wrap")
    noise = np.clip(noise / (2 * noise.std()), -1, 1)
    place = (turn / (2 * np.pi)) % 1 * steps
    return np.asarray(np.interp(place, np.arange(steps + 1), np.append(noise, noise[0])), np.float32)


def _specks(inner: Array, turn: Array) -> Array:
    generator = np.random.default_rng(17)
    result = np.zeros_like(inner)
    for _ in range(34):
        r, a, size = (
            generator.uniform(0.45, 0.95),
            generator.uniform(-np.pi, np.pi),
            generator.uniform(0.02, 0.05),
        )
        dx, dy = inner * np.cos(turn) - r * np.cos(a), inner * np.sin(turn) - r * np.sin(a)
        result = np.maximum(result, np.exp(-(dx**2 + dy**2) / size**2))
    return result


def _veins(x: Array, y: Array) -> Array:
    """Faint wandering lines from the corners, stronger outwards."""
    result = np.zeros_like(x)
    for k, offset in enumerate((-0.45, -0.18, 0.12, 0.4)):
        path = offset + 0.06 * np.sin(9 * x + 2.1 * k) + 0.03 * np.sin(23 * x + k)
        result += np.exp(-(((y - path) / 0.012) ** 2))
    blush = 0.5 * np.clip(np.abs(x) - 0.62, 0, 1) / 0.38
    return np.clip(0.5 * result + blush, 0, 1).astype(np.float32)


def _rise(value: Array, at: float, width: float) -> Array:
    t = np.clip((value - at) / width + 0.5, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _fall(value: Array, at: float, width: float) -> Array:
    return 1 - _rise(value, at, width)


def _sphere(rings: Array, segments: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    turn = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    points = [np.array([[0.0, 0.0, 1.0]])]
    for angle in np.deg2rad(rings[1:]):
        x, y = np.sin(angle) * np.cos(turn), np.sin(angle) * np.sin(turn)
        points.append(np.stack([x, y, np.full(segments, np.cos(angle))], 1))
    near, far = np.arange(segments), (np.arange(segments) + 1) % segments
    triangles = [np.stack([np.zeros(segments, int), 1 + near, 1 + far], 1)]
    for ring in range(len(rings) - 2):
        start = 1 + ring * segments
        following = start + segments
        triangles.append(np.stack([start + near, following + near, following + far], 1))
        triangles.append(np.stack([start + near, following + far, start + far], 1))
    return np.concatenate(points), np.concatenate(triangles)


def _spread(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Four vertices that span the sphere: front, right, top, and the rearmost of the left."""
    rear = points[:, 0] + points[:, 2]
    return np.array([points[:, 2].argmax(), points[:, 0].argmax(), points[:, 1].argmax(), rear.argmin()])
