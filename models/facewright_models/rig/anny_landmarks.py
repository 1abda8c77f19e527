"""Where the 68 landmarks of the landmark model lie on the baked skin, learnt from frames.

The model marks its points by appearance, not by anatomy, so each point is calibrated: over a few hundred
random characters, the convex combination of at most four neighbouring skin vertices whose projection lies
closest to the marked points. Left and right are calibrated together.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls

from facewright_models.foundry.sampling import random_posed
from facewright_models.landmarks import detect_faces
from facewright_models.look import CharacterRenderer, portrait_camera
from facewright_models.look.staging import head_rotation
from facewright_models.rig.baked import BakedRig
from facewright_models.rig.character import expression_vector, slider_vector
from facewright_models.rig.rig_file import read_rig_file, write_rig_file

__all__ = ["LANDMARK_MIRROR", "calibrate_landmarks", "symmetric_combinations"]

logger = logging.getLogger(__name__)
Array = NDArray[np.float64]

LANDMARK_MIRROR = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *(54, 53, 52, 51, 50, 49, 48),
        *(59, 58, 57, 56, 55),
        *(64, 63, 62, 61, 60),
        *(67, 66, 65),
    ]
)
"""Index of each landmark's mirror image."""

_SIZE_PX = 512
_CANDIDATES = 14
_KEPT = 4


def calibrate_landmarks(path: Path, *, count: int = 250, seed: int = 5) -> float:
    """Write the calibrated landmarks into the baked rig at `path`; returns the mean residual in pixels."""
    rig = BakedRig(path)
    projected, marked = _observe(rig, count, seed)
    skin = rig.part("skin").vertices
    neutral = rig.average("skin")
    mirror = ((neutral[:, None] * [-1, 1, 1] - neutral[None]) ** 2).sum(-1).argmin(1)
    vertices, weights = symmetric_combinations(projected, marked, LANDMARK_MIRROR, mirror, _SIZE_PX)
    file = read_rig_file(path)
    arrays = {
        **file.arrays,
        "landmark_vertices": (vertices + skin.start).astype(np.int32),
        "landmark_weights": weights.astype(np.float32),
    }
    write_rig_file(replace(file, arrays=arrays), path)
    carried = np.einsum("npkd,pk->npd", projected[:, vertices], weights)
    residual = float(np.linalg.norm(carried - marked, axis=-1).mean())
    logger.info("landmarks calibrated", extra={"residual_px": residual, "characters": len(marked)})
    return residual


def _observe(rig: BakedRig, count: int, seed: int) -> tuple[Array, Array]:
    """Projected skin vertices (N, V, 2) and marked landmarks (N, 68, 2) of random characters."""
    generator = np.random.default_rng(seed)
    skin = rig.part("skin").vertices
    camera = portrait_camera()
    projected, marked = [], []
    with CharacterRenderer(rig, size_px=_SIZE_PX, texture_px=256) as renderer:
        for _ in range(count):
            posed = random_posed(rig.schema, generator, turned=0.3)
            drawn = renderer.render(posed.character, expression=posed.expression, view=posed.view)
            faces = detect_faces(drawn.frame.color) if drawn.frame.color is not None else ()
            if not faces:
                continue
            with torch.inference_mode():
                points = rig(
                    slider_vector(rig.schema, posed.character)[None],
                    expression_vector(rig.schema, posed.expression)[None],
                )[0, skin].numpy()
            points = points @ head_rotation(posed.view).T
            projected.append(camera.project(points, _SIZE_PX)[:, :2])
            marked.append(faces[0].landmarks_px)
    return np.array(projected), np.array(marked)


def symmetric_combinations(
    projected: Array,
    marked: Array,
    mirror_points: NDArray[np.int64],
    mirror_vertices: NDArray[np.int64],
    width_px: float,
) -> tuple[NDArray[np.int64], Array]:
    """Vertices (K, 4) and shares (K, 4) whose projections lie closest to the marked points, left as right.

    Args:
        projected: (N, V, 2) vertices in pictures `width_px` wide, whose coordinates are mirrored by `width_px - x`.
        marked: (N, K, 2) points in the same pictures.
        mirror_points: (K,) and `mirror_vertices` (V,) the indices of mirror images.
    """
    count = marked.shape[1]
    vertices = np.zeros((count, _KEPT), np.int64)
    weights = np.zeros((count, _KEPT))
    mirrored = _flipped(projected[:, mirror_vertices], width_px)
    both = np.concatenate([projected, mirrored])  # (2N, V, 2)
    for point in range(count):
        other = int(mirror_points[point])
        if other < point:
            continue
        target = np.concatenate([marked[:, point], _flipped(marked[:, other], width_px)])  # (2N, 2)
        ids, share = _combination(both, target)
        vertices[point], weights[point] = ids, share
        vertices[other], weights[other] = mirror_vertices[ids], share
        if other == point:  # on the midline: half of each side
            order = np.argsort(-share)[: _KEPT // 2]
            vertices[point] = np.concatenate([ids[order], mirror_vertices[ids[order]]])
            half = share[order] / share[order].sum() / 2
            weights[point] = np.concatenate([half, half])
    return vertices, weights


def _combination(projected: Array, target: Array) -> tuple[NDArray[np.int64], Array]:
    error = ((projected - target[:, None]) ** 2).sum(-1)
    error = np.minimum(error, np.quantile(error, 0.9, axis=0))  # a few wild detections must not count
    candidates = error.mean(0).argsort()[:_CANDIDATES]
    system = projected[:, candidates].transpose(0, 2, 1).reshape(-1, _CANDIDATES)
    anchor = 1e4 * np.ones((1, _CANDIDATES))
    for _ in range(2):
        share = nnls(np.concatenate([system, anchor]), np.concatenate([target.ravel(), [1e4]]))[0]
        kept = np.argsort(-share)[:_KEPT]
        dropped = np.setdiff1d(np.arange(_CANDIDATES), kept)
        system[:, dropped] = 0
        anchor[:, dropped] = 0
    result = share[kept] / share[kept].sum()
    return candidates[kept], result


def _flipped(points: Array, width_px: float) -> Array:
    return np.stack([width_px - points[..., 0], points[..., 1]], -1)
