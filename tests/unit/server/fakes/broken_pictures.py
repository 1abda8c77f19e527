"""Files that are no pictures, or are them only at first sight."""

from __future__ import annotations

import functools
import io
import random
import struct
import zlib

from PIL import Image

_PNG = b"\x89PNG\r\n\x1a\n"


@functools.cache
def broken_pictures(photo: bytes) -> dict[str, bytes]:
    """By what is wrong with them; `photo` is a PNG."""
    jpeg = _saved("JPEG")
    return {
        "text": b"this is no picture",
        "one byte": b"\x89",
        "zeros": bytes(5000),
        "script": b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        "half a PNG": photo[: len(photo) // 2],
        "half a JPEG": jpeg[: len(jpeg) // 2],
        "JPEG without an end": jpeg[:-2],
        "only a PNG header": photo[:33],
        "flipped PNG": _flipped(photo, 40),
        "flipped JPEG": _flipped(jpeg, 100),
        "PNG behind rubbish": b"rubbish" + photo,
        "PNG of 0 x 0": _png(0, 0, b""),
        "PNG of 2^31 pixels": _png(46341, 46341, zlib.compress(bytes(1000))),
        "PNG that says it is wider": _png(60_000, 1, zlib.compress(bytes(10))),
        "PNG bomb": _png(30_000, 30_000, zlib.compress(bytes(3_000_000), 9)),
        "PNG with a text bomb": _with_text_bomb(photo),
        "GIF cut off": _saved("GIF")[:40],
        "WebP cut off": _saved("WEBP")[:60],
        "TIFF with a loop": b"II*\x00\x08\x00\x00\x00\x00\x00\x08\x00\x00\x00",
        "MP4 of nothing": b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom\x00\x00\x00\x08moov",
    }


def _saved(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.linear_gradient("L").resize((64, 64)).convert("RGB").save(stream, kind)
    return stream.getvalue()


def _flipped(content: bytes, at: int) -> bytes:
    changed = bytearray(content)
    rng = random.Random(at)
    for _ in range(20):
        changed[rng.randrange(at, len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checked = kind + content
    return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))


def _png(width: int, height: int, packed: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", head) + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def _with_text_bomb(photo: bytes) -> bytes:
    text = _chunk(b"zTXt", b"note\x00\x00" + zlib.compress(bytes(50_000_000), 9))
    return photo[:33] + text + photo[33:]
