"""Files that people send, good and bad, made from pixels."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

from facewright import FitOptions

# Enough to go through every stage; likeness is measured elsewhere.
FEW_STEPS = FitOptions(iterations=3)


def jpeg(pixels: np.ndarray, **options: object) -> bytes:
    return _saved(Image.fromarray(pixels), "JPEG", quality=95, **options)


def png(pixels: np.ndarray) -> bytes:
    return _saved(Image.fromarray(pixels), "PNG")


def animated_gif(pixels: np.ndarray) -> bytes:
    frames = [Image.fromarray(pixels), Image.fromarray(np.zeros_like(pixels))]
    return _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])


def png_16_bit(pixels: np.ndarray) -> bytes:
    """RGB with 16 bits per component, which Pillow cannot write."""
    height, width = pixels.shape[:2]
    rows = (pixels.astype(">u2") * 257).reshape(height, -1)
    raw = b"".join(b"\0" + row.tobytes() for row in rows)
    return _png_file(width, height, bit_depth=16, color_type=2, raw=raw)


def cmyk_jpeg(pixels: np.ndarray) -> bytes:
    return _saved(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95)


def transparent_png(pixels: np.ndarray) -> bytes:
    """Opaque in the middle, transparent at the rim."""
    image = Image.fromarray(pixels).convert("RGBA")
    alpha = np.zeros(pixels.shape[:2], np.uint8)
    alpha[8:-8, 8:-8] = 255
    image.putalpha(Image.fromarray(alpha))
    return _saved(image, "PNG")


def exif_rotated_jpeg(pixels: np.ndarray) -> bytes:
    """Stored lying on its side, with the tag that says how to turn it upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return jpeg(np.ascontiguousarray(np.rot90(pixels)), exif=exif)


def flat_png(width: int, height: int) -> bytes:
    """One bit per pixel, all the same: a small file of a large area."""
    raw = (b"\0" + bytes((width + 7) // 8)) * height
    return _png_file(width, height, bit_depth=1, color_type=0, raw=raw)


def png_header_only(width: int, height: int) -> bytes:
    """Announces an area that the few bytes cannot hold."""
    return _png_file(width, height, bit_depth=8, color_type=2, raw=b"\0" * 100)


def scaled(pixels: np.ndarray, factor: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Both on one picture, the smaller one on grey."""
    canvas = np.full((max(left.shape[0], right.shape[0]), right.shape[1], 3), 128, np.uint8)
    canvas[: right.shape[0]] = right
    return np.ascontiguousarray(np.hstack([left, canvas]))


def decoded(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB"))


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


def _png_file(width: int, height: int, *, bit_depth: int, color_type: int, raw: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bit_depth, color_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(raw, 9)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
