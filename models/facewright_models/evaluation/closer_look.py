"""What a closer look at eyes, brows and mouth adds to the landmark network, on people and characters it never saw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.evaluation.landmark_differences import difference_rows, smile_rows
from facewright_models.evaluation.landmarks import MarkedPerson, held_out_people
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.expression.degrees import lengths_of
from facewright_models.landmarks.closer.model import CloserLook
from facewright_models.landmarks.closer.store import closer_from_checkpoint, register_closer_networks
from facewright_models.landmarks.convention import mean_offset
from facewright_models.landmarks.crops import crop_of_box, crop_of_points
from facewright_models.landmarks.dataset import CapturedFaces, training_templates
from facewright_models.landmarks.dlib_models import DlibLandmarkModel
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.register import load_mesh_points
from facewright_models.landmarks.template import eye_distance
from facewright_models.landmarks.types import LANDMARK_COUNT, FaceBox
from facewright_models.rig import load_rig

__all__ = ["evaluate", "measure_and_register"]

_Points = NDArray[np.float64]

_GROUPS: Mapping[str, slice] = {"brows": slice(17, 27), "eyes": slice(36, 48), "mouth": slice(48, 68)}
_SHUT, _OPEN = 0.02, 0.2
_CAPTURES = 200


class _Closer:
    """The landmark network with a closer look, as a landmark model."""

    def __init__(self, look: CloserLook) -> None:
        self._model, self._look = LandmarkNetworkModel(), look

    def locate(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "68 2"]:
        """See `LandmarkModel`."""
        return self.mark(pixels, crop_of_box(box))[:LANDMARK_COUNT]

    def mark(self, pixels: NDArray[np.uint8], photo_from_crop: NDArray[np.float64]) -> _Points:
        """(81, 2)."""
        return self._look.refined(pixels, self._model.mark(pixels, photo_from_crop).points_px)


def evaluate(data: Path, *, captures: Path | None = None, look: CloserLook | None = None) -> Report:
    """The table of the shipped closer look, or of another one; `captures` are moving ones, of which the last twentieth
    is asked. Raises InvalidInputError, WeightsError.
    """
    closer, network, dlib = _Closer(look or CloserLook()), LandmarkNetworkModel(), DlibLandmarkModel()
    people = held_out_people(data)
    bias = mean_offset(training_templates(data), dlib)
    looked = [closer.locate(person.pixels, person.box) for person in people]
    once = [network.locate(person.pixels, person.box) for person in people]
    theirs = [dlib.locate(person.pixels, person.box) for person in people]
    fair = [
        points - bias * eye_distance(person.points) for points, person in zip(theirs, people, strict=True)
    ]
    rows = [
        Row.of_mean(
            name,
            _errors(people, looked, points),
            bar=float(_errors(people, fair, points).mean()),
            lower_is_better=True,
            baselines={
                "one look": float(_errors(people, once, points).mean()),
                "dlib, fair": float(_errors(people, fair, points).mean()),
            },
        )
        for name, points in _GROUPS.items()
    ]
    truth = np.array([person.points[:LANDMARK_COUNT] for person in people])
    rows += difference_rows(truth, np.array(looked), np.array(theirs), _GROUPS)
    rows += smile_rows(data, closer, dlib)
    if captures is not None:
        rows += _lid_rows(closer, network, captures)
    return Report(
        title="A closer look at eyes, brows and mouths nobody has trained on",
        rows=tuple(rows),
        notes=(
            "mean distance over the distance of the eyes; dlib, fair: less its mean offset on people of training",
            "openings: lids' distance over the eye's width, of characters in moving captures",
        ),
    )


def measure_and_register(checkpoint: Path, data: Path, captures: Path) -> Report:
    """Score a checkpoint on people and characters that it was not trained on, and put it into the package."""
    report = evaluate(data, captures=captures, look=CloserLook(closer_from_checkpoint(checkpoint)))
    quality: dict[str, float | str] = {
        row.name.replace(" ", "_"): round(row.measured, 4) for row in report.rows[: 2 * len(_GROUPS)]
    }
    described = json.loads((captures / "layout.json").read_text())
    count = CapturedFaces(captures, load_rig(described["rig"])).training_count
    register_closer_networks(
        checkpoint,
        command="facewright-server train closer-look --data DIR --captures DIR --out FILE --register",
        data="54 London people (id % 4 != 0): neutral photos with their templates, smiling photos, and frames of the "
        "clips d3, d6 and d18, the latter two marked by the 68-point predictor (non-commercial data) less its offset, "
        f"shut lids closed; {count} moving captures of rig {described['rig']} {described['rig_version']}, seed "
        f"{described['seed']}",
        quality=quality,
    )
    return report


def _errors(people: list[MarkedPerson], marked: list[_Points], points: slice) -> _Points:
    return np.array(
        [
            np.linalg.norm(found[points] - person.points[points], axis=1).mean() / eye_distance(person.points)
            for person, found in zip(people, marked, strict=True)
        ]
    )


def _lid_rows(closer: _Closer, network: LandmarkNetworkModel, captures: Path) -> list[Row]:
    """How far lids are found open, of characters whose lids are known."""
    faces = CapturedFaces(captures, load_rig(json.loads((captures / "layout.json").read_text())["rig"]))
    faces.place(load_mesh_points())
    chosen = range(faces.training_count, len(faces))[:_CAPTURES]
    true: list[list[float]] = []
    looked: list[list[float]] = []
    once: list[list[float]] = []
    for index in counted(list(chosen), "capture"):
        pixels, crop = faces.pixels(index), crop_of_points(faces.points[index][:LANDMARK_COUNT])
        for values, points in (
            (true, faces.points[index]),
            (looked, closer.mark(pixels, crop)),
            (once, network.mark(pixels, crop).points_px),
        ):
            lengths = lengths_of(points)
            values.append([lengths.right_eye, lengths.left_eye])
    truth, found, before = (np.array(values).ravel() for values in (true, looked, once))
    rows = []
    for name, picked in (("shut", truth < _SHUT), ("open", truth > _OPEN)):
        off = np.abs(found - truth)[picked]
        if off.size:
            rows.append(
                Row.of_mean(
                    f"opening of {name} eyes, error",
                    off,
                    lower_is_better=True,
                    baselines={"one look": float(np.abs(before - truth)[picked].mean())},
                )
            )
    return rows
