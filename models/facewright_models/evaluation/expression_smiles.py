"""Smiles against real ones: everybody's neutral photo, given the degree of their own smiling photo, beside that photo.

Nobody is judged by a model that has seen them: people are split in four, and a model that was trained on the other
three judges each part. What is compared is the region of the mouth, laid over each other by the eyes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.evaluation.expression_warp import SmileWarp
from facewright_models.evaluation.people import gallery_photos, smiling_photo
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Row
from facewright_models.expression.animator import opened_face
from facewright_models.expression.degrees import Rest, degrees_of, lengths_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.shots import fold_of
from facewright_models.expression.still_points import laid_over, similarity
from facewright_models.identity import IdentityNetwork
from facewright_models.landmarks.closer.model import cut
from facewright_models.landmarks.crops import crop_of_points
from facewright_models.landmarks.network import CROP_PX
from facewright_models.photo import decode_photo

__all__ = ["SmilingPerson", "smile_rows", "smiling_people"]

_Pixels = NDArray[np.uint8]

_MOUTH_PX, _FACE_PX = 150, 256
_DEPTH = 8
"""Of the identity network's blocks: the distance of the activations up to here, each over its usual size."""
_CLOSER_BAR, _SHARP_BAR = 0.8, 0.7


@dataclass(frozen=True, kw_only=True, eq=False)
class SmilingPerson:
    """Both photos of a person with their points (81, 2), and the degrees of the smiling one."""

    name: str
    neutral: _Pixels
    smiling: _Pixels
    points: NDArray[np.float64]
    smiling_points: NDArray[np.float64]
    degrees: Mapping[str, float]

    @property
    def rest(self) -> Rest:
        """The neutral photo's lengths."""
        return Rest(lengths=lengths_of(self.points))


def smiling_people(data: Path, reader: FaceReader) -> list[SmilingPerson]:
    """Everybody of whom there is a smiling photo."""
    people = []
    for path in gallery_photos(data):
        smile = smiling_photo(path)
        if smile is None:
            continue
        neutral, smiling = (decode_photo(each.read_bytes()).pixels for each in (path, smile))
        points, smiling_points = reader.largest(neutral), reader.largest(smiling)
        if points is None or smiling_points is None:
            continue
        degrees = degrees_of(smiling_points, Rest(lengths=lengths_of(points)))
        people.append(
            SmilingPerson(
                name=path.stem,
                neutral=neutral,
                smiling=smiling,
                points=points,
                smiling_points=smiling_points,
                degrees=degrees,
            )
        )
    return people


def smile_rows(
    people: list[SmilingPerson],
    models: Mapping[int, ProcessingModel],
    reader: FaceReader,
    tiles: list[_Pixels],
) -> list[Row]:
    """`models` by the fold that they have not seen; others' people are left out. `tiles` receives of each the faces of
    the neutral, the generated and the warped photo, of one that is told the landmarks, and of the real one.

    What is told where the landmarks of the real smile are shows how much of what is missing no degree can say.
    """
    identity = IdentityNetwork.from_dlib()
    l1: list[list[float]] = []
    trunk: list[list[float]] = []
    sharpness = []
    judged = [person for person in people if fold_of(person.name) in models]
    for person in counted(judged, "smile"):
        fold = fold_of(person.name)
        others = [
            (other.points, other.smiling_points, other.degrees["smile"])
            for other in people
            if fold_of(other.name) != fold
        ]
        degree = person.degrees["smile"]
        face = opened_face(models[fold], reader, person.neutral, person.points, person.rest)
        made = face.frame({"smile": degree})
        told = face.towards(laid_over(person.points, person.smiling_points)[:68])
        warped = SmileWarp.learnt(others).warped(person.neutral, person.points, degree)
        truth = _mouth_of(person.smiling, similarity(person.points, person.smiling_points), person)
        shown = [_mouth_of(pixels, np.eye(3), person) for pixels in (made, person.neutral, warped, told)]
        l1.append([float(np.abs(each.astype(float) - truth).mean()) for each in shown])
        trunk.append(_trunk_distances(identity, truth, shown))
        sharpness.append(_sharpness(shown[0]) / max(_sharpness(truth), 1e-6))
        tiles += [_face_of(pixels, person.points) for pixels in (person.neutral, made, warped, told)]
        tiles.append(_face_of(person.smiling, person.smiling_points))
    distances = {"mouth, L1": np.array(l1) / 255, "mouth, identity trunk": np.array(trunk)}
    return [
        *(_closer_row(name, each[:, :3], bar=_CLOSER_BAR) for name, each in distances.items()),
        *(
            _closer_row(f"{name}, told where the real landmarks are", each[:, [3, 1, 2]])
            for name, each in distances.items()
        ),
        Row.of_mean("sharpness of the mouth over the real one's", np.array(sharpness), bar=_SHARP_BAR),
    ]


def _face_of(pixels: _Pixels, points: NDArray[np.float64]) -> _Pixels:
    place = crop_of_points(points[:68])
    place[:, :2] *= CROP_PX / _FACE_PX
    return cut(pixels, place, _FACE_PX)


def _closer_row(name: str, distances: NDArray[np.float64], *, bar: float | None = None) -> Row:
    """Distances (N, 3) of the generated, the neutral and the warped picture to the real smile."""
    closer = (distances[:, :1] < distances[:, 1:]).all(1).astype(float)
    generated, neutral, warped = distances.mean(0)
    return Row.of_mean(
        f"smile closer to the real one than neutral and warp: {name}",
        closer,
        bar=bar,
        note=f"distance {generated:.4f}; neutral {neutral:.4f}, warp {warped:.4f}",
    )


def _mouth_of(pixels: _Pixels, photo_from_neutral: NDArray[np.float64], person: SmilingPerson) -> _Pixels:
    """(150, 150, 3): the region of the mouth of the neutral photo, in a photo that is laid over it."""
    region = region_of(person.points, HALVES["lower"].fine["mouth"])
    scale = HALVES["lower"].fine["mouth"].side_px / _MOUTH_PX
    larger = region.copy()
    larger[:, :2] *= scale
    larger[:, 2] += (region[:, :2] * (scale - 1)) @ np.full(2, 0.5)
    matrix = (photo_from_neutral @ np.concatenate([larger, [[0, 0, 1]]]))[:2]
    return cut(pixels, matrix, _MOUTH_PX)


def _trunk_distances(identity: IdentityNetwork, truth: _Pixels, shown: list[_Pixels]) -> list[float]:
    images = np.stack([truth, *shown]).astype(np.float32) / 255
    with torch.inference_mode():
        maps = identity.features(torch.from_numpy(images).permute(0, 3, 1, 2)).blocks[:_DEPTH]
    total = sum((each[1:] - each[:1]).square().mean((1, 2, 3)) / each[:1].square().mean() for each in maps)
    return [float(value) for value in torch.as_tensor(total).sqrt()]


def _sharpness(pixels: _Pixels) -> float:
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float64)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())
