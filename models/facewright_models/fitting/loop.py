"""The loop of [0048]-[0052]: determine, adjust, generate, acquire, until the threshold or the target number."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from facewright_models.fitting.coloring import colors_from_regions
from facewright_models.fitting.features import LOSS_PX, FaceFeatures
from facewright_models.fitting.fit_models import FitModels, at_loss_size, check_running
from facewright_models.fitting.objective import objective, photo_means
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.types import FitOptions, FitProgress, StopQuery
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.warm_start import nuisance_surprise

__all__ = ["optimise"]

_RECOLOR_AT = (6, 14, 24)
_RATES = {"sliders": 0.030, "styles": 0.04, "nuisance": 0.02}


def optimise(
    models: FitModels,
    variables: FitVariables,
    aligned: list[AlignedPhoto],
    photo: FaceFeatures,
    average_bias: Tensor,
    options: FitOptions,
    on_progress: Callable[[FitProgress], None],
    should_stop: StopQuery,
) -> list[int]:
    """The loop: determine, adjust, generate, acquire. Returns the number of adjustments per subject."""
    marked = torch.tensor(np.stack([p.landmarks for p in aligned]), dtype=torch.float32)
    subjects = variables.photo_subjects
    count = len(variables.sliders)
    generator = torch.Generator().manual_seed(options.seed)
    with torch.no_grad():
        for score in variables.styles.values():
            score.add_(0.01 * torch.rand(score.shape, generator=generator))
    leaves = variables.leaves()
    groups = [
        {"params": tensors, "lr": _RATES[kind], "base": _RATES[kind]}
        for kind, tensors in leaves.items()
        if tensors
    ]
    optimiser = torch.optim.Adam(groups, betas=(0.85, 0.98))
    bias = average_bias.expand(len(aligned), -1, -1)
    adjusted = [0] * count
    active = torch.ones(count, dtype=torch.bool)
    for iteration in range(options.iterations + 1):
        check_running(should_stop)
        progress = iteration / max(1, options.iterations)
        for group in optimiser.param_groups:
            group["lr"] = group["base"] * (1.0 - 0.85 * progress)
        vectors = variables.vectors(temperature=4.0 + 12.0 * progress)
        if iteration in (options.iterations // 3, 2 * options.iterations // 3):
            bias = models.marking_bias(vectors, bias)
        images = models.imitate(vectors, LOSS_PX)
        error = None
        marks = marked
        if models.landmark_rig is not None:
            marks = models.landmark_rig.project(vectors) + bias
            error = models.landmark_rig.error(marks, marked)
        shown = models.extractor(images, at_loss_size(marks.detach()))
        sliders = vectors[:, models.layout.sliders]
        terms = objective(photo, shown, error, sliders, options, models.scales)
        likeness = photo_means(terms.similarity.detach(), subjects, count)
        calm = models.scales.nuisance * nuisance_surprise(variables.nuisance)
        losses = photo_means(terms.total + calm, subjects, count)
        active &= likeness < options.similarity_threshold
        for index in range(count):
            on_progress(
                FitProgress(
                    iteration=adjusted[index],
                    iterations=options.iterations,
                    stage="optimise",
                    loss=float(losses[index].detach()),
                    similarity=float(likeness[index]),
                    subject=index,
                )
            )
        if iteration == options.iterations or not bool(active.any()):
            break
        before = variables.values()
        if iteration in _RECOLOR_AT:
            used = {name: color[subjects] for name, color in variables.colors.items()}
            variables.set_colors(colors_from_regions(photo, shown.detached(), used))
        optimiser.zero_grad()
        losses.sum().backward()  # type: ignore[no-untyped-call]
        variables.mask_gradients(active)
        optimiser.step()
        variables.project()
        variables.restore_finished(before, active)  # the optimiser's momentum would carry them on
        adjusted = [n + int(active[index]) for index, n in enumerate(adjusted)]
    return adjusted
