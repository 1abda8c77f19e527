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

_UP = np.array([0, 1, 0], np.float32)


def own_normals(
    renderer: CharacterRenderer,
    character: Character,
    *,
    expression: Mapping[str, float],
    yaw: float,
    size_px: int,
) -> np.ndarray:
    """(H, W, 3) the frame's normals in camera space, zero where nothing is."""
    frame = renderer.render(
        character,
        expression=expression,
        view=View(yaw_degrees=yaw),
        size_px=size_px,
        passes=frozenset({"normals"}),
    ).frame
    assert frame.normals is not None
    return frame.normals


def own_unlit(
    rig: BakedRig, character: Character, *, expression: Mapping[str, float], yaw: float, size_px: int
) -> np.ndarray:
    """(H, W, 3) the look's colours as they are, on black: ambient light alone, every surface turned to the sky."""
    actions = expression_vector(rig.schema, expression).numpy()
    head = HeadBaker(rig, dresser(rig)).bake(validate_character(rig.schema, character))
    meshes = []
    for mesh in head.scene(actions, View(yaw_degrees=yaw)).meshes:
        placed = mesh.on_stage
        meshes.append(replace(placed, normals=np.tile(_UP, (len(placed.vertices), 1)), tangents=None))
    scene = Scene(
        meshes=tuple(meshes), camera=portrait_camera(), lights=(), ambient=1.0, background=(0.0, 0.0, 0.0)
    )
    renderer = create_renderer()
    try:
        color = renderer.render(scene, size_px=size_px, passes={"color"}).color
    finally:
        renderer.close()
    assert color is not None
    return color
