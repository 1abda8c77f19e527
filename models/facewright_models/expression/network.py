"""A half of a face with other degrees of expression: what was visible is moved, what was hidden is made.

One network sees the whole half and moves it as far as that is smooth: jaw and cheeks, or brows and forehead. The next
sees mouth or eye closer: its features are moved along, and it adds what is fine, how light changes in folds, and the
pixels of what comes to light: teeth, the inside of the mouth, the white of the eye, lids. Both end in nothing at their
borders, so that whatever lies outside stays as it is.

Source: seed 000 [0056]-[0058], [0075]-[0078]; features that are moved before they are decoded after "First Order Motion
Model for Image Animation" (NeurIPS 2019), section 3.2.

B batch, S a region's side, K degrees. Places go from -1 to 1 across a region.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["Drawn", "HalfConfig", "HalfNetwork", "carried", "moved_by", "shown_in"]

_INPUTS = 5
_FEATHER = 0.16
"""Share of a region's half side over which what it changes fades."""
_MOST_GAIN = 0.7
_PIXEL_CHANNELS = 24


@dataclass(frozen=True, kw_only=True)
class HalfConfig:
    """How many numbers say what is wanted, and the channels from fine to coarse of either network."""

    asked: int
    coarse_widths: tuple[int, int, int] = (16, 40, 80)
    fine_widths: tuple[int, int, int] = (24, 56, 112)
    blocks: int = 3


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """`moved` (B, 2, S, S): where each place comes from, relative to itself; `gain` (B, 1, S, S): by how much light is
    multiplied; `made` (B, 1, S, S): the share of new pixels `color` (B, 3, S, S). The last two are of fine regions.
    """

    moved: Tensor
    gain: Tensor
    made: Tensor | None = None
    color: Tensor | None = None

    def paint(self, image: Tensor) -> Tensor:
        """The region's image (B, 3, S, S) as it looks afterwards."""
        painted = moved_by(image, self.moved) * self.gain
        if self.made is None or self.color is None:
            return painted
        return painted + self.made * (self.color - painted)


class HalfNetwork(nn.Module):
    """See the module."""

    def __init__(self, config: HalfConfig) -> None:
        super().__init__()
        self.config = config
        self.coarse = _Mover(config.asked, config.coarse_widths, config.blocks, makes=False)
        self.fine = _Mover(config.asked, config.fine_widths, config.blocks, makes=True)

    def forward(
        self, coarse: Tensor, fine: Tensor, coarse_from_fine: Tensor, asked: Tensor, asked_closely: Tensor
    ) -> tuple[Drawn, Drawn]:
        """Regions with their contours (B, 5, S, S), the way from the fine one to the coarse one (B, 2, 3), and what is
        asked for (B, K) of either, which differs where the fine one is mirrored -> what both look like.
        """
        whole = self.coarse(self.coarse.features(coarse), asked)
        return whole, self.closer(whole, self.fine.features(fine), coarse_from_fine, asked_closely)

    def closer(
        self,
        whole: Drawn,
        seen: tuple[Tensor, Tensor, Tensor, Tensor],
        coarse_from_fine: Tensor,
        asked: Tensor,
    ) -> Drawn:
        """A fine region, whose features are known, where the coarse one looks like `whole`."""
        side = seen[0].shape[-1]
        along = Drawn(
            moved=carried(whole.moved, coarse_from_fine, side),
            gain=1 + shown_in(whole.gain - 1, coarse_from_fine, side),
        )
        drawn: Drawn = self.fine(seen, asked, along)
        return drawn


class _Mover(nn.Module):
    """An encoder to an eighth, whose features may be moved, and a decoder that is told what is wanted."""

    def __init__(self, asked: int, widths: tuple[int, int, int], blocks: int, *, makes: bool) -> None:
        super().__init__()
        first, second, third = widths
        self.makes = makes
        self.stem = _conv(_INPUTS, first, 5, stride=2)
        self.down = nn.ModuleList([_conv(first, second, 3, stride=2), _conv(second, third, 3, stride=2)])
        self.asked = nn.Sequential(nn.Linear(asked, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        extra = 2 if makes else 0
        self.enter = nn.Conv2d(third + extra, third, 1)
        self.blocks = nn.ModuleList(_Block(third, 64) for _ in range(blocks))
        self.up_4 = _conv(third + second, second, 3)
        self.block_4 = _Block(second, 64)
        self.up_2 = _conv(second + first, first, 3)
        self.block_2 = _Block(first, 64)
        self.motion = nn.Conv2d(first, 3, 3, padding=1)
        nn.init.normal_(self.motion.weight, std=1e-3)
        nn.init.zeros_(self.motion.bias)  # type: ignore[arg-type]
        if makes:
            self.up_1 = _conv(first + _INPUTS, _PIXEL_CHANNELS, 3)
            self.block_1 = _conv(_PIXEL_CHANNELS, _PIXEL_CHANNELS, 3)
            self.pixels = nn.Conv2d(_PIXEL_CHANNELS, 4, 3, padding=1)
            nn.init.normal_(self.pixels.weight, std=1e-2)
            with torch.no_grad():
                self.pixels.bias.copy_(torch.tensor([-1.5, 0.0, 0.0, 0.0]))  # type: ignore[union-attr]

    def features(self, region: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Seen once for all degrees: the region (B, 5, S, S), its features at a half, a quarter and an eighth."""
        half = self.stem(region - 0.5)
        quarter = self.down[0](half)
        return region, half, quarter, self.down[1](quarter)

    def forward(
        self, seen: tuple[Tensor, Tensor, Tensor, Tensor], asked: Tensor, along: Drawn | None = None
    ) -> Drawn:
        """`along` is what has changed already."""
        region, half, quarter, eighth = seen
        told = self.asked(asked)
        if along is not None:
            half, quarter, eighth = (
                moved_by(each, _resized(along.moved, each.shape[-1])) for each in (half, quarter, eighth)
            )
            eighth = torch.cat([eighth, 4 * _resized(along.moved, eighth.shape[-1])], 1)
        x = self.enter(eighth)
        for block in self.blocks:
            x = block(x, told)
        x = self.block_4(self.up_4(torch.cat([_resized(x, quarter.shape[-1]), quarter], 1)), told)
        x = self.block_2(self.up_2(torch.cat([_resized(x, half.shape[-1]), half], 1)), told)
        side = region.shape[-1]
        fade = _fade(side, region)
        motion = _resized(self.motion(x), side)
        moved = 0.25 * motion[:, :2] * fade
        gain = 1 + _MOST_GAIN * torch.tanh(motion[:, 2:]) * fade
        if along is not None:
            moved, gain = moved + along.moved, gain * along.gain
        if not self.makes:
            return Drawn(moved=moved, gain=gain)
        shown = moved_by(region, moved)
        x = self.up_1(torch.cat([_resized(x, side), shown], 1))
        pixels = self.pixels(x + self.block_1(x))
        return Drawn(
            moved=moved,
            gain=gain,
            made=torch.sigmoid(pixels[:, :1]) * fade,
            color=shown[:, :3] + pixels[:, 1:],
        )


class _Block(nn.Module):
    """Each channel's neighbourhood, then all channels of each place, scaled and shifted by what is asked for."""

    def __init__(self, channels: int, told: int) -> None:
        super().__init__()
        self.near = nn.Conv2d(channels, channels, 5, padding=2, groups=channels)
        self.mix = nn.Conv2d(channels, 2 * channels, 1)
        self.back = nn.Conv2d(2 * channels, channels, 1)
        self.style = nn.Linear(told, 4 * channels)
        nn.init.zeros_(self.back.weight)

    def forward(self, x: Tensor, told: Tensor) -> Tensor:
        scale, shift = self.style(told)[:, :, None, None].chunk(2, 1)
        y = self.mix(self.near(x)) * (1 + scale) + shift
        z: Tensor = x + self.back(functional.relu(y))
        return z


def moved_by(image: Tensor, moved: Tensor) -> Tensor:
    """The image (B, C, S, S), each place taken from where `moved` (B, 2, S, S) says."""
    grid = _places(image.shape[-1], moved) + moved.permute(0, 2, 3, 1)
    return functional.grid_sample(image, grid.to(image.dtype), padding_mode="border", align_corners=False)


def carried(moved: Tensor, outer_from_inner: Tensor, side: int) -> Tensor:
    """What moves in one region, as it is seen in another: (B, 2, S, S) in the places of the inner one."""
    back = torch.linalg.inv(outer_from_inner[:, :, :2])
    return torch.einsum("bij,bjhw->bihw", back, shown_in(moved, outer_from_inner, side))


def shown_in(image: Tensor, outer_from_inner: Tensor, side: int) -> Tensor:
    """A map (B, C, ., .) of the outer region as the inner one (B, C, S, S) sees it; nothing beyond its border."""
    shape = [len(image), 1, side, side]
    grid = functional.affine_grid(outer_from_inner, shape, align_corners=False)
    return functional.grid_sample(image.float(), grid, padding_mode="zeros", align_corners=False)


def _places(side: int, like: Tensor) -> Tensor:
    """(1, S, S, 2): of each pixel's centre."""
    line = (torch.arange(side, dtype=torch.float32, device=like.device) + 0.5) * (2 / side) - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y], -1)[None]


def _fade(side: int, like: Tensor) -> Tensor:
    """(1, 1, S, S): one inside, nothing at the border."""
    line = (torch.arange(side, dtype=torch.float32, device=like.device) + 0.5) * (2 / side) - 1
    ramp = ((1 - line.abs()) / _FEATHER).clamp(0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    return (ramp[:, None] * ramp[None])[None, None]


def _conv(inputs: int, outputs: int, size: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, size, stride, size // 2), nn.ReLU())


def _resized(image: Tensor, side: int) -> Tensor:
    return functional.interpolate(image, size=(side, side), mode="bilinear", align_corners=False)
