"""The landmark network: a face's crop -> its points, each with how far it may be off.

An encoder down to a sixteenth of the crop's 128 pixels and back up to a quarter, with convolutions that look at each
channel alone between ones that mix them; a heat map of each point, whose mean is the point. How far it may be off is
learnt from the likelihood of a Laplace distribution.

Source: means of heat maps after "Integral Human Pose Regression" (ECCV 2018), section 2, taught as maps as well after
"Numerical Coordinate Regression with Convolutional Neural Networks" (2018), section 4; scales after "What Uncertainties
Do We Need in Bayesian Deep Learning for Computer Vision?" (NeurIPS 2017), section 3; blocks after "MobileNetV2" (2018).

B batch, K points, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["CROP_PX", "LandmarkNetwork", "LandmarkNetworkConfig", "heat_loss"]

CROP_PX = 128
_MIN_SCALE_PX, _MAX_SCALE_PX = 0.05, 64.0


@dataclass(frozen=True, kw_only=True)
class LandmarkNetworkConfig:
    """How many points, the channels from fine to coarse, the blocks at each size, the step of the first convolution.

    Heat maps have cells of twice that step.
    """

    points: int
    widths: tuple[int, int, int, int, int] = (16, 32, 64, 88, 104)
    blocks: tuple[int, int, int, int] = (1, 2, 2, 2)
    joined: int = 48
    first_step: int = 2

    @property
    def cell_px(self) -> int:
        """Pixels of the crop a side of a cell of the heat maps."""
        return 2 * self.first_step


class LandmarkNetwork(nn.Module):
    """See the module."""

    def __init__(self, config: LandmarkNetworkConfig) -> None:
        super().__init__()
        self.config = config
        first, *widths = config.widths
        self.stem = _conv(3, first, 5, stride=config.first_step)
        self.stages = nn.ModuleList()
        for before, width, count in zip((first, *widths), widths, config.blocks, strict=False):
            down = _conv(before, width, 3, stride=2)
            self.stages.append(nn.Sequential(down, *(_Block(width) for _ in range(count))))
        self.across = nn.ModuleList(nn.Conv2d(width, config.joined, 1) for width in widths)
        self.smooth = nn.ModuleList(_Block(config.joined) for _ in widths[:-1])
        self.heat = nn.Conv2d(config.joined, config.points, 1)
        self.scale = nn.Linear(widths[-1], config.points)
        self.spread = nn.Parameter(torch.tensor(0.3))

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops (B, 3, S, S) in [0,1], S a multiple of eight cells -> points (B, K, 2) in pixels of the crop, whose
        centres are whole numbers, and the logarithm of their scale (B, K): the mean distance of either coordinate from
        the truth, in pixels.
        """
        points, logarithm, _ = self.with_heat(crops)
        return points, logarithm

    def with_heat(self, crops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same, and the heat maps before they are made to sum to one (B, K, S / cell, S / cell), for training."""
        maps = []
        x = self.stem(_normalised(crops))
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        y = self.across[-1](maps[-1])
        for level in range(len(maps) - 2, -1, -1):
            y = functional.interpolate(y, scale_factor=2.0, mode="bilinear", align_corners=False)
            y = self.smooth[level](y + self.across[level](maps[level]))
        heat = self.heat(y).float()
        points, spread = _means(heat, self.config.cell_px)  # (B, K, 2), (B, K)
        logarithm = self.scale(maps[-1].mean((2, 3))) + self.spread * spread.clamp_min(0.1).log()
        return points, logarithm.clamp(_log(_MIN_SCALE_PX), _log(_MAX_SCALE_PX)), heat


class _Block(nn.Module):
    """Each channel's neighbourhood, then all channels of each place, added to the input; nothing at first."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.mix = nn.Conv2d(channels, 2 * channels, 1)
        self.back = nn.Conv2d(2 * channels, channels, 1)
        nn.init.zeros_(self.back.weight)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = x + self.back(functional.relu(self.mix(self.near(x))))
        return y


def _conv(inputs: int, outputs: int, size: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.ReLU())


def _normalised(crops: Tensor) -> Tensor:
    """Each crop with mean 0 and spread 1 over all its pixels, so that exposure matters less."""
    mean = crops.mean((1, 2, 3), keepdim=True)
    spread = crops.std((1, 2, 3), keepdim=True)
    return (crops - mean) / (spread + 0.02)


def _means(heat: Tensor, cell_px: int) -> tuple[Tensor, Tensor]:
    """Logits (B, K, H, W) -> means (B, K, 2) in pixels of the crop, and standard deviations (B, K)."""
    height, width = heat.shape[-2:]
    shares = heat.flatten(2).softmax(-1).view_as(heat)
    x = (torch.arange(width, dtype=heat.dtype, device=heat.device) + 0.5) * cell_px - 0.5
    y = (torch.arange(height, dtype=heat.dtype, device=heat.device) + 0.5) * cell_px - 0.5
    columns, rows = shares.sum(2), shares.sum(3)  # (B, K, W), (B, K, H)
    mean_x, mean_y = (columns * x).sum(-1), (rows * y).sum(-1)
    square = (columns * x.square()).sum(-1) - mean_x.square() + (rows * y.square()).sum(-1) - mean_y.square()
    return torch.stack([mean_x, mean_y], -1), square.clamp_min(0).add(1e-4).sqrt()


def heat_loss(heat: Tensor, points: Tensor, known: Tensor, *, cell_px: int = 4) -> Tensor:
    """Cross-entropy of heat maps (B, K, H, W) to bells of one cell's width about the points (B, K, 2), in pixels of the
    crop, where they are known (B, K).

    The mean alone would teach a map little about where its heat belongs.
    """
    height, width = heat.shape[-2:]
    cells = (points + 0.5) / cell_px - 0.5

    def bell(count: int, centers: Tensor) -> Tensor:
        places = torch.arange(count, dtype=heat.dtype, device=heat.device)
        weights = (-0.5 * (places - centers[..., None]).square()).exp()
        return weights / weights.sum(-1, keepdim=True).clamp_min(1e-6)  # (B, K, count)

    columns, rows = bell(width, cells[..., 0]), bell(height, cells[..., 1])
    logarithm = heat.flatten(2).log_softmax(-1).view_as(heat)
    surprise = -torch.einsum("bkhw,bkh,bkw->bk", logarithm, rows, columns)
    return (surprise * known).sum() / known.sum().clamp_min(1)


def _log(value: float) -> float:
    return float(torch.tensor(value).log())
