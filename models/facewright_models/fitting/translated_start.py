"""A second guess of where the loop starts: what the translator reads in the photo.

The landmarks' guess knows 68 points, the translator's the whole face; but most of what it learnt were renders. Where
its imitation comes so near that the photo must be a picture of the game, and nearer than the landmarks', it is the
start, and holds firmly: half of ten random characters cost 0.87 to 1.12, eight people 1.28 to 1.50.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from facewright_models.fitting.alignment import similarity
from facewright_models.fitting.average_face import AverageFace
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.features import FaceFeatures, joined
from facewright_models.fitting.fit_models import FitModels
from facewright_models.fitting.objective import objective, photo_means
from facewright_models.fitting.preparation import AlignedPhoto, aligned_to
from facewright_models.fitting.types import Check, FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.plausible_faces import PlausibleFaces
from facewright_models.translator import Translation, Translator
from facewright_models.translator.inputs import translator_inputs

__all__ = ["Start", "better_start", "settle_translation", "translated", "translated_vectors"]

_OF_THE_CREATOR = 1.2
"""Cost of the translator's guess under which the photo is taken for a picture of the game."""
_PERHAPS = 1.37
"""The same before the photo was aligned to the guess: above it nobody looks closer."""
_TRUST = 25.0
"""The translator's sliders are this much surer than the average's: a fifth of its spread."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """N photos as the loop takes them: aligned, with their features and the landmark model's bias (N, 68, 2).

    `style_guesses` has the log-probabilities (S, options) of each slot; 0 where the translator was not taken.
    """

    aligned: list[AlignedPhoto]
    features: FaceFeatures
    bias: Tensor
    style_guesses: dict[str, Tensor]


def better_start(
    models: FitModels,
    translation: Translation,
    variables: FitVariables,
    plain: list[AlignedPhoto],
    seen: FaceFeatures,
    first: Start,
    average: AverageFace,
    options: FitOptions,
    check: Check,
) -> Start:
    """The landmarks' start, which `variables` hold, or the translator's, person by person.

    Args:
        translation: what the translator reads in the photos.
        plain: the photos as they were aligned before anything was guessed; `seen` are their features.
        first: the landmarks' start.

    Where the translator's is taken, sliders, pose, expression and colours of `variables` change, and the
    sliders' prior is centred there and holds them firmly.
    """
    rig = models.landmark_rig
    if rig is None:
        return first
    vectors = translated_vectors(models, variables, translation)
    colors = colors_from_regions(seen, average.features, average.colors)
    if not bool((_costs(models, _colored(models, vectors, colors), seen, options, check) < _PERHAPS).any()):
        return first
    with torch.inference_mode():
        points = rig.project(vectors) + first.bias
    aligned = []
    for photo, place in zip(plain, points.numpy().astype(np.float64), strict=True):
        check()
        aligned.append(aligned_to(photo, similarity(photo.photo_landmarks, place)))
    features = models.seen(aligned, check)
    colors = colors_from_regions(features, average.features, average.colors)
    rows = variables.photo_subjects
    second_costs = _costs(models, _colored(models, vectors, colors), features, options, check)
    guessed = _styled(models, variables, vectors)
    first_costs = _costs(models, guessed, first.features, options, check)
    counts = torch.bincount(rows, minlength=len(variables.sliders))
    second, landmarks = photo_means(second_costs, rows, counts), photo_means(first_costs, rows, counts)
    wins = (second < landmarks) & (second < _OF_THE_CREATOR) & ~variables.started
    if not bool(wins.any()):
        return first
    bias = first.bias.clone()
    for subject in torch.nonzero(wins)[:, 0].tolist():
        mine = torch.nonzero(rows == subject)[:, 0]
        variables.set_shape(subject, mine, vectors[mine])
        variables.centers[subject] = variables.sliders[subject]
        variables.trust[subject] = _TRUST
        variables.of_the_game[subject] = True
        bias[mine] = models.marking_bias(_colored(models, vectors, colors)[mine], first.bias[mine], check)
    taken = wins[rows].tolist()
    chosen = joined(
        [(features if take else first.features).at(torch.tensor([n])) for n, take in enumerate(taken)]
    )
    variables.set_colors(colors_from_regions(chosen, average.features, average.colors))
    return Start(
        aligned=[b if take else a for a, b, take in zip(first.aligned, aligned, taken, strict=True)],
        features=chosen,
        bias=bias,
        style_guesses={
            slot: _mean(logits.log_softmax(1), rows, counts) * wins[:, None]
            for slot, logits in zip(variables.styles, translation.styles, strict=True)
        },
    )


@torch.inference_mode()
def translated(translator: Translator, features: FaceFeatures, average_px: Tensor) -> Translation:
    """What is read in the features of plainly aligned photos; `average_px` as `translator_inputs` takes it."""
    answer: Translation = translator(
        translator_inputs(
            images=features.image,
            probabilities=features.probabilities,
            depths=features.depths,
            embedding=features.embedding,
            marks_px=features.landmarks,
            average_px=average_px,
        )
    )
    return answer


def settle_translation(
    models: FitModels,
    variables: FitVariables,
    translation: Translation,
    plausible: PlausibleFaces | None,
) -> None:
    """Take the translator's sliders, pose and expression, but for who begins at a character of their own.

    Where it is known what is plausible, the sliders are taken towards that.
    """
    if plausible is not None:
        translation = replace(translation, sliders=plausible.nearer(translation.sliders))
    vectors = translated_vectors(models, variables, translation)
    for subject in torch.nonzero(~variables.started)[:, 0].tolist():
        mine = torch.nonzero(variables.photo_subjects == subject)[:, 0]
        variables.set_shape(subject, mine, vectors[mine])


def translated_vectors(models: FitModels, variables: FitVariables, translation: Translation) -> Tensor:
    """(N, D): the variables with the translated sliders, pose and expression, styles one-hot."""
    rows, layout = variables.photo_subjects, models.layout
    counts = torch.bincount(rows, minlength=len(variables.sliders))
    vectors = variables.vectors(temperature=50.0).clone()
    sliders = torch.where(
        variables.own_sliders, _mean(translation.sliders, rows, counts)[rows], vectors[:, layout.sliders]
    )
    vectors[:, layout.sliders] = sliders
    vectors[:, sorted(layout.nuisance.values())] = translation.nuisance
    for block, logits in zip(layout.styles.values(), translation.styles, strict=True):
        best = _mean(logits, rows, counts).argmax(1)[rows]
        vectors[:, block] = torch.nn.functional.one_hot(best, logits.shape[1]).float()
    return vectors


def _styled(models: FitModels, variables: FitVariables, vectors: Tensor) -> Tensor:
    """The first start with the second's styles, so that only the shapes compete."""
    result = variables.vectors(temperature=50.0).clone()
    for block in models.layout.styles.values():
        result[:, block] = vectors[:, block]
    return result


def _colored(models: FitModels, vectors: Tensor, colors: dict[str, Tensor]) -> Tensor:
    result = vectors.clone()
    for name, values in colors.items():
        result[:, models.layout.colors[name]] = values
    return result


def _costs(
    models: FitModels, vectors: Tensor, photo: FaceFeatures, options: FitOptions, check: Check
) -> Tensor:
    """(N,) the objective without landmarks, which err where the translator is of use; of coarsened images."""
    seen = models.seen_coarsely(photo, check)
    costs = []
    for index in range(len(vectors)):
        check()
        one = vectors[index : index + 1]
        with torch.inference_mode():
            image = models.imitate_coarsely(one)
            check()
            mine = seen.at(torch.tensor([index]))
            shown = models.extractor(image, mine.landmarks)
            terms = objective(mine, shown, None, one[:, models.layout.sliders], options, models.scales)
        costs.append(terms.total)
    return torch.cat(costs).clone()


def _mean(values: Tensor, rows: Tensor, counts: Tensor) -> Tensor:
    """(N, C) -> (S, C), means over each person's photos."""
    total = torch.zeros(len(counts), values.shape[1]).index_add(0, rows, values)
    return total / counts[:, None]
