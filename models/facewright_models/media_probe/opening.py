"""Opening a video that may be anything: no other file is touched, and what fails says that the video is damaged."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import av

from facewright_models.errors import ImageTooLargeError, InvalidMediaError
from facewright_models.media_probe.containers import Container

__all__ = ["check_frame_size", "clockwise_degrees", "damaged_video", "opened_video"]

_DEMUXERS = {"mp4": "mov", "mov": "mov", "matroska": "matroska", "webm": "matroska", "avi": "avi"}
_FFMPEG_OPTIONS = {"protocol_whitelist": "none", "max_streams": "64", "probesize": "5000000"}


@contextmanager
def opened_video(
    file: io.BufferedIOBase, container: Container, *, max_frame_pixels: int
) -> Iterator[tuple[Any, Any]]:
    """PyAV's container and its first stream of pictures; FFmpeg's errors in the block become refusals.

    Raises `InvalidMediaError` for a file without pictures, damaged or cut short, and `ImageTooLargeError` for
    frames over the limit, before any is decoded.
    """
    file.seek(0)
    options = {**_FFMPEG_OPTIONS, "max_pixels": str(max_frame_pixels)}
    try:
        with av.open(file, format=_DEMUXERS[container], options=options, io_open=_refuse_to_open) as clip:
            # A cover picture of a song is a stream of its own, and no video.
            streams = [stream for stream in clip.streams.video if not _is_cover(stream)]
            if not streams:
                raise InvalidMediaError("the file has no pictures in it; send a video")
            context = streams[0].codec_context
            check_frame_size(context.width, context.height, max_frame_pixels=max_frame_pixels)
            yield clip, streams[0]
    except (av.FFmpegError, ValueError, OverflowError) as error:
        raise damaged_video(str(getattr(error, "strerror", "") or error)) from error


def check_frame_size(width: int, height: int, *, max_frame_pixels: int) -> None:
    """Raises `InvalidMediaError`, `ImageTooLargeError`."""
    if width < 1 or height < 1:
        raise damaged_video(f"its frames are {width} x {height} pixels")
    if width * height > max_frame_pixels:
        raise ImageTooLargeError(
            f"the frames of the video are {width} x {height} pixels; at most {max_frame_pixels:,} pixels "
            "are accepted; scale it down",
            metadata={"width": str(width), "height": str(height), "max_pixels": str(max_frame_pixels)},
        )


def clockwise_degrees(frame: Any) -> int:
    """0, 90, 180 or 270: how far a frame of PyAV has to be turned to stand upright."""
    return int(round(-frame.rotation / 90) * 90 % 360)


def damaged_video(why: str) -> InvalidMediaError:
    """The refusal of a video that cannot be read, or not to its end."""
    return InvalidMediaError(f"the video is damaged or cut short ({why}); send the complete file")


def _is_cover(stream: Any) -> bool:
    return stream.codec_context is None or bool(stream.disposition & av.stream.Disposition.attached_pic)


def _refuse_to_open(url: str, flags: int, options: dict[str, str]) -> NoReturn:  # noqa: ARG001 - FFmpeg's names
    """A file may name others; they are never opened."""
    raise PermissionError("the video refers to another file")
