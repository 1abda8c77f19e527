"""Colours of vertices as a texture, for engines that look at textures only.

Every texel inside a triangle gets the mixture of its corners' colours; those beside it continue its edge, so
that filtering at a seam finds the same colour on either side.
"""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facewright_models.export.model import Material

__all__ = ["TEXTURE_PX", "bake_colors", "linear_to_display", "plain_png", "roughness_png"]

TEXTURE_PX = 1024
_BACKGROUND = 128

Array = NDArray[np.float32]


def bake_colors(
    material: Material,
    uv: Array,
    triangles: NDArray[np.int32],
    colors: Array,
    *,
    size_px: int = TEXTURE_PX,
) -> Material:
    """The material with a base-colour texture made of (N, 3) linear colours at (N, 2) texture coordinates."""
    from scipy import ndimage  # half a second that a server's start need not wait for

    image = np.full((size_px, size_px, 3), _BACKGROUND, np.uint8)
    is_filled = np.zeros((size_px, size_px), bool)
    shown = linear_to_display(colors)
    for corners in triangles:
        _fill(image, is_filled, uv[corners].astype(np.float64) * size_px - 0.5, shown[corners])
    if is_filled.any():
        nearest = ndimage.distance_transform_edt(~is_filled, return_distances=False, return_indices=True)
        image = image[tuple(nearest)]
    return replace(material, base_color_png=plain_png(image))


def roughness_png(roughness: NDArray[np.uint8]) -> bytes:
    """(H, W) as glTF has it: roughness in green, metal, of which there is none, in blue."""
    nothing = np.zeros_like(roughness)
    return plain_png(np.stack([nothing, roughness, nothing], -1))


def plain_png(pixels: NDArray[np.uint8]) -> bytes:
    """(H, W, 3) bytes as they are: display values, or numbers that are no colours."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG")
    return stream.getvalue()


def linear_to_display(linear: Array) -> Array:
    """Linear in [0,1] -> display values, elementwise, by the curve of IEC 61966-2-1."""
    clipped = np.clip(linear, 0, 1)
    result: Array = np.where(
        clipped <= 0.0031308, 12.92 * clipped, 1.055 * clipped ** (1 / 2.4) - 0.055
    ).astype(np.float32)
    return result


def _fill(
    image: NDArray[np.uint8], is_filled: NDArray[np.bool_], points: NDArray[np.float64], colors: Array
) -> None:
    """One triangle: (3, 2) points in texels (centres at whole numbers), (3, 3) sRGB colours in [0,1]."""
    size = len(image)
    low = np.clip(np.ceil(points.min(0) - 1e-9), 0, size - 1).astype(int)
    high = np.clip(np.floor(points.max(0) + 1e-9), 0, size - 1).astype(int)
    a, b = points[1] - points[0], points[2] - points[0]
    area = a[0] * b[1] - a[1] * b[0]
    if abs(area) < 1e-12 or (low > high).any():
        return
    x = np.arange(low[0], high[0] + 1)[None] - points[0, 0]
    y = np.arange(low[1], high[1] + 1)[:, None] - points[0, 1]
    second, third = (x * b[1] - y * b[0]) / area, (y * a[0] - x * a[1]) / area
    first = 1 - second - third
    inside = (first >= -1e-9) & (second >= -1e-9) & (third >= -1e-9)
    mixed = (
        first[inside, None] * colors[0] + second[inside, None] * colors[1] + third[inside, None] * colors[2]
    )
    window = (slice(low[1], high[1] + 1), slice(low[0], high[0] + 1))
    image[window][inside] = np.round(np.clip(mixed, 0, 1) * 255).astype(np.uint8)
    is_filled[window] |= inside
