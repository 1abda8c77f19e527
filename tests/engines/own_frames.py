"""Our own renderer's pictures to compare with: silhouette, normals, and colours without light."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from facewright_models.look import CharacterRenderer, View, portrait_camera
from facewright_models.look.baked_head import HeadBaker
from facewright_models.look.dresser import dresser
from facewright_models.rig import BakedRig, Character, expression_vector, validate_character
from facewright_renderer import Scene, create_renderer

__all__ = ["own_normals", "own_unlit"]

_FINER = 4
_SOLID, _STRAND = 1, 2
_UP = np.array([0, 1, 0], np.float32)


def own_normals(
    renderer: CharacterRenderer,
    character: Character,
    *,
    expression: Mapping[str, float],
    yaw: float,
    size_px: int,
) -> np.ndarray:
    """(H, W, 3) the frame's normals in camera space, zero where nothing is; smoothed, as engines smooth theirs."""
    frame = renderer.render(
        character,
        expression=expression,
        view=View(yaw_degrees=yaw),
        size_px=_FINER * size_px,
        passes=frozenset({"normals"}),
    ).frame
    assert frame.normals is not None
    fine = frame.normals.reshape(size_px, _FINER, size_px, _FINER, 3)
    mean = fine.mean((1, 3))
    length = np.linalg.norm(mean, axis=-1, keepdims=True)
    covered = fine.any(-1).mean((1, 3))[..., None] >= 0.5
    return np.where(covered & (length > 0), mean / np.maximum(length, 1e-6), 0)


def own_unlit(
    rig: BakedRig, character: Character, *, expression: Mapping[str, float], yaw: float, size_px: int
) -> tuple[np.ndarray, np.ndarray]:
    """(H, W, 3) the look's colours as they are, on black: ambient light alone, every surface turned to the sky; and
    (H, W) where strands are in front.
    """
    actions = expression_vector(rig.schema, expression).numpy()
    head = HeadBaker(rig, dresser(rig)).bake(validate_character(rig.schema, character))
    meshes = []
    for mesh in head.scene(actions, View(yaw_degrees=yaw)).meshes:
        placed = mesh.on_stage
        normals = np.tile(_UP, (len(placed.vertices), 1))
        labels = np.full(len(placed.labels), _STRAND if mesh.tangents is not None else _SOLID, np.uint8)
        meshes.append(replace(placed, normals=normals, tangents=None, double_sided=False, labels=labels))
    scene = Scene(
        meshes=tuple(meshes), camera=portrait_camera(), lights=(), ambient=1.0, background=(0.0, 0.0, 0.0)
    )
    renderer = create_renderer()
    try:
        frame = renderer.render(scene, size_px=size_px, passes={"color", "labels"})
    finally:
        renderer.close()
    assert frame.color is not None
    assert frame.labels is not None
    return frame.color, frame.labels == _STRAND
