"""PNG files <-> pixels as they are compared, without losing or inventing a bit.

A palette is resolved for pictures, and kept as indices for label maps. Pictures of which Pillow would silently drop
half of the bits (16-bit colour) are refused.
"""

from __future__ import annotations

import io
import struct
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from facewright.testing.errors import PictureError

__all__ = ["LARGEST_PIXELS", "Picture", "as_picture", "decode_picture", "encode_picture", "read_picture"]

LARGEST_PIXELS = 64_000_000  # 8k video has 33 million
_PNG_START = b"\x89PNG\r\n\x1a\n"
_GREY, _COLOR = 0, 2
_CHANNEL_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Picture:
    """(H, W) or (H, W, C) uint8, or (H, W) uint16; C is 3 (RGB), 4 (RGBA) or 2 (grey and alpha).

    `source` names it in messages.
    """

    pixels: np.ndarray[Any, Any] = field(repr=False)
    source: str = "picture"

    @property
    def mode(self) -> str:
        """``RGB 8 bit`` and the like."""
        channels = 1 if self.pixels.ndim == 2 else self.pixels.shape[2]
        return f"{_CHANNEL_MODES[channels]} {8 * self.pixels.itemsize} bit"

    @property
    def size_text(self) -> str:
        """``640x480``, width first."""
        return f"{self.pixels.shape[1]}x{self.pixels.shape[0]}"

    @property
    def has_alpha(self) -> bool:
        """Whether the last channel is alpha."""
        return self.pixels.ndim == 3 and self.pixels.shape[2] in (2, 4)


def read_picture(path: Path, *, as_indices: bool = False) -> Picture:
    """A PNG file. `as_indices` keeps the indices of a palette. Raises `PictureError`, which names the file."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read: {error.strerror or error}") from error
    return decode_picture(content, source=str(path), as_indices=as_indices)


def decode_picture(content: bytes, *, source: str, as_indices: bool = False) -> Picture:
    """The bytes of a PNG. Raises `PictureError`, which names `source`."""
    _check_header(content, source)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
                image.verify()  # the checksum of every chunk, which loading alone does not look at
            with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
                image.load()
                return Picture(_pixels(image, as_indices=as_indices), source)
    except (OSError, SyntaxError, ValueError, struct.error, Warning) as error:
        raise PictureError(
            f"{source} is a damaged PNG ({error}); write it again, or take it back from version control"
        ) from error


def as_picture(image: object, *, source: str) -> Picture:
    """A picture of bytes or a file of PNG, a Pillow image or an array like `Picture.pixels`. Raises `PictureError`."""
    if isinstance(image, Picture):
        return image
    if isinstance(image, (bytes, bytearray, memoryview)):
        return decode_picture(bytes(image), source=source)
    if isinstance(image, (str, Path)):
        return read_picture(Path(image))
    if isinstance(image, Image.Image):
        return Picture(_pixels(image, as_indices=False), source)
    if isinstance(image, np.ndarray):
        return Picture(_checked_array(image, source), source)
    raise PictureError(
        f"{source} is a {type(image).__name__}; expected a path or the bytes of a PNG, a Pillow image, or an array"
    )


def encode_picture(pixels: np.ndarray[Any, Any]) -> bytes:
    """PNG bytes; the same pixels give the same bytes."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", compress_level=6)
    return buffer.getvalue()


def _check_header(content: bytes, source: str) -> None:
    """Refuse by the first 26 bytes what must not be decoded."""
    if not content:
        raise PictureError(f"{source} is empty; expected a PNG")
    if not content.startswith(_PNG_START) or len(content) < 26:
        raise PictureError(f"{source} is no PNG; convert it to PNG without loss, so that every pixel is kept")
    width, height, depth, color = struct.unpack(">IIBB", content[16:26])
    if width == 0 or height == 0:
        raise PictureError(f"{source} is {width}x{height}; expected at least one pixel")
    if width * height > LARGEST_PIXELS:
        raise PictureError(
            f"{source} is {width}x{height}; expected at most {LARGEST_PIXELS:,} pixels: compare parts of it"
        )
    if depth == 16 and color != _GREY:
        raise PictureError(
            f"{source} is a 16-bit {'RGB' if color == _COLOR else 'PNG with colour or alpha'}; expected 8-bit "
            "colour or 16-bit grey: write 8-bit colour, or one 16-bit grey PNG for each channel"
        )


def _pixels(image: Image.Image, *, as_indices: bool) -> np.ndarray[Any, Any]:
    if image.mode == "P" and not as_indices:
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    elif image.mode == "1":
        image = image.convert("L")
    elif image.mode.startswith("I"):
        return np.asarray(image).astype(np.uint16)
    elif image.mode not in ("L", "LA", "P", "RGB", "RGBA"):
        raise PictureError(f"got a picture of mode {image.mode}; expected L, LA, P, RGB, RGBA or 16-bit grey")
    return np.array(image)


def _checked_array(pixels: np.ndarray[Any, Any], source: str) -> np.ndarray[Any, Any]:
    is_8_bit = pixels.dtype == np.uint8 and (
        pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (2, 3, 4))
    )
    is_16_bit = pixels.dtype == np.uint16 and pixels.ndim == 2
    if not (is_8_bit or is_16_bit) or pixels.size == 0 or pixels.shape[0] * pixels.shape[1] > LARGEST_PIXELS:
        raise PictureError(
            f"{source} is an array of shape {pixels.shape} and type {pixels.dtype}; expected (H, W) or (H, W, C) uint8 "
            f"with C of 2, 3 or 4, or (H, W) uint16, of at least one and at most {LARGEST_PIXELS:,} pixels"
        )
    return pixels
