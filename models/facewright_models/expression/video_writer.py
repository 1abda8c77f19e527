"""Frames -> an MP4 file that plays in a browser, complete or not there at all."""

from __future__ import annotations

import contextlib
import errno
import math
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from jaxtyping import UInt8
from numpy import ndarray

from facewright_models.errors import InvalidInputError, ParameterRangeError, StorageError

__all__ = ["MAX_SIDE_PX", "MIN_SIDE_PX", "VideoWriter"]

MIN_SIDE_PX, MAX_SIDE_PX = 16, 8192
_MAX_FPS = 120.0
_MAX_RATE_DENOMINATOR = 100_000
_KEY_FRAME_SECS = 2.0
_OPTIONS = {"crf": "17", "preset": "veryfast"}
_BT709, _LIMITED_RANGE = 1, 1
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)
_NO_FOLDER = (errno.ENOENT, errno.ENOTDIR)


class VideoWriter:
    """Writes frames of sRGB (height, width, 3) at a constant rate, as H.264 with 4:2:0 chroma in BT.709.

    The index stands before the pictures, so that playing begins before the file is loaded, and there is a key frame
    every two seconds. Sizes are even in such a video: odd ones get a copy of their last column or row. A fractional
    `fps` is kept exactly: 30000 / 1001 is no 29.97.

    The video grows in a hidden file beside `path`, which takes the name when the block ends well and is removed when
    it does not, however it was left; what stood at `path` stays until then.

    Raises ParameterRangeError (`fps`, `width`, `height`); in use StorageError (disk full, folder missing or
    read-only) and InvalidInputError (a frame of another size, no frame at all).
    """

    def __init__(self, path: Path, *, fps: float, width: int, height: int) -> None:
        self._rate = _checked_rate(fps)
        for name, value in (("width", width), ("height", height)):
            if not MIN_SIDE_PX <= value <= MAX_SIDE_PX:
                raise ParameterRangeError(
                    f"the {name} of the video is {value}; expected {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels",
                    field=name,
                    metadata={"got": str(value)},
                )
        self._path = path
        self._part = path.with_name(f".{uuid.uuid4().hex}.mp4.part")
        self._width, self._height = width, height
        self._count = 0
        self._reformatter = VideoReformatter()
        self._clip: Any = None
        self._stream: Any = None

    def __enter__(self) -> VideoWriter:  # noqa: PYI034 - the run-time type checker refuses Self here
        try:
            with self._storing():
                self._open()
        except BaseException:
            self._discard()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            self._discard()

    def write(self, pixels: UInt8[ndarray, "H W 3"]) -> None:
        """The next frame, of the size of the video."""
        if pixels.shape != (self._height, self._width, 3):
            raise InvalidInputError(
                f"frame {self._count} is {pixels.shape[1]} x {pixels.shape[0]} pixels; expected "
                f"{self._width} x {self._height} as the video has"
            )
        with self._storing():
            self._clip.mux(self._stream.encode(self._converted(pixels)))
        self._count += 1

    def _open(self) -> None:
        # A folder that takes no file says so before the first frame is drawn. The muxer itself starts with the first
        # packet: FFmpeg does not end every kind of file that has none without a crash.
        self._part.touch()
        self._clip = av.open(str(self._part), "w", format="mp4", options={"movflags": "+faststart"})
        stream = self._clip.add_stream("libx264", rate=self._rate, options=dict(_OPTIONS))
        stream.width, stream.height = self._width + self._width % 2, self._height + self._height % 2
        stream.pix_fmt = "yuv420p"
        stream.time_base = 1 / self._rate
        context = stream.codec_context
        context.gop_size = max(1, round(self._rate * _KEY_FRAME_SECS))
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        context.color_range = _LIMITED_RANGE
        self._stream = stream

    def _converted(self, pixels: UInt8[ndarray, "H W 3"]) -> Any:
        padding = ((0, self._height % 2), (0, self._width % 2), (0, 0))
        even = np.pad(pixels, padding, mode="edge") if any(map(any, padding)) else pixels
        shared = av.VideoFrame.from_numpy_buffer(np.ascontiguousarray(even), format="rgb24")
        # FFmpeg would take BT.601 by itself, whatever the tags of the stream say.
        frame = self._reformatter.reformat(
            shared, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        frame.pts, frame.time_base = self._count, 1 / self._rate
        return frame

    def _finish(self) -> None:
        if self._count == 0:
            raise InvalidInputError("the video has no frames; write at least one")
        with self._storing():
            self._clip.mux(self._stream.encode(None))
            self._clip.close()
            self._part.replace(self._path)

    def _discard(self) -> None:
        """Without its file an unfinished clip is closed at once; that this fails is known."""
        with contextlib.suppress(OSError):
            self._part.unlink(missing_ok=True)
        if self._clip is not None:
            with contextlib.suppress(av.FFmpegError, OSError, ValueError):
                self._clip.close()

    @contextmanager
    def _storing(self) -> Iterator[None]:
        """What the file system says, through FFmpeg or not, as an error of the domain."""
        try:
            yield
        except OSError as error:
            raise StorageError(
                f"the video '{self._path.name}' cannot be written: {_meaning(error)}"
            ) from error


def _meaning(error: OSError) -> str:
    if error.errno in _FULL_DISK:
        return "the disk is full; make room and try again"
    if error.errno in _READ_ONLY:
        return "its folder is read-only; name one that can be written"
    if error.errno in _NO_FOLDER:
        return "its folder is not there; name one that exists"
    return f"{error.strerror or type(error).__name__}; try again later"


def _checked_rate(fps: float) -> Fraction:
    rate = Fraction(fps).limit_denominator(_MAX_RATE_DENOMINATOR) if math.isfinite(fps) else Fraction(0)
    if not 0 < rate <= _MAX_FPS:
        raise ParameterRangeError(
            f"fps is {fps}; expected frames per second in (0, {_MAX_FPS:g}]",
            field="fps",
            metadata={"got": str(fps)},
        )
    return rate
