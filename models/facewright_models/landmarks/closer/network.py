"""One landmark network for eyes with brows and one for mouths, with cells of two pixels of windows of 96."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from facewright_models.landmarks.closer.windows import EYE_POINTS, MOUTH_POINTS
from facewright_models.landmarks.network import LandmarkNetwork, LandmarkNetworkConfig

__all__ = ["CloserConfig", "CloserNetworks"]


@dataclass(frozen=True, kw_only=True)
class CloserConfig:
    """Channels from fine to coarse, and channels at each size of the way back."""

    widths: tuple[int, int, int, int, int] = (12, 24, 48, 72, 96)
    joined: int = 40


class CloserNetworks(nn.Module):
    """`eye` and `mouth`; see `LandmarkNetwork`."""

    def __init__(self, config: CloserConfig) -> None:
        super().__init__()
        self.config = config
        self.eye, self.mouth = (
            LandmarkNetwork(
                LandmarkNetworkConfig(
                    points=len(points), widths=config.widths, joined=config.joined, first_step=1
                )
            )
            for points in (EYE_POINTS, MOUTH_POINTS)
        )

    def of(self, window: str) -> LandmarkNetwork:
        """The network that sees a window of that name."""
        return self.mouth if window == "mouth" else self.eye
