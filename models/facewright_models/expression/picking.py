"""The frame of a video that becomes the expression photo: the best one, or the one whose number is given.

Source: seed 000 [0052]-[0054], [0069].
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy import ndarray
from PIL import Image

from facewright_models.errors import InvalidInputError, NoFaceError, ParameterRangeError
from facewright_models.expression.types import DEGREES, REST_DEGREES, VideoFrame

__all__ = [
    "SHOWN_EXPRESSION",
    "Box",
    "FrameScore",
    "Measure",
    "PickedFrame",
    "face_sharpness",
    "frame_score",
    "pick_frame",
    "pick_frame_at",
]

Box = tuple[int, int, int, int]
"""Left, top, width and height in pixels; may pass the border."""

Measure = Callable[[UInt8[ndarray, "H W 3"]], Mapping[str, float] | None]
"""The degrees of the face in a picture, None where there is none."""

SHOWN_EXPRESSION = 0.2
"""From this distance from rest on, a person would say that a face shows an expression."""

_EYES = ("left_eye", "right_eye")
_CLOSED_EYES, _OPEN_EYES = 0.15, 0.6
# A video in which nobody shows anything still has a best frame: the sharpest with open eyes.
_BASE = 0.1
_FACE_PX = 128
_HALF_SHARP = 0.03


@dataclass(frozen=True, kw_only=True)
class FrameScore:
    """What speaks for a frame; `total` orders frames of one video.

    expression: distance of the degrees from the face at rest, without how far eyes are closed; 0 is rest, 1 one degree
    at its limit. sharpness: 0 blurred .. 1. openness: of the eye that is less open, 0 closed .. 1.
    """

    expression: float
    sharpness: float
    openness: float

    @property
    def total(self) -> float:
        """Grows with each of the three; none makes up for another that is missing."""
        return (_BASE + self.expression) * self.sharpness * (_BASE + self.openness)


@dataclass(frozen=True, kw_only=True, eq=False)
class PickedFrame:
    """The frame, its face's degrees, and how it scored. Counts are of what was looked at on the way."""

    frame: VideoFrame
    degrees: Mapping[str, float]
    score: FrameScore
    frame_count: int
    face_count: int

    @property
    def shows_expression(self) -> bool:
        """Whether a person would say so: at least `SHOWN_EXPRESSION` from rest."""
        return self.score.expression >= SHOWN_EXPRESSION


def pick_frame(
    frames: Iterable[VideoFrame],
    measure: Measure,
    *,
    box: Callable[[UInt8[ndarray, "H W 3"]], Box | None] | None = None,
) -> PickedFrame:
    """The frame with the clearest expression on a sharp face with open eyes; the earliest of equal ones.

    `box` gives the face in a frame in which `measure` found one, so that a sharp background does not count; without it
    the whole frame does. Two frames are held at a time. Costs one `measure` for each frame.

    Raises NoFaceError where no frame shows a face, InvalidInputError where there is no frame.
    """
    best: tuple[VideoFrame, Mapping[str, float], FrameScore] | None = None
    frame_count = face_count = 0
    for frame in frames:
        frame_count += 1
        degrees = measure(frame.pixels)
        if degrees is None:
            continue
        face_count += 1
        score = frame_score(frame.pixels, degrees, box=None if box is None else box(frame.pixels))
        if best is None or score.total > best[2].total:
            best = frame, degrees, score
    if frame_count == 0:
        raise InvalidInputError("the video gave no frame to pick from; send one with at least one frame")
    if best is None:
        raise NoFaceError(
            f"none of {frame_count:,} frames that were looked at shows a face; send a video of a person who looks "
            "ahead",
            metadata={"frames": str(frame_count)},
        )
    return PickedFrame(
        frame=best[0], degrees=best[1], score=best[2], frame_count=frame_count, face_count=face_count
    )


def pick_frame_at(frames: Iterable[VideoFrame], index: int, measure: Measure) -> PickedFrame:
    """The frame with this number, from 0. Frames before it are read and not measured.

    Raises ParameterRangeError (no such frame), InvalidInputError (left out, as damaged frames are), NoFaceError.
    """
    if index < 0:
        raise _no_such_frame(index, "expected 0 for the first frame, or more")
    last = -1
    for frame_count, frame in enumerate(frames, 1):
        last = frame.index
        if last > index:
            raise InvalidInputError(
                f"frame {index} of the video cannot be used: it is damaged or was left out; the next one is {last}",
                field="frame_index",
                metadata={"got": str(index), "next": str(last)},
            )
        if last < index:
            continue
        degrees = measure(frame.pixels)
        if degrees is None:
            raise NoFaceError(
                f"frame {index} of the video shows no face; name another, or let the best one be picked",
                field="frame_index",
                metadata={"got": str(index)},
            )
        score = frame_score(frame.pixels, degrees)
        return PickedFrame(frame=frame, degrees=degrees, score=score, frame_count=frame_count, face_count=1)
    raise _no_such_frame(index, f"the video's frames are 0 to {last}" if last >= 0 else "the video has none")


def frame_score(
    pixels: UInt8[ndarray, "H W 3"], degrees: Mapping[str, float], *, box: Box | None = None
) -> FrameScore:
    """Of a frame whose face has these degrees; a degree that is missing is at rest."""
    eyes = [degrees.get(name, 1.0) for name in _EYES]
    away = [degrees.get(name, 0.0) - REST_DEGREES[name] for name in DEGREES if name not in _EYES]
    wide = max(0.0, max(eyes) - 1.0)  # both eyes are one expression
    return FrameScore(
        expression=math.hypot(wide, *away),
        sharpness=face_sharpness(pixels, box),
        openness=min(1.0, max(0.0, (min(eyes) - _CLOSED_EYES) / (_OPEN_EYES - _CLOSED_EYES))),
    )


def face_sharpness(pixels: UInt8[ndarray, "H W 3"], box: Box | None = None) -> float:
    """0 (blurred) .. 1: the variance of the Laplacian against that of the light, at one size for all faces.

    A face of fewer pixels than that size is blurred by being enlarged, as it is when it is looked at.
    """
    face = _cropped(pixels, box)
    light = face.astype(np.float64) @ (0.299, 0.587, 0.114)  # (H, W)
    small = Image.fromarray(light.astype(np.float32)).resize((_FACE_PX, _FACE_PX), Image.Resampling.BILINEAR)
    values: Float[ndarray, "S S"] = np.asarray(small, np.float64)
    inner = values[1:-1, 1:-1]
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:] - 4 * inner
    share = float(laplacian.var() / (values.var() + 1.0))
    return share / (share + _HALF_SHARP)


def _cropped(pixels: UInt8[ndarray, "H W 3"], box: Box | None) -> UInt8[ndarray, "h w 3"]:
    """The part of the box inside the picture; the whole picture where nothing of it is."""
    if box is None:
        return pixels
    left, top, width, height = box
    part = pixels[max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    return part if part.size else pixels


def _no_such_frame(index: int, expected: str) -> ParameterRangeError:
    return ParameterRangeError(
        f"the video has no frame {index}; {expected}", field="frame_index", metadata={"got": str(index)}
    )
