"""PNG files come in as they are, or not at all."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from facewright.testing import Box, MaskError, PictureError
from facewright.testing.masks import ignored_pixels
from facewright.testing.pictures import decode_picture, encode_picture, read_picture


def png(image: Image.Image, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", **options)
    return buffer.getvalue()


def header(width: int, height: int, depth: int, color: int) -> bytes:
    """The start of a PNG that says this of itself, with no pixel in it."""
    fields = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    chunk = b"IHDR" + fields
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", len(fields))
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + b"\0" * 20
    )


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 2), (5, 7, 3), (5, 7, 4)])
def test_pixels_come_back_bit_by_bit(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    np.testing.assert_array_equal(decode_picture(encode_picture(pixels), source="x").pixels, pixels)


def test_16_bit_grey_keeps_its_bits() -> None:
    pixels = np.random.default_rng(0).integers(0, 65536, (5, 7), np.uint16)
    read = decode_picture(encode_picture(pixels), source="x").pixels
    assert read.dtype == np.uint16
    np.testing.assert_array_equal(read, pixels)


def test_a_palette_is_colours_for_pictures_and_indices_for_labels() -> None:
    image = Image.frombytes("P", (2, 1), b"\x01\x00")
    image.putpalette([10, 20, 30, 40, 50, 60])
    content = png(image)
    assert decode_picture(content, source="x").pixels.tolist() == [[[40, 50, 60], [10, 20, 30]]]
    assert decode_picture(content, source="x", as_indices=True).pixels.tolist() == [[1, 0]]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"GIF89a" + b"\0" * 40, "is no PNG"),
        (header(10, 0, 8, 2), "10x0; expected at least one pixel"),
        (header(16384, 16384, 8, 2), "16384x16384; expected at most 64,000,000"),
        (header(4, 4, 16, 2), "16-bit RGB"),
        (header(4, 4, 16, 6), "16-bit PNG with colour or alpha"),
        (header(4, 4, 8, 2), "damaged PNG"),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(PictureError, match=message) as caught:
        decode_picture(content, source="frames/hero.png")
    assert "frames/hero.png" in str(caught.value)


def test_every_cut_of_a_png_is_refused(picture: np.ndarray, tmp_path: Path) -> None:
    whole = encode_picture(picture)
    for length in (8, 30, 60, len(whole) // 2, len(whole) - 20):
        path = tmp_path / "cut.png"
        path.write_bytes(whole[:length])
        with pytest.raises(PictureError, match=r"cut\.png"):
            read_picture(path)


def test_every_flipped_bit_of_a_png_is_refused(picture: np.ndarray) -> None:
    whole = encode_picture(picture)
    for place in range(8, len(whole), max(1, len(whole) // 60)):
        flipped = bytearray(whole)
        flipped[place] ^= 0x10
        with pytest.raises(PictureError):
            decode_picture(bytes(flipped), source="x")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none\.png cannot be read"):
        read_picture(tmp_path / "none.png")


def test_masks_are_boxes_and_the_white_of_a_png(tmp_path: Path) -> None:
    mask = np.zeros((8, 10), np.uint8)
    mask[0, 0] = 255
    path = tmp_path / "mask.png"
    path.write_bytes(encode_picture(mask))
    ignored = ignored_pixels([Box(8, 6, 50, 50)], path, height=8, width=10)
    assert ignored is not None
    assert sorted(map(tuple, np.argwhere(ignored).tolist())) == [(0, 0), (6, 8), (6, 9), (7, 8), (7, 9)]
    assert ignored_pixels([], None, height=8, width=10) is None


def test_masks_that_do_not_fit_or_leave_nothing_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "mask.png"
    path.write_bytes(encode_picture(np.zeros((4, 4), np.uint8)))
    with pytest.raises(MaskError, match="4x4 and the picture 10x8"):
        ignored_pixels([], path, height=8, width=10)
    with pytest.raises(MaskError, match="outside the picture of 10x8"):
        ignored_pixels([Box(10, 0, 5, 5)], None, height=8, width=10)
    with pytest.raises(MaskError, match="leave no pixel"):
        ignored_pixels([Box(0, 0, 10, 8)], None, height=8, width=10)
