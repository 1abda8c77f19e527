"""A person's skin as a file: a square PNG, named by the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facewright_models.errors import SkinTextureError

__all__ = ["SKIN_TEXTURE_PX", "SkinTexture", "read_skin_texture", "skin_texture_file"]

SKIN_TEXTURE_PX = 1024
"""Width and height."""


@dataclass(frozen=True, kw_only=True)
class SkinTexture:
    """A skin in the rig's texture; two are equal when their files are.

    pixels (SKIN_TEXTURE_PX, SKIN_TEXTURE_PX, 3) uint8, row 0 at the top, coded with the exponent 1/2.2; `sha256`, in
    lower-case hexadecimals, is that of the file they came from.
    """

    sha256: str
    pixels: NDArray[np.uint8] = field(compare=False, repr=False)


def read_skin_texture(content: bytes) -> SkinTexture:
    """From the bytes of its file. Raises SkinTextureError for what is no square PNG of that size."""
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as image:
            size = image.size
            if size != (SKIN_TEXTURE_PX, SKIN_TEXTURE_PX):
                raise SkinTextureError(
                    f"the skin texture has {size[0]} x {size[1]} pixels; expected {SKIN_TEXTURE_PX} x "
                    f"{SKIN_TEXTURE_PX}; use the file that the fit wrote",
                    field="skin_texture",
                )
            pixels = np.array(image.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SkinTextureError(
            f"the skin texture ({len(content):,} bytes) is no whole PNG; use the file that the fit wrote",
            field="skin_texture",
        ) from error
    pixels.flags.writeable = False
    return SkinTexture(sha256=hashlib.sha256(content).hexdigest(), pixels=pixels)


def skin_texture_file(pixels: NDArray[np.uint8]) -> tuple[SkinTexture, bytes]:
    """Pixels of SKIN_TEXTURE_PX squared with the bytes of their file; the same pixels give the same bytes."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, format="PNG", compress_level=6)
    content = stream.getvalue()
    return read_skin_texture(content), content
