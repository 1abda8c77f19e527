"""The prior: for each group of sliders the mean and the principal directions of fitted people.

Source: the facial prior of "Neural Rendering for Game Character Auto-creation" (TPAMI), section 3.4: singular value
decomposition and whitening of fitted parameters, part by part. Here directions that nobody varies in are held more
firmly instead of being forbidden, because a few dozen people do not show everything that a face can be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["PlausibleFaces"]

_FLOOR = 0.05
"""A standard deviation: that of the fits themselves."""


@dataclass(frozen=True, kw_only=True)
class PlausibleFaces:
    """mean (P,) of P sliders; whitening (P, P), which makes deviations from it independent, groups apart; and pull
    (P, P), which takes deviations towards what people show.
    """

    mean: Tensor
    whitening: Tensor
    pull: Tensor

    @classmethod
    def of_fits(cls, sliders: Tensor, groups: Mapping[str, Sequence[int]]) -> PlausibleFaces:
        """From the sliders (N, P) of N fits; `groups` has the places of each part's sliders.

        The whitening is as strong in the mean, over these fits, as a prior that holds every slider at 0.5 with a
        standard deviation of 0.5. Raises ValueError for fewer than two fits.
        """
        if len(sliders) < 2:
            raise ValueError(f"got {len(sliders)} fits; expected two or more")
        mean = sliders.mean(0)
        count = sliders.shape[1]
        whitening, pull = torch.zeros(count, count), torch.zeros(count, count)
        for places in groups.values():
            own = torch.tensor(list(places))
            centered = (sliders - mean)[:, own]
            _, sizes, directions = torch.linalg.svd(centered / (len(sliders) - 1) ** 0.5, full_matrices=True)
            spreads = torch.zeros(len(own))
            spreads[: len(sizes)] = sizes
            variances = spreads.square() + _FLOOR**2
            block = own[:, None], own[None]
            whitening[block] = directions.T @ torch.diag(variances.rsqrt()) @ directions
            pull[block] = directions.T @ torch.diag(spreads.square() / variances) @ directions
        plain = (2 * sliders - 1).square().mean()
        strength = (plain / ((sliders - mean) @ whitening).square().mean()).sqrt()
        return cls(mean=mean, whitening=strength * whitening, pull=pull)

    def surprises(self, sliders: Tensor) -> Tensor:
        """(N, P): how far sliders (N, P) are from what is plausible; 0 for the mean, about 1 for one spread of 0.5."""
        return (sliders - self.mean) @ self.whitening

    def nearer(self, sliders: Tensor) -> Tensor:
        """(N, P) in [0, 1]: the same faces, as far as people show them."""
        return (self.mean + (sliders - self.mean) @ self.pull).clamp(0, 1)
