"""A half of a face with other degrees of expression: what was visible is moved, what was hidden is made.

Both networks are given a guide: how landmarks say that the region moves, and drawings of its lines as they will lie.
One sees the whole half and mends how it moves as far as that is smooth: jaw and cheeks, or brows and forehead. The next
sees mouth or eye closer: its features are moved along, and it adds what is fine, how light changes in folds, and the
pixels of what comes to light: teeth, the inside of the mouth, the white of the eye, lids. What either adds ends in
nothing at its borders, so that whatever lies outside stays as it is.

Source: seed 000 [0056]-[0058], [0075]-[0078]; features that are moved before they are decoded after "First Order Motion
Model for Image Animation" (NeurIPS 2019), section 3.2.

B batch, S a region's side, K degrees. Places go from -1 to 1 across a region.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.expression.guide import GUIDE_LINES

__all__ = ["Drawn", "HalfConfig", "HalfNetwork", "Told", "carried", "lit", "moved_by", "shown_in"]

_INPUTS = 5
_FEATHER = 0.16
"""Share of a region's half side over which what it changes fades."""
_MOST_GAIN = 0.7
_PIXEL_CHANNELS = 24
_DARK, _TOOTH = 0.2, 0.8
_TINT = 0.3
"""The logarithm of how much of one colour there is beside all of them, at most: mouths are dark, but not as blood."""
_WHITE = 0.5
"""How lower teeth are drawn: these and the upper ones have no colour but their usual one."""
_ENAMEL = (1.01, 1.01, 0.96)
"""Beside whites of eyes; the mean of photos."""
_TOOTH_PX = 4.0
"""How far around a place in a mouth the light that comes to it is alike: half a front tooth."""
_EDGE_PX = 1.5
"""How far beside an edge of lips their colour is looked for."""
_MOST_LIGHT = 1.6
"""The logarithm of what multiplies or divides that light at most."""
_TOOTH_LIGHT = 0.25
"""The same of teeth: in photos of thirty people, whose lips are parted a little or wide, it differs by 0.13; a network
that does not know whether lips part at all would make them grey.
"""
_BETWEEN = 0.3
"""How the sides of teeth are drawn at least; what is darker is never brighter than it starts: mouths that glow inside
pass for lips.
"""
_UPPER = 0.75
"""Drawings of upper teeth are brighter, those of all else darker."""
_FAINT, _SURE = 0.01, 0.02
"""Next to so few kept teeth their light says little, and half of all there is."""
_MADE_PX, _SHADED_PX = 11, 3
"""In an eye's fine region: how far beyond its contours it can be drawn anew, and how far beyond its opening shaded."""


@dataclass(frozen=True, kw_only=True)
class HalfConfig:
    """How many numbers say what is wanted, whether openings show what keeps its light (teeth do, lids shade eyes), and
    the channels from fine to coarse of either network.
    """

    asked: int
    keeps: bool
    coarse_widths: tuple[int, int, int] = (16, 40, 80)
    fine_widths: tuple[int, int, int] = (24, 56, 112)
    blocks: int = 3


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is wanted of a region: numbers `asked` (B, K), and its guide's `moved` (B, 2, S, S) and `drawn`
    (B, 5, S, S). `light` (B, 1, S, S) says of a coarse region how its light changes, as far as that is known.
    """

    asked: Tensor
    moved: Tensor
    drawn: Tensor
    light: Tensor | None = None


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """`moved` (B, 2, S, S): where each place comes from, relative to itself; `gain` (B, 1, S, S): how light changes,
    see `lit`; `made` (B, 1, S, S): the share of new pixels `color` (B, 3, S, S). The last two are of fine regions.
    """

    moved: Tensor
    gain: Tensor
    made: Tensor | None = None
    color: Tensor | None = None

    def paint(self, image: Tensor) -> Tensor:
        """The region's image (B, 3, S, S) as it looks afterwards."""
        painted = lit(moved_by(image, self.moved), self.gain)
        if self.made is None or self.color is None:
            return painted
        return painted + self.made * (self.color - painted)


class HalfNetwork(nn.Module):
    """See the module."""

    def __init__(self, config: HalfConfig) -> None:
        super().__init__()
        self.config = config
        self.coarse = _Mover(config, config.coarse_widths, makes=False)
        self.fine = _Mover(config, config.fine_widths, makes=True)

    def forward(
        self, coarse: Tensor, fine: Tensor, coarse_from_fine: Tensor, told: Told, told_closely: Told
    ) -> tuple[Drawn, Drawn]:
        """Regions with their contours (B, 5, S, S), the way from the fine one to the coarse one (B, 2, 3), and what is
        wanted of either, which differs where the fine one is mirrored -> what both look like.
        """
        whole = self.whole(self.coarse.features(coarse), told)
        return whole, self.closer(whole, told, self.fine.features(fine), coarse_from_fine, told_closely)

    def whole(self, seen: tuple[Tensor, Tensor, Tensor, Tensor], told: Told) -> Drawn:
        """The coarse region, whose features are known."""
        light = torch.ones_like(told.moved[:, :1]) if told.light is None else told.light
        drawn: Drawn = self.coarse(seen, told, Drawn(moved=told.moved, gain=light))
        return drawn

    def closer(
        self,
        whole: Drawn,
        told: Told,
        seen: tuple[Tensor, Tensor, Tensor, Tensor],
        coarse_from_fine: Tensor,
        told_closely: Told,
    ) -> Drawn:
        """A fine region, whose features are known, where the coarse one was `told` and looks like `whole`: what the
        coarse network has mended is mended here too.
        """
        side = seen[0].shape[-1]
        mended = carried(whole.moved - told.moved, coarse_from_fine, side)
        along = Drawn(
            moved=told_closely.moved + mended,
            gain=1 + shown_in(whole.gain - 1, coarse_from_fine, side),
        )
        drawn: Drawn = self.fine(seen, told_closely, along)
        return drawn


class _Mover(nn.Module):
    """An encoder to an eighth, whose features are moved, and a decoder that is told what is wanted."""

    def __init__(self, config: HalfConfig, widths: tuple[int, int, int], *, makes: bool) -> None:
        super().__init__()
        first, second, third = widths
        self.makes, self.keeps = makes, config.keeps
        self.stem = _conv(_INPUTS, first, 5, stride=2)
        self.down = nn.ModuleList([_conv(first, second, 3, stride=2), _conv(second, third, 3, stride=2)])
        self.asked = nn.Sequential(nn.Linear(config.asked, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU())
        self.enter = nn.Conv2d(third + 2 + GUIDE_LINES, third, 1)
        self.blocks = nn.ModuleList(_Block(third, 64) for _ in range(config.blocks))
        self.up_4 = _conv(third + second + GUIDE_LINES, second, 3)
        self.block_4 = _Block(second, 64)
        self.up_2 = _conv(second + first + GUIDE_LINES, first, 3)
        self.block_2 = _Block(first, 64)
        self.motion = nn.Conv2d(first, 3, 3, padding=1)
        nn.init.normal_(self.motion.weight, std=1e-3)
        nn.init.zeros_(self.motion.bias)  # type: ignore[arg-type]
        if makes:
            self.up_1 = _conv(first + _INPUTS + GUIDE_LINES, _PIXEL_CHANNELS, 3)
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

    def forward(self, seen: tuple[Tensor, Tensor, Tensor, Tensor], told: Told, along: Drawn) -> Drawn:
        """`along` is what has changed already."""
        region = seen[0]
        asked = self.asked(told.asked)
        half, quarter, eighth = (
            torch.cat([moved_by(each, _resized(along.moved, each.shape[-1])), _shrunk(told.drawn, each)], 1)
            for each in seen[1:]
        )
        x = self.enter(torch.cat([eighth, 4 * _shrunk(along.moved, eighth)], 1))
        for block in self.blocks:
            x = block(x, asked)
        x = self.block_4(self.up_4(torch.cat([_resized(x, quarter.shape[-1]), quarter], 1)), asked)
        x = self.block_2(self.up_2(torch.cat([_resized(x, half.shape[-1]), half], 1)), asked)
        side = region.shape[-1]
        fade = _fade(side, region)
        motion = _resized(self.motion(x), side)
        moved = along.moved + 0.25 * motion[:, :2] * fade
        opening, revealed, teeth = told.drawn[:, 2:].split(1, 1)
        # The teeth that a mouth shows stay the photo's own, but for what comes to light.
        inside = _room(opening)
        skin = 1 - inside * (1 - revealed) if self.keeps else torch.ones_like(inside)
        shaded = near = fade
        if self.makes and not self.keeps:
            shaded = fade * _near(opening, _SHADED_PX)
            near = fade * _near(torch.maximum(region[:, 3:4], told.drawn[:, :1]), _MADE_PX)
        gain = 1 + (along.gain * (1 + shaded * _MOST_GAIN * torch.tanh(motion[:, 2:])) - 1) * skin
        if not self.makes:
            return Drawn(moved=moved, gain=gain)
        shown = moved_by(region, moved)
        x = self.up_1(torch.cat([_resized(x, side), shown, told.drawn], 1))
        share, added = self.pixels(x + self.block_1(x)).split([1, 3], 1)
        share = torch.sigmoid(share)
        # Beside what comes to light, lips keep their own colour.
        beside = added.mean(1, keepdim=True) if self.keeps else added
        # What comes to light was nowhere: it starts as the dark of a mouth with teeth in it, and all of it is made.
        begun = _DARK + (_TOOTH - _DARK) * teeth.sqrt()
        if self.keeps:
            lips = lit(_beside(shown[:, :3], 1 - torch.maximum(opening, revealed)), gain) + share * beside
            kept = inside * (1 - revealed) * (teeth > _UPPER)
            new = lips + opening * (_in_mouth(begun, added, opening, teeth, shown[:, :3] * kept, kept) - lips)
        else:
            new = begun + added
        return Drawn(
            moved=moved,
            gain=gain,
            made=revealed * fade + (1 - revealed) * near * skin * share,
            color=(shown[:, :3] + beside) * (1 - revealed) + new * revealed,
        )


def _room(opening: Tensor) -> Tensor:
    """(B, 1, S, S): an opening without its edge, which is the lips' and lids'."""
    return functional.relu(1 - 2 * functional.max_pool2d(1 - opening, 3, 1, 1))


def _near(drawn: Tensor, reach: int) -> Tensor:
    """(B, 1, S, S): 1 around what is drawn, 0 beyond the reach, in pixels."""
    size = 2 * reach + 1
    grown = functional.max_pool2d(drawn, (1, size), 1, (0, reach))
    grown = functional.max_pool2d(grown, (size, 1), 1, (reach, 0))
    return _blurred(grown, reach / 3)


def _in_mouth(
    begun: Tensor, light: Tensor, opening: Tensor, teeth: Tensor, seen: Tensor, kept: Tensor
) -> Tensor:
    """What a mouth shows (B, 3, S, S), as it is begun, in a light that is proposed; teeth in that of those next to them
    which are `kept` (B, 1, S, S) as they are `seen` (B, 3, S, S).
    """
    enamel = torch.tensor(_ENAMEL, device=teeth.device)[None, :, None, None]
    begun = begun * (1 + (enamel - 1) * teeth)
    light = _slow_light(light, opening, teeth)
    return begun * torch.exp(light + teeth * (_as_beside(light, seen, begun * kept, kept) - light))


def _slow_light(light: Tensor, opening: Tensor, teeth: Tensor) -> Tensor:
    """Of what is proposed as the logarithm of the light in a mouth (B, 3, S, S): what changes slowly, so that each
    tooth stays as it is drawn, and none of its colour on teeth.
    """
    most = _MOST_LIGHT * (_TOOTH_LIGHT / _MOST_LIGHT) ** (teeth / _BETWEEN).clamp(max=1)
    light = most * torch.tanh(_slowly(light, opening) / most)
    white = light.mean(1, keepdim=True)
    tint = _TINT * torch.tanh((light - white) / _TINT)
    tint = tint - tint.mean(1, keepdim=True)
    too_much = functional.relu(white) * (1 - teeth / _BETWEEN).clamp(min=0)
    return white - too_much + tint * (1 - teeth / _WHITE).clamp(min=0)


def _as_beside(light: Tensor, seen: Tensor, drawn: Tensor, kept: Tensor) -> Tensor:
    """The same, but as teeth that are `kept` (B, 1, S, S), seen and drawn so (B, 3, S, S), are lit close to them: a
    tooth of which more comes to light goes on as it is.
    """
    both = _blurred(torch.cat([seen, drawn, kept], 1), _TOOTH_PX)
    seen, drawn, near = both.split([3, 3, 1], 1)
    known = torch.log((seen + _FAINT) / (drawn + _FAINT)).clamp(-_MOST_LIGHT, _MOST_LIGHT)
    lit_so: Tensor = light + near / (near + _SURE) * (known - light)
    return lit_so


def _beside(shown: Tensor, sure: Tensor) -> Tensor:
    """(B, 3, S, S): the nearest of what is `sure` (B, 1, S, S): edges of lips may be marked on teeth."""
    near, weight = _blurred(torch.cat([shown * sure, sure], 1), _EDGE_PX).split([3, 1], 1)
    beside: Tensor = near / weight.clamp_min(1e-4)
    return beside


def _slowly(values: Tensor, inside: Tensor) -> Tensor:
    """The mean (B, C, S, S) of what is `inside` (B, 1, S, S) around each place."""
    both = _blurred(torch.cat([values * inside, inside], 1), _TOOTH_PX)
    return both[:, :-1] / both[:, -1:].clamp_min(1e-3)


def _blurred(image: Tensor, sigma: float) -> Tensor:
    """By a Gaussian with that many pixels; nothing beyond the border."""
    place = torch.arange(image.shape[-1], dtype=torch.float32, device=image.device) / sigma
    kernel = torch.exp(-((place[:, None] - place) ** 2) / 2) / (sigma * math.sqrt(2 * math.pi))
    with torch.autocast(image.device.type, enabled=False):
        return kernel @ image.float() @ kernel


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


Picture = TypeVar("Picture", Tensor, NDArray[np.float32])


def lit(image: Picture, gain: Picture) -> Picture:
    """The image, from 0 to 1, in other light: a gain below 1 multiplies, one above brightens what is bright less and
    less, as film does, so that skin never glows.
    """
    result: Picture = image * gain.clip(None, 1) + image * (1 - image) * (gain - 1).clip(0, None)
    return result


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


def _shrunk(image: Tensor, like: Tensor) -> Tensor:
    side = like.shape[-1]
    return functional.interpolate(image, size=(side, side), mode="area")


def _resized(image: Tensor, side: int) -> Tensor:
    return functional.interpolate(image, size=(side, side), mode="bilinear", align_corners=False)
