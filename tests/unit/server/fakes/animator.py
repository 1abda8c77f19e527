"""An animator without weights: it paints degrees into colours, so that tests can read them back."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from facewright_models import errors
from facewright_models.expression import DEGREES, REST_DEGREES
from facewright_models.landmarks import FaceBox
from facewright_models.photo import Notice, Photo

if TYPE_CHECKING:
    from unit.server.fakes.studio import FakeStudio

OWN = {**REST_DEGREES, "smile": 0.25, "left_eye": 0.9}
_STEPS = 160
_FACELESS = 4.0


class FakeAnimator:
    """A photo that begins with "no face" has none; the brighter a frame of a video, the more it smiles."""

    def __init__(self, studio: FakeStudio) -> None:
        self.studio = studio

    def open(self, photo: Photo, *, face_box: FaceBox | None = None) -> FakeFace:
        if photo.pixels.tobytes().startswith(b"no face"):
            raise errors.NoFaceError("no face was found in the photo")
        return FakeFace(self.studio, photo, face_box)

    def measure(self, pixels: np.ndarray) -> Mapping[str, float] | None:
        self.studio.on_animate()
        brightness = float(pixels.mean())
        return None if brightness < _FACELESS else {**REST_DEGREES, "smile": brightness / 255}


class FakeFace:
    def __init__(self, studio: FakeStudio, photo: Photo, face_box: FaceBox | None) -> None:
        self.studio = studio
        self.photo = photo
        self.own = OWN
        left = -1 if face_box is None else face_box.x
        self.notices = (Notice(code="SEVERAL_FACES", message=f"the face at {left} is animated"),)

    def frame(self, degrees: Mapping[str, float]) -> np.ndarray:
        """A stripe for each degree; red is its value, green what the photo has there."""
        self.studio.animated.append(dict(degrees))
        time.sleep(self.studio.frame_secs)
        self.studio.on_animate()
        picture = np.zeros_like(self.photo.pixels)
        picture[..., 1] = self.photo.pixels[..., 1]
        for name, stripe in zip(
            DEGREES, np.array_split(np.arange(picture.shape[1]), len(DEGREES)), strict=True
        ):
            picture[:, stripe, 0] = round(_STEPS * degrees.get(name, self.own[name]))
        return picture


def degrees_in(picture: np.ndarray) -> dict[str, float]:
    """What `FakeFace.frame` was asked for, to 1/160."""
    stripes = np.array_split(picture[..., 0], len(DEGREES), axis=1)
    return {name: float(np.median(stripe)) / _STEPS for name, stripe in zip(DEGREES, stripes, strict=True)}
