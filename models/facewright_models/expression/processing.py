"""The image-processing model G: a photo and degrees -> the photo with these degrees.

It is trained on videos in which the migration model moves many faces in the same way, and on real changes of
expression; at run time it works alone. Source: seed 000 [0055]-[0059], [0067]-[0074].
"""

from __future__ import annotations

from dataclasses import asdict

import torch
from torch import Tensor, nn

from facewright_models.expression.migration import MigrationConfig
from facewright_models.expression.network import Drawn, HalfConfig, HalfNetwork
from facewright_models.expression.pairs import PairBatch
from facewright_models.expression.ratio_images import RATIO_PX
from facewright_models.expression.regions import HALVES
from facewright_models.expression.types import DEGREES

__all__ = ["ProcessingModel", "asked_of"]


class ProcessingModel(nn.Module):
    """A network for each half of the face, which is told the degrees that a photo shows and those that are wanted;
    `ways` are those of `LandmarkMotion`, which say where landmarks go, and `ratios` and `mean_face` those of
    `RatioImages`.
    """

    ways: Tensor
    ratios: Tensor
    mean_face: Tensor

    def __init__(self, config: MigrationConfig) -> None:
        super().__init__()
        self.config = config
        self.halves = nn.ModuleDict(
            {
                name: HalfNetwork(
                    HalfConfig(asked=2 * len(half.degrees), keeps=not half.has_lids, **asdict(config))
                )
                for name, half in HALVES.items()
            }
        )
        self.register_buffer("ways", torch.zeros(2, len(DEGREES), 68, 2))
        self.register_buffer("ratios", torch.zeros(2, RATIO_PX, RATIO_PX))
        self.register_buffer("mean_face", torch.zeros(68, 2))

    def network_of(self, name: str) -> HalfNetwork:
        """The network of a half."""
        network = self.halves[name]
        if not isinstance(network, HalfNetwork):
            raise TypeError(f"{name} is no half")
        return network

    def forward(self, half: str, batch: PairBatch) -> tuple[Drawn, Drawn]:
        """How the coarse and the fine region of A look with the degrees of B."""
        drawn: tuple[Drawn, Drawn] = self.halves[half](
            batch.coarse_a,
            batch.fine_a,
            batch.coarse_from_fine,
            batch.told(asked_of(half, batch.degrees_a, batch.degrees_b)),
            batch.told_closely(asked_of(half, batch.closely_a, batch.closely_b)),
        )
        return drawn


def asked_of(half: str, own: Tensor, wanted: Tensor) -> Tensor:
    """What the network of a half is told, of degrees (B, 8): what is to change, and what is."""
    acting = torch.tensor([DEGREES.index(degree) for degree in HALVES[half].degrees])
    return torch.cat([(wanted - own)[:, acting], own[:, acting]], 1)
