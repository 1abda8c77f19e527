"""A clip from a camera while prompts are shown, through OpenCV where it is installed."""

from __future__ import annotations

import importlib
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, TextIO

from facewright.errors import InvalidInputError
from facewright.expressions import CapturePrompt

__all__ = ["Camera", "PromptSpan", "open_camera", "record"]

_READY_SECS = 3.0
_USUAL_FPS, _MOST_FPS = 30.0, 120.0
_PATIENCE_SECS = 5.0


@dataclass(frozen=True)
class PromptSpan:
    """A prompt and when it is followed, in seconds of the clip."""

    prompt: CapturePrompt
    start_secs: float
    end_secs: float


class Camera:
    """An opened camera. `cv2` is the module, which this package does not depend on."""

    def __init__(self, cv2: Any, index: int) -> None:
        self._cv2 = cv2
        self._camera = cv2.VideoCapture(index)
        if not self._camera.isOpened():
            raise InvalidInputError(
                f"camera {index} cannot be opened; expected the number of one that is connected and that no other "
                "program uses",
                reason="NO_CAMERA",
            )
        fps = float(self._camera.get(cv2.CAP_PROP_FPS))
        self.fps = fps if 1.0 <= fps <= _MOST_FPS else _USUAL_FPS

    def read(self) -> Any:
        """The next picture, or None where none came."""
        is_there, picture = self._camera.read()
        return picture if is_there else None

    def writer(self, path: Path, width: int, height: int) -> Any:
        """A file that takes pictures."""
        code = self._cv2.VideoWriter_fourcc(*"mp4v")
        writer = self._cv2.VideoWriter(str(path), code, self.fps, (width, height))
        if not writer.isOpened():
            raise InvalidInputError(
                f"{path.name} cannot be written by this OpenCV; record with another program and give --clip FILE",
                reason="NO_ENCODER",
            )
        return writer

    def close(self) -> None:
        """Let others use it."""
        self._camera.release()


def open_camera(index: int) -> Camera:
    """Raises `InvalidInputError` where OpenCV is not installed or the camera cannot be used."""
    try:
        cv2 = importlib.import_module("cv2")
    except ImportError as error:
        raise InvalidInputError(
            "recording from a camera takes OpenCV, which is not installed here (pip install opencv-python); or record "
            "with any program and give --clip FILE",
            reason="NO_OPENCV",
        ) from error
    return Camera(cv2, index)


def record(
    camera: Camera,
    path: Path,
    spans: Sequence[PromptSpan],
    out: TextIO,
    *,
    clock: Callable[[], float] = time.monotonic,
    ready_secs: float = _READY_SECS,
) -> None:
    """Show every prompt when its time comes, and write what the camera sees from the first one on.

    The clip has a constant rate, so that its times are those of the prompts: pictures that come late are repeated,
    and those that come too often are left out. Raises `InvalidInputError` when the camera gives no pictures.
    """
    picture = _next(camera, clock)
    height, width = picture.shape[:2]
    writer = camera.writer(path, width, height)
    try:
        out.write(f"The recording begins in {ready_secs:.0f} seconds.\n")
        out.flush()
        begin = clock() + ready_secs
        while clock() < begin:
            _next(camera, clock)
        frame_count = 0
        for span in spans:
            out.write(f"{span.start_secs:5.1f} s  {span.prompt.text}\n")
            out.flush()
            while (at_secs := clock() - begin) < span.end_secs:
                picture = _next(camera, clock)
                while frame_count <= at_secs * camera.fps:
                    writer.write(picture)
                    frame_count += 1
    finally:
        writer.release()


def _next(camera: Camera, clock: Callable[[], float]) -> Any:
    """A picture; a camera that has none for a while is given up."""
    end = clock() + _PATIENCE_SECS
    while clock() < end:
        picture = camera.read()
        if picture is not None:
            return picture
        time.sleep(0.01)
    raise InvalidInputError(
        f"the camera gave no picture for {_PATIENCE_SECS:g} s; see that it is connected and not covered by another "
        "program",
        reason="NO_PICTURE",
    )
