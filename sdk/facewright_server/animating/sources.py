"""What is animated: a photo, or the frame of a video that shows an expression best."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from facewright_models.errors import FitCancelledError, InvalidInputError, ParameterRangeError
from facewright_models.expression import OpenedFace
from facewright_models.expression.picking import PickedFrame, pick_frame
from facewright_models.expression.videos import VideoFrame, VideoLimits, read_frames
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Photo
from facewright_server.studio import FaceAnimator

__all__ = ["FaceSource", "OpenedSource", "PhotoSource", "VideoSource", "open_source"]


@dataclass(frozen=True, kw_only=True)
class PhotoSource:
    """A decoded photo; the box chooses a face."""

    photo: Photo
    face_box: FaceBox | None = None


@dataclass(frozen=True, kw_only=True)
class VideoSource:
    """A stored video. Without an index, the frame that shows an expression best is animated."""

    open: Callable[[], AbstractContextManager[io.BufferedIOBase]]
    frame_index: int | None
    box_in: Callable[[Photo], FaceBox | None]
    max_secs: float


FaceSource = PhotoSource | VideoSource


@dataclass(frozen=True, kw_only=True)
class OpenedSource:
    """A face that is ready to be drawn, the size of its photo, and which frame of a video that is."""

    face: OpenedFace
    width: int
    height: int
    frame_index: int | None = None


def open_source(
    animator: FaceAnimator, source: FaceSource, *, should_stop: Callable[[], bool]
) -> OpenedSource:
    """Blocks: a tenth of a second for a photo, longer for a video in which a frame is looked for.

    Raises `NoFaceError`, `FaceTooSmallError`, `InvalidMediaError`, `StorageError`, and `FitCancelledError` within a
    frame after `should_stop()` is true.
    """
    if should_stop():
        raise FitCancelledError("the photo is not wanted any more")
    if isinstance(source, PhotoSource):
        return _opened(animator, source.photo, source.face_box)
    with source.open() as file, _of_media():
        limits = VideoLimits(max_secs=source.max_secs)
        frame = _chosen(animator, source, _polled(read_frames(file, limits=limits), should_stop))
    photo = Photo(pixels=frame.pixels)
    return _opened(animator, photo, source.box_in(photo), frame_index=frame.index)


def _chosen(
    animator: FaceAnimator, source: VideoSource, frames: Iterable[VideoFrame]
) -> PickedFrame | VideoFrame:
    if source.frame_index is None:
        return pick_frame(frames, animator.measure)
    last = -1
    for frame in frames:
        if frame.index == source.frame_index:
            return frame
        last = frame.index
    raise ParameterRangeError(
        f"frame_index is {source.frame_index} and the video has {last + 1} frames; expected 0 to {last}",
        field="frame_index",
        metadata={"got": str(source.frame_index), "frames": str(last + 1)},
    )


def _polled(frames: Iterable[VideoFrame], should_stop: Callable[[], bool]) -> Iterator[VideoFrame]:
    """The same frames, until nobody waits for them."""
    for frame in frames:
        if should_stop():
            raise FitCancelledError("the video is not wanted any more")
        yield frame


@contextmanager
def _of_media() -> Iterator[None]:
    """What is wrong with the content of the file is wrong with the media that was named."""
    try:
        yield
    except InvalidInputError as error:
        if error.field in (None, "content"):
            error.field = "media"
        raise


def _opened(
    animator: FaceAnimator, photo: Photo, face_box: FaceBox | None, *, frame_index: int | None = None
) -> OpenedSource:
    height, width = photo.pixels.shape[:2]
    face = animator.open(photo, face_box=face_box)
    return OpenedSource(face=face, width=width, height=height, frame_index=frame_index)
