"""Decoding what is no photo: one of two errors, with what to do in it, and never anything else."""

import io
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

from facewright_models.errors import FacewrightError, ImageTooLargeError, InvalidImageError
from facewright_models.photo import decode_photo

# As in production: Pillow's warnings about damaged metadata stay warnings and do not stop the decoding.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

FORMATS = ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"]


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


@pytest.fixture(scope="module")
def noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (96, 128, 3), np.uint8))


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of_zeros(width: int, height: int) -> bytes:
    """A 1-bit PNG of any size in a few kilobytes: the classic bomb."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    packer = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    data = b"".join([*(packer.compress(row) for _ in range(height)), packer.flush()])
    return b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def test_nothing_is_refused_with_its_size() -> None:
    with pytest.raises(InvalidImageError, match=r"empty \(0 bytes\)") as caught:
        decode_photo(b"")
    assert caught.value.field == "content"


@pytest.mark.parametrize(
    "content",
    [
        b"\x00",
        b"hello, this is a text and no picture" * 100,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"P6 2 2 255 " + bytes(12),
        b"8BPS\x00\x01" + bytes(64),
        random.Random(0).randbytes(5000),
    ],
)
def test_what_is_no_picture_is_refused_with_the_accepted_formats(content: bytes) -> None:
    with pytest.raises(InvalidImageError, match=r"send JPEG, PNG, WebP, BMP, TIFF or GIF") as caught:
        decode_photo(content)
    assert caught.value.metadata["bytes"] == str(len(content))


def test_a_phone_format_that_is_not_accepted_is_named() -> None:
    with pytest.raises(InvalidImageError, match="HEIF"):
        decode_photo(b"\x00\x00\x00\x18ftypheic" + bytes(100))


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_a_truncated_file_is_refused(file_format: str, share: float, noise: Image.Image) -> None:
    content = encode(noise, file_format)
    with pytest.raises(InvalidImageError) as caught:
        decode_photo(content[: max(20, int(len(content) * share))])
    assert "send" in str(caught.value)


@pytest.mark.parametrize("file_format", FORMATS)
def test_a_file_of_header_alone_is_refused(file_format: str, noise: Image.Image) -> None:
    with pytest.raises(InvalidImageError):
        decode_photo(encode(noise, file_format)[:16])


@pytest.mark.parametrize("file_format", FORMATS)
def test_one_pixel_too_many_is_refused_with_both_numbers(file_format: str) -> None:
    content = encode(Image.new("RGB", (101, 10)), file_format)
    assert decode_photo(content, max_pixels=1010).pixels.shape == (10, 101, 3)
    with pytest.raises(ImageTooLargeError, match=r"101 x 10 = 1,010 pixels; at most 1,009") as caught:
        decode_photo(content, max_pixels=1009)
    assert caught.value.metadata["pixels"] == "1010"
    assert caught.value.metadata["max_pixels"] == "1009"


@pytest.mark.parametrize(("width", "height"), [(10_001, 10_000), (30_000, 30_000), (2**31 - 1, 2**31 - 1)])
def test_a_size_over_the_limit_is_refused_before_decoding(width: int, height: int) -> None:
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", b"") + png_chunk(b"IEND", b"")
    tracemalloc.start()
    with pytest.raises(ImageTooLargeError):
        decode_photo(content)
    assert tracemalloc.get_traced_memory()[1] < 1_000_000
    tracemalloc.stop()


def test_a_webp_larger_than_its_own_decoder_allows_is_refused_as_too_large() -> None:
    chunk = b"VP8L" + struct.pack("<I", 8) + b"\x2f" + struct.pack("<I", 16382 | 16382 << 14) + bytes(3)
    content = b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
    with pytest.raises((ImageTooLargeError, InvalidImageError)):
        decode_photo(content)


def test_a_small_file_of_many_pixels_is_refused_as_a_bomb() -> None:
    content = png_of_zeros(9_000, 9_000)  # 81 megapixels: within the limit
    assert len(content) < 20_000
    with pytest.raises(ImageTooLargeError, match="decompression bomb"):
        decode_photo(content)


def test_a_flat_jpeg_of_a_camera_size_is_no_bomb() -> None:
    content = encode(Image.new("RGB", (5000, 4000), (90, 90, 90)), "JPEG", quality=60, optimize=True)
    assert decode_photo(content).pixels.shape == (4000, 5000, 3)


def test_a_compressed_text_bomb_inside_a_png_is_refused_or_skipped() -> None:
    text = png_chunk(b"zTXt", b"Comment\x00\x00" + zlib.compress(bytes(200_000_000), 9))
    image = encode(Image.new("RGB", (8, 8)), "PNG")
    try:
        decode_photo(image[:33] + text + image[33:])
    except InvalidImageError as error:
        assert "send" in str(error)


@pytest.mark.parametrize("file_format", FORMATS)
def test_no_damage_ends_in_another_error_than_ours(file_format: str, noise: Image.Image) -> None:
    content = encode(noise, file_format)
    dice = random.Random(file_format)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(dice.choice([1, 3, 20])):
            # Half of the damage goes where it hurts: headers and tables.
            damaged[dice.randrange(min(len(damaged), dice.choice([64, len(damaged)])))] = dice.randrange(256)
        if dice.random() < 0.3:
            del damaged[dice.randrange(1, len(damaged)) :]
        try:
            photo = decode_photo(bytes(damaged), max_pixels=4_000_000)
        except FacewrightError as error:
            assert isinstance(error, InvalidImageError | ImageTooLargeError)
        else:
            assert photo.pixels.ndim == 3
            assert photo.pixels.shape[2] == 3
