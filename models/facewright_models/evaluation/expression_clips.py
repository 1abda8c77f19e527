"""Frames of clips that nothing was trained on, made again from one frame of the clip and the degrees of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Row
from facewright_models.expression.animator import opened_face
from facewright_models.expression.degrees import degrees_of, lengths_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import HALVES, Region, region_of
from facewright_models.expression.shots import usual_rest
from facewright_models.expression.still_points import similarity, turn_of
from facewright_models.expression.types import DEGREES, REST_DEGREES
from facewright_models.expression.videos import read_frames
from facewright_models.landmarks.closer.model import cut

__all__ = ["clip_rows"]

_Pixels = NDArray[np.uint8]

_CLIPS = ("d9.mp4", "s13.mp4", "s18.mp4", "s20.mp4")
_EVERY_FRAME, _JUDGED = 5, 12
_TURNED = 0.04
"""How far the nose's bridge may lie elsewhere between the eyes, over their distance."""
_CHANGED = 0.3


def clip_rows(model: ProcessingModel, reader: FaceReader, data: Path) -> list[Row]:
    """Mouths and eyes of frames that differ from the one nearest to rest, heads turned alike: made, and that one."""
    distances: dict[str, list[tuple[float, float]]] = {"mouth": [], "eyes": []}
    paths = [data / "video" / "driving" / name for name in _CLIPS]
    for path in counted([path for path in paths if path.is_file()], "clip"):
        frames = _marked(path, reader)
        if len(frames) < 2:
            continue
        rest = usual_rest([lengths_of(points) for _, points in frames])
        degrees = [degrees_of(points, rest) for _, points in frames]
        still = int(np.argmin([_expressed(each) for each in degrees]))
        pixels, points = frames[still]
        face = opened_face(model, reader, pixels, points, rest)
        for index in _judged(frames, degrees, still):
            made = face.frame(degrees[index])
            _measure(distances, degrees[index], degrees[still], frames[index], (made, pixels), points)
    return [_row(name, np.array(values)) for name, values in distances.items() if values]


def _marked(path: Path, reader: FaceReader) -> list[tuple[_Pixels, NDArray[np.float64]]]:
    frames = []
    with path.open("rb") as file:
        for frame in read_frames(file, every=_EVERY_FRAME):
            points = reader.largest(frame.pixels)
            if points is not None:
                frames.append((frame.pixels, points))
    return frames


def _expressed(degrees: dict[str, float]) -> float:
    return sum(abs(degrees[name] - REST_DEGREES[name]) for name in DEGREES)


def _judged(
    frames: list[tuple[_Pixels, NDArray[np.float64]]], degrees: list[dict[str, float]], still: int
) -> list[int]:
    """A few frames whose expression is another, and whose head is turned as that of the still one."""
    own = frames[still][1]
    chosen = [
        index
        for index, (_, points) in enumerate(frames)
        if abs(turn_of(points) - turn_of(own)) < _TURNED
        and max(abs(degrees[index][name] - degrees[still][name]) for name in DEGREES) > _CHANGED
    ]
    return (
        [chosen[int(at)] for at in np.unique(np.linspace(0, len(chosen) - 1, _JUDGED).round())]
        if chosen
        else []
    )


def _measure(
    distances: dict[str, list[tuple[float, float]]],
    wanted: dict[str, float],
    own: dict[str, float],
    real: tuple[_Pixels, NDArray[np.float64]],
    shown: tuple[_Pixels, _Pixels],
    points: NDArray[np.float64],
) -> None:
    """Adds the distances of what was made and of what stood still, where the expression differs."""
    for name, half in (("mouth", HALVES["lower"]), ("eyes", HALVES["upper"])):
        if max(abs(wanted[degree] - own[degree]) for degree in half.degrees) <= _CHANGED:
            continue
        errors = np.mean([_errors(region, real, shown, points) for region in half.fine.values()], axis=0)
        distances[name].append((float(errors[0]), float(errors[1])))


def _errors(
    region: Region,
    real: tuple[_Pixels, NDArray[np.float64]],
    shown: tuple[_Pixels, _Pixels],
    points: NDArray[np.float64],
) -> list[float]:
    own = region_of(points, region)
    there = (similarity(points, real[1]) @ np.concatenate([own, [[0, 0, 1]]]))[:2]
    truth = cut(real[0], there, region.side_px).astype(float)
    return [float(np.abs(cut(pixels, own, region.side_px) - truth).mean() / 255) for pixels in shown]


def _row(name: str, distances: NDArray[np.float64]) -> Row:
    """Of distances (N, 2)."""
    made, still = distances.mean(0)
    return Row.of_mean(
        f"frames of unseen clips, {name}: closer to the real one than the still face",
        (distances[:, 0] < distances[:, 1]).astype(float),
        note=f"distance {made:.4f}; still {still:.4f}",
    )
