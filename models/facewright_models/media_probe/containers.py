"""Which kind of file it is, by its first bytes, and whether all of it is there.

The lengths that a container writes about itself are compared with the size of the file: that finds a file cut
short in milliseconds, without reading it.

Source: ISO/IEC 14496-12 (boxes), RFC 9559 and RFC 8794 (Matroska, EBML), RIFF (AVI, WebP).
"""

import io
import struct
from typing import Literal

from facewright_models.errors import InvalidMediaError

__all__ = ["ACCEPTED", "Container", "check_extent", "identify"]

Container = Literal["jpeg", "png", "gif", "webp", "bmp", "tiff", "mp4", "mov", "matroska", "webm", "avi"]
ACCEPTED = "JPEG, PNG, WebP, BMP, TIFF, GIF, MP4, MOV, MKV, WebM or AVI"

_PREFIXES: tuple[tuple[bytes, Container], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_STILL_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")
_OLD_MOV_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT = b"\x18\x53\x80\x67"
_MAX_BOXES = 10_000


def identify(file: io.BufferedIOBase) -> Container:
    """The kind of the file. Raises `InvalidMediaError` for any that is not accepted."""
    file.seek(0)
    head = file.read(64)
    for prefix, container in _PREFIXES:
        if head.startswith(prefix):
            return container
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[4:8] == b"ftyp":
        if head[8:12] in _STILL_BRANDS:
            raise _refused("an HEIF or AVIF picture; save it as JPEG")
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in _OLD_MOV_BOXES:
        return "mov"
    if head.startswith(_EBML):
        return "webm" if b"webm" in head else "matroska"
    raise _refused("neither an image nor a video that is known here")


def check_extent(file: io.BufferedIOBase, container: Container) -> None:
    """Raises `InvalidMediaError` when a video ends before the end that it announces."""
    size = file.seek(0, io.SEEK_END)
    if container in ("mp4", "mov"):
        _check_boxes(file, size)
    elif container == "avi":
        _check_riff(file, size)
    elif container in ("matroska", "webm"):
        _check_segment(file, size)


def _check_boxes(file: io.BufferedIOBase, size: int) -> None:
    position, names = 0, set()
    for _ in range(_MAX_BOXES):
        if position >= size:
            break
        length, name, header_bytes = _box(file, position, size)
        if length < header_bytes:
            raise _damaged(f"the box at byte {position:,} has an impossible length")
        if position + length > size:
            raise _cut_short(position + length, size)
        names.add(name)
        position += length
    if b"moov" not in names:
        raise _damaged("it has no index (moov), as when a recording or a transfer was broken off")


def _box(file: io.BufferedIOBase, position: int, size: int) -> tuple[int, bytes, int]:
    file.seek(position)
    header = file.read(16)
    if len(header) < 8:
        raise _cut_short(position + 8, size)
    length, name = struct.unpack(">I4s", header[:8])
    if length == 0:
        return size - position, name, 8
    if length == 1:
        if len(header) < 16:
            raise _cut_short(position + 16, size)
        return struct.unpack(">Q", header[8:])[0], name, 16
    return length, name, 8


def _check_riff(file: io.BufferedIOBase, size: int) -> None:
    """One RIFF chunk up to 2 GB, more after it in longer files; 0 where a recorder never came to its end."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        name, length = struct.unpack("<4sI", file.read(8))
        if name != b"RIFF":
            return
        if position + 8 + length > size:
            raise _cut_short(position + 8 + length, size)
        if length == 0:
            raise _damaged("its length was never written, as when a recording was broken off")
        position += 8 + length + length % 2


def _check_segment(file: io.BufferedIOBase, size: int) -> None:
    """The header element, then one segment; a live recording has a segment of unknown length."""
    position = 0
    for _ in range(16):
        file.seek(position)
        element = file.read(16)
        length, length_bytes = _variable_integer(element[4:])
        if element[:4] == _SEGMENT:
            if length is not None and position + 4 + length_bytes + length > size:
                raise _cut_short(position + 4 + length_bytes + length, size)
            return
        if length is None or element[:4] != _EBML:
            break
        position += 4 + length_bytes + length
    raise _damaged("it has no segment after its header")


def _variable_integer(data: bytes) -> tuple[int | None, int]:
    """EBML's length: the leading zeros of the first byte say how many bytes follow; all ones is unknown."""
    if not data or data[0] == 0:
        raise _damaged("a length in it cannot be read")
    count = 9 - data[0].bit_length()
    if len(data) < count:
        raise _damaged("it ends inside its header")
    value = int.from_bytes(data[:count], "big") & ((1 << 7 * count) - 1)
    return (None if value == (1 << 7 * count) - 1 else value), count


def _refused(what: str) -> InvalidMediaError:
    return InvalidMediaError(f"the file is {what}; expected {ACCEPTED}")


def _damaged(why: str) -> InvalidMediaError:
    return InvalidMediaError(f"the video is damaged: {why}; send the complete file")


def _cut_short(announced: int, size: int) -> InvalidMediaError:
    return InvalidMediaError(
        f"the video is cut short: it announces {announced:,} bytes and has {size:,}; send the complete file",
        metadata={"announced_bytes": str(announced), "bytes": str(size)},
    )
