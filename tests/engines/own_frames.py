"""Our own renderer's pictures to compare with: silhouette, normals, and colours without light."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from facewright_models.look import CharacterRenderer, View, portrait_camera
from facewright_models.look.baked_head import visible_parts
from facewright_models.look.classic import part_colors
from facewright_models.look.staging import head_rotation
from facewright_models.rig import BakedRig, Character, expression_vector, slider_vector
from facewright_renderer import Mesh, Scene, create_renderer

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
    with torch.inference_mode():
        vertices = rig(
            slider_vector(rig.schema, character)[None], expression_vector(rig.schema, expression)[None]
        )[0].numpy()
    vertices = (vertices @ head_rotation(View(yaw_degrees=yaw)).T).astype(np.float32)
    meshes = tuple(
        Mesh(
            vertices=vertices[part.vertices],
            triangles=part.triangles,
            normals=np.tile(_UP, (part.vertices.stop - part.vertices.start, 1)),
            colors=np.clip(part_colors(rig, part, character), 0, 1).astype(np.float32),
            labels=part.labels,
        )
        for part in visible_parts(rig, character)
    )
    scene = Scene(meshes=meshes, camera=portrait_camera(), lights=(), ambient=1.0, background=(0.0, 0.0, 0.0))
    renderer = create_renderer()
    try:
        color = renderer.render(scene, size_px=size_px, passes={"color"}).color
    finally:
        renderer.close()
    assert color is not None
    return color
