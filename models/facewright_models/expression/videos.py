"""A video file -> its frames, upright and at their true times; frames -> a video file is `video_writer`.

Source: seed 000 [0052]-[0054], [0069].
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np
from jaxtyping import UInt8
from numpy import ndarray

from facewright_models.errors import InvalidMediaError, ParameterRangeError
from facewright_models.expression.types import VideoFrame
from facewright_models.expression.video_writer import VideoWriter
from facewright_models.media_probe import MediaLimits, VideoInfo, probe_media
from facewright_models.media_probe.containers import identify
from facewright_models.media_probe.opening import (
    check_frame_size,
    clockwise_degrees,
    damaged_video,
    opened_video,
)

__all__ = ["VideoFrame", "VideoLimits", "VideoWriter", "read_frames"]

_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_HD_WIDTH, _SD_HEIGHT = 1280, 576


@dataclass(frozen=True, kw_only=True)
class VideoLimits:
    """What is refused: by what the file says of itself where it does, otherwise when decoding comes to it."""

    max_secs: float = 120.0
    max_frames: int = 7200
    max_frame_pixels: int = 40_000_000


def read_frames(
    file: io.BufferedIOBase, *, every: int = 1, limits: VideoLimits | None = None
) -> Iterator[VideoFrame]:
    """Frames 0, `every`, 2 * `every`, ... of an MP4, MOV, MKV, WebM or AVI file that can seek.

    Turned upright as the file says, converted to sRGB by its matrix and range; with a variable frame rate times are
    those of the file, not numbers over a rate. One frame is held at a time. Frames that the decoder knows to be
    damaged are left out, and keep their numbers. The file is checked at once, frames are decoded when asked for.

    Raises InvalidMediaError (empty, no video, damaged, cut short, over the limits), ImageTooLargeError,
    ParameterRangeError (`every`); while frames are read, InvalidMediaError too.
    """
    if every < 1:
        raise ParameterRangeError(f"every is {every}; expected 1 or more", field="every")
    limits = limits or VideoLimits()
    if file.seek(0, io.SEEK_END) == 0:
        raise InvalidMediaError("the video is empty (0 bytes); send the complete file", field="content")
    info = probe_media(file, limits=MediaLimits(max_frame_pixels=limits.max_frame_pixels))
    if not isinstance(info, VideoInfo):
        raise InvalidMediaError(
            f"the file is a picture ({info.content_type}); send a video: MP4, MOV, MKV, WebM or AVI",
            field="content",
        )
    _check_length(info.duration_secs, info.frame_count, limits)
    return _frames(file, every, limits)


def _frames(file: io.BufferedIOBase, every: int, limits: VideoLimits) -> Iterator[VideoFrame]:
    good_count = 0
    with opened_video(file, identify(file), max_frame_pixels=limits.max_frame_pixels) as (clip, stream):
        step_secs = 1.0 / float(stream.average_rate or stream.guessed_rate or 25)
        first_secs, time_secs = 0.0, -step_secs
        for index, frame in enumerate(_decoded(clip, stream)):
            if index == 0:
                first_secs = frame.time or 0.0
            # A file without times has frames that follow one another.
            time_secs = time_secs + step_secs if frame.time is None else frame.time - first_secs
            _check_length(time_secs, index + 1, limits)
            check_frame_size(frame.width, frame.height, max_frame_pixels=limits.max_frame_pixels)
            if frame.is_corrupt:
                continue
            good_count += 1
            if index % every == 0:
                yield VideoFrame(index=index, time_secs=time_secs, pixels=_upright(frame))
    if good_count == 0:
        raise damaged_video("no frame of it can be decoded")


def _decoded(clip: Any, stream: Any) -> Iterator[Any]:
    """Frames of PyAV; an error says where."""
    count = 0
    try:
        for frame in clip.decode(stream):
            yield frame
            count += 1
    except av.FFmpegError as error:
        raise damaged_video(f"after {count} frames: {error.strerror or error}") from error


def _upright(frame: Any) -> UInt8[ndarray, "H W 3"]:
    # What players assume where nothing is said: the matrix of HD for HD.
    is_hd = frame.width >= _HD_WIDTH or frame.height > _SD_HEIGHT
    untagged_hd = frame.colorspace == _UNSPECIFIED and is_hd and not frame.format.is_rgb
    pixels = frame.to_ndarray(format="rgb24", src_colorspace="ITU709" if untagged_hd else None)
    return np.ascontiguousarray(np.rot90(pixels, -clockwise_degrees(frame) // 90))


def _check_length(secs: float, frame_count: int, limits: VideoLimits) -> None:
    if secs > limits.max_secs:
        raise InvalidMediaError(
            f"the video is longer than {limits.max_secs:g} s"
            f" (at least {secs:.1f} s); cut it, or send the part that matters",
            field="content",
            metadata={"secs": f"{secs:.3f}", "max_secs": f"{limits.max_secs:g}"},
        )
    if frame_count > limits.max_frames:
        raise InvalidMediaError(
            f"the video has more than {limits.max_frames:,} frames (at least {frame_count:,}); cut it, or send the "
            "part that matters",
            field="content",
            metadata={"frames": str(frame_count), "max_frames": str(limits.max_frames)},
        )
