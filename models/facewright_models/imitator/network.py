"""The imitator g: a parameter vector becomes the game's 512 x 512 front view, differentiably.

Eight transposed convolutions ([0069], [0083]; eight of 4x4 kernels in "Neural Rendering for Game Character
Auto-creation", TPAMI, section 3) with three additions that make two CPU cores enough:

- a displacement field that is piecewise linear in the sliders, as every vertex of a creator's mesh nearly
  is; its inverse bends learnt canonical feature maps, so that edges stay sharp and the derivative of a
  slider is the motion that it causes;
- canonical maps that are sums over the chosen style options;
- colours that are mixed by learnt region weights and multiplied by a learnt shade, so that the derivative of
  a colour is exact.

The network needs only (vector, frame) pairs. Where the game's mesh is known, `displacement_prior` starts the
field from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

__all__ = ["FIELD_PX", "WINDOW_PX", "Imitator", "ImitatorConfig"]

FIELD_PX = 64
WINDOW_PX = 64
"""Side of the training window at the 128-pixel exit: a quarter of the frame's area."""
_INVERSION_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class ImitatorConfig:
    """The layout of the input vector (sliders, styles, colours, nuisance) and the sizes of the network."""

    sliders: int
    styles: tuple[int, ...]
    colors: int
    nuisance: int
    widths: tuple[int, ...] = (192, 128, 96, 64, 48, 24, 16)
    """Channels after the transposed convolutions to 4, 8, 16, 32, 64, 128 and 256 pixels."""
    canonical_channels: tuple[int, int] = (16, 3)
    """Channels of the canonical maps at 128 and at 256 pixels."""
    linear_channels: int = 8

    @property
    def parameters(self) -> int:
        """Length of the input vector."""
        return self.sliders + sum(self.styles) + 3 * self.colors + self.nuisance


class Imitator(nn.Module):
    """See the module. Input (B, P) in [0,1]; output (B, 3, S, S) sRGB in [0,1]."""

    def __init__(self, config: ImitatorConfig) -> None:
        super().__init__()
        self.config = config
        widths, at_128, at_256 = config.widths, *config.canonical_channels
        options, heads = sum(config.styles), config.colors + 4
        geometry = 2 * (config.sliders + config.nuisance)
        self.up = nn.ModuleList([nn.ConvTranspose2d(config.parameters, widths[0], 4)])
        inputs = (*widths[:5], 32)
        self.up += [nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in zip(inputs, widths[1:], strict=True)]
        self.up.append(nn.ConvTranspose2d(widths[6], heads, 4, 2, 1))
        self.field = nn.Linear(geometry, 2 * FIELD_PX * FIELD_PX)
        self.linear_32 = nn.Linear(geometry, config.linear_channels * 32 * 32)
        self.mix_32 = nn.Conv2d(widths[3] + config.linear_channels, widths[3], 3, 1, 1)
        self.mix_64 = nn.Conv2d(widths[4] + 2, widths[4], 3, 1, 1)
        self.flow = nn.Conv2d(widths[4], 2, 3, 1, 1)
        self.canonical_128 = nn.Parameter(0.3 * torch.randn(1 + options, at_128, 128, 128))
        self.canonical_256 = nn.Parameter(0.1 * torch.randn(1 + options, at_256, 256, 256))
        self.mix_128 = nn.Conv2d(widths[5] + at_128 + 2, 32, 3, 1, 1)
        self.mix_256 = nn.Conv2d(widths[6] + at_256, widths[6], 3, 1, 1)
        self.head_128 = nn.Conv2d(32, heads, 3, 1, 1)
        self.head_256 = nn.Conv2d(widths[6], heads, 3, 1, 1)
        for size in (FIELD_PX, 128, 256):
            grid = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, size, size], align_corners=False)
            self.register_buffer(f"grid_{size}", grid, persistent=False)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.ConvTranspose2d):
                # Each output of a stride-2 transpose sees a quarter of the 4 x 4 kernel.
                taps = 4 if module.stride == (2, 2) else 1
                nn.init.normal_(module.weight, std=(2 / (module.in_channels * taps)) ** 0.5)
                nn.init.zeros_(cast("Tensor", module.bias))
            elif isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, a=0.2)
                nn.init.zeros_(cast("Tensor", module.bias))
        nn.init.normal_(self.field.weight, std=1e-3)
        nn.init.zeros_(self.field.bias)
        nn.init.normal_(self.linear_32.weight, std=0.05)
        nn.init.normal_(self.flow.weight, std=1e-4)
        for head in (self.head_128, self.head_256, cast("nn.ConvTranspose2d", self.up[7])):
            nn.init.normal_(head.weight, std=0.02)

    def forward(self, parameters: Tensor, *, size_px: int = 512) -> Tensor:
        """Frames (B, 3, size_px, size_px) in [0,1]; size_px is 128, 256 or 512 (earlier exits)."""
        image: Tensor = self.exits(parameters, size_px=size_px)[-1].clamp(0, 1)
        return image

    def exits(
        self, parameters: Tensor, *, size_px: int = 512, window: tuple[int, int] | None = None
    ) -> list[Tensor]:
        """The images of all exits up to `size_px`, unclamped, for training.

        With a `window` (row, column at 128 pixels), the exits above 128 show only that quarter of the
        frame, which costs a quarter: those layers are local.
        """
        geometry, options, colors = self._split(parameters)
        hidden = functional.leaky_relu(self.up[0]((2 * parameters - 1)[:, :, None, None]), 0.2)
        for layer in list(self.up)[1:4]:
            hidden = functional.leaky_relu(layer(hidden), 0.2)  # (B, C, 32, 32) at the end
        linear = self.linear_32(geometry).view(len(hidden), -1, 32, 32)
        hidden = hidden + functional.leaky_relu(self.mix_32(torch.cat([hidden, linear], 1)), 0.2)
        hidden = functional.leaky_relu(self.up[4](hidden), 0.2)  # (B, C, 64, 64)
        bend = self._inverse_field(geometry)  # (B, 2, 64, 64)
        mixed = functional.leaky_relu(self.mix_64(torch.cat([hidden, bend.to(hidden.dtype)], 1)), 0.2)
        hidden = hidden + mixed
        bend = bend + self.flow(hidden).float()
        hidden = functional.leaky_relu(self.up[5](hidden), 0.2)
        moved = self._bent(self.canonical_128, options, bend, 128)
        joined = torch.cat([hidden, moved.to(hidden.dtype), _doubled(bend).to(hidden.dtype)], 1)
        hidden = functional.leaky_relu(self.mix_128(joined), 0.2)  # (B, 32, 128, 128)
        maps = self.head_128(hidden).float()
        images = [self._colored(maps, colors)]
        if size_px == 128:
            return images
        if window is not None:
            row, column = window
            hidden = hidden[:, :, row : row + WINDOW_PX, column : column + WINDOW_PX]
            maps = maps[:, :, row : row + WINDOW_PX, column : column + WINDOW_PX]
        hidden = functional.leaky_relu(self.up[6](hidden), 0.2)
        moved = self._bent(self.canonical_256, options, bend, 256, window)
        mixed = self.mix_256(torch.cat([hidden, moved.to(hidden.dtype)], 1))
        hidden = functional.leaky_relu(mixed, 0.2)  # (B, C, 256, 256)
        maps = _doubled(maps) + self.head_256(hidden).float()
        images.append(self._colored(maps, colors))
        if size_px == 256:
            return images
        maps = _doubled(maps) + self.up[7](hidden).float()
        return [*images, self._colored(maps, colors)]

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Geometry (B, 2 G): both halves of each slider; options (B, 1 + O); colours (B, colors, 3)."""
        config = self.config
        blocks = (config.sliders, sum(config.styles), 3 * config.colors, config.nuisance)
        sliders, options, colors, nuisance = parameters.split(blocks, 1)
        shape = 2 * torch.cat([sliders, nuisance], 1) - 1
        halves = torch.cat([shape.clamp(min=0), (-shape).clamp(min=0)], 1)
        one = torch.ones_like(options[:, :1])
        return halves, torch.cat([one, options], 1), colors.reshape(len(colors), -1, 3)

    def _inverse_field(self, geometry: Tensor) -> Tensor:
        """(B, 2, 64, 64): where each pixel of the frame lies in the canonical frame, relative to itself.

        Solves u(q) = -D(q + u(q)) for the displacement field D by fixed-point steps.
        """
        with torch.autocast(geometry.device.type, enabled=False):
            field = self.field(geometry.float()).view(-1, 2, FIELD_PX, FIELD_PX)
            inverse = -field
            for _ in range(_INVERSION_STEPS - 1):
                grid = cast("Tensor", self.grid_64) + inverse.permute(0, 2, 3, 1)
                inverse = -functional.grid_sample(field, grid, padding_mode="border", align_corners=False)
        result: Tensor = inverse
        return result

    def _bent(
        self,
        canonical: Tensor,
        options: Tensor,
        bend: Tensor,
        size: int,
        window: tuple[int, int] | None = None,
    ) -> Tensor:
        """The canonical maps of the chosen options (B, C, size, size), bent to the frame."""
        with torch.autocast(options.device.type, enabled=False):
            chosen = (options.float() @ canonical.flatten(1)).view(-1, *canonical.shape[1:])
            fine = functional.interpolate(bend, size=size, mode="bilinear", align_corners=False)
            grid = cast("Tensor", getattr(self, f"grid_{size}")) + fine.permute(0, 2, 3, 1)
            if window is not None:
                row, column = (2 * place for place in window)
                grid = grid[:, row : row + 2 * WINDOW_PX, column : column + 2 * WINDOW_PX]
            return functional.grid_sample(chosen, grid, padding_mode="border", align_corners=False)

    @staticmethod
    def _colored(maps: Tensor, colors: Tensor) -> Tensor:
        """Maps (B, colors + 4, S, S) -> (B, 3, S, S): regions times colours times shade, plus a remainder."""
        count = colors.shape[1]
        regions, shade, remainder = maps.split((count, 1, 3), 1)
        painted = torch.einsum("bnhw,bnc->bchw", regions, colors)
        image: Tensor = painted * (1 + shade) + remainder + 0.5
        return image


def _doubled(image: Tensor) -> Tensor:
    return functional.interpolate(image, scale_factor=2, mode="bilinear", align_corners=False)
