"""The state of the loop: one row per person and per photo, and rows that can leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from facewright_models.fitting.evidence import mark_certainty, photo_weights
from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.row_adam import AdamGroup
from facewright_models.fitting.types import FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.rig import Character

__all__ = ["Descent"]

_RATES = {"sliders": 0.030, "styles": 0.01, "nuisance": 0.02}
_STYLE_NOISE = 0.01
_SURE = 50.0


class Descent:
    """Variables, their optimiser and what they are compared with, of people who are fitted together.

    S people, N photos. `people` (S,) says which subject of the call each row is. Nothing that a row becomes depends
    on the other rows, beyond the last digits that a convolution's batch size decides.
    """

    def __init__(
        self,
        people: Sequence[int],
        variables: FitVariables,
        aligned: Sequence[AlignedPhoto],
        photo: FaceFeatures,
        coarse_photo: FaceFeatures,
        bias: Tensor,
        noise_px: Tensor,
        options: FitOptions,
    ) -> None:
        self.people = list(people)
        self.variables = variables
        self.photo = photo
        self.coarse_photo = coarse_photo
        self.marked = torch.tensor(
            np.stack([p.landmarks for p in aligned]), dtype=torch.float32
        )  # (N, 68, 2)
        self.bias = bias.expand(len(aligned), -1, -1)  # (N, 68, 2)
        self.certainty = mark_certainty(noise_px)  # (N, 68)
        self.photo_weights = photo_weights(self.certainty, variables.photo_subjects)  # (N,)
        self._shake_styles(options.seed)
        self._groups = {
            kind: AdamGroup(rate=_RATES[kind], tensors=tensors)
            for kind, tensors in variables.leaves().items()
        }

    @property
    def photo_counts(self) -> Tensor:
        """(S,) photos of each person."""
        return torch.bincount(self.variables.photo_subjects, minlength=len(self.people))

    def forget_gradients(self) -> None:
        """Before a new evaluation."""
        for group in self._groups.values():
            group.forget_gradients()

    def step(self, progress: float) -> None:
        """One adjustment along the gradients, back into [0, 1]; `progress` in [0, 1] lowers the rates."""
        self.variables.mask_gradients()
        for group in self._groups.values():
            group.step(1.0 - 0.85 * progress)
        self.variables.project()

    def characters(self, rows: Sequence[int]) -> list[Character]:
        """The present characters of some of the people."""
        found = self.variables.characters()
        return [found[row] for row in rows]

    @torch.no_grad()
    def postures(self, row: int) -> tuple[Tensor, Tensor]:
        """Of a person's photos: imitator vectors (n, D) and the marking bias (n, 68, 2)."""
        own = torch.nonzero(self.variables.photo_subjects == row)[:, 0]
        return self.variables.vectors(_SURE)[own].clone(), self.bias[own].clone()

    def keep(self, rows: Sequence[int]) -> None:
        """Only these people stay, with their photos, gradients and momenta; the others cost nothing more."""
        if len(rows) == len(self.people):
            return
        subjects = torch.tensor(rows, dtype=torch.long)
        photos = torch.nonzero(torch.isin(self.variables.photo_subjects, subjects))[:, 0]
        self.people = [self.people[row] for row in rows]
        self.variables = self.variables.narrowed(subjects, photos)
        self.photo, self.coarse_photo = self.photo.at(photos), self.coarse_photo.at(photos)
        self.marked, self.bias = self.marked[photos], self.bias[photos]
        self.certainty, self.photo_weights = self.certainty[photos], self.photo_weights[photos]
        self._groups = {
            kind: self._groups[kind].narrowed(tensors, photos if kind == "nuisance" else subjects)
            for kind, tensors in self.variables.leaves().items()
        }

    @torch.no_grad()
    def _shake_styles(self, seed: int) -> None:
        """Away from ties, in the same way for everybody."""
        generator = torch.Generator().manual_seed(seed)
        for score in self.variables.unsettled_styles():
            score.add_(_STYLE_NOISE * torch.rand((1, score.shape[1]), generator=generator))
