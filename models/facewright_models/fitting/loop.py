"""The loop of [0048]-[0052]: determine, adjust, generate, acquire, until the threshold or the target number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from facewright_models.fitting.alignment import FRAME_PX
from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.descent import Descent
from facewright_models.fitting.features import LOSS_PX, FaceFeatures
from facewright_models.fitting.fit_models import PHOTOS_AT_ONCE, FitModels, resized_marks
from facewright_models.fitting.objective import objective, photo_means
from facewright_models.fitting.part_shapes import part_shape_error
from facewright_models.fitting.roster import Roster
from facewright_models.fitting.types import Check, FitOptions, FitProgress
from facewright_models.fitting.warm_start import nuisance_surprise
from facewright_models.rig import Character

__all__ = ["Found", "optimise", "unadjusted"]

_RECOLOR_AT = (0.2, 0.5, 0.85)
_MARK_AT = (0.5,)
"""Shares of the adjustments after which colours are measured, and the landmark model is asked again."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the loop found for one person, and after how many adjustments.

    `postures` (n, D) are the imitator vectors of the person's photos, with pose and expression, and `bias` (n, 68, 2)
    is where the landmark model marks them off the rig's points.
    """

    character: Character
    iterations: int
    postures: Tensor
    bias: Tensor


@dataclass(frozen=True, kw_only=True)
class _Evaluation:
    """Per person loss and identity cosine (S,); colours (N, 3) where they were measured."""

    losses: Tensor
    likeness: Tensor
    colors: dict[str, Tensor]


def optimise(
    models: FitModels,
    descent: Descent,
    options: FitOptions,
    roster: Roster,
    on_progress: Callable[[FitProgress], None],
) -> dict[int, Found]:
    """Adjust everyone until their likeness is enough or the number of adjustments is reached.

    Returns subject -> what was found. Who is done, and who was abandoned, leaves the computation before the
    next adjustment. Raises FitCancelledError like `Roster.check`, also from inside a step. The steps look at coarse
    images; whether the threshold is reached, and the last loss, are of fine ones.
    """
    found: dict[int, Found] = {}
    steps = options.iterations
    recolor_at, mark_at = ({round(share * steps) for share in shares} for shares in (_RECOLOR_AT, _MARK_AT))
    coarse_until = steps
    for iteration in range(steps + 1):
        roster.check()
        descent.keep([row for row, person in enumerate(descent.people) if roster.is_open(person)])
        if not descent.people:
            break
        progress = iteration / max(1, steps)
        temperature = 4.0 + 12.0 * progress
        if iteration in mark_at:
            vectors = descent.variables.vectors(temperature)
            descent.bias = models.marking_bias(vectors, descent.bias, roster.check)
        is_last = iteration == steps
        is_coarse = iteration < coarse_until
        evaluate = partial(
            _evaluate,
            models,
            descent,
            options,
            temperature=temperature,
            with_gradients=not is_last,
            with_colors=iteration in recolor_at and not is_last,
            check=roster.check,
        )
        now = evaluate(is_coarse=is_coarse)
        if is_coarse and bool((now.likeness >= options.similarity_threshold).any()):
            coarse_until = 0  # somebody may be alike in blur only
            now = evaluate(is_coarse=False)
        for row, person in enumerate(descent.people):
            on_progress(
                FitProgress(
                    iteration=iteration,
                    iterations=steps,
                    stage="optimise",
                    loss=float(now.losses[row]),
                    similarity=float(now.likeness[row]),
                    subject=person,
                )
            )
        is_reached = (now.likeness >= options.similarity_threshold).tolist()
        done = [row for row, reached in enumerate(is_reached) if is_last or reached]
        for row, character in zip(done, descent.characters(done), strict=True):
            postures, bias = descent.postures(row)
            found[descent.people[row]] = Found(
                character=character, iterations=iteration, postures=postures, bias=bias
            )
        remaining = [row for row in range(len(is_reached)) if row not in done]
        if not remaining:
            break
        colors = _of_people(now.colors, descent.variables.photo_subjects, remaining)
        descent.keep(remaining)
        if colors:
            descent.variables.set_colors(colors)
        descent.step(progress)
    return found


def unadjusted(descent: Descent) -> dict[int, Found]:
    """Everybody as the loop would begin with them."""
    found = {}
    rows = list(range(len(descent.people)))
    for row, character in zip(rows, descent.characters(rows), strict=True):
        postures, bias = descent.postures(row)
        found[descent.people[row]] = Found(character=character, iterations=0, postures=postures, bias=bias)
    return found


def _evaluate(
    models: FitModels,
    descent: Descent,
    options: FitOptions,
    *,
    temperature: float,
    is_coarse: bool,
    with_gradients: bool,
    with_colors: bool,
    check: Check,
) -> _Evaluation:
    """Losses and likeness of the present variables, their gradients left in the variables.

    A few photos at a time: a step of many is not one long piece of work, and does not hold all their graphs.
    """
    variables = descent.variables
    losses, likeness = torch.zeros(len(descent.people)), torch.zeros(len(descent.people))
    colors: list[dict[str, Tensor]] = []
    descent.forget_gradients()
    for rows in torch.arange(len(descent.marked)).split(PHOTOS_AT_ONCE):
        check()
        owners = variables.photo_subjects[rows]
        photo = (descent.coarse_photo if is_coarse else descent.photo).at(rows)
        marked, bias = descent.marked[rows], descent.bias[rows]
        with torch.set_grad_enabled(with_gradients):
            vectors = variables.vectors(temperature)[rows]
            images = models.imitate_coarsely(vectors) if is_coarse else models.imitate(vectors, LOSS_PX)
            error, shape, marks = None, None, marked
            if models.landmark_rig is not None:
                marks = models.landmark_rig.project(vectors) + bias
                error = models.landmark_rig.error(marks, marked, descent.certainty[rows])
                if models.scales.part_shape > 0:
                    shape = part_shape_error(marks, marked, descent.certainty[rows])
            check()
            shown = models.extractor(images, resized_marks(marks.detach(), FRAME_PX, images.shape[-1]))
            check()
            surprises, pixels = variables.surprises()[rows], variables.pixel_weights()[rows]
            terms = objective(photo, shown, error, surprises, options, models.scales, pixels, shape)
            calm = models.scales.nuisance * nuisance_surprise(variables.nuisance[rows])
            weighted = (terms.total + calm) * descent.photo_weights[rows]
            own = photo_means(weighted, owners, descent.photo_counts)
        if with_gradients:
            _check_on_the_way_back(images, shown, check)
            own.sum().backward()  # type: ignore[no-untyped-call]
        losses += own.detach()
        likeness += photo_means(terms.similarity.detach(), owners, descent.photo_counts)
        if with_colors:
            used = {name: color[owners] for name, color in variables.colors.items()}
            colors.append(colors_from_regions(photo, shown.detached(), used))
    names = colors[0] if colors else ()
    return _Evaluation(
        losses=losses,
        likeness=likeness,
        colors={name: torch.cat([part[name] for part in colors]) for name in names},
    )


def _check_on_the_way_back(images: Tensor, shown: FaceFeatures, check: Check) -> None:
    """Ask between the networks' parts of a backward pass as well; what a hook raises ends the pass."""
    for tensor in (images, *shown.depths, shown.embedding):
        if tensor.requires_grad:
            tensor.register_hook(lambda gradient: check())  # noqa: ARG005


def _of_people(colors: dict[str, Tensor], photo_subjects: Tensor, rows: list[int]) -> dict[str, Tensor]:
    """Of measured colours (N, 3), those of the photos of some people."""
    photos = torch.isin(photo_subjects, torch.tensor(rows))
    return {name: values[photos] for name, values in colors.items()}
