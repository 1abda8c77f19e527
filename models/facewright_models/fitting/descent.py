"""The state of the loop: one row per person and per photo, and rows that can leave."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from facewright_models.fitting.features import FaceFeatures
from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.types import FitOptions
from facewright_models.fitting.variables import FitVariables
from facewright_models.rig import Character

__all__ = ["Descent", "load_optimiser"]

_RATES = {"sliders": 0.030, "styles": 0.01, "nuisance": 0.02}
_STYLE_NOISE = 0.01
_SURE = 50.0


class Descent:
    """Variables, their optimiser and what they are compared with, of people who are fitted together.

    S people, N photos. `people` (S,) says which subject of the call each row is. Nothing that a row becomes
    depends on the other rows, beyond the last digits that a convolution's batch size decides.
    """

    def __init__(
        self,
        people: Sequence[int],
        variables: FitVariables,
        aligned: Sequence[AlignedPhoto],
        photo: FaceFeatures,
        bias: Tensor,
        options: FitOptions,
    ) -> None:
        self.people = list(people)
        self.variables = variables
        self.photo = photo
        self.marked = torch.tensor(
            np.stack([p.landmarks for p in aligned]), dtype=torch.float32
        )  # (N, 68, 2)
        self.bias = bias.expand(len(aligned), -1, -1)  # (N, 68, 2)
        self._shake_styles(options.seed)
        self._adam = _adam(variables)

    @property
    def photo_counts(self) -> Tensor:
        """(S,) photos of each person."""
        return torch.bincount(self.variables.photo_subjects, minlength=len(self.people))

    def forget_gradients(self) -> None:
        """Before a new evaluation."""
        self._adam.zero_grad()

    def step(self, progress: float) -> None:
        """One adjustment along the gradients, back into [0, 1]; `progress` in [0, 1] lowers the rates."""
        for group in self._adam.param_groups:
            group["lr"] = group["base"] * (1.0 - 0.85 * progress)
        self.variables.mask_gradients()
        self._adam.step()
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
        before = self._adam
        self.people = [self.people[row] for row in rows]
        self.variables = self.variables.narrowed(subjects, photos)
        self.photo = self.photo.at(photos)
        self.marked, self.bias = self.marked[photos], self.bias[photos]
        self._adam = _adam(self.variables)
        for old_group, group in zip(before.param_groups, self._adam.param_groups, strict=True):
            group["lr"] = old_group["lr"]
            kept = photos if group["kind"] == "nuisance" else subjects
            for old, new in zip(old_group["params"], group["params"], strict=True):
                new.grad = None if old.grad is None else old.grad[kept]
                if old in before.state:
                    self._adam.state[new] = {
                        name: value[kept] if value.dim() else value.clone()
                        for name, value in before.state[old].items()
                    }

    @torch.no_grad()
    def _shake_styles(self, seed: int) -> None:
        """Away from ties, in the same way for everybody."""
        generator = torch.Generator().manual_seed(seed)
        for score in self.variables.styles.values():
            score.add_(_STYLE_NOISE * torch.rand((1, score.shape[1]), generator=generator))


def load_optimiser() -> None:
    """Make torch load what its optimisers need: two seconds that belong to loading, not to the first fit."""
    weight = torch.zeros(1, requires_grad=True)
    weight.grad = torch.zeros(1)
    torch.optim.Adam([weight]).step()


def _adam(variables: FitVariables) -> torch.optim.Adam:
    groups = [
        {"params": tensors, "lr": _RATES[kind], "base": _RATES[kind], "kind": kind}
        for kind, tensors in variables.leaves().items()
        if tensors
    ]
    return torch.optim.Adam(groups, betas=(0.85, 0.98))
