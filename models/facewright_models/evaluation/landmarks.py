"""How far landmarks are from where people have marked them, on photos and renders that no training has seen.

Every error is a mean distance over the distance of the eyes. dlib's model marks after another convention, so it is
shown twice: as it is, and with the mean offset of each point on the people of training taken off, which is fair.
"""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation.landmark_differences import difference_rows, smile_rows
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.evaluation.turned_renders import turned_rows
from facewright_models.landmarks.convention import boxed_photos, mean_offset
from facewright_models.landmarks.crops import crop_of_box
from facewright_models.landmarks.dataset import (
    CapturedFaces,
    held_out_templates,
    training_templates,
)
from facewright_models.landmarks.dlib_models import DlibLandmarkModel
from facewright_models.landmarks.mesh_points import MeshPoints
from facewright_models.landmarks.network import LandmarkNetwork
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.register import (
    load_mesh_points,
    mesh_points_from_checkpoint,
    register_landmark_network,
)
from facewright_models.landmarks.store import network_from_checkpoint
from facewright_models.landmarks.template import FOREHEAD, IRIS_CENTERS, POINT_COUNT, eye_distance
from facewright_models.landmarks.types import LANDMARK_COUNT, FaceBox
from facewright_models.parsing.augment import draw_glasses
from facewright_models.rig import load_rig
from facewright_models.sheets.grid import tile_grid
from facewright_models.sheets.landmarks import face_tile
from facewright_models.style_reader.labels import style_labels

__all__ = ["CONDITIONS", "MarkedPerson", "evaluate", "held_out_people", "measure_and_register"]

_Points = NDArray[np.float64]
_Pixels = NDArray[np.uint8]

_GROUPS: Mapping[str, slice] = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}
_SMALL_FACE_PX = 40
_TIMED = 40
_SHOWN = 9


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkedPerson:
    """A photo with the box of its face and where the template says that the points are, (81, 2)."""

    name: str
    pixels: _Pixels
    box: FaceBox
    points: _Points


def evaluate(
    data: Path,
    *,
    sheet: Path | None = None,
    network: LandmarkNetwork | None = None,
    mesh: MeshPoints | None = None,
) -> Report:
    """The table of landmarks: of the shipped network, or of another one with its points on the mesh.

    `sheet` is a PNG to write with points drawn on photos. Raises InvalidInputError, WeightsError.
    """
    people = held_out_people(data)
    ours, dlib = LandmarkNetworkModel(network), DlibLandmarkModel()
    bias = mean_offset(training_templates(data), dlib)
    rows: list[Row] = []
    tiles = []
    for name, condition in counted(list(CONDITIONS.items()), "condition"):
        shown = [condition(person) for person in people]
        own = [ours.mark(person.pixels, crop_of_box(person.box)).points_px for person in shown]
        theirs = [dlib.locate(person.pixels, person.box) for person in shown]
        moved = [
            points - bias * eye_distance(person.points) for person, points in zip(shown, theirs, strict=True)
        ]
        found, as_is, fair = (_errors(shown, marked) for marked in (own, theirs, moved))
        tiles += [
            face_tile(person.pixels, points, truth=person.points, caption=f"{person.name} {name}")
            for person, points in list(zip(shown, own, strict=True))[:: max(1, len(shown) // _SHOWN)]
        ]
        rows.append(_row(f"68 points, {name}", found, as_is, fair, slice(0, LANDMARK_COUNT)))
        if name == "as they are":
            rows += [_row(group, found, as_is, fair, points) for group, points in _GROUPS.items()]
            rows += _by_people(data, people, found, as_is, fair)
            rows += difference_rows(
                np.array([person.points[:LANDMARK_COUNT] for person in people]),
                np.array(own)[:, :LANDMARK_COUNT],
                np.array(theirs),
                {"all": slice(0, LANDMARK_COUNT), **_GROUPS},
            )
            for extra, points in (("forehead", FOREHEAD), ("irises", slice(IRIS_CENTERS[0], POINT_COUNT))):
                rows.append(Row.of_mean(extra, found[:, points].mean(1), lower_is_better=True))
    rows += smile_rows(data, ours, dlib)
    rows += turned_rows(ours, mesh or load_mesh_points(), dlib)
    rows.append(_faces_per_second(ours, people))
    if sheet is not None:
        sheet.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(sheet), tile_grid(tiles, columns=_SHOWN, tile_px=320)[..., ::-1])
    return Report(
        title="Landmarks of people that no training has seen",
        rows=tuple(rows),
        notes=(
            "mean distance over the distance of the eyes; London people with id % 4 = 0, and all of Canada",
            "dlib: as it is; fair: each point moved by its mean offset on the London people of training",
            f"low light: a thirtieth of it, with noise; small: faces of {_SMALL_FACE_PX} pixels; the box is dlib's",
            "turned renders: against points of the mesh, for dlib those of the rig, which were calibrated for it",
        ),
    )


def measure_and_register(checkpoint: Path, data: Path, captures: Path) -> Report:
    """Score a checkpoint on people and characters that it was not trained on, and put it into the package."""
    mesh = mesh_points_from_checkpoint(checkpoint)
    report = evaluate(data, network=network_from_checkpoint(checkpoint), mesh=mesh)
    measured = {row.name: row for row in report.rows}
    first = measured["68 points, as they are"]
    quality: dict[str, float | str] = {
        "error_68_points": round(first.measured, 4),
        "error_68_points_dlib": round(first.baselines["dlib"], 4),
        "error_68_points_dlib_fair": round(first.baselines["dlib, fair"], 4),
        "held_out_people": first.n,
    }
    quality["differences_found"] = round(
        measured["differences between people that are found: all"].measured, 4
    )
    for name in ("with drawn glasses", "in low light", "small", "renders turned by 30"):
        quality[f"error_{name.replace(' ', '_')}"] = round(measured[f"68 points, {name}"].measured, 4)
    described = json.loads((captures / "layout.json").read_text())
    count = CapturedFaces(captures, load_rig(described["rig"])).training_count
    register_landmark_network(
        checkpoint,
        command="facewright-server train landmarks --data DIR --captures DIR --out FILE --register",
        data="54 London people (id % 4 != 0): neutral photos with their templates, smiling photos, and frames of the "
        "clips d3, d6 and d18, the latter two marked by the 68-point predictor (non-commercial data) less its offset; "
        f"{count} face captures of rig {described['rig']} {described['rig_version']}, seed {described['seed']}, whose "
        "points are the rig's (calibrated by that predictor), moved by how far it marks the same photos from their "
        "templates",
        quality=quality,
    )
    return report


def held_out_people(data: Path) -> list[MarkedPerson]:
    """Raises InvalidInputError where there are none."""
    people = [
        MarkedPerson(name=name, pixels=face.pixels, box=box, points=face.points)
        for name, face, box in boxed_photos(held_out_templates(data))
    ]
    if not people:
        raise InvalidInputError(f"no photo with a template under {data}/faces is held out", field="data")
    return people


def _errors(people: Sequence[MarkedPerson], marked: Sequence[_Points]) -> _Points:
    """(N, K) of every point."""
    rows = []
    for person, points in zip(people, marked, strict=True):
        distance = np.linalg.norm(points - person.points[: len(points)], axis=1)
        rows.append(distance / eye_distance(person.points))
    return np.array(rows)


def _row(name: str, found: _Points, as_is: _Points, fair: _Points, points: slice) -> Row:
    baseline = float(fair[:, points].mean())
    return Row.of_mean(
        name,
        found[:, points].mean(1),
        bar=baseline,
        lower_is_better=True,
        baselines={"dlib": float(as_is[:, points].mean()), "dlib, fair": baseline},
    )


def _by_people(
    data: Path, people: Sequence[MarkedPerson], found: _Points, as_is: _Points, fair: _Points
) -> list[Row]:
    """The same by set, ethnicity and beard."""
    with (data / "faces" / "london" / "info.csv").open(encoding="utf-8") as lines:
        known = {row["face_id"]: row["face_eth"] for row in csv.DictReader(lines)}
    bearded = {photo for photo, labels in style_labels().items() if "none" not in labels.facial_hair}
    is_london = np.array([person.name[:3] in known and person.name.endswith("_03") for person in people])
    groups: dict[str, NDArray[np.bool_]] = {"London": is_london, "Canada": ~is_london}
    ethnicities = [
        known.get(person.name[:3], "") if own else "" for person, own in zip(people, is_london, strict=True)
    ]
    for ethnicity in sorted(set(ethnicities) - {""}):
        groups[f"ethnicity {ethnicity}"] = np.array([each == ethnicity for each in ethnicities])
    groups["with a beard"] = np.array([person.name in bearded for person in people])
    everything = slice(0, LANDMARK_COUNT)
    return [
        _row(f"68 points, {name}", found[chosen], as_is[chosen], fair[chosen], everything)
        for name, chosen in groups.items()
        if chosen.any()
    ]


def _as_they_are(person: MarkedPerson) -> MarkedPerson:
    return person


def _with_glasses(person: MarkedPerson) -> MarkedPerson:
    rng = np.random.default_rng(int(person.points.sum()))
    image: NDArray[np.float32] = np.asarray(person.pixels / 255, dtype=np.float32)
    drawn = draw_glasses(image, person.points[list(IRIS_CENTERS)], rng)
    return _shown(person, drawn)


def _in_low_light(person: MarkedPerson) -> MarkedPerson:
    rng = np.random.default_rng(int(person.points.sum()))
    linear = (person.pixels.astype(np.float32) / 255) ** 2.2 / 30
    noisy = linear + rng.normal(0, 0.004, linear.shape).astype(np.float32)
    return _shown(person, np.asarray(np.clip(noisy, 0, 1) ** (1 / 2.2), dtype=np.float32))


def _small(person: MarkedPerson) -> MarkedPerson:
    scale = _SMALL_FACE_PX / person.box.width
    pixels = cv2.resize(person.pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    box = person.box
    return MarkedPerson(
        name=person.name,
        pixels=np.asarray(pixels, dtype=np.uint8),
        box=FaceBox(
            x=round(box.x * scale),
            y=round(box.y * scale),
            width=round(box.width * scale),
            height=round(box.height * scale),
        ),
        points=(person.points + 0.5) * scale - 0.5,
    )


def _shown(person: MarkedPerson, image: NDArray[np.float32]) -> MarkedPerson:
    pixels = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return MarkedPerson(name=person.name, pixels=pixels, box=person.box, points=person.points)


CONDITIONS: Mapping[str, Callable[[MarkedPerson], MarkedPerson]] = {
    "as they are": _as_they_are,
    "with drawn glasses": _with_glasses,
    "in low light": _in_low_light,
    "small": _small,
}
"""What is done to the photos before faces are marked."""


def _faces_per_second(ours: LandmarkNetworkModel, people: Sequence[MarkedPerson]) -> Row:
    """Of the processor's time, by one thread as set for the process."""
    seconds = []
    for index in range(_TIMED):
        person = people[index % len(people)]
        started = time.process_time()
        ours.locate(person.pixels, person.box)
        seconds.append(time.process_time() - started)
    rate = 1 / float(np.median(seconds))
    return Row(name="faces per second of one core", measured=rate, n=_TIMED, bar=60.0)
