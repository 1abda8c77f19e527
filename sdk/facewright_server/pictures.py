"""Arrays <-> PNG bytes. The same array gives the same bytes."""

import io

import cv2
import numpy as np
from PIL import Image

from facewright_models.errors import FacewrightError

__all__ = [
    "color_jpeg",
    "color_png",
    "color_raw",
    "comparison_png",
    "depth_png",
    "fast_color_png",
    "labels_png",
    "normals_png",
]

# Background, face, hair, left and right brow, left and right eye, nose, upper lip, teeth, lower lip.
_PALETTE = (
    (0, 0, 0), (222, 184, 150), (110, 70, 40), (60, 130, 200), (40, 90, 160), (90, 200, 120), (50, 150, 80),
    (240, 200, 60), (220, 70, 90), (245, 245, 245), (170, 40, 70),
)  # fmt: skip
_DEPTH_STEPS_PER_METRE = 10_000
_COMPRESSION = 3


def color_png(color: np.ndarray) -> bytes:
    """(H, W, 3) uint8 sRGB -> RGB PNG."""
    return _encode(Image.fromarray(np.ascontiguousarray(color, dtype=np.uint8)))


def fast_color_png(color: np.ndarray, *, level: int) -> bytes:
    """(H, W, 3) uint8 sRGB -> RGB PNG; level 1 takes a tenth of the time of level 6."""
    return _opencv(".png", color, [cv2.IMWRITE_PNG_COMPRESSION, level])


def color_jpeg(color: np.ndarray, *, quality: int) -> bytes:
    """(H, W, 3) uint8 sRGB -> JPEG."""
    return _opencv(".jpg", color, [cv2.IMWRITE_JPEG_QUALITY, quality])


def color_raw(color: np.ndarray, *, bottom_up: bool) -> bytes:
    """(H, W, 3) uint8 -> its bytes, row by row."""
    return (color[::-1] if bottom_up else color).tobytes()


def labels_png(labels: np.ndarray) -> bytes:
    """(H, W) uint8 classes -> palette PNG whose index is the class."""
    height, width = labels.shape
    indexed = Image.frombytes("P", (width, height), labels.astype(np.uint8).tobytes())
    indexed.putpalette([component for rgb in _PALETTE for component in rgb])
    return _encode(indexed)


def depth_png(depth: np.ndarray) -> bytes:
    """(H, W) float32 metres -> 16-bit grey PNG in tenths of a millimetre, at most 6.5 m."""
    steps = np.clip(np.rint(depth.astype(np.float64) * _DEPTH_STEPS_PER_METRE), 0, 65535)
    return _encode(Image.fromarray(steps.astype(np.uint16)))


def normals_png(normals: np.ndarray) -> bytes:
    """(H, W, 3) float32 unit vectors -> RGB PNG, component = round(127.5 (n + 1)); zero vectors are black."""
    is_surface = np.any(normals != 0, axis=-1, keepdims=True)
    packed = np.where(is_surface, np.rint(127.5 * (normals + 1.0)), 0.0)
    return color_png(np.clip(packed, 0, 255).astype(np.uint8))


def comparison_png(*images: np.ndarray) -> bytes:
    """(H, W, 3) pictures of one height, side by side."""
    return color_png(np.hstack(images))


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", compress_level=_COMPRESSION)
    return buffer.getvalue()


def _opencv(extension: str, color: np.ndarray, options: list[int]) -> bytes:
    is_written, encoded = cv2.imencode(extension, cv2.cvtColor(color, cv2.COLOR_RGB2BGR), options)
    if not is_written:
        raise FacewrightError(f"a frame of {color.shape} could not be written as {extension}")
    return bytes(encoded)
