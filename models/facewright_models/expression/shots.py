"""What migration is learnt from: faces at different degrees of expression, several shots of each.

Captures of moving characters, whose points are exact; neutral and smiling photos; frames of clips. Where no mesh tells
points, the closer look marks them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.expression.captures import read_capture
from facewright_models.expression.degrees import Lengths, Rest, lengths_of, likely_rest, strengths_of
from facewright_models.expression.landmark_motion import ActedPair
from facewright_models.expression.lighting import usual_light
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.teeth import found_teeth, mirrored_teeth
from facewright_models.expression.types import DEGREES
from facewright_models.expression.videos import read_frames
from facewright_models.foundry.face_capture import FRAMES_EACH
from facewright_models.landmarks.dataset import CapturedFaces, photo_around
from facewright_models.landmarks.template import POINT_MIRROR
from facewright_models.landmarks.views import MarkedFace
from facewright_models.photo import decode_photo

__all__ = [
    "FOLDS",
    "CapturedPeople",
    "Person",
    "Shot",
    "clip_people",
    "fold_of",
    "photo_people",
    "recorded_person",
    "usual_rest",
]

logger = logging.getLogger(__name__)

FOLDS = 4
_KEPT_PX = 420
_TRAINING_CLIPS, _EVERY_FRAME = ("d3.mp4", "d6.mp4", "d18.mp4"), 4
_EVERY_RECORDED = 2
_SWAPPED = [
    DEGREES.index({"left_eye": "right_eye", "right_eye": "left_eye"}.get(name, name)) for name in DEGREES
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Shot:
    """A picture (H, W, 3) of a face with its points (81, 2), and its degrees (8,), which may pass their ranges."""

    pixels: NDArray[np.uint8]
    points: NDArray[np.float64]
    degrees: NDArray[np.float64]
    teeth: NDArray[np.float64] | None = None
    """Where they are seen, see `found_teeth`."""
    light: NDArray[np.float32] = field(default_factory=lambda: np.ones(3, np.float32))
    """See `usual_light`."""
    is_rendered: bool = False
    """By a rig, whose teeth lie in more shade than those of people."""

    def mirrored(self) -> Shot:
        """The same in a mirror."""
        width = self.pixels.shape[1]
        points = (self.points * [-1, 1] + [width - 1, 0])[POINT_MIRROR]
        return Shot(
            pixels=self.pixels[:, ::-1],
            points=points,
            degrees=self.degrees[_SWAPPED],
            teeth=None if self.teeth is None else mirrored_teeth(self.teeth, width),
            light=self.light,
            is_rendered=self.is_rendered,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Person:
    """Shots of one person; of those with `is_still` every pixel outside the expression is the same."""

    name: str
    shots: Sequence[Shot]
    is_still: bool = False


class CapturedPeople:
    """Moving captures, decoded when they are asked for."""

    def __init__(self, faces: CapturedFaces) -> None:
        self._faces = faces
        self._count = faces.training_count // FRAMES_EACH
        self._seen: dict[int, tuple[NDArray[np.float64] | None, NDArray[np.float32]]] = {}

    def __len__(self) -> int:
        return self._count

    def pick(self, rng: np.random.Generator) -> tuple[Shot, Shot]:
        """Two shots of one character."""
        a, b = self._indices(rng)
        rest = Rest(lengths=lengths_of(self._faces.points[a - a % FRAMES_EACH]))
        return self._shot(a, rest), self._shot(b, rest)

    @property
    def actions(self) -> tuple[str, ...]:
        """The rig's facial actions, in the order of `ActedPair.change`."""
        return self._faces.actions

    def acted(self, rng: np.random.Generator) -> ActedPair:
        """Two shots of one character, and what it does between them."""
        a, b = self._indices(rng)
        return ActedPair(
            a=self._faces.points[a],
            b=self._faces.points[b],
            change=np.asarray(self._faces.expressions[b] - self._faces.expressions[a], np.float64),
        )

    def _indices(self, rng: np.random.Generator) -> tuple[int, int]:
        first = FRAMES_EACH * int(rng.integers(self._count))
        a, b = (int(index) for index in first + rng.choice(FRAMES_EACH, 2, replace=False))
        return a, b

    def _shot(self, index: int, rest: Rest) -> Shot:
        points = self._faces.points[index]
        pixels = self._faces.pixels(index)
        if index not in self._seen:
            self._seen[index] = (found_teeth(pixels, points), usual_light(pixels, points))
        teeth, light = self._seen[index]
        return Shot(
            pixels=pixels,
            points=points,
            degrees=degrees_vector(points, rest),
            teeth=teeth,
            light=light,
            is_rendered=True,
        )


def photo_people(data: Path, reader: FaceReader, is_chosen: Callable[[Path], bool]) -> list[Person]:
    """People of the studio photos at rest and smiling, those whose neutral template is chosen."""
    people = []
    folder = data / "faces" / "london"
    for template in sorted((folder / "neutral").glob("*.tem")):
        smiles = sorted((folder / "smiling").glob(template.stem.split("_")[0] + "_*.jpg"))
        if not is_chosen(template) or not smiles:
            continue
        faces = []
        for path in (template.with_suffix(".jpg"), smiles[0]):
            pixels = decode_photo(path.read_bytes()).pixels
            points = reader.largest(pixels)
            if points is not None:
                faces.append(MarkedFace(pixels=pixels, points=points))
        if len(faces) == 2:
            rest = Rest(lengths=lengths_of(faces[0].points))
            people.append(Person(name=template.stem, shots=[_kept(face, rest) for face in faces]))
    return people


def fold_of(stem: str) -> int:
    """In which of the four parts a person of the London photos is, by the file's name; the first is held out of all
    that ships.
    """
    return int(stem.split("_")[0]) % FOLDS


def clip_people(data: Path, reader: FaceReader) -> list[Person]:
    """One person for each driving clip that may be trained on, every fourth frame."""
    people = []
    for name in _TRAINING_CLIPS:
        path = data / "video" / "driving" / name
        if not path.is_file():
            continue
        faces = []
        with av.open(str(path)) as container:
            for index, frame in enumerate(container.decode(video=0)):
                if index % _EVERY_FRAME == 0:
                    pixels = frame.to_ndarray(format="rgb24")
                    points = reader.largest(pixels)
                    if points is not None:
                        faces.append(MarkedFace(pixels=pixels, points=points))
        if faces:
            rest = usual_rest([lengths_of(face.points) for face in faces])
            people.append(Person(name=name, shots=[_kept(face, rest) for face in faces]))
    return people


def recorded_person(folder: Path, reader: FaceReader) -> Person:
    """One's own recording, with degrees as labelled ([0070], [0079]); every second frame of its labelled parts.

    Raises what `read_capture` and `read_frames` raise, and InvalidInputError where no labelled frame shows a face.
    """
    recording = read_capture(folder)
    shots = []
    with recording.clip.open("rb") as file:
        for frame in read_frames(file, every=_EVERY_RECORDED):
            labels = recording.degrees_at(frame.time_secs)
            points = None if labels is None else reader.largest(frame.pixels)
            if labels is not None and points is not None:
                around = photo_around(MarkedFace(pixels=frame.pixels, points=points), _KEPT_PX)
                degrees = np.array([labels[name] for name in DEGREES])
                shots.append(_looked_at(around, degrees))
    if len(shots) < 2:
        raise InvalidInputError(f"the recording in {folder} shows a face in fewer than two labelled frames")
    return Person(name=folder.name, shots=shots)


def degrees_vector(points: NDArray[np.float64], rest: Rest) -> NDArray[np.float64]:
    """(8,) in the order of DEGREES, a little past their ranges at most."""
    strengths = strengths_of(lengths_of(points), rest)
    return np.clip([strengths[name] for name in DEGREES], -0.6, 1.6)


def _kept(face: MarkedFace, rest: Rest) -> Shot:
    degrees = degrees_vector(face.points, rest)
    around = photo_around(face, _KEPT_PX)
    return _looked_at(around, degrees)


def _looked_at(face: MarkedFace, degrees: NDArray[np.float64]) -> Shot:
    return Shot(
        pixels=face.pixels,
        points=face.points,
        degrees=degrees,
        teeth=found_teeth(face.pixels, face.points),
        light=usual_light(face.pixels, face.points),
    )


def usual_rest(lengths: Sequence[Lengths]) -> Rest:
    """Of a person who is seen with many expressions: the middle of all, where faces at rest look like that."""
    names = lengths[0].__dataclass_fields__
    middle = {name: float(np.median([getattr(each, name) for each in lengths])) for name in names}
    eyes = {
        name: float(np.percentile([getattr(each, name) for each in lengths], 70))
        for name in ("right_eye", "left_eye")
    }
    return Rest(lengths=likely_rest(replace(Lengths(**middle), **eyes)))
