"""Which surfaces a character has and what they look like, rig by rig: the exporter's one place that knows parts.

A surface names vertices of the rig; several of its own vertices may stand for one of the rig's, as at the seam
of a texture. Surfaces that name one mesh become one object and share the first one's material.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.export.model import Material
from facewright_models.export.texture import plain_png, roughness_png
from facewright_models.look.baked_head import visible_parts
from facewright_models.look.eyes import EYE_ROUGHNESS, eye_light, eye_surface, iris_pattern, paint_iris
from facewright_models.look.shading import part_colors, part_roughness, srgb_to_linear
from facewright_models.look.skin import skin_light, skin_paint, skin_texture
from facewright_models.look.skin_relief import SKIN_ROUGHNESS, normal_texture, roughness_texture
from facewright_models.look.surface import coarse_skin
from facewright_models.look.teeth import TEETH_ROUGHNESS, dental_arch
from facewright_models.rig import BakedRig, Character, IctRig, Rig, RigPart
from facewright_renderer import Preset
from facewright_renderer.lighting import linear_to_srgb

__all__ = ["MESH_NAMES", "Surface", "character_surfaces", "drawn_places"]

MESH_NAMES = ("skin", "eyes", "teeth", "tongue", "lashes", "brows", "hair", "facial_hair")
"""The objects of a file, in their order; one that a character does not have is left out."""

_OPEN_SHEETS = {"lashes", "brows", "hair", "facial_hair"}
"""Sheets without thickness, seen from both sides."""

_ICT_MESHES = {
    "M_Face": "skin",
    "M_BackHead": "skin",
    "M_ScleraLeft": "eyes",
    "M_IrisLeft": "eyes",
    "M_ScleraRight": "eyes",
    "M_IrisRight": "eyes",
    "M_Teeth": "teeth",
    "M_GumsTongue": "tongue",
    "M_EyeLashes": "lashes",
}
"""Left out: occlusion, blend and tear film of the eyes, which are nothing without their transparent shaders."""
_ICT_COLORS = {
    "M_ScleraLeft": (0.71, 0.66, 0.61),
    "M_ScleraRight": (0.71, 0.66, 0.61),
    "M_IrisLeft": (0.09, 0.05, 0.02),
    "M_IrisRight": (0.09, 0.05, 0.02),
    "M_Teeth": (0.79, 0.74, 0.61),
    "M_GumsTongue": (0.35, 0.09, 0.08),
    "M_EyeLashes": (0.01, 0.007, 0.005),
}
_TEXTURE_PX = 1024
_FINENESS: Preset = "draft"
"""Of eyes and teeth: what a game draws at sixty frames a second."""
_ICT_SKIN = (0.55, 0.30, 0.21)
_ICT_ROUGHNESS = {"eyes": 0.22, "teeth": 0.3}


@dataclass(frozen=True, kw_only=True)
class Carried:
    """Where N finer vertices lie: mixtures of k of a surface's M rig vertices each, `ids` (N, k) with `weights`, and
    `beside` (N, 3) metres from there.
    """

    ids: NDArray[np.int64] = field(repr=False)
    weights: NDArray[np.float32] = field(repr=False)
    beside: NDArray[np.float32] | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class Surface:
    """vertex_ids (M,) into the rig; triangles (T, 3) into its N vertices, which are those M or what they carry; colors
    (N, 3) linear in [0,1].

    `mesh` is one of MESH_NAMES; `eye_side` is set for what turns with an eyeball. With `uv` (N, 2) and no texture
    in the material, the colours are baked into one. `normals` (N, 3) are a surface's own, which no expression turns:
    strands are lit like the hair that they are part of.
    """

    mesh: str
    material: Material
    vertex_ids: NDArray[np.int64] = field(repr=False)
    triangles: NDArray[np.int32] = field(repr=False)
    colors: NDArray[np.float32] = field(repr=False)
    eye_side: str | None = None
    uv: NDArray[np.float32] | None = field(default=None, repr=False)
    normals: NDArray[np.float32] | None = field(default=None, repr=False)
    carried: Carried | None = None

    def __post_init__(self) -> None:
        if self.mesh not in MESH_NAMES:
            raise ValueError(f"a surface of mesh '{self.mesh}'; expected one of {', '.join(MESH_NAMES)}")

    def placed(self, positions: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V, 3) positions of the rig's vertices -> (N, 3)."""
        moved = self.moved(positions)
        return moved if self.carried is None or self.carried.beside is None else moved + self.carried.beside

    def moved(self, offsets: NDArray[np.float32]) -> NDArray[np.float32]:
        """(V, 3) what moves the rig's vertices -> (N, 3)."""
        own = offsets[self.vertex_ids]
        if self.carried is None:
            return own
        mixed: NDArray[np.float32] = np.einsum("nk,nkc->nc", self.carried.weights, own[self.carried.ids])
        return mixed


def character_surfaces(rig: Rig, character: Character) -> tuple[Surface, ...]:
    """What a complete character shows. Raises InvalidInputError for a rig that says nothing of its surfaces."""
    if isinstance(rig, BakedRig):
        return tuple(_baked(rig, part, character) for part in visible_parts(rig, character))
    if isinstance(rig, IctRig):
        return _ict(rig)
    raise InvalidInputError(
        f"rig '{rig.schema.name}' moves vertices but does not say which triangles and colours they carry; "
        "expected a baked rig",
        field="character.rig",
        metadata={"got": rig.schema.name},
    )


def _baked(rig: BakedRig, part: RigPart, character: Character) -> Surface:
    """Skin and eyes with their painted textures, the rest with colours of the vertices."""
    mesh = _mesh_of(part)
    if part.name == "skin":
        coarse = coarse_skin(rig)
        paint = skin_paint(character)
        return Surface(
            mesh=mesh,
            material=replace(
                _material(mesh, SKIN_ROUGHNESS),
                base_color_png=plain_png(skin_texture(rig, character, texture_px=_TEXTURE_PX)),
                normal_png=plain_png(normal_texture(rig, paint, size_px=_TEXTURE_PX)),
                roughness_png=roughness_png(roughness_texture(rig, paint, size_px=_TEXTURE_PX)),
            ),
            vertex_ids=coarse.vertex_ids + part.vertices.start,
            triangles=coarse.triangles,
            # In the texture, folds that lie over each other, as in an ear, would have one shade.
            colors=np.repeat(
                _shade(coarse.onto @ skin_light(rig, character), character)[coarse.vertex_ids, None], 3, 1
            ),
            uv=coarse.uv * np.array([1, -1], np.float32) + np.array([0, 1], np.float32),
        )
    if mesh == "eyes":
        red, green, blue = srgb_to_linear(character.colors["iris"]).tolist()
        iris = paint_iris(iris_pattern(character), (red, green, blue))
        eye = eye_surface(rig, part.name, _FINENESS)
        return Surface(
            mesh=mesh,
            material=replace(_material(mesh, EYE_ROUGHNESS), base_color_png=plain_png(iris)),
            vertex_ids=np.arange(part.vertices.start, part.vertices.stop),
            triangles=eye.triangles,
            colors=np.repeat(eye_light(rig, part, character, eye)[:, None], 3, 1),
            eye_side=part.name.removeprefix("eye_"),
            uv=(eye.uv * [1, -1] + [0, 1]).astype(np.float32),
            carried=Carried(ids=np.tile(eye.anchors, (len(eye.mix), 1)), weights=eye.mix.astype(np.float32)),
        )
    if mesh == "teeth":
        arch = dental_arch(rig, part.name, _FINENESS)
        return Surface(
            mesh=mesh,
            material=_material(mesh, TEETH_ROUGHNESS),
            vertex_ids=np.arange(part.vertices.start, part.vertices.stop),
            triangles=arch.triangles,
            colors=arch.colors.astype(np.float32),
            carried=Carried(
                ids=arch.ids, weights=arch.weights.astype(np.float32), beside=arch.beside.astype(np.float32)
            ),
        )
    colors = part_colors(rig, part, character)
    return Surface(
        mesh=mesh,
        material=_material(mesh, part_roughness(part)),
        vertex_ids=np.arange(part.vertices.start, part.vertices.stop),
        triangles=part.triangles,
        colors=_linear(linear_to_srgb(np.clip(colors, 0, 1).astype(np.float32))),
        normals=part.normals,
    )


def _shade(light: NDArray[np.float32], character: Character) -> NDArray[np.float32]:
    """What engines multiply the character's skin by so that it looks as it does here with this share of the light.

    Both multiply in linear light, but their display curve has not quite our exponent.
    """
    tone = max(float(np.mean(character.colors["skin"])), 0.02)
    shown = np.append(tone * light ** (1 / 2.2), tone).astype(np.float32)
    linear = _linear(shown)
    return np.asarray(linear[:-1] / linear[-1], np.float32)


def drawn_places(rig: Rig, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """(..., V, 3) positions of the rig's vertices, or what moves them -> those of the surfaces as they are drawn.

    The skin is drawn subdivided; its own vertices, moved to that surface, are the nearest that they can be to it.
    """
    if not isinstance(rig, BakedRig):
        return values
    skin, onto = rig.part("skin").vertices, coarse_skin(rig).onto
    result = values.copy()
    for row in np.ndindex(values.shape[:-2]):
        result[row][skin] = onto @ values[row][skin]
    return result


def _mesh_of(part: RigPart) -> str:
    if part.style is not None:
        return part.style[0]
    if part.name.endswith("teeth"):
        return "teeth"
    first = part.name.split("_")[0]
    return {"eye": "eyes", "lashes": "lashes", "tongue": "tongue"}.get(first, "skin")


def _ict(rig: IctRig) -> tuple[Surface, ...]:
    surfaces = []
    for name, triangles in rig.triangles_by_material.items():
        if name not in _ICT_MESHES:
            continue
        mesh = _ICT_MESHES[name]
        ids, compact = np.unique(triangles, return_inverse=True)
        surfaces.append(
            Surface(
                mesh=mesh,
                material=_material(mesh, _ICT_ROUGHNESS.get(mesh, 0.68)),
                vertex_ids=ids,
                triangles=compact.reshape(-1, 3).astype(np.int32),
                colors=np.tile(np.array(_ICT_COLORS.get(name, _ICT_SKIN), np.float32), (len(ids), 1)),
                eye_side=_ict_side(name) if mesh == "eyes" else None,
            )
        )
    return tuple(surfaces)


def _ict_side(name: str) -> str:
    return "left" if name.endswith("Left") else "right"


def _material(mesh: str, roughness: float) -> Material:
    return Material(name=mesh, roughness=roughness, is_double_sided=mesh in _OPEN_SHEETS)


def _linear(shown: NDArray[np.float32]) -> NDArray[np.float32]:
    """Display values -> linear by the curve of IEC 61966-2-1, which engines use."""
    low = shown <= 0.04045
    result: NDArray[np.float32] = np.where(low, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4).astype(
        np.float32
    )
    return result
