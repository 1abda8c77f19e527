"""After the loop: colours corrected by the game's own frame, and how near it came."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from facewright_models.fitting.alignment import FRAME_PX, similarity, transform_points
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.features import LOSS_PX, FaceFeatures, content_distance
from facewright_models.fitting.fit_models import FitModels, to_pixels
from facewright_models.fitting.loop import Found
from facewright_models.fitting.preparation import AlignedPhoto, as_images
from facewright_models.fitting.types import Check, FitOptions, FitReport, FitResult, go_on
from facewright_models.foundry.sampling import at_rest
from facewright_models.identity import cosine_similarity
from facewright_models.landmarks import detect_frontal_faces
from facewright_models.rig import Character

__all__ = ["finished", "frame_marks"]


def finished(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    found: Found,
    aligned: Sequence[AlignedPhoto],
    photo: FaceFeatures,
    options: FitOptions,
    render: Callable[[Character], NDArray[np.uint8]],
    check: Check = go_on,
    dress: Callable[[Character], tuple[Character, bytes]] | None = None,
) -> FitResult:
    """The result for one person with their aligned photos, of which `photo` has the features.

    `dress` gives a character its own skin, and the file of that. Seconds and confidence of the report are left empty.
    """
    character = found.character
    rendered = render(character)
    if options.mode == "refine":
        check()
        character = _recolored(models, reference_landmarks, character, rendered, photo, options)
        check()
        rendered = render(character)
    skin_texture_png = None
    if dress is not None:
        check()
        character, skin_texture_png = dress(character)
        rendered = render(character)
    check()
    vector = models.layout.encode(at_rest(character))[None]
    marks = None
    if options.mode == "fast" and models.landmark_rig is not None:
        with torch.inference_mode():
            marks = (models.landmark_rig.project(vector) + found.bias[:1])[0].numpy().astype(np.float64)
    if marks is None:
        marks = frame_marks(rendered, reference_landmarks)
        check()
    scores = _measured(models, marks, rendered, aligned[0], photo.at(torch.tensor([0])))
    check()
    with torch.inference_mode():
        image = models.imitate(vector, FRAME_PX if options.mode == "refine" else LOSS_PX)
        imitated = to_pixels(functional.interpolate(image, size=(FRAME_PX, FRAME_PX), mode="bilinear"))[0]
    notices = [notice for own in aligned for notice in own.warnings]
    report = FitReport(
        **scores,
        iterations=found.iterations,
        seconds={},
        warnings=tuple(dict.fromkeys(notices)),
        confidence={},
    )
    return FitResult(
        character=character,
        report=report,
        aligned_photo=aligned[0].frame,
        imitated=imitated,
        rendered=rendered,
        skin_texture_png=skin_texture_png,
    )


def _recolored(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    character: Character,
    rendered: NDArray[np.uint8],
    photo: FaceFeatures,
    options: FitOptions,
) -> Character:
    """The character with its colours corrected once by the game's own frame of it."""
    marks = torch.tensor(reference_landmarks, dtype=torch.float32)[None]
    with torch.inference_mode():
        shown = models.extractor.without_embedding(as_images([rendered]), marks)
    current = {name: torch.tensor(rgb) for name, rgb in character.colors.items()}
    found = colors_from_regions(photo, shown, current)
    colors = {
        name: (round(float(c[0]), 4), round(float(c[1]), 4), round(float(c[2]), 4))
        for name, c in ((name, of_photos.mean(0)) for name, of_photos in found.items())
    }
    return replace(character, colors={**colors, **options.locked_colors})


def _measured(
    models: FitModels,
    marks: NDArray[np.float64],
    rendered: NDArray[np.uint8],
    aligned: AlignedPhoto,
    photo: FaceFeatures,
) -> dict[str, float]:
    """identity_cosine, content_l1 and landmark_nme of a frame with its marks (68, 2) against a photo; see FitReport."""
    with torch.inference_mode():
        shown = models.extractor(as_images([rendered]), torch.tensor(marks, dtype=torch.float32)[None])
        cosine = float(cosine_similarity(photo.embedding, shown.embedding)[0])
        content = float(content_distance(photo, shown)[0])
    target = aligned.landmarks
    moved = transform_points(similarity(marks, target), marks)
    scale = float(np.linalg.norm(target[36:42].mean(0) - target[42:48].mean(0)))
    error = float(np.linalg.norm(moved - target, axis=1).mean() / scale)
    return {"identity_cosine": cosine, "content_l1": content, "landmark_nme": error}


def frame_marks(rendered: NDArray[np.uint8], reference_landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """(68, 2) landmarks of a frame; the reference's where no face is found, as behind a fringe."""
    faces = detect_frontal_faces(rendered)
    return faces[0].landmarks_px if faces else reference_landmarks
