"""How sure a fit may be of each group of sliders, and how firmly the prior holds what the photos hardly show.

Photos are Gaussian measurements of the sliders, and the sliders Gaussian about the average: the posterior of that
linear model (Laplace's approximation at the fitted face) says how much of each group's visible spread the photos took
away. What is measured are the 68 marks, each as good as `evidence` says, and, far less sharply, all skin that
the parser sees: the losses compare its regions and pixels.

P sliders, N photos of one person, V points of the visible surface.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from facewright_models.fitting.evidence import mark_certainty
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.types import Check, go_on
from facewright_models.fitting.variables import FitVariables
from facewright_models.fitting.visible_surface import VisibleSurface, visible_surface
from facewright_models.fitting.warm_start import MARK_NOISE_PX, LandmarkRig, mark_slopes, prior_spreads
from facewright_models.rig import BakedRig, ParameterKind, RigSchema

__all__ = ["ConfidenceJudge", "group_confidence", "hold_by_evidence", "prior_firmness", "slider_groups"]

_FIRMEST = 30.0
_UNSEEN_SHARE = 0.05
_SURFACE_NOISE_PX = 16.0
_TOGETHER = 2.0
"""Marks err together, not each for itself: so many times the noise, and the surface's points by so many pixels, as if
they did. With both the model expects of twelve random characters about the errors that fits of them make.
"""
_HEAD_CLASSES = (1, 3, 4, 5, 6, 7, 8, 9, 10)
_SEEN_AS_COLOR_PX = 1.0
"""A group that moves the surface by no more in all is seen as colour only."""


def slider_groups(schema: RigSchema) -> dict[str, list[int]]:
    """Group -> the places of its sliders among the P continuous parameters, in schema order."""
    result: dict[str, list[int]] = {}
    for place, parameter in enumerate(schema.of_kind(ParameterKind.CONTINUOUS)):
        result.setdefault(parameter.group, []).append(place)
    return result


class ConfidenceJudge:
    """Keeps what the judgement of every fit of one rig needs; `rig` is None where only an imitator is known."""

    def __init__(self, rig: LandmarkRig | None) -> None:
        self._rig = rig

    def confidence(
        self,
        variables: FitVariables,
        postures: Tensor,
        photos: Sequence[AlignedPhoto],
        noise_px: Tensor,
        probabilities: Tensor,
        check: Check = go_on,
    ) -> dict[str, float]:
        """See `group_confidence`, of one person's N photos; empty where the rig's skin is not known."""
        if self._rig is None or self._surface is None:
            return {}
        marked = torch.tensor(np.stack([photo.landmarks for photo in photos]), dtype=torch.float32)
        return group_confidence(
            self._rig,
            self._surface,
            postures,
            variables.free_sliders,
            variables.own_sliders,
            marked,
            noise_px,
            probabilities,
            check,
        )

    @cached_property
    def _surface(self) -> VisibleSurface | None:
        rig = None if self._rig is None else self._rig.rig
        return visible_surface(rig) if isinstance(rig, BakedRig) else None


@torch.no_grad()
def group_confidence(
    rig: LandmarkRig,
    surface: VisibleSurface,
    postures: Tensor,
    free: Tensor,
    own: Tensor,
    marked: Tensor,
    noise_px: Tensor,
    probabilities: Tensor,
    check: Check = go_on,
) -> dict[str, float]:
    """Group -> 0 (the photos say nothing) to 1 (they leave no doubt), for every group of sliders of the rig.

    It is one minus the ratio of two standard deviations of the group's visible shape, with and without the photos.
    What shows as colour only, like the skin's age, is as sure as the best photo's marks are good.

    Args:
        postures: (N, D) imitator vectors that the fit found for the photos.
        free: (P,) sliders that the fit adjusts; the others stay as uncertain as they were.
        own: (P,) sliders that nobody locked; of locked ones there is no doubt.
        marked: (N, 68, 2) marks in frame pixels; `noise_px` (N, 68, 2) their standard deviations.
        probabilities: (N, 11, S, S) the parser's classes of the aligned photos.
    """
    slopes = mark_slopes(rig, postures, free, marked, check) / (_TOGETHER * noise_px).flatten(1)[..., None]
    columns = torch.nonzero(free)[:, 0]
    spreads = prior_spreads(rig, len(columns), len(postures))
    normal = torch.einsum("nmi,nmj->ij", slopes, slopes) + torch.diag(spreads.pow(-2))
    for own_noise, classes in zip(noise_px, probabilities, strict=True):
        check()
        information = surface.information(_point_weights(surface, own_noise, classes))
        normal[: len(columns), : len(columns)] += information[columns][:, columns]
    prior = float(spreads[0]) ** 2
    covariance = prior * torch.diag(own.float())
    covariance[columns[:, None], columns] = torch.linalg.inv(normal)[: len(columns), : len(columns)]
    visible = surface.information(torch.ones(len(surface.points)))  # (P, P)
    quality = float(mark_certainty(noise_px).mean(1).max())
    result = {}
    for group, places in slider_groups(rig.rig.schema).items():
        gram = visible[places][:, places]
        before = float(gram.trace())
        if before < _SEEN_AS_COLOR_PX**2:
            result[group] = quality
            continue
        after = float((covariance[places][:, places] * gram).sum()) / prior
        result[group] = 1 - min(1.0, max(0.0, after / before)) ** 0.5
    return result


@torch.no_grad()
def prior_firmness(
    rig: LandmarkRig, vectors: Tensor, marked: Tensor, noise_px: Tensor, check: Check = go_on
) -> Tensor:
    """(P,) >= 1: how many times less the marks of one person's N photos say about each slider than good ones would.

    The ratio of the sliders' Fisher information with the noise (68, 2) of good marks and with `noise_px` (N, 68, 2).
    Sliders that no mark sees go by the mean over all marks.
    """
    every = torch.ones(vectors[:, rig.layout.sliders].shape[1], dtype=torch.bool)
    slopes = mark_slopes(rig, vectors, every, marked, check)[..., : len(every)].square()  # (N, 136, P)
    good = torch.einsum("nmp,m->p", slopes, MARK_NOISE_PX.flatten().pow(-2))
    own = torch.einsum("nmp,nm->p", slopes, noise_px.flatten(1).pow(-2))
    floor = _UNSEEN_SHARE * float(good.mean()) + 1e-12
    share = float((MARK_NOISE_PX / noise_px).square().mean())
    return ((good + floor) / (own + share * floor)).clamp(1.0, _FIRMEST)


def hold_by_evidence(
    rig: LandmarkRig,
    variables: FitVariables,
    photos: Sequence[AlignedPhoto],
    noise_px: Tensor,
    check: Check = go_on,
) -> None:
    """Let the prior hold each person's sliders the more firmly, the less their photos show: what hardly shows stays
    average, and is no caricature. `noise_px` (N, 68, 2) is the standard deviation of the marks.
    """
    marked = torch.tensor(np.stack([photo.landmarks for photo in photos]), dtype=torch.float32)
    vectors = variables.final_vectors()
    for subject in range(len(vectors)):
        mine = torch.nonzero(variables.photo_subjects == subject)[:, 0]
        starts = vectors[subject].repeat(len(mine), 1)
        variables.trust[subject] = prior_firmness(rig, starts, marked[mine], noise_px[mine], check)


def _point_weights(surface: VisibleSurface, noise_px: Tensor, probabilities: Tensor) -> Tensor:
    """(V,) one over the variance of each point, in a photo with marks of that noise (68, 2) and classes (11, S, S)."""
    grid = ((surface.points + 0.5) * (2 / 512) - 1)[None, None]  # (1, 1, V, 2)
    seen = probabilities[None, list(_HEAD_CLASSES)].sum(1, keepdim=True)
    shares = functional.grid_sample(seen, grid, padding_mode="border", align_corners=False)[0, 0, 0]
    extra = float((noise_px.square() - MARK_NOISE_PX.square()).median())
    variance = _SURFACE_NOISE_PX**2 * (1 + max(0.0, extra) / float(MARK_NOISE_PX.square().mean()))
    return shares.clamp(0, 1) / variance
