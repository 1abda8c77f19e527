"""A file -> what is in it, or one of three refusals."""

import io

from facewright_models.media_probe.containers import check_extent, identify
from facewright_models.media_probe.images import probe_image
from facewright_models.media_probe.info import MediaInfo, MediaLimits
from facewright_models.media_probe.videos import probe_video

__all__ = ["probe_media"]


def probe_media(file: io.BufferedIOBase, *, limits: MediaLimits | None = None) -> MediaInfo:
    """Identify, measure and check a seekable file. Blocks for milliseconds, for seconds with large pictures.

    Pictures are decoded to their end; of videos the structure, the index and the first frame are looked at.
    Raises `InvalidMediaError` (another type of file, damaged or truncated video), `InvalidImageError` (damaged
    or truncated picture) and `ImageTooLargeError` (refused by its header, nothing was decoded).
    """
    limits = limits or MediaLimits()
    container = identify(file)
    if container in ("jpeg", "png", "gif", "webp", "bmp", "tiff"):
        return probe_image(file, container, limits=limits)
    check_extent(file, container)
    return probe_video(file, container, limits=limits)
