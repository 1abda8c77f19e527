"""How many faces are found in photos: of groups, small ones, tilted ones, turned ones; and false alarms.

Each row has the share that the first two looks find, which is all there was for heads that look ahead.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Row
from facewright_models.landmarks import detect_faces, detect_frontal_faces
from facewright_models.landmarks.dataset import held_out_templates, marked_photo
from facewright_models.landmarks.types import Face
from facewright_models.photo import decode_photo

__all__ = ["search_rows"]

_Pixels = NDArray[np.uint8]
_Box = tuple[float, float, float, float]

_SIZES_PX = (40, 60, 80)
_TILTS_DEGREES = (15.0, 30.0, 45.0, 60.0, 90.0, 180.0)
_PEOPLE = 12
_CLIP_STEP = 4
_CANVAS_PX = 900
"""Small faces are searched in a photo so large, because people send photos and not cut-out faces."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A picture, and the boxes x0 y0 x1 y1 of the faces in it."""

    pixels: _Pixels
    faces: tuple[_Box, ...]


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """What a search found in a picture: which of its faces, whether anything, and in what processor time."""

    hits: tuple[bool, ...]
    is_any_found: bool
    seconds: float


def search_rows(data: Path) -> list[Row]:
    """Rows of the table; see the module. Sets that `data` does not hold are left out."""
    people = [path for path in held_out_templates(data) if path.parent.name != "canada"][:_PEOPLE]
    sets: list[tuple[str, list[_Case]]] = [("portraits", [_tilted(path, 0.0) for path in people])]
    sets += [(f"faces of {size} px", [_small(path, size) for path in people]) for size in _SIZES_PX]
    for tilt in _TILTS_DEGREES:
        turned = [_tilted(path, tilt if index % 2 else -tilt) for index, path in enumerate(people)]
        sets.append((f"heads tilted by {tilt:g}", turned))
    sets.append(("turning heads in a clip", _clip_frames(data)))
    posters = _posters(data)
    sets.append(("faces in photos of all kinds", [case for case in posters if case.faces]))
    rows = [_recall(name, cases) for name, cases in counted(sets, "set") if cases]
    empty = [case for case in posters if not case.faces]
    if empty:
        rows.append(_false_alarms(empty))
    return rows


def _recall(name: str, cases: Sequence[_Case]) -> Row:
    now, before = _looked(cases, detect_faces), _looked(cases, detect_frontal_faces)
    return Row.of_mean(
        name,
        np.array([hit for each in now for hit in each.hits], float),
        baselines={"looking ahead only": float(np.mean([hit for each in before for hit in each.hits]))},
        note=_seconds(now, before),
    )


def _false_alarms(empty: Sequence[_Case]) -> Row:
    now, before = _looked(empty, detect_faces), _looked(empty, detect_frontal_faces)
    alarms = float(sum(each.is_any_found for each in before))
    return Row(
        name="photos without people in which a face is found",
        measured=float(sum(each.is_any_found for each in now)),
        n=len(empty),
        bar=alarms,
        lower_is_better=True,
        baselines={"looking ahead only": alarms},
        note=_seconds(now, before),
    )


def _looked(cases: Sequence[_Case], search: Callable[[_Pixels], tuple[Face, ...]]) -> list[_Looked]:
    """A face is hit where the middle of some found box lies in its own box."""
    results = []
    for case in cases:
        started = time.process_time()
        faces = search(case.pixels)
        seconds = time.process_time() - started
        centers = [face.box.center_px for face in faces]
        hits = tuple(
            any(x0 <= x <= x1 and y0 <= y <= y1 for x, y in centers) for x0, y0, x1, y1 in case.faces
        )
        results.append(_Looked(hits=hits, is_any_found=bool(faces), seconds=seconds))
    return results


def _seconds(now: Sequence[_Looked], before: Sequence[_Looked]) -> str:
    first, second = (float(np.median([each.seconds for each in looked])) for looked in (now, before))
    return f"{1000 * first:.0f} ms a photo, looking ahead only {1000 * second:.0f} ms"


def _posters(data: Path) -> list[_Case]:
    described = data / "posters" / "boxes.json"
    if not described.is_file():
        return []
    cases = []
    for name, entry in json.loads(described.read_text()).items():
        pixels = decode_photo((described.parent / name).read_bytes()).pixels
        cases.append(_Case(pixels=pixels, faces=tuple(tuple(box) for box in entry["faces"])))
    return cases


def _clip_frames(data: Path) -> list[_Case]:
    """Every fourth frame of people who turn their heads; a face anywhere in it counts."""
    path = data / "video" / "headpose" / "head-pose-face-detection-female-and-male.gif"
    if not path.is_file():
        return []
    cases = []
    with Image.open(path) as clip:
        for index in range(0, getattr(clip, "n_frames", 1), _CLIP_STEP):
            clip.seek(index)
            pixels = np.asarray(clip.convert("RGB"), dtype=np.uint8)
            cases.append(_Case(pixels=pixels, faces=((0.0, 0.0, float(clip.width), float(clip.height)),)))
    return cases


def _small(template: Path, face_px: int) -> _Case:
    """The photo so small that its face is `face_px` wide, on a canvas of the backdrop's colour."""
    face = marked_photo(template)
    width = float(np.ptp(face.points[:17, 0]))
    scale = face_px / width
    small = np.asarray(
        cv2.resize(face.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), dtype=np.uint8
    )
    canvas = np.full((_CANVAS_PX, _CANVAS_PX, 3), np.median(face.pixels[:20], axis=(0, 1)), np.uint8)
    top, left = (_CANVAS_PX - small.shape[0]) // 2, (_CANVAS_PX - small.shape[1]) // 3
    canvas[top : top + small.shape[0], left : left + small.shape[1]] = small
    return _Case(pixels=canvas, faces=(_bounds(face.points[:68] * scale + [left, top]),))


def _tilted(template: Path, degrees: float) -> _Case:
    """The photo turned clockwise about its middle; its border is continued."""
    face = marked_photo(template)
    height, width = face.pixels.shape[:2]
    angle = math.radians(degrees)
    linear = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    middle = np.array([(width - 1) / 2, (height - 1) / 2])
    turn = np.concatenate([linear, (middle - linear @ middle)[:, None]], 1)
    turned = cv2.warpAffine(face.pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
    points = face.points[:68] @ linear.T + turn[:, 2]
    return _Case(pixels=np.asarray(turned, dtype=np.uint8), faces=(_bounds(points),))


def _bounds(points: NDArray[np.float64]) -> _Box:
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return x0, y0, x1, y1
