"""The skin of one character: what it is painted like, and its mesh with that paint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from facewright_models.look.dress import Pose, lasting
from facewright_models.look.own_skin import dress_own_skin
from facewright_models.look.shading import left_by_hair, srgb_to_linear
from facewright_models.look.skin_detail import drawn_skin
from facewright_models.look.skin_relief import SKIN_ROUGHNESS
from facewright_models.look.skin_texture import MAKE_UP, SkinPaint, paint_skin, skin_marks
from facewright_models.look.surface import skin_surface
from facewright_models.rig import BakedRig, Character, Color, RigPart
from facewright_renderer import Mesh, Preset

__all__ = ["FineSkin", "skin_light", "skin_paint", "skin_texture"]

_STUBBLE = {"stubble": 0.42, "goatee": 0.10, "full_beard": 0.75, "short_beard": 0.62}
_MOUSTACHE_STUBBLE = {**_STUBBLE, "moustache": 0.35, "goatee": 0.35}
_SCALP = {"bald": 0.0, "buzz": 0.75}


def skin_paint(character: Character) -> SkinPaint:
    """How a complete character's skin is painted."""
    style = character.styles["facial_hair"]
    return SkinPaint(
        skin=_linear(character.colors["skin"]),
        lips=_linear(character.colors["lips"]),
        hair=_linear(character.colors["hair"]),
        blush=_amount(character, "skin-blush"),
        freckles=max(0.0, 2 * _amount(character, "skin-freckles") - 1),
        age=min(
            1.0, max(0.0, 2 * character.sliders["age"] - 1 + 2 * _amount(character, "skin-age-lines") - 1)
        ),
        blemishes=_amount(character, "skin-blemishes"),
        tired=0.8 * _amount(character, "skin-under-eyes"),
        beard_stubble=_STUBBLE.get(style, 0.0),
        moustache_stubble=_MOUSTACHE_STUBBLE.get(style, 0.0),
        scalp=_SCALP.get(character.styles["hair"], 0.93),
        make_up=MAKE_UP[character.styles.get("make_up", "none")],
    )


def skin_texture(rig: BakedRig, character: Character, *, texture_px: int) -> NDArray[np.uint8]:
    """(H, W, 3) the skin of a complete character: its own, with what it wears, or else painted; see `paint_skin`."""
    marks, paint = skin_marks(rig, texture_px), skin_paint(character)
    if character.skin_texture is None:
        return paint_skin(marks, paint)
    return dress_own_skin(marks, paint, character.skin_texture.pixels)


def skin_light(rig: BakedRig, character: Character) -> NDArray[np.float32]:
    """(N,) linear share of the light that folds and hair let through to the vertices of the rig's skin."""
    part = rig.part("skin")
    return _light(rig.occlusion[part.vertices], left_by_hair(rig, part, character))


def _light(openness: NDArray[np.float32], left: NDArray[np.float32]) -> NDArray[np.float32]:
    light: NDArray[np.float32] = (0.30 + 0.70 * openness * left).astype(np.float32)
    return light


class FineSkin:
    """A character's subdivided skin with its painted texture."""

    def __init__(
        self, rig: BakedRig, part: RigPart, character: Character, texture: NDArray[np.uint8]
    ) -> None:
        self._rig = rig
        self._part = part.name
        self._texture = texture
        surface = skin_surface(rig)
        self._light = _light(surface.openness, surface.refine @ left_by_hair(rig, part, character))
        self._colors: dict[Preset, NDArray[np.float32]] = {}

    def posed(self, pose: Pose) -> Mesh:
        """The skin of a frame."""
        drawn = drawn_skin(self._rig, pose.preset)
        if pose.preset not in self._colors:
            light = np.repeat(self._light[drawn.rows, None], 3, 1)
            self._colors[pose.preset] = lasting(light.astype(np.float32))
        normals: NDArray[np.float32] = drawn.refine @ pose.normals[pose.places[self._part]]
        normals /= np.maximum(np.sqrt(np.einsum("ij,ij->i", normals, normals)), 1e-6)[:, None]
        return Mesh(
            vertices=drawn.refine @ pose.of(self._part),
            triangles=drawn.triangles,
            normals=normals,
            colors=self._colors[pose.preset],
            labels=drawn.labels,
            roughness=SKIN_ROUGHNESS,
            uvs=drawn.uv,
            texture=self._texture,
            front_only=True,
        )


def _amount(character: Character, name: str) -> float:
    """A slider of the look, at its middle where the rig has none."""
    return float(character.sliders.get(name, 0.5))


def _linear(color: Color) -> tuple[float, float, float]:
    r, g, b = srgb_to_linear(color).tolist()
    return r, g, b
