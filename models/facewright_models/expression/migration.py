"""The migration model F: an image A of a facial region and the difference of degrees that is wanted -> the image B.

Source: seed 000 [0075]-[0078], [0082].
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from facewright_models.expression.network import Drawn, HalfConfig, HalfNetwork
from facewright_models.expression.pairs import PairBatch
from facewright_models.expression.ratio_images import RATIO_PX
from facewright_models.expression.regions import HALVES
from facewright_models.expression.types import DEGREES

__all__ = ["MigrationConfig", "MigrationModel"]


@dataclass(frozen=True, kw_only=True)
class MigrationConfig:
    """Channels of either network of a half from fine to coarse, and blocks at the coarsest size."""

    coarse_widths: tuple[int, int, int] = (16, 40, 80)
    fine_widths: tuple[int, int, int] = (24, 56, 112)
    blocks: int = 3


class MigrationModel(nn.Module):
    """A network for each half of the face, which is told only of the degrees that act there; `ways` are those of
    `LandmarkMotion`, which say where landmarks go, and `ratios` and `mean_face` those of `RatioImages`.
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
                    HalfConfig(asked=len(half.degrees), keeps=not half.has_lids, **asdict(config))
                )
                for name, half in HALVES.items()
            }
        )
        self.register_buffer("ways", torch.zeros(2, len(DEGREES), 68, 2))
        self.register_buffer("ratios", torch.zeros(2, RATIO_PX, RATIO_PX))
        self.register_buffer("mean_face", torch.zeros(68, 2))
        for name, half in HALVES.items():
            own = torch.tensor([DEGREES.index(degree) for degree in half.degrees])
            self.register_buffer(f"own_{name}", own, persistent=False)

    def forward(self, half: str, batch: PairBatch) -> tuple[Drawn, Drawn]:
        """How the coarse and the fine region of A look with the degrees of B."""
        drawn: tuple[Drawn, Drawn] = self.halves[half](
            batch.coarse_a,
            batch.fine_a,
            batch.coarse_from_fine,
            batch.told(self._asked(half, batch.degrees_b - batch.degrees_a)),
            batch.told_closely(self._asked(half, batch.closely_b - batch.closely_a)),
        )
        return drawn

    def _asked(self, half: str, degrees: Tensor) -> Tensor:
        own: Tensor = getattr(self, f"own_{half}")
        return degrees[:, own]
