"""Landmarks on turned characters, whose points are known exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.evaluation.table import Row
from facewright_models.foundry.face_capture import random_face
from facewright_models.landmarks.crops import crop_of_box
from facewright_models.landmarks.dlib_models import DlibLandmarkModel
from facewright_models.landmarks.mesh_points import MeshPoints, solid_vertices
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.template import eye_distance
from facewright_models.landmarks.types import LANDMARK_COUNT, FaceBox
from facewright_models.look import CharacterRenderer, portrait_camera
from facewright_models.look.staging import View, head_rotation
from facewright_models.rig import expression_vector, load_rig, slider_vector

__all__ = ["turned_rows"]

_SEED = 900_021
_YAWS = (0.0, 15.0, 30.0, 45.0)
_PEOPLE = 30
_SIZE_PX = 512


def turned_rows(
    ours: LandmarkNetworkModel,
    mesh: MeshPoints,
    dlib: DlibLandmarkModel,
    *,
    rig_name: str = "anny",
    people: int = _PEOPLE,
) -> list[Row]:
    """A row for each turn, left and right together: random characters at rest or with an expression.

    `mesh` says where our points lie on the rig.
    """
    rig = load_rig(rig_name)
    used, places = np.unique(mesh.vertices, return_inverse=True)
    compact = replace(mesh, vertices=places.reshape(mesh.vertices.shape))
    generator = np.random.default_rng(_SEED)
    faces = [random_face(rig.schema, generator) for _ in range(people)]
    camera = portrait_camera()
    rows = []
    with CharacterRenderer(rig, size_px=_SIZE_PX, backend="egl", texture_px=512) as renderer:
        for yaw in _YAWS:
            errors, baseline = [], []
            for index, (posed, expression) in enumerate(faces):
                turn = yaw if index % 2 else -yaw
                view = View(yaw_degrees=turn, stage=posed.view.stage)
                drawn = renderer.render(posed.character, expression=expression, view=view, preset="draft")
                if drawn.frame.color is None:
                    continue
                actions = expression_vector(rig.schema, expression)[None]
                sliders = slider_vector(rig.schema, posed.character)[None]
                with torch.inference_mode():
                    vertices = solid_vertices(rig, sliders.numpy(), actions.numpy(), used.tolist())
                points = compact.of(vertices)[0] @ head_rotation(view).T
                truth = camera.project(points, _SIZE_PX)[:, :2] - 0.5
                own = drawn.landmarks_px - 0.5
                box = _box(own)
                marked = ours.mark(drawn.frame.color, crop_of_box(box)).points_px
                errors.append(_error(marked[:LANDMARK_COUNT], truth[:LANDMARK_COUNT]))
                baseline.append(_error(dlib.locate(drawn.frame.color, box), own))
            rows.append(
                Row.of_mean(
                    f"68 points, renders turned by {yaw:g}",
                    np.array(errors),
                    bar=float(np.mean(baseline)),
                    lower_is_better=True,
                    baselines={"dlib": float(np.mean(baseline))},
                )
            )
    return rows


def _box(points: NDArray[np.float64]) -> FaceBox:
    """As dlib's detector draws it: about the brows, eyes, nose and mouth, and square."""
    low, high = points.min(0), points.max(0)
    side = float((high - low).max())
    left, top = (low + high) / 2 - side / 2
    return FaceBox(x=round(left), y=round(top), width=round(side), height=round(side))


def _error(marked: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    # The eyes' distance shrinks with the turn, so the face's extent stands in for it, in its usual proportion.
    frontal = max(eye_distance(truth), 0.4 * float(np.ptp(truth, axis=0).max()))
    return float(np.linalg.norm(marked - truth, axis=1).mean()) / frontal
