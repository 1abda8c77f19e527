"""What a picture file is, without keeping its pixels."""

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from facewright_models.errors import ImageTooLargeError, InvalidImageError
from facewright_models.media_probe.containers import Container
from facewright_models.media_probe.info import ImageInfo, MediaLimits
from facewright_models.photo import check_area, exif_orientation

__all__ = ["probe_image"]

_OPENERS: Mapping[Container, Any] = {
    # Not `Image.open`, whose size limit is a process-wide setting, nor the one that takes a phone's JPEG with a
    # preview inside for an animation.
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
}
_ROTATION_DEGREES = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_THUMBNAIL_PX = 64


def probe_image(file: io.BufferedIOBase, container: Container, *, limits: MediaLimits) -> ImageInfo:
    """Header, limits, then the first picture decoded to its end; a JPEG at an eighth of its size.

    Raises `ImageTooLargeError` before anything is decoded, `InvalidImageError` for a damaged or truncated file.
    """
    byte_count = file.seek(0, 2)
    if byte_count > limits.max_image_bytes:
        raise ImageTooLargeError(
            f"the {container.upper()} image has {byte_count:,} bytes; at most {limits.max_image_bytes:,} are "
            "accepted; scale it down",
            metadata={"bytes": str(byte_count), "max_bytes": str(limits.max_image_bytes)},
        )
    file.seek(0)
    fail = partial(_damaged, container, byte_count)
    try:
        image: ImageFile.ImageFile = _OPENERS[container](file, "")
    except Image.DecompressionBombError as error:
        raise ImageTooLargeError(
            f"the {container.upper()} image is over the {limits.max_image_pixels:,} accepted pixels; scale it down"
        ) from error
    except MemoryError:
        raise
    except Exception as error:  # a parser meets a damaged file with any exception it likes
        raise fail(error) from error
    with image:
        check_area(image.size, byte_count=byte_count, max_pixels=limits.max_image_pixels)
        width, height = image.size
        is_upright = container == "tiff"  # Pillow gives the size of TIFF files upright, and then turns them
        try:
            orientation = exif_orientation(image)
            has_alpha = image.has_transparency_data
            frame_count = 1 if container == "jpeg" else int(getattr(image, "n_frames", 1))
            image.seek(0)
            image.draft(None, (_THUMBNAIL_PX, _THUMBNAIL_PX))
            image.load()
        except MemoryError:
            raise
        except Exception as error:  # as above
            raise fail(error) from error
    rotation = _ROTATION_DEGREES.get(orientation, 0)
    if rotation in (90, 270) and not is_upright:
        width, height = height, width
    return ImageInfo(
        content_type=f"image/{container}",
        width=width,
        height=height,
        has_alpha=has_alpha,
        frame_count=max(1, frame_count),
        rotation_degrees=rotation,
    )


def _damaged(container: Container, byte_count: int, error: Exception) -> InvalidImageError:
    return InvalidImageError(
        f"the {container.upper()} image is damaged or cut short ({str(error) or type(error).__name__}); send the "
        "complete file",
        metadata={"format": container.upper(), "bytes": str(byte_count)},
    )
