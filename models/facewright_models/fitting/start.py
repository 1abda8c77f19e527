"""Where the loop starts: shape from the landmarks, styles from one try of each."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.fitting.alignment import FRAME_PX, similarity
from facewright_models.fitting.features import COARSE_PX, FaceFeatures, content_distance
from facewright_models.fitting.fit_models import FitModels, repeated, resized_marks
from facewright_models.fitting.objective import image_distance
from facewright_models.fitting.preparation import AlignedPhoto, aligned_to
from facewright_models.fitting.types import Check, FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import LandmarkRig, most_probable_face, moved_marks

__all__ = ["discernible_styles", "initial_styles", "warm_start"]

_GUESS_WEIGHT = 0.3
_BARE = "none"
_BARE_ADVANTAGE = 0.007
"""Beard and make-up have to be seen: shadows look a little like either."""
_HOPEFUL = 5
"""So many options are tried where the likely ones are known."""
_DISCERNIBLE = 0.1 / 255  # of the whole frame
_TELLING = 6
"""So many of a slot's options tell whether they can be told apart."""
_STYLES_AT_ONCE = 3
"""Options tried between two looks at whether the caller still waits."""


def warm_start(
    rig: LandmarkRig,
    variables: FitVariables,
    aligned: list[AlignedPhoto],
    average_bias: Tensor,
    options: FitOptions,
    check: Check,
    noise_px: Tensor,
) -> list[AlignedPhoto]:
    """Shape, pose and expression from the landmarks alone; the photos are realigned to the result.

    `noise_px` (N, 68, 2) is the standard deviation of the marks. Who begins at a character of their own keeps its
    shape.
    """
    result = list(aligned)
    marked = torch.tensor(np.stack([photo.landmarks for photo in aligned]), dtype=torch.float32)
    for subject in range(len(variables.sliders)):
        mine = torch.nonzero(variables.photo_subjects == subject)[:, 0]
        vectors, moves = most_probable_face(
            rig,
            variables.vectors(temperature=50.0)[mine],
            variables.free_sliders & ~variables.started[subject],
            marked[mine],
            average_bias,
            check,
            noise_px[mine],
        )
        variables.set_shape(subject, mine, vectors)
        if options.alignment == "affine":
            continue
        target = moved_marks(marked[mine], moves).numpy().astype(np.float64)
        for place, points in zip(mine.tolist(), target, strict=True):
            check()
            photo = aligned[place]
            result[place] = aligned_to(photo, similarity(photo.photo_landmarks, points))
    return result


def discernible_styles(models: FitModels, average: Tensor, tried: Collection[str]) -> frozenset[str]:
    """Those of the slots whose options change the imitated average character (1, D) enough to be searched."""
    found = set()
    with torch.inference_mode():
        for slot in tried:
            block = models.layout.styles[slot]
            choices = torch.eye(block.stop - block.start)
            choices = choices[:: -(-len(choices) // _TELLING)]
            vectors = average.repeat(len(choices), 1)
            vectors[:, block] = choices
            images = models.imitate(vectors, COARSE_PX)
            if float((images - images.mean(0)).abs().mean()) >= _DISCERNIBLE:
                found.add(slot)
    return frozenset(found)


def initial_styles(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    variables: FitVariables,
    photo: FaceFeatures,
    check: Check,
    guesses: Mapping[str, Tensor],
    discernible: frozenset[str],
    hopes: Mapping[str, Tensor],
    brows_hidden: Tensor,
) -> None:
    """Try the options of every slot that is not settled once and start from the best; the loop may still change it.

    `photo` has the features of the coarsened photos, and the tries are as coarse: that is enough for hair, and cheaper.
    `guesses` are log-probabilities (S, options) of slots, and count beside what is seen; they decide alone where
    the options are not `discernible` at the size of the losses. Of a slot with `hopes`, which are the like, only the
    likeliest options are tried. Whose brows are hidden (S,) keeps the average's.
    """
    first_photo = [int((variables.photo_subjects == s).nonzero()[0]) for s in range(len(variables.sliders))]
    slots = [slot for slot in variables.styles if slot not in variables.settled]
    with torch.inference_mode():
        for slot in slots:
            if slot not in discernible:
                _take_guess(variables, slot, guesses)
                continue
            block = models.layout.styles[slot]
            options = torch.eye(block.stop - block.start)
            for subject, photo_index in enumerate(first_photo):
                if slot == "brows" and bool(brows_hidden[subject]):
                    continue
                tried = torch.arange(len(options))
                if slot in hopes:
                    tried = hopes[slot][subject].topk(min(_HOPEFUL, len(options))).indices.sort().values
                vector = variables.final_vectors()[subject].repeat(len(tried), 1)
                vector[:, block] = options[tried]
                vector[:, -variables.nuisance.shape[1] :] = variables.nuisance[photo_index]
                parts = [
                    _style_cost(models, reference_landmarks, part, photo, photo_index, check)
                    for part in vector.split(_STYLES_AT_ONCE)
                ]
                cost = torch.full((len(options),), torch.inf)
                cost[tried] = torch.cat(parts)
                if _BARE in models.layout.schema.styles[slot].options:
                    cost[models.layout.schema.styles[slot].options.index(_BARE)] -= _BARE_ADVANTAGE
                if slot in guesses:
                    cost = cost - _GUESS_WEIGHT * guesses[slot][subject]
                variables.styles[slot][subject] = 0.0
                variables.styles[slot][subject, int(cost.argmin())] = 1.0


def _take_guess(variables: FitVariables, slot: str, guesses: Mapping[str, Tensor]) -> None:
    """The likeliest option, for whom there is a guess at all."""
    guess = guesses.get(slot)
    if guess is None:
        return
    for subject in torch.nonzero(guess.any(1))[:, 0].tolist():
        variables.styles[slot][subject] = 0.0
        variables.styles[slot][subject, int(guess[subject].argmax())] = 1.0


def _style_cost(
    models: FitModels,
    reference_landmarks: NDArray[np.float64],
    vectors: Tensor,
    photo: FaceFeatures,
    index: int,
    check: Check,
) -> Tensor:
    check()
    images = models.imitate_coarsely(vectors)
    check()
    marks = torch.tensor(reference_landmarks, dtype=torch.float32)[None].expand(len(vectors), -1, -1)
    shown = models.extractor.without_embedding(images, resized_marks(marks, FRAME_PX, images.shape[-1]))
    seen = repeated(photo, index, len(vectors))
    return content_distance(seen, shown) + models.scales.image * image_distance(seen, shown)
