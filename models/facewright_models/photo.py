"""Bytes of an image file -> upright sRGB pixels.

The format is told by the content, never by a name. Every way in which a file can be wrong ends in one of two
errors, `InvalidImageError` or `ImageTooLargeError`; what was tidied up on the way is reported as a `Notice`.
"""

import io
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import UInt8
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from facewright_models.errors import ImageTooLargeError, InvalidImageError

__all__ = ["Notice", "Photo", "check_area", "decode_photo", "exif_orientation"]

_PLUGINS = (
    JpegImagePlugin.JpegImageFile,
    PngImagePlugin.PngImageFile,
    WebPImagePlugin.WebPImageFile,
    BmpImagePlugin.BmpImageFile,
    TiffImagePlugin.TiffImageFile,
    GifImagePlugin.GifImageFile,
)
_ACCEPTED = "JPEG, PNG, WebP, BMP, TIFF or GIF"

# A picture of one flat colour still costs a JPEG about 1/60 byte per pixel and a colour PNG 1/350. Above this
# area, a file thinner than that by far is no photo.
_BOMB_MIN_PIXELS = 16_000_000
_BOMB_PIXELS_PER_BYTE = 1_000

_MID_GREY = (128, 128, 128)
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, kw_only=True)
class Notice:
    """Something the caller may want to know that did not stop the work; `code` is UPPER_SNAKE."""

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Photo:
    """One decoded picture: sRGB, upright (EXIF applied), transparency laid on mid grey."""

    pixels: UInt8[np.ndarray, "H W 3"]
    warnings: tuple[Notice, ...] = ()


def decode_photo(content: bytes, *, max_pixels: int = 100_000_000) -> Photo:
    """Decode the first picture in `content`.

    JPEG, PNG, WebP, BMP, TIFF and GIF; 1, 8, 16 and 32 bits; grey, palette, RGB, CMYK, Lab; an embedded
    colour profile is converted to sRGB. The size is checked on the header, before any pixel is decoded.

    Raises `InvalidImageError` (empty, no image, damaged, cut short) and `ImageTooLargeError` (more than
    `max_pixels`, or a file far too small for the area it announces).
    """
    if not content:
        raise InvalidImageError(
            f"the image is empty (0 bytes); send the bytes of a {_ACCEPTED} file", field="content"
        )
    image = _open_header(content, max_pixels)
    check_area(image.size, byte_count=len(content), max_pixels=max_pixels)
    notices: list[Notice] = []
    try:
        image.load()
        orientation = exif_orientation(image)
        picture = _to_srgb(image, notices)
    except (MemoryError, ImageTooLargeError):
        raise
    except Exception as error:  # a decoder meets a damaged file with any exception it likes
        raise InvalidImageError(
            f"the {image.format} image is damaged or cut short ({_reason(error)}); send the complete file",
            field="content",
            metadata={"format": str(image.format), "bytes": str(len(content))},
        ) from error
    if _has_more_frames(image):
        notices.append(
            Notice(
                code="ANIMATED_FIRST_FRAME",
                message=f"the {image.format} file holds several pictures; the first one is used",
            )
        )
    if orientation in _UPRIGHT:
        picture = picture.transpose(_UPRIGHT[orientation])
    return Photo(pixels=np.array(picture, dtype=np.uint8), warnings=tuple(notices))


def _open_header(content: bytes, max_pixels: int) -> ImageFile.ImageFile:
    """Read the header only.

    Goes through the registry of plugins and not `Image.open`, whose own size limit is lower than ours, and is
    a process-wide setting with a process-wide warning.
    """
    prefix = content[:16]
    for plugin in _PLUGINS:
        factory, accept = Image.OPEN[plugin.format or ""]
        if accept is None or accept(prefix) is not True:
            continue
        try:
            return factory(io.BytesIO(content), "")
        except Image.DecompressionBombError as error:
            raise ImageTooLargeError(
                f"the {plugin.format} image is over the {max_pixels:,} accepted pixels; scale it down",
                field="content",
                metadata={"max_pixels": str(max_pixels)},
            ) from error
        except MemoryError:
            raise
        except Exception as error:  # as above
            raise InvalidImageError(
                f"the {plugin.format} header is damaged ({_reason(error)}); send the complete file",
                field="content",
                metadata={"format": str(plugin.format), "bytes": str(len(content))},
            ) from error
    what = "an HEIF, AVIF or video file" if content[4:8] == b"ftyp" else "no image that is known here"
    raise InvalidImageError(
        f"the {len(content):,} bytes are {what}; send {_ACCEPTED}",
        field="content",
        metadata={"bytes": str(len(content))},
    )


def check_area(size: tuple[int, int], *, byte_count: int, max_pixels: int) -> None:
    """Refuse by the header. Raises `ImageTooLargeError`; `InvalidImageError` for an empty area."""
    width, height = size
    pixel_count = width * height
    metadata = {
        "width": str(width),
        "height": str(height),
        "pixels": str(pixel_count),
        "bytes": str(byte_count),
        "max_pixels": str(max_pixels),
    }
    if pixel_count <= 0:
        raise InvalidImageError(
            f"the image is {width} x {height} pixels; expected at least 1 x 1", field="content"
        )
    if pixel_count > max_pixels:
        raise ImageTooLargeError(
            f"the image is {width} x {height} = {pixel_count:,} pixels; at most {max_pixels:,} are accepted; "
            "scale it down",
            field="content",
            metadata=metadata,
        )
    if pixel_count > _BOMB_MIN_PIXELS and pixel_count > byte_count * _BOMB_PIXELS_PER_BYTE:
        raise ImageTooLargeError(
            f"{byte_count:,} bytes announce {width} x {height} pixels, which no photo does; the file looks "
            "like a decompression bomb and was not decoded; scale the picture down",
            field="content",
            metadata=metadata,
        )


def exif_orientation(image: Image.Image) -> int:
    """EXIF orientation 1..8; 1 where there is none or it cannot be read. TIFF files are already upright."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001 - a broken EXIF block is no reason to refuse the picture
        return 1
    return value if isinstance(value, int) else 1


def _has_more_frames(image: Image.Image) -> bool:
    """Whether further frames follow. A phone's JPEG with a preview or depth map inside is no animation."""
    if image.format in {"JPEG", "MPO"}:
        return False
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # noqa: BLE001 - only the first frame is used, so what is wrong with later ones is no matter
        return True


def _to_srgb(image: Image.Image, notices: list[Notice]) -> Image.Image:
    """Any mode -> RGB in sRGB, transparency laid on mid grey."""
    alpha: Image.Image | None = None
    if image.mode.startswith("I") or image.mode == "F":
        image = _to_eight_bits(image)
    elif image.has_transparency_data:
        image = image.convert("RGBA")
        alpha = image.getchannel("A")
        image = image.convert("RGB")
    elif image.mode in {"P", "1", "YCbCr", "RGBX"}:
        image = image.convert("L" if image.mode == "1" else "RGB")
    rgb = _apply_profile(image, notices)
    if alpha is None:
        return rgb
    return Image.composite(rgb, Image.new("RGB", rgb.size, _MID_GREY), alpha)


def _to_eight_bits(image: Image.Image) -> Image.Image:
    """16-bit, 32-bit and floating-point grey -> 8-bit grey."""
    values = np.asarray(image)
    if image.mode == "F":
        grey = np.clip(np.nan_to_num(values), 0.0, 1.0) * 255.0 + 0.5
    elif (
        image.mode == "I"
    ):  # 32 bits: the depth that was meant is the smallest one that holds the largest value
        highest = int(values.max())
        shift = 0 if highest < 1 << 8 else 8 if highest < 1 << 16 else 23
        grey = np.clip(values, 0, None) >> shift
    else:
        grey = values >> 8
    return Image.fromarray(grey.astype(np.uint8))


def _apply_profile(image: Image.Image, notices: list[Notice]) -> Image.Image:
    """Convert by the embedded profile; without one, take grey and RGB as sRGB and CMYK as plain inks."""
    icc_profile = image.info.get("icc_profile")
    try:
        if image.mode == "LAB":
            return _transformed(image, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
        if icc_profile:
            profile = ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
            if image.mode == "CMYK" or not ImageCms.getProfileDescription(profile).startswith("sRGB"):
                return _transformed(image, profile)
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        notices.append(
            Notice(
                code="COLOR_PROFILE_IGNORED",
                message="the embedded colour profile cannot be used; colours are read as sRGB",
            )
        )
    return image.convert("RGB")


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    converted = ImageCms.profileToProfile(image, profile, _srgb_profile(), outputMode="RGB")
    if converted is None:  # only with inPlace
        raise ValueError("no picture came back from the colour conversion")
    return converted


@cache
def _srgb_profile() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
