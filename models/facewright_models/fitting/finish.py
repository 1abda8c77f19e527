"""After the loop: colours corrected by the game's own frame, and how near it came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.fitting.alignment import similarity, transform_points
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.features import FaceFeatures, content_distance
from facewright_models.fitting.fit_models import FitModels, repeated
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import FitOptions
from facewright_models.identity import cosine_similarity
from facewright_models.landmarks import detect_faces
from facewright_models.rig import Character

__all__ = ["measured", "recolored"]


def recolored(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    character: Character,
    photo: FaceFeatures,
    photo_index: int,
    options: FitOptions,
    render: Callable[[Character], NDArray[np.uint8]],
) -> tuple[Character, NDArray[np.uint8]]:
    """The character with its colours corrected once by the game's own frame, and the new frame."""
    first = render(character)
    marks = torch.tensor(reference_landmarks, dtype=torch.float32)[None]
    with torch.inference_mode():
        shown = models.extractor(as_images([first]), marks)
    seen = repeated(photo, photo_index, 1)
    current = {name: torch.tensor(rgb) for name, rgb in character.colors.items()}
    found = colors_from_regions(seen, shown, current)
    colors = {
        name: (round(float(c[0, 0]), 4), round(float(c[0, 1]), 4), round(float(c[0, 2]), 4))
        for name, c in found.items()
    }
    result = replace(character, colors={**colors, **options.locked_colors})
    return result, render(result)


def measured(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    rendered: NDArray[np.uint8],
    aligned: AlignedPhoto,
    photo: FaceFeatures,
    photo_index: int,
) -> dict[str, float]:
    """identity_cosine, content_l1 and landmark_nme of a frame against a photo; see FitReport."""
    faces = detect_faces(rendered)
    marks = faces[0].landmarks_px if faces else reference_landmarks
    with torch.inference_mode():
        shown = models.extractor(as_images([rendered]), torch.tensor(marks, dtype=torch.float32)[None])
        seen = repeated(photo, photo_index, 1)
        cosine = float(cosine_similarity(seen.embedding, shown.embedding)[0])
        content = float(content_distance(seen, shown)[0])
    target = aligned.landmarks
    moved = transform_points(similarity(marks, target), marks)
    scale = float(np.linalg.norm(target[36:42].mean(0) - target[42:48].mean(0)))
    error = float(np.linalg.norm(moved - target, axis=1).mean() / scale)
    return {"identity_cosine": cosine, "content_l1": content, "landmark_nme": error}
