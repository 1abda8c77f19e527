"""A character as an `ExportModel`: its surfaces joined to meshes, with morphs, joints and what travels along.

Every mesh hangs on three joints: `head` at the top of the neck, `left_eye` and `right_eye` at the centres of the
eyeballs. The skin has a morph for every facial action, in the rig's order, so that the face can be driven by index
or by name; any other mesh has those that move it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.export.eyes import ball_center, turn_degrees
from facewright_models.export.model import ExportMesh, ExportModel, Joint, Material, Morph
from facewright_models.export.surfaces import MESH_NAMES, Surface, character_surfaces, drawn_places
from facewright_models.export.texture import bake_colors
from facewright_models.rig import (
    Character,
    Rig,
    RigSchema,
    expression_vector,
    slider_vector,
    validate_character,
)

__all__ = ["ExportOptions", "build_model"]

_AT_ONCE = 4
_LEAST_MOVE_METRES = 1e-7
"""Below this a vertex rests: ten times what float32 resolves at the size of a head."""
_LEAST_TURN = 1e-5
_SIDES = ("left", "right")
_JAW_CORNERS, _CHIN = (0, 16), 8  # of the 68 landmarks

Array = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class ExportOptions:
    """What goes into a file.

    `expression` (facial action -> [0,1]) is baked into the rest shape. `has_morphs` False leaves the facial actions
    out. With `has_eye_morphs` the eyeLook morphs move eyeballs too, for engines that set weights and turn no
    joints; whoever does both turns the eyes twice.
    """

    expression: Mapping[str, float] = field(default_factory=dict)
    has_morphs: bool = True
    has_eye_morphs: bool = False


def build_model(
    rig: Rig,
    character: Character,
    *,
    name: str,
    options: ExportOptions,
    surfaces: Sequence[Surface] | None = None,
) -> ExportModel:
    """The character in its own clothes, or in the given surfaces.

    Raises UnknownParameterError, ParameterRangeError, RigVersionError, UnknownRigError; InvalidInputError where the
    rig has no surfaces.
    """
    complete = validate_character(rig.schema, character)
    actions = expression_vector(rig.schema, options.expression)[None]
    worn = character_surfaces(rig, complete) if surfaces is None else tuple(surfaces)
    with torch.inference_mode():
        sliders = slider_vector(rig.schema, complete)[None]
        used = np.unique(np.concatenate([surface.vertex_ids for surface in worn]))
        worn = tuple(replace(s, vertex_ids=np.searchsorted(used, s.vertex_ids)) for s in worn)
        rest = drawn_places(rig, rig(sliders, actions)[0].numpy())[used]  # (U, 3)
        offsets = _action_offsets(rig, sliders, used)  # (E, U, 3)
        landmarks = rig.landmarks(sliders)[0].numpy().astype(np.float64)
    joints = _joints(rest, landmarks, worn)
    turns = _eye_turns(rig.schema, rest, offsets, worn)
    of_mesh = {mesh: [surface for surface in worn if surface.mesh == mesh] for mesh in MESH_NAMES}
    joint_names = [joint.name for joint in joints]
    meshes = tuple(
        _mesh(rig.schema, mesh, pieces, rest, offsets, turns, joint_names, options)
        for mesh, pieces in of_mesh.items()
        if pieces
    )
    extras: dict[str, Any] = {}
    if options.expression:
        extras["expression"] = {key: float(options.expression[key]) for key in sorted(options.expression)}
    if options.has_morphs and not options.has_eye_morphs and turns:
        extras["eye_look"] = turns
    return ExportModel(
        name=name,
        meshes=meshes,
        joints=joints,
        copyright=f"rig '{rig.schema.name}' {rig.schema.version}: {rig.schema.license}",
        extras=extras,
    )


def _action_offsets(rig: Rig, sliders: torch.Tensor, used: NDArray[np.int64]) -> Array:
    """(E, U, 3) metres: what each facial action at full strength adds to some vertices, whatever the sliders."""
    count = len(rig.schema.facial_actions)
    weights = torch.zeros(count, rig.shape_weights(sliders).shape[1])
    weights[:, -count:] = torch.eye(count)
    # A few at a time: a rig with many hairstyles has a hundred times the vertices that one character shows.
    offsets: Array = np.concatenate(
        [drawn_places(rig, rig.offsets(few).numpy())[:, used] for few in weights.split(_AT_ONCE)]
    )
    offsets[np.abs(offsets).max(-1) < _LEAST_MOVE_METRES] = 0
    return offsets


def _joints(rest: Array, landmarks: NDArray[np.float64], surfaces: Sequence[Surface]) -> tuple[Joint, ...]:
    jaw = landmarks[list(_JAW_CORNERS)].mean(0)
    joints = [Joint(name="head", position=(float(jaw[0]), float(landmarks[_CHIN, 1]), float(jaw[2])))]
    for side in _SIDES:
        ball = _eyeball(rest, surfaces, side)
        if len(ball):
            x, y, z = ball_center(ball)
            joints.append(Joint(name=f"{side}_eye", position=(float(x), float(y), float(z)), parent="head"))
    return tuple(joints)


def _eyeball(values: Array, surfaces: Sequence[Surface], side: str) -> NDArray[np.float64]:
    """(N, 3) rows of (V, 3) values on the given side's eyeball."""
    ids = [surface.vertex_ids for surface in surfaces if surface.eye_side == side]
    return values[np.unique(np.concatenate(ids))].astype(np.float64) if ids else np.zeros((0, 3))


def _eye_turns(
    schema: RigSchema, rest: Array, offsets: Array, surfaces: Sequence[Surface]
) -> dict[str, dict[str, Any]]:
    """eyeLook action -> its joint, and the rotation vector of full strength in degrees."""
    turns: dict[str, dict[str, Any]] = {}
    for index, action in enumerate(schema.facial_actions):
        for side in _SIDES:
            if not (action.startswith("eyeLook") and action.endswith(side.capitalize())):
                continue
            ball, moves = _eyeball(rest, surfaces, side), _eyeball(offsets[index], surfaces, side)
            if moves.any():
                turn = turn_degrees(ball, ball + moves, ball_center(ball))
                vector = [round(float(angle), 4) for angle in turn]
                turns[action] = {"joint": f"{side}_eye", "rotation_vector_degrees": vector}
    return turns


def _mesh(
    schema: RigSchema,
    name: str,
    surfaces: Sequence[Surface],
    rest: Array,
    offsets: Array,
    turns: Mapping[str, Any],
    joint_names: Sequence[str],
    options: ExportOptions,
) -> ExportMesh:
    counts = [len(surface.colors) for surface in surfaces]
    starts = np.cumsum([0, *counts])
    positions = np.concatenate([surface.placed(rest) for surface in surfaces])
    triangles = np.concatenate(
        [surface.triangles + start for surface, start in zip(surfaces, starts, strict=False)]
    ).astype(np.int32)
    welded, corner_of = _welded(surfaces)
    normals_of = _NormalField(corner_of[triangles].astype(np.int64), len(welded))
    normals = normals_of(positions[welded])
    shown_normals, is_own = _with_own_normals(surfaces, normals[corner_of])
    morphs = []
    for index, action in enumerate(schema.facial_actions if options.has_morphs else ()):
        moved = np.concatenate([surface.moved(offsets[index]) for surface in surfaces])
        if name == "eyes" and action in turns and not options.has_eye_morphs:
            moved = np.zeros_like(moved)
        if name != "skin" and not moved.any():
            continue
        turned = (normals_of((positions + moved)[welded]) - normals)[corner_of]
        turned[is_own | (np.abs(turned).max(1) < _LEAST_TURN)] = 0
        morphs.append(Morph(name=action, positions=moved, normals=turned))
    material, colors, uv = _paint(surfaces, triangles)
    if (
        is_own.any()
    ):  # engines turn the normals of backs, and those of strands say how hair is lit: fronts both ways
        triangles = np.concatenate([triangles, triangles[:, ::-1]])
        material = replace(material, is_double_sided=False)
    tangents = None
    if uv is not None and material.normal_png is not None:
        tangents = _tangents(positions, shown_normals, uv, triangles)
    return ExportMesh(
        name=name,
        material=material,
        positions=positions,
        normals=shown_normals,
        tangents=tangents,
        triangles=triangles,
        joints=np.concatenate(
            [
                np.full(count, joint_names.index(f"{s.eye_side}_eye" if s.eye_side else "head"))
                for s, count in zip(surfaces, counts, strict=True)
            ]
        ).astype(np.uint8),
        colors=colors,
        uv=uv,
        morphs=tuple(morphs),
    )


def _welded(surfaces: Sequence[Surface]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vertices that are one in the rig count once: which of the N stand for them (W,), and whom each of N is (N,)."""
    keys, fresh = [], -1
    for surface in surfaces:
        if surface.carried is None:
            keys.append(surface.vertex_ids.astype(np.int64))
        else:
            keys.append(fresh - np.arange(len(surface.colors)))
            fresh -= len(surface.colors)
    _, first, corner_of = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    return first, corner_of


def _with_own_normals(surfaces: Sequence[Surface], normals: Array) -> tuple[Array, NDArray[np.bool_]]:
    """(N, 3) with those that surfaces bring, and (N,) where that is."""
    result, is_own, start = normals.copy(), np.zeros(len(normals), bool), 0
    for surface in surfaces:
        stop = start + len(surface.colors)
        if surface.normals is not None:
            result[start:stop], is_own[start:stop] = surface.normals, True
        start = stop
    return result, is_own


def _tangents(positions: Array, normals: Array, uv: Array, triangles: NDArray[np.int32]) -> Array:
    """(N, 4) the direction in which u grows, square to the normal, and in w the handedness of v upwards.

    Source: glTF 2.0, 3.7.2.1; Lengyel, "Computing tangent space basis vectors for an arbitrary mesh" (2001).
    """
    corners, places = positions[triangles].astype(np.float64), uv[triangles].astype(np.float64)
    places[..., 1] *= -1  # v of the file points down
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    (u1, v1), (u2, v2) = (places[:, 1] - places[:, 0]).T, (places[:, 2] - places[:, 0]).T
    side = np.sign(u1 * v2 - u2 * v1)[:, None]  # by the area in space, not that in the texture
    along_u = side * (v2[:, None] * a - v1[:, None] * b)
    along_v = side * (u1[:, None] * b - u2[:, None] * a)
    total = [
        np.stack(
            [np.bincount(triangles.T.ravel(), np.tile(axis, 3), len(positions)) for axis in direction.T], 1
        )
        for direction in (along_u, along_v)
    ]
    normal = normals.astype(np.float64)
    tangent = total[0] - normal * (total[0] * normal).sum(1, keepdims=True)
    length = np.linalg.norm(tangent, axis=1, keepdims=True)
    spare = np.cross(normal, np.where(np.abs(normal[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    spare /= np.linalg.norm(spare, axis=1, keepdims=True)
    tangent = np.where(length > 1e-12, tangent / np.maximum(length, 1e-12), spare)
    handedness = np.where((np.cross(normal, tangent) * total[1]).sum(1) < 0, -1.0, 1.0)
    result: Array = np.concatenate([tangent, handedness[:, None]], 1).astype(np.float32)
    return result


def _paint(
    surfaces: Sequence[Surface], triangles: NDArray[np.int32]
) -> tuple[Material, Array | None, Array | None]:
    """Material, colours of the vertices (None where a texture has them all) and texture coordinates."""
    material = surfaces[0].material
    colors = np.concatenate([surface.colors for surface in surfaces]).astype(np.float32)
    is_tinted = bool((colors != 1).any())
    parts = [surface.uv for surface in surfaces if surface.uv is not None]
    if len(parts) < len(surfaces):
        return material, colors, None
    uv = np.concatenate(parts).astype(np.float32)
    if material.base_color_png is None:
        material, is_tinted = bake_colors(material, uv, triangles, colors), False
    return material, colors if is_tinted else None, uv


class _NormalField:
    """(N, 3) positions -> (N, 3) smooth unit normals, triangles weighted by area; +Z where there is no area."""

    def __init__(self, triangles: NDArray[np.int64], vertex_count: int) -> None:
        self._triangles = triangles
        self._vertex_count = vertex_count
        self._corners = triangles.T.ravel()

    def __call__(self, positions: Array) -> Array:
        corners = positions[self._triangles].astype(np.float64)  # (T, 3, 3)
        faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        total = np.stack(
            [
                np.bincount(self._corners, weights=np.tile(axis, 3), minlength=self._vertex_count)
                for axis in faces.T
            ],
            1,
        )
        length = np.linalg.norm(total, axis=1, keepdims=True)
        normals: Array = np.where(
            length > 1e-15, total / np.maximum(length, 1e-15), np.array([0.0, 0.0, 1.0])
        ).astype(np.float32)
        return normals
