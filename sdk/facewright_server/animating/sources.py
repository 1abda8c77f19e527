"""What is animated: a photo, or the frame of a video that shows an expression best."""

import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from facewright_models.errors import FitCancelledError, InvalidInputError
from facewright_models.expression import REST_DEGREES, OpenedFace, VideoFrame
from facewright_models.expression.picking import PickedFrame, pick_frame, pick_frame_at
from facewright_models.expression.videos import VideoLimits, read_frames
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Notice, Photo
from facewright_server.studio import FaceAnimator

__all__ = ["FaceSource", "OpenedSource", "PhotoSource", "VideoSource", "open_source"]

# So many frames of a second of video are looked at for an expression.
_LOOKS_PER_SEC = 8.0
_NO_EXPRESSION = Notice(
    code="NO_EXPRESSION", message="no frame of the video shows an expression; its best one is animated"
)


@dataclass(frozen=True, kw_only=True)
class PhotoSource:
    """A decoded photo; the box chooses a face."""

    photo: Photo
    face_box: FaceBox | None = None


@dataclass(frozen=True, kw_only=True)
class VideoSource:
    """A stored video. Without an index, the frame that shows an expression best is animated."""

    open: Callable[[], AbstractContextManager[io.BufferedIOBase]]
    frame_rate: float
    frame_index: int | None
    box_in: Callable[[Photo], FaceBox | None]
    max_secs: float


FaceSource = PhotoSource | VideoSource


@dataclass(frozen=True, kw_only=True)
class OpenedSource:
    """A face that is ready to be drawn, the size of its photo, and which frame of a video that is."""

    face: OpenedFace
    notices: tuple[Notice, ...]
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
        picked = _picked(animator, source, file, should_stop)
    photo = Photo(pixels=picked.frame.pixels)
    opened = _opened(animator, photo, source.box_in(photo))
    is_best_of_none = source.frame_index is None and not picked.shows_expression
    notices = (*opened.notices, *([_NO_EXPRESSION] if is_best_of_none else []))
    return replace(opened, frame_index=picked.frame.index, notices=notices)


def _picked(
    animator: FaceAnimator, source: VideoSource, file: io.BufferedIOBase, should_stop: Callable[[], bool]
) -> PickedFrame:
    limits = VideoLimits(max_secs=source.max_secs)
    if source.frame_index is not None:
        frames = _polled(read_frames(file, limits=limits), should_stop)
        # Whether there is a face in it is asked when it is opened, perhaps with a box.
        return pick_frame_at(frames, source.frame_index, lambda _: REST_DEGREES)
    every = max(1, round(source.frame_rate / _LOOKS_PER_SEC))
    return pick_frame(_polled(read_frames(file, every=every, limits=limits), should_stop), animator.measure)


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


def _opened(animator: FaceAnimator, photo: Photo, face_box: FaceBox | None) -> OpenedSource:
    height, width = photo.pixels.shape[:2]
    face = animator.open(photo, face_box=face_box)
    return OpenedSource(face=face, notices=face.notices, width=width, height=height)
