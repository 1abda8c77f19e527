"""The imitator g: a parameter vector becomes the game's 512 x 512 front view, differentiably.

Eight transposed convolutions ([0069], [0083]; eight of 4x4 kernels in "Neural Rendering for Game Character
Auto-creation", TPAMI, section 3) with four additions that make two CPU cores enough:

- a displacement field that is linear in geometry codes: the halves of the sliders, in which every vertex of
  a creator's mesh is nearly linear, or where the mesh is known the weights of its shapes, in which it is
  exactly; its inverse bends learnt canonical feature maps, so that edges stay sharp and the derivative of
  a slider is the motion that it causes;
- a shade field, linear in the same codes: a surface that turns away from the light darkens; where the mesh is
  known, the light on its turned normals is the start;
- canonical maps that are sums over the chosen style options, each within its slot's window, a little wider than
  the frame, so that what a small head brings into view has a place;
- colours that are mixed by learnt region weights and multiplied by a learnt shade, so that the derivative of
  a colour is exact.

The network needs only (vector, frame) pairs. Where the game's mesh is known, `field_priors` starts the
fields from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from facewright_models.imitator.geometry import GeometryCode, halves

__all__ = ["CANONICAL_PX", "FIELD_PX", "WINDOW_PX", "Imitator", "ImitatorConfig", "Window"]

Window = tuple[int, int, int, int]
"""Row, column, height and width."""

FIELD_PX = 96
WINDOW_PX = 64
"""Side of the training window at the 128-pixel exit: a quarter of the frame's area."""
CANONICAL_PX = 144
"""Side of the canonical maps at the 128-pixel exit: the frame and a margin of 8 pixels about it."""
_MARGIN = CANONICAL_PX / 128
_INVERSION_STEPS = 4


@dataclass(frozen=True, kw_only=True)
class ImitatorConfig:
    """The layout of the input vector (sliders, styles, colours, nuisance) and the sizes of the network."""

    sliders: int
    styles: tuple[int, ...]
    colors: int
    nuisance: int
    widths: tuple[int, ...] = (192, 128, 96, 64, 48, 24, 24)
    """Channels after the transposed convolutions to 4, 8, 16, 32, 64, 128 and 256 pixels."""
    canonical_channels: tuple[int, int] = (16, 6)
    """Channels of the canonical maps at 128 and at 256 pixels."""
    fine_channels: int = 4
    """Of the canonical map at 512 pixels, which is the same for all styles: it keeps edges sharp at 256 pixels."""
    style_windows: tuple[Window, ...] = ()
    """Per style slot, the part of the canonical maps at 128 pixels that its options change; empty for all of it."""
    linear_channels: int = 8
    field_rank: int = 192
    shade_rank: int = 96
    shapes: int = 0
    """Width of the geometry code of a known mesh; 0 for the halves of the variables."""

    @property
    def parameters(self) -> int:
        """Length of the input vector."""
        return self.sliders + sum(self.styles) + 3 * self.colors + self.nuisance

    @property
    def codes(self) -> int:
        """G, the number of geometry codes."""
        return self.shapes or 2 * (self.sliders + self.nuisance)


class Imitator(nn.Module):
    """See the module. Input (B, P) in [0,1]; output (B, 3, S, S) sRGB in [0,1].

    `geometry_code` has `config.codes` columns; it belongs to the rig and is not among the weights.
    """

    def __init__(self, config: ImitatorConfig, geometry_code: GeometryCode = halves) -> None:
        super().__init__()
        self.config = config
        self._geometry_code = geometry_code
        widths, at_128, at_256 = config.widths, *config.canonical_channels
        heads = config.colors + 4
        self.up = nn.ModuleList([nn.ConvTranspose2d(config.parameters, widths[0], 4)])
        inputs = (*widths[:5], 32)
        self.up += [nn.ConvTranspose2d(a, b, 4, 2, 1) for a, b in zip(inputs, widths[1:], strict=True)]
        self.up.append(nn.ConvTranspose2d(widths[6], heads, 4, 2, 1))
        self.field_code = nn.Linear(config.codes, config.field_rank, bias=False)
        self.field = nn.Linear(config.field_rank, 2 * FIELD_PX * FIELD_PX, bias=False)
        self.shade_code = nn.Linear(config.codes, config.shade_rank, bias=False)
        self.shade = nn.Linear(config.shade_rank, FIELD_PX * FIELD_PX, bias=False)
        self.linear_32 = nn.Linear(config.codes, config.linear_channels * 32 * 32)
        self.mix_32 = nn.Conv2d(widths[3] + config.linear_channels, widths[3], 3, 1, 1)
        self.mix_64 = nn.Conv2d(widths[4] + 2, widths[4], 3, 1, 1)
        self.flow = nn.Conv2d(widths[4], 2, 3, 1, 1)
        self.canonical_128 = nn.Parameter(0.3 * torch.randn(at_128, CANONICAL_PX, CANONICAL_PX))
        self.canonical_256 = nn.Parameter(0.1 * torch.randn(at_256, 2 * CANONICAL_PX, 2 * CANONICAL_PX))
        self.canonical_512 = nn.Parameter(
            0.1 * torch.randn(config.fine_channels, 4 * CANONICAL_PX, 4 * CANONICAL_PX)
        )
        windows = config.style_windows or tuple((0, 0, CANONICAL_PX, CANONICAL_PX) for _ in config.styles)
        self.windows = windows
        self.styles_128 = nn.ParameterList(
            nn.Parameter(0.1 * torch.randn(count, at_128, height, width))
            for count, (_, _, height, width) in zip(config.styles, windows, strict=True)
        )
        self.styles_256 = nn.ParameterList(
            nn.Parameter(0.03 * torch.randn(count, at_256, 2 * height, 2 * width))
            for count, (_, _, height, width) in zip(config.styles, windows, strict=True)
        )
        self.mix_128 = nn.Conv2d(widths[5] + at_128 + 2, 32, 3, 1, 1)
        self.mix_256 = nn.Conv2d(widths[6] + at_256 + config.fine_channels, widths[6], 3, 1, 1)
        self.head_128 = nn.Conv2d(32, heads, 3, 1, 1)
        self.head_256 = nn.Conv2d(widths[6], heads, 3, 1, 1)
        for name, size in (("field", FIELD_PX), ("128", 128), ("256", 256)):
            grid = functional.affine_grid(torch.eye(2, 3)[None], [1, 1, size, size], align_corners=False)
            self.register_buffer(f"grid_{name}", grid, persistent=False)
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
        nn.init.normal_(self.field_code.weight, std=0.1)
        nn.init.normal_(self.field.weight, std=1e-3)
        nn.init.normal_(self.shade_code.weight, std=0.1)
        nn.init.normal_(self.shade.weight, std=1e-3)
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
        bend = self._inverse_field(geometry)  # (B, 2, F, F)
        mixed = torch.cat([hidden, _resized(bend, 64).to(hidden.dtype)], 1)
        hidden = hidden + functional.leaky_relu(self.mix_64(mixed), 0.2)
        bend = _resized(bend, 128) + _resized(self.flow(hidden).float(), 128)  # (B, 2, 128, 128)
        hidden = functional.leaky_relu(self.up[5](hidden), 0.2)
        moved = self._bent(self.canonical_128, self.styles_128, options, bend, 128)
        joined = torch.cat([hidden, moved.to(hidden.dtype), bend.to(hidden.dtype)], 1)
        hidden = functional.leaky_relu(self.mix_128(joined), 0.2)  # (B, 32, 128, 128)
        maps = self._shaded(self.head_128(hidden).float(), geometry, bend)
        images = [self._colored(maps, colors)]
        if size_px == 128:
            return images
        if window is not None:
            row, column = window
            hidden = hidden[:, :, row : row + WINDOW_PX, column : column + WINDOW_PX]
            maps = maps[:, :, row : row + WINDOW_PX, column : column + WINDOW_PX]
        hidden = functional.leaky_relu(self.up[6](hidden), 0.2)
        moved = self._bent(self.canonical_256, self.styles_256, options, bend, 256, window)
        fine = self._bent_alike(self.canonical_512, bend, 256, window)
        mixed = self.mix_256(torch.cat([fine.to(hidden.dtype), moved.to(hidden.dtype), hidden], 1))
        hidden = functional.leaky_relu(mixed, 0.2)  # (B, C, 256, 256)
        maps = _resized(maps, 2 * maps.shape[-1]) + self.head_256(hidden).float()
        images.append(self._colored(maps, colors))
        if size_px == 256:
            return images
        maps = _resized(maps, 2 * maps.shape[-1]) + self.up[7](hidden).float()
        return [*images, self._colored(maps, colors)]

    def _split(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Geometry codes (B, G); options (B, O); colours (B, colors, 3)."""
        config = self.config
        blocks = (config.sliders, sum(config.styles), 3 * config.colors, config.nuisance)
        sliders, options, colors, nuisance = parameters.split(blocks, 1)
        return self._geometry_code(sliders, nuisance), options, colors.reshape(len(colors), -1, 3)

    def _inverse_field(self, geometry: Tensor) -> Tensor:
        """(B, 2, F, F): where each pixel of the frame lies in the canonical frame, relative to itself.

        Solves u(q) = -D(q + u(q)) for the displacement field D by fixed-point steps.
        """
        with torch.autocast(geometry.device.type, enabled=False):
            field = self.field(self.field_code(geometry.float())).view(-1, 2, FIELD_PX, FIELD_PX)
            inverse = -field
            for _ in range(_INVERSION_STEPS - 1):
                grid = cast("Tensor", self.grid_field) + inverse.permute(0, 2, 3, 1)
                inverse = -functional.grid_sample(field, grid, padding_mode="border", align_corners=False)
        result: Tensor = inverse
        return result

    def _shaded(self, maps: Tensor, geometry: Tensor, bend: Tensor) -> Tensor:
        """Maps (B, colors + 4, 128, 128) with the shade field, bent to the frame, in their shade channel."""
        with torch.autocast(geometry.device.type, enabled=False):
            shade = self.shade(self.shade_code(geometry.float())).view(-1, 1, FIELD_PX, FIELD_PX)
            grid = cast("Tensor", self.grid_128) + bend.permute(0, 2, 3, 1)
            moved = functional.grid_sample(shade, grid, padding_mode="border", align_corners=False)
        count = self.config.colors
        regions, own, remainder = maps.split((count, 1, 3), 1)
        return torch.cat([regions, own + moved, remainder], 1)

    def _bent(
        self,
        common: Tensor,
        styles: Iterable[Tensor],
        options: Tensor,
        bend: Tensor,
        size: int,
        window: tuple[int, int] | None = None,
    ) -> Tensor:
        """The canonical maps of the chosen options (B, C, size, size), bent to the frame."""
        with torch.autocast(options.device.type, enabled=False):
            chosen = common[None]
            scale = common.shape[-1] // CANONICAL_PX
            shares = options.float().split(self.config.styles, 1)
            for share, maps, place in zip(shares, styles, self.windows, strict=True):
                row, column, height, width = (scale * number for number in place)
                own = (share @ maps.flatten(1)).view(-1, *maps.shape[1:])
                below, right = chosen.shape[2] - row - height, chosen.shape[3] - column - width
                chosen = chosen + functional.pad(own, (column, right, row, below))
            grid = self._canonical_grid(bend, size, window)
            return functional.grid_sample(chosen, grid, padding_mode="border", align_corners=False)

    def _bent_alike(
        self, common: Tensor, bend: Tensor, size: int, window: tuple[int, int] | None = None
    ) -> Tensor:
        """One canonical map (C, ., .) for everyone, bent to each frame: (B, C, size, size)."""
        with torch.autocast(bend.device.type, enabled=False):
            grid = self._canonical_grid(bend, size, window)
            count, rows, columns, _ = grid.shape
            places = grid.reshape(1, count * rows, columns, 2)  # so that the map is read, not repeated
            moved = functional.grid_sample(common[None], places, padding_mode="border", align_corners=False)
            return moved.view(-1, count, rows, columns).transpose(0, 1)

    def _canonical_grid(self, bend: Tensor, size: int, window: tuple[int, int] | None) -> Tensor:
        """(B, S, S, 2): where the pixels of the frame, or of the window, lie in the canonical maps."""
        grid = cast("Tensor", getattr(self, f"grid_{size}")) + _resized(bend, size).permute(0, 2, 3, 1)
        if window is not None:
            row, column = (2 * place for place in window)
            grid = grid[:, row : row + 2 * WINDOW_PX, column : column + 2 * WINDOW_PX]
        return grid / _MARGIN

    @staticmethod
    def _colored(maps: Tensor, colors: Tensor) -> Tensor:
        """Maps (B, colors + 4, S, S) -> (B, 3, S, S): regions times colours times shade, plus a remainder."""
        count = colors.shape[1]
        regions, shade, remainder = maps.split((count, 1, 3), 1)
        painted = torch.einsum("bnhw,bnc->bchw", regions, colors)
        image: Tensor = painted * (1 + shade) + remainder + 0.5
        return image


def _resized(image: Tensor, size_px: int) -> Tensor:
    return functional.interpolate(image, size=(size_px, size_px), mode="bilinear", align_corners=False)
