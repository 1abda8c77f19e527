"""Decoding photos that are good: every format, depth and colour mode ends upright in sRGB."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from facewright_models.photo import Photo, decode_photo

LOSSLESS = {
    "PNG": {},
    "BMP": {},
    "TIFF": {"compression": "tiff_lzw"},
    "WEBP": {"lossless": True, "exact": True},
}
ALL_FORMATS = {**LOSSLESS, "GIF": {}, "JPEG": {"quality": 95, "subsampling": 0}}


def encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


@pytest.fixture
def picture() -> np.ndarray:
    """No two of its rotations and mirrorings are alike, and no side is a multiple of a JPEG block."""
    rows, columns = np.mgrid[0:37, 0:53]
    return np.stack([rows * 6, columns * 4, (rows + columns) % 2 * 40 + 90], axis=-1).astype(np.uint8)


@pytest.fixture
def smooth() -> np.ndarray:
    rows, columns = np.mgrid[0:37, 0:53]
    return np.stack([rows * 6, columns * 4, rows * 0 + 90], axis=-1).astype(np.uint8)


def codes(photo: Photo) -> list[str]:
    return [notice.code for notice in photo.warnings]


@pytest.mark.parametrize("file_format", LOSSLESS)
def test_a_lossless_file_comes_back_exactly(file_format: str, picture: np.ndarray) -> None:
    photo = decode_photo(encode(Image.fromarray(picture), file_format, **LOSSLESS[file_format]))
    np.testing.assert_array_equal(photo.pixels, picture)
    assert photo.pixels.dtype == np.uint8
    assert photo.pixels.flags["C_CONTIGUOUS"]
    assert photo.pixels.flags["WRITEABLE"]
    assert photo.warnings == ()


@pytest.mark.parametrize("file_format", ["JPEG", "GIF"])
def test_a_lossy_file_comes_back_nearly(file_format: str, smooth: np.ndarray) -> None:
    photo = decode_photo(encode(Image.fromarray(smooth), file_format, **ALL_FORMATS[file_format]))
    assert np.abs(photo.pixels.astype(int) - smooth).mean() < 6


def test_a_progressive_jpeg_is_decoded(smooth: np.ndarray) -> None:
    photo = decode_photo(encode(Image.fromarray(smooth), "JPEG", quality=95, progressive=True))
    assert np.abs(photo.pixels.astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "JPEG", "GIF", "WEBP"])
def test_grey_becomes_three_equal_channels(file_format: str, smooth: np.ndarray) -> None:
    grey = smooth[:, :, 1]
    pixels = decode_photo(encode(Image.fromarray(grey), file_format)).pixels
    assert pixels.shape == (37, 53, 3)
    assert np.abs(pixels.astype(int) - grey[:, :, None]).max() <= 16
    assert np.ptp(pixels.astype(int), axis=-1).max() <= 12  # WebP has no grey: lossy chroma


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
def test_black_and_white_is_decoded(file_format: str) -> None:
    mask = np.zeros((20, 30), bool)
    mask[5:, 7:] = True
    pixels = decode_photo(encode(Image.fromarray(mask), file_format)).pixels
    np.testing.assert_array_equal(pixels, np.where(mask, 255, 0)[:, :, None].repeat(3, axis=2))


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP", "GIF"])
def test_a_palette_is_looked_up(file_format: str) -> None:
    image = Image.new("P", (4, 2))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1, 0, 1, 1, 0, 1, 0])
    pixels = decode_photo(encode(image, file_format)).pixels
    assert pixels[0, 0].tolist() == [10, 20, 30]
    assert pixels[0, 1].tolist() == [200, 100, 50]


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_upper_byte(file_format: str) -> None:
    deep = np.linspace(0, 65535, 600).astype(np.uint16).reshape(20, 30)
    pixels = decode_photo(encode(Image.fromarray(deep), file_format)).pixels
    np.testing.assert_array_equal(pixels, (deep >> 8).astype(np.uint8)[:, :, None].repeat(3, axis=2))


def test_big_endian_sixteen_bit_grey_is_read_in_its_own_order() -> None:
    deep = np.linspace(0, 65535, 600).astype(">u2").reshape(20, 30)
    image = Image.frombytes("I;16B", (30, 20), deep.tobytes())
    pixels = decode_photo(encode(image, "TIFF")).pixels
    np.testing.assert_array_equal(pixels[:, :, 0], (deep >> 8).astype(np.uint8))


@pytest.mark.parametrize("file_format", ["png", "tiff"])
def test_sixteen_bit_colour_keeps_its_upper_byte(file_format: str, picture: np.ndarray) -> None:
    cv2 = pytest.importorskip("cv2")
    deep = picture.astype(np.uint16) * 256 + 17
    done, content = cv2.imencode("." + file_format, deep[:, :, ::-1])
    assert done
    np.testing.assert_array_equal(decode_photo(content.tobytes()).pixels, picture)


def test_sixteen_bit_colour_with_alpha_is_decoded() -> None:
    cv2 = pytest.importorskip("cv2")
    deep = np.full((8, 8, 4), 65535, np.uint16)
    deep[:, :4, 3] = 0
    pixels = decode_photo(cv2.imencode(".png", deep)[1].tobytes()).pixels
    assert pixels[0, 0].tolist() == [128, 128, 128]
    assert pixels[0, 7].tolist() == [255, 255, 255]


@pytest.mark.parametrize(("highest", "shift"), [(200, 0), (60_000, 8), (2**31 - 1, 23)])
def test_thirty_two_bit_grey_is_scaled_by_the_depth_that_was_meant(highest: int, shift: int) -> None:
    values = np.linspace(0, highest, 64).astype(np.int32).reshape(8, 8)
    pixels = decode_photo(encode(Image.fromarray(values), "TIFF")).pixels
    np.testing.assert_array_equal(pixels[:, :, 0], values >> shift)


def test_floating_point_grey_spans_zero_to_one_and_survives_nan() -> None:
    values = np.array([[0.0, 0.5, 1.0, 7.0, -3.0, np.nan, np.inf, 0.25]], np.float32)
    pixels = decode_photo(encode(Image.fromarray(values), "TIFF")).pixels
    assert pixels[0, :, 0].tolist() == [0, 128, 255, 255, 0, 0, 255, 64]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_inks_become_rgb(file_format: str) -> None:
    inks = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    pixels = decode_photo(encode(inks, file_format)).pixels
    assert np.abs(pixels.astype(int) - [255, 0, 0]).max() <= 4


def test_lab_becomes_rgb() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    red = Image.new("RGB", (8, 8), (200, 60, 30))
    image = ImageCms.profileToProfile(red, profile, lab, outputMode="LAB")
    assert image is not None
    pixels = decode_photo(encode(image, "TIFF")).pixels
    assert np.abs(pixels.astype(int) - [200, 60, 30]).max() <= 4


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "WEBP"])
def test_transparency_lies_on_mid_grey(file_format: str) -> None:
    image = np.zeros((2, 3, 4), np.uint8)
    image[:, :, 0] = 200
    image[:, :, 3] = [0, 255, 128]
    pixels = decode_photo(encode(Image.fromarray(image), file_format, **LOSSLESS[file_format])).pixels
    assert pixels[0, 0].tolist() == [128, 128, 128]
    assert pixels[0, 1].tolist() == [200, 0, 0]
    assert np.abs(pixels[0, 2].astype(int) - [164, 64, 64]).max() <= 1


def test_grey_with_alpha_lies_on_mid_grey() -> None:
    image = Image.merge("LA", (Image.new("L", (4, 4), 30), Image.new("L", (4, 4), 0)))
    assert decode_photo(encode(image, "PNG")).pixels[0, 0].tolist() == [128, 128, 128]


@pytest.mark.parametrize("file_format", ["PNG", "GIF"])
def test_a_transparent_palette_entry_lies_on_mid_grey(file_format: str) -> None:
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 200, 100, 50])
    image.putdata([0, 1])
    pixels = decode_photo(encode(image, file_format, transparency=0)).pixels
    assert pixels[0].tolist() == [[128, 128, 128], [200, 100, 50]]


def test_a_transparent_colour_key_lies_on_mid_grey() -> None:
    image = Image.new("RGB", (2, 1), (1, 2, 3))
    image.putpixel((1, 0), (9, 9, 9))
    pixels = decode_photo(encode(image, "PNG", transparency=(1, 2, 3))).pixels
    assert pixels[0].tolist() == [[128, 128, 128], [9, 9, 9]]


# How a camera that was held in each of the eight ways stores an upright scene.
STORED = {
    1: lambda scene: scene,
    2: lambda scene: scene[:, ::-1],
    3: lambda scene: scene[::-1, ::-1],
    4: lambda scene: scene[::-1],
    5: lambda scene: scene.transpose(1, 0, 2),
    6: lambda scene: np.rot90(scene, 1),
    7: lambda scene: scene[::-1, ::-1].transpose(1, 0, 2),
    8: lambda scene: np.rot90(scene, -1),
}


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_every_exif_orientation_ends_upright(orientation: int, file_format: str, smooth: np.ndarray) -> None:
    stored = Image.fromarray(np.ascontiguousarray(STORED[orientation](smooth)))
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encode(stored, file_format, exif=exif, **ALL_FORMATS[file_format])
    pixels = decode_photo(content).pixels
    assert pixels.shape == smooth.shape
    assert np.abs(pixels.astype(int) - smooth).mean() < 4


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_no_orientation(orientation: int, picture: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    np.testing.assert_array_equal(
        decode_photo(encode(Image.fromarray(picture), "PNG", exif=exif)).pixels, picture
    )


def test_a_broken_exif_block_does_not_refuse_the_picture(picture: np.ndarray) -> None:
    broken = b"Exif\x00\x00MM\x00*\x00\x00\xff\xff\x00\x01"
    pixels = decode_photo(encode(Image.fromarray(picture), "PNG", exif=broken)).pixels
    np.testing.assert_array_equal(pixels, picture)


@pytest.mark.parametrize("file_format", ["GIF", "PNG", "WEBP", "TIFF"])
def test_an_animation_gives_its_first_frame_and_says_so(file_format: str) -> None:
    frames = [Image.new("RGB", (16, 16), color) for color in ((250, 0, 0), (0, 250, 0), (0, 0, 250))]
    options = {"save_all": True, "append_images": frames[1:], **LOSSLESS.get(file_format, {})}
    photo = decode_photo(encode(frames[0], file_format, **options))
    assert np.abs(photo.pixels.astype(int) - [250, 0, 0]).max() <= 2
    assert codes(photo) == ["ANIMATED_FIRST_FRAME"]


def test_a_phone_picture_with_a_preview_inside_is_no_animation(smooth: np.ndarray) -> None:
    image = Image.fromarray(smooth)
    photo = decode_photo(encode(image, "MPO", save_all=True, append_images=[image.resize((8, 8))]))
    assert photo.pixels.shape == smooth.shape
    assert photo.warnings == ()


def swapped_profile() -> bytes:
    """A profile in which the picture's red is the world's blue: unmistakable when it is honoured."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, blue = profile.find(b"rXYZ"), profile.find(b"bXYZ")
    profile[red : red + 4], profile[blue : blue + 4] = b"bXYZ", b"rXYZ"
    description = "Swapped"
    return bytes(profile).replace(
        "sRGB built-in".encode("utf-16-be"), description.ljust(13).encode("utf-16-be")
    )


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "TIFF", "WEBP"])
def test_an_embedded_colour_profile_is_converted(file_format: str) -> None:
    image = Image.new("RGB", (16, 16), (230, 40, 20))
    content = encode(image, file_format, icc_profile=swapped_profile(), **ALL_FORMATS[file_format])
    red, _, blue = decode_photo(content).pixels[8, 8].tolist()
    assert blue > 200
    assert red < 60


def test_a_palette_picture_is_converted_by_its_profile_too() -> None:
    image = Image.new("RGB", (16, 16), (230, 40, 20)).quantize(4)
    red, _, blue = decode_photo(encode(image, "PNG", icc_profile=swapped_profile())).pixels[8, 8].tolist()
    assert blue > red


def test_a_transparent_picture_is_converted_by_its_profile_too() -> None:
    image = Image.new("RGBA", (16, 16), (230, 40, 20, 255))
    red, _, blue = decode_photo(encode(image, "PNG", icc_profile=swapped_profile())).pixels[8, 8].tolist()
    assert blue > red


def test_an_srgb_profile_changes_nothing(picture: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    photo = decode_photo(encode(Image.fromarray(picture), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(photo.pixels, picture)


@pytest.mark.parametrize("profile", [b"not a profile", b"\x00" * 200])
def test_a_broken_colour_profile_is_ignored_and_reported(profile: bytes, picture: np.ndarray) -> None:
    photo = decode_photo(encode(Image.fromarray(picture), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(photo.pixels, picture)
    assert codes(photo) == ["COLOR_PROFILE_IGNORED"]


def test_a_profile_of_another_colour_space_is_ignored_and_reported(smooth: np.ndarray) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    photo = decode_photo(encode(Image.fromarray(smooth), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(photo.pixels, smooth)
    assert codes(photo) == ["COLOR_PROFILE_IGNORED"]


def test_one_pixel_is_a_picture() -> None:
    assert decode_photo(encode(Image.new("RGB", (1, 1), (1, 2, 3)), "PNG")).pixels.tolist() == [[[1, 2, 3]]]
