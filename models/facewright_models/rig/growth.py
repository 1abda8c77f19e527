"""How hair grows: roots on the scalp, strands led by a flow over the head, light through the volume.

Units: decimetres, neutral pose; N strands, K points.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter, map_coordinates
from scipy.spatial import cKDTree

from facewright_models.rig.groom import Groom
from facewright_models.rig.parts import vertex_normals

__all__ = [
    "AXIS",
    "CENTER",
    "Flow",
    "HeadSurface",
    "Strands",
    "grow",
    "hairline",
    "openness_of",
    "ribbon_groom",
    "unit",
]

Array = NDArray[np.float64]
Flow = Callable[[Array, Array, float], Array]
"""(N, 3) points, (N, 3) skin normals, the share of the length grown -> (N, 3) directions, of any length."""

CENTER = np.array([0.0, 7.45, 0.30])
"""The middle of the skull."""
AXIS = np.array([0.0, 0.35])
"""x and z of the head's upright axis, round which the hairline is described."""

_EVEN_COUNT = 2500
"""More roots than this are merely random: so many are even enough."""

# (azimuth in degrees from the front, height of the hairline): forehead, temple, sideburn, ear, nape.
_HAIRLINE = np.array(
    [
        (0, 7.945), (10, 7.95), (20, 7.94), (28, 7.90), (36, 7.81), (42, 7.71), (48, 7.59), (53, 7.47),
        (57, 7.35), (60.5, 7.20), (63.5, 7.03), (70, 6.98), (74, 7.08), (78, 7.30), (84, 7.40), (98, 7.40), (106, 7.30),
        (113, 7.00), (120, 6.80), (140, 6.70), (160, 6.62), (180, 6.58),
    ]
)  # fmt: skip


def hairline(points: Array) -> Array:
    """(N,) how far points of the skin lie within the hair, upwards from its line, in decimetres."""
    angle = np.rad2deg(np.arctan2(np.abs(points[:, 0] - AXIS[0]), points[:, 2] - AXIS[1]))
    line: Array = points[:, 1] - np.interp(angle, _HAIRLINE[:, 0], _HAIRLINE[:, 1])
    return line


class HeadSurface:
    """The skin as samples with normals: distances to it, points on it, and triangles that carry points.

    The ears are left out, because hair neither grows on them nor should follow them; they are obstacles of
    their own.
    """

    def __init__(
        self, skin: Array, triangles: NDArray[np.int64], apart: Array, ears: Array, *, seed: int = 3
    ) -> None:
        """`apart` (V,) marks the mouth's inside and the like, `ears` (V,) the ears, both above 0.5."""
        generator = np.random.default_rng(seed)
        self.skin, self.triangles = skin, triangles
        self.normals = vertex_normals(skin, triangles)
        usable = (np.maximum(apart, ears)[triangles].max(1) < 0.5).nonzero()[0]
        corners = skin[triangles[usable]]
        area = 0.5 * np.linalg.norm(
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
        )
        count = np.maximum(2, (area * 5000).astype(int))
        self.owner = np.repeat(usable, count)
        weights = generator.dirichlet(np.ones(3), len(self.owner))
        self.weights = weights
        self.places = np.einsum("nk,nkd->nd", weights, skin[triangles[self.owner]])
        self.place_normals = unit(np.einsum("nk,nkd->nd", weights, self.normals[triangles[self.owner]]))
        self._tree = cKDTree(self.places)
        ear = skin[(ears > 0.5) & (skin[:, 0] > 0)]
        self._ear_center = (ear.min(0) + ear.max(0)) / 2
        self._ear_radii = (ear.max(0) - ear.min(0)) / 2 * np.array([0.88, 2.6, 1.5])

    def nearest(self, points: Array) -> tuple[Array, Array]:
        """(N,) signed distances from the skin and (N, 3) its normals there."""
        distance, index = self._tree.query(points)
        normal = self.place_normals[index]
        along = ((points - self.places[index]) * normal).sum(1)
        return np.where(along < 0, along, np.maximum(along, 0.5 * distance)), normal

    def clear_ears(self, points: Array, margin: float) -> Array:
        """Points pushed sideways out of the ears' ellipsoids."""
        radii = self._ear_radii + margin
        flat = (((points[:, 1:] - self._ear_center[1:]) / radii[1:]) ** 2).sum(1)
        out = radii[0] * np.sqrt(np.clip(1 - flat, 0, 1)) + self._ear_center[0]
        x = np.where(flat < 1, np.sign(points[:, 0]) * np.maximum(np.abs(points[:, 0]), out), points[:, 0])
        return np.stack([x, points[:, 1], points[:, 2]], 1)

    def sampled(self, values: Array) -> Array:
        """(V,) values of the skin's vertices -> (samples,) at `places`."""
        result: Array = (values[self.triangles[self.owner]] * self.weights).sum(1)
        return result

    def bind(self, points: Array, within: NDArray[np.bool_] | None = None) -> tuple[NDArray[np.int64], Array]:
        """(N,) triangles of the skin near to points, and (N, 3) weights of the nearest points in them; `within`
        (samples,) limits the choice.
        """
        if within is None:
            _, index = self._tree.query(points)
        else:
            allowed = np.flatnonzero(within)
            index = allowed[cKDTree(self.places[allowed]).query(points)[1]]
        chosen = self.owner[index]
        a, b, c = (self.skin[self.triangles[chosen, i]] for i in range(3))
        ab, ac, ap = b - a, c - a, points - a
        d11, d12, d22 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
        p1, p2 = (ap * ab).sum(1), (ap * ac).sum(1)
        determinant = np.maximum(d11 * d22 - d12 * d12, 1e-12)
        v, w = (d22 * p1 - d12 * p2) / determinant, (d11 * p2 - d12 * p1) / determinant
        weights = np.clip(np.stack([1 - v - w, v, w], 1), 0, 1)
        return chosen, weights / weights.sum(1, keepdims=True)

    def scatter(self, density: Array, count: int, generator: np.random.Generator) -> NDArray[np.int64]:
        """Indices of `count` of `places`, evenly spread where `density` (samples,) in [0,1] is equal."""
        dense = count > _EVEN_COUNT
        pool_size = min(int((density > 0).sum()), count if dense else 7 * count)
        pool: NDArray[np.int64] = generator.choice(
            len(density), pool_size, replace=False, p=density / density.sum()
        )
        if dense:
            return pool
        points = self.places[pool]
        chosen = np.empty(min(count, pool_size), np.int64)
        far = np.full(pool_size, np.inf)
        current = 0
        for i in range(len(chosen)):  # farthest point sampling
            chosen[i] = current
            far = np.minimum(far, ((points - points[current]) ** 2).sum(1))
            current = int(far.argmax())
        picked: NDArray[np.int64] = pool[generator.permutation(chosen)]
        return picked


@dataclass(frozen=True, kw_only=True)
class Strands:
    """Centrelines (N, K, 3) with the skin's normals beside them (N, K, 3)."""

    points: Array
    outward: Array


def grow(
    surface: HeadSurface,
    roots: Array,
    *,
    lengths: Array,
    count: int,
    flow: Flow,
    height: Callable[[float], Array],
    hug: float = 0.0,
    inertia: float = 0.5,
    steps: int = 3,
    ears: float | None = None,
    start: Array | None = None,
) -> Strands:
    """Strands of `count` points from roots (N, 3).

    Each of `steps` steps between points goes along the flow, turned gradually (`inertia`), and is then kept at
    least `height` (of the share grown, (N,)) above the skin; `hug` pulls what is higher back down. `ears` is the
    margin about the ears, None where hair runs behind them. `start` (N, 3) is the first direction.
    """
    point = roots.copy()
    distance, normal = surface.nearest(point)
    direction = normal.copy() if start is None else unit(start)
    points, outward = [point], [normal]
    total = (count - 1) * steps
    for step in range(1, total + 1):
        share = step / total
        wanted = unit(flow(point, normal, share))
        direction = unit(inertia * direction + (1 - inertia) * wanted)
        point = point + direction * (lengths / total)[:, None]
        distance, normal = surface.nearest(point)
        least = height(share)
        on_head = np.clip((point[:, 1] - 6.95) / 0.4, 0, 1)
        lift = np.maximum(least - distance, 0) - hug * on_head * np.maximum(distance - 1.15 * least - 0.01, 0)
        point = point + normal * lift[:, None]
        if ears is not None:
            point = surface.clear_ears(point, ears)
        if step % steps == 0:
            points.append(point)
            outward.append(normal)
    return Strands(points=np.stack(points, 1), outward=np.stack(outward, 1))


def openness_of(points: Array, *, weight: float = 1.0, cell: float = 0.05) -> Array:
    """(N, K) light that reaches points through the other strands, in [0,1]."""
    low = points.reshape(-1, 3).min(0) - 6 * cell
    shape = np.ceil((points.reshape(-1, 3).max(0) + 6 * cell - low) / cell).astype(int) + 1
    index = np.clip(((points - low) / cell).round().astype(int), 0, shape - 1).reshape(-1, 3)
    density = np.zeros(shape)
    np.add.at(density, tuple(index.T), 1.0)
    density = gaussian_filter(density, 1.2)
    crowd = np.quantile(map_coordinates(density, ((points.reshape(-1, 3) - low) / cell).T, order=1), 0.6)
    outward = unit(points - CENTER)
    above = np.zeros(points.shape[:2])
    for distance in (0.06, 0.12, 0.20, 0.30):
        place = (points + distance * outward + np.array([0.0, 0.4 * distance, 0.0]) - low).reshape(
            -1, 3
        ) / cell
        above += map_coordinates(density, place.T, order=1, mode="constant").reshape(above.shape)
    result: Array = np.exp(-0.55 * weight * above / max(float(crowd), 1e-9))
    return result


def ribbon_groom(
    surface: HeadSurface,
    strands: Strands,
    generator: np.random.Generator,
    *,
    name: str,
    style: tuple[str, str] | None,
    label: int,
    width: Array,
    profile: Callable[[Array], Array],
    roll: float = 0.35,
    contrast: float = 0.25,
    openness: Array | None = None,
    tone: Array | None = None,
    rigid: bool = True,
    roundness: float = 0.5,
    hang: float | None = None,
    by_root: bool = False,
    within: NDArray[np.bool_] | None = None,
    offsets: Mapping[str, Array] | None = None,
    widen: Mapping[str, float] | None = None,
) -> Groom:
    """Strands as ribbons `width` (N,) decimetres wide, times `profile` (K,) or (N, K) of the share of the length (K,).

    `roll` (radians) scatters how they lie, `contrast` their tones about `tone` (N,). Below the height `hang`
    strands follow the skin where they passed it; `by_root` strands move with their roots as a whole. `within`
    (samples,) is the skin that may carry them.
    """
    points = strands.points
    count, length = points.shape[:2]
    share = np.linspace(0, 1, length)
    tangents = unit(np.gradient(points, axis=1))
    across = unit(np.cross(tangents, strands.outward))
    for k in range(1, length):  # no flips along a strand
        across[:, k] *= np.where((across[:, k] * across[:, k - 1]).sum(1, keepdims=True) < 0, -1, 1)
    angle = generator.normal(0, roll, (count, 1, 1))
    across = np.cos(angle) * across + np.sin(angle) * np.cross(tangents, across)
    sides = across * (0.5 * width[:, None] * profile(share))[..., None]
    middle = np.full(count, 0.5) if tone is None else tone
    middle = middle + contrast * generator.standard_normal(count)
    tones = np.clip(middle[:, None] + 0.5 * contrast * generator.standard_normal((count, 2)), 0, 1)
    anchors = points
    if hang is not None:
        below = points[..., 1] < hang
        first = np.where(below.any(1), below.argmax(1), length)
        held = np.minimum(np.arange(length)[None], np.maximum(first - 1, 0)[:, None])
        anchors = np.take_along_axis(points, held[..., None], 1)
    if by_root:
        anchors = points[:, :1]
    triangles, weights = surface.bind(anchors.reshape(-1, 3), within)
    return Groom(
        name=name,
        style=style,
        label=label,
        points=points.astype(np.float32),
        sides=sides.astype(np.float32),
        tones=tones.astype(np.float32),
        openness=(openness_of(points) if openness is None else openness).astype(np.float32),
        triangles=triangles.reshape(count, -1),
        weights=weights.reshape(count, -1, 3).astype(np.float32),
        rigid=rigid,
        offsets={target: offset.astype(np.float32) for target, offset in (offsets or {}).items()},
        widen=dict(widen or {}),
        center=(float(CENTER[0]), float(CENTER[1]), float(CENTER[2])),
        roundness=roundness,
    )


def unit(vectors: Array) -> Array:
    """Vectors of length one along the last axis."""
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result
