"""Photos with expressions: the first frame, those that follow, a 4K photo, and the memory that all of it takes.

A frame smiles and closes its eyes, so that both halves of the face are drawn.
"""

import resource

import cv2
import numpy as np
from skimage import data

from facewright_models.expression.animator import Animator
from facewright_models.photo import Photo
from timing import Bar, Measurement, seconds_of

_FRAMES_PER_SECOND, _FIRST_SECONDS, _MEMORY_GIB = 12.0, 1.5, 2.5
_LARGE_SIDE = 3840


def measure(*, repeats: int) -> list[Measurement]:
    """Rows of the table, from decoded pixels to frames in the photo's size."""
    portrait = np.ascontiguousarray(data.astronaut())
    large = cv2.resize(portrait, (_LARGE_SIDE, _LARGE_SIDE), interpolation=cv2.INTER_CUBIC)
    animator = Animator.load()

    def first() -> None:
        animator.open(Photo(pixels=portrait)).frame({"smile": 0.5, "left_eye": 0.5, "right_eye": 0.5})

    face, large_face = (animator.open(Photo(pixels=pixels)) for pixels in (portrait, large))
    times = iter(np.linspace(0, 1, 10_000))

    def following(opened: object) -> None:
        time = float(next(times))
        opened.frame({"smile": time, "left_eye": 1 - time, "right_eye": 1 - time})  # type: ignore[attr-defined]

    rows = [
        seconds_of("first frame, 512 px photo", first, repeats=max(3, repeats // 2)),
        seconds_of("following frame, 512 px photo", lambda: following(face), repeats=repeats),
        seconds_of(
            f"following frame, {_LARGE_SIDE} px photo",
            lambda: following(large_face),
            repeats=max(3, repeats // 4),
        ),
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for bar in (
        Bar(
            name="frames a second", value=1 / rows[1].median, unit="/s", bar=_FRAMES_PER_SECOND, is_least=True
        ),
        Bar(name="first frame", value=rows[0].median, unit="s", bar=_FIRST_SECONDS, is_least=False),
        Bar(name="memory with a 4K photo", value=memory, unit="GiB", bar=_MEMORY_GIB, is_least=False),
    ):
        print("  " + bar.line())
    return rows
