"""Networks that tell real regions from made ones, patch by patch, so that what is made is as sharp as what is real.

A mean of all teeth that might come to light is a grey band, and nearer to any real teeth than teeth of its own would
be: no difference of pixels asks for more. Judges do. They are needed in training alone.

Source: Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks" (CVPR 2017), section 3.2.2; the
hinge loss of Lim & Ye, "Geometric GAN" (2017), section 3.2.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.expression.guide import GUIDE_LINES
from facewright_models.expression.regions import HALVES

__all__ = ["Judges", "PatchJudge"]

_LEARNING_RATE = 4e-4


class PatchJudge(nn.Module):
    """A region (B, 3, S, S) with its guide's drawings (B, 5, S, S) -> how real each of its patches looks
    (B, 1, S / 8, S / 8); each sees 38 pixels across.
    """

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _spectral(nn.Conv2d(3 + GUIDE_LINES, width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            _spectral(nn.Conv2d(width, 2 * width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            _spectral(nn.Conv2d(2 * width, 4 * width, 4, 2, 1)),
            nn.LeakyReLU(0.2),
            _spectral(nn.Conv2d(4 * width, 1, 3, 1, 1)),
        )

    def forward(self, region: Tensor, drawn: Tensor) -> Tensor:
        """See the class."""
        judged: Tensor = self.layers(torch.cat([region - 0.5, drawn], 1))
        return judged


class Judges:
    """One judge for the fine regions of each half, with what it learns by."""

    def __init__(self, *, width: int = 24) -> None:
        self._networks = {name: PatchJudge(width) for name in HALVES}
        self._optimisers = {
            name: torch.optim.Adam(network.parameters(), _LEARNING_RATE, betas=(0.0, 0.99))
            for name, network in self._networks.items()
        }

    def learn(self, half: str, real: Tensor, made: Tensor, drawn: Tensor, matters: Tensor) -> None:
        """One step towards telling regions (B, 3, S, S) that are real from those that are made, with the drawings of
        both, most of all where it `matters` (B, 1, S, S).
        """
        network, optimiser = self._networks[half], self._optimisers[half]
        optimiser.zero_grad()
        loss = _mean(functional.relu(1 - network(real, drawn)), matters) + _mean(
            functional.relu(1 + network(made.detach(), drawn)), matters
        )
        torch.autograd.backward(loss)
        optimiser.step()

    def loss(self, half: str, made: Tensor, drawn: Tensor, matters: Tensor) -> Tensor:
        """How little a made region looks real; the gradient is that of the region alone."""
        network = self._networks[half]
        for parameter in network.parameters():
            parameter.requires_grad_(False)
        judged = -_mean(network(made, drawn), matters)
        for parameter in network.parameters():
            parameter.requires_grad_(True)
        return judged

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "networks": {name: network.state_dict() for name, network in self._networks.items()},
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self._optimisers.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        for name in HALVES:
            self._networks[name].load_state_dict(state["networks"][name])
            self._optimisers[name].load_state_dict(state["optimisers"][name])


def _mean(judged: Tensor, matters: Tensor) -> Tensor:
    weight = 0.1 + functional.interpolate(matters, size=judged.shape[-2:], mode="area")
    return (judged * weight).sum() / weight.sum()


def _spectral(layer: nn.Conv2d) -> nn.Module:
    normed: nn.Module = nn.utils.parametrizations.spectral_norm(layer)
    return normed
