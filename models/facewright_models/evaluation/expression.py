"""How well photos take on expressions: real smiles, requested against measured degrees, shut eyes, who it still is, and
what must not change.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation.expression_clips import clip_rows
from facewright_models.evaluation.expression_smiles import smile_rows, smiling_people
from facewright_models.evaluation.people import embedding, gallery_photos, trained_nothing
from facewright_models.evaluation.progress import counted
from facewright_models.evaluation.table import Report, Row
from facewright_models.expression.animated_face import face_mask
from facewright_models.expression.animator import opened_face
from facewright_models.expression.degrees import Rest, degrees_of, lengths_of
from facewright_models.expression.eye_edges import eye_openings
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import HALVES, region_of
from facewright_models.expression.shots import FOLDS
from facewright_models.expression.store import (
    MIGRATION_WEIGHTS,
    PROCESSING_WEIGHTS,
    load_processing_model,
    processing_from_checkpoint,
    register_expression_weights,
)
from facewright_models.expression.types import DEGREES, OpenedFace
from facewright_models.identity import IdentityNetwork
from facewright_models.landmarks.closer.model import cut
from facewright_models.photo import decode_photo
from facewright_models.sheets.curves import curves_sheet
from facewright_models.sheets.grid import tile_grid

__all__ = ["evaluate", "measure_and_register", "register_migration"]

_Pixels = NDArray[np.uint8]

_STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
_RANK_BAR, _RANK_SHARE_BAR, _ERROR_BAR = 0.95, 0.95, 0.08
_SHUT_BAR, _SHUT_SHARE_BAR = 0.08, 0.95
_IDENTITY_BAR, _FOREIGN_BAR = 0.30, 1.0
_NOISE = 2.0
_REGISTERED_FACES = 12
_DATA = (
    "54 London people (id % 4 != 0), neutral and smiling; every fourth frame of the clips d3, d6 and d18; marked by "
    "the landmark network and its closer look"
)


def evaluate(
    data: Path,
    *,
    limit: int | None = None,
    sheet: Path | None = None,
    plot: Path | None = None,
    model: ProcessingModel | None = None,
    folds: Path | None = None,
) -> Report:
    """The table of expressions, of the shipped model or another one, on people it has not seen.

    `folds` is a folder with `fold_0.pt` to `fold_3.pt`, checkpoints of trainings that each left out a quarter of the
    people; without it, smiles are judged on the quarter that no model has seen. `limit` people are asked for degrees;
    `plot` is a PNG to write of what was requested against what was measured. Raises InvalidInputError, WeightsError.
    """
    reader = FaceReader()
    judge = model or load_processing_model()
    people = smiling_people(data, reader)
    if not people:
        raise InvalidInputError(f"no smiling photos under {data}/faces/london", field="data")
    tiles: list[_Pixels] = []
    rows = smile_rows(people, _models(judge, folds), reader, tiles)
    faces = [
        (path.stem, decode_photo(path.read_bytes()).pixels)
        for path in gallery_photos(data)
        if trained_nothing(path)
    ][:limit]
    measured: dict[str, list[list[float]]] = {name: [] for name in DEGREES}
    rows += _degree_rows(judge, reader, faces, measured)
    rows += clip_rows(judge, reader, data)
    curves = {name: np.array(values).reshape(-1, len(_STEPS)) for name, values in measured.items()}
    for path, picture in (
        (sheet, lambda: tile_grid(tiles, columns=10)),
        (plot, lambda: curves_sheet(_STEPS, curves)),
    ):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture()).save(path)
    return Report(
        title="expressions of photos",
        rows=tuple(rows),
        notes=(
            "degrees are measured on the result by the landmark network and its closer look",
            "smiles: n people, each by a model that has not seen them",
        ),
    )


def measure_and_register(checkpoint: Path, data: Path, captures: Path) -> Report:
    """Score a checkpoint on people that it was not trained on, and put it into the package."""
    report = evaluate(data, limit=_REGISTERED_FACES, model=processing_from_checkpoint(checkpoint))
    register_expression_weights(
        PROCESSING_WEIGHTS,
        checkpoint,
        command="facewright-server train expression --data DIR --captures DIR --migration FILE --out FILE --register",
        data=f"videos of preset motions by the migration model; {_DATA}; {_captures(captures)}",
        quality={
            row.name.replace(" ", "_"): round(row.measured, 4) for row in report.rows if row.bar is not None
        },
    )
    return report


def register_migration(checkpoint: Path, captures: Path) -> None:
    """Put a checkpoint of the migration model into the package; what it is worth shows in what learns from it."""
    register_expression_weights(
        MIGRATION_WEIGHTS,
        checkpoint,
        command="facewright-server train migration --data DIR --captures DIR --out FILE --register",
        data=f"{_DATA}; {_captures(captures)}",
        quality={"judged_by": "eval expression"},
    )


def _captures(folder: Path) -> str:
    described = json.loads((folder / "layout.json").read_text())
    return f"moving captures of rig {described['rig']} {described['rig_version']}, seed {described['seed']}"


def _models(judge: ProcessingModel, folds: Path | None) -> Mapping[int, ProcessingModel]:
    if folds is None:
        return {0: judge}
    return {fold: processing_from_checkpoint(folds / f"fold_{fold}.pt") for fold in range(FOLDS)}


def _degree_rows(
    model: ProcessingModel,
    reader: FaceReader,
    faces: list[tuple[str, _Pixels]],
    measured: dict[str, list[list[float]]],
) -> list[Row]:
    """`measured` receives of each degree what every face measures at the steps."""
    identity = IdentityNetwork.from_dlib()
    ranks: dict[str, list[float]] = {name: [] for name in DEGREES}
    errors: dict[str, list[float]] = {name: [] for name in DEGREES}
    foreign: dict[str, list[float]] = {name: [] for name in DEGREES}
    shut, outside, flicker = [], [], []
    away: list[list[float]] = []
    two_ways: list[float] = []
    for number, (_, pixels) in enumerate(counted(faces, "face")):
        points = reader.largest(pixels)
        if points is None:
            continue
        rest = Rest(lengths=lengths_of(points))
        face = opened_face(model, reader, pixels, points, rest)
        beyond = face_mask(points, pixels.shape[:2]) == 0
        source = embedding(pixels, identity)
        for name in DEGREES:
            seen, distances = [], []
            for step in _STEPS:
                frame = face.frame({name: step})
                seen.append(degrees_of(reader.points_near(frame, points), rest)[name])
                outside.append(float((frame[beyond] == pixels[beyond]).all()))
                distances.append(float(np.linalg.norm(embedding(frame, identity) - source)))
            ranks[name].append(float(spearmanr(_STEPS, seen).statistic))
            measured[name].append(seen)
            errors[name].append(float(np.abs(np.array(seen) - _STEPS).mean()))
            foreign[name].append(_foreign(name, pixels, frame, points))
            away.append(distances)
        two_ways.append(_agreement(face, reader, points))
        closed = face.frame({"left_eye": 0.0, "right_eye": 0.0})
        now = lengths_of(reader.points_near(closed, points))
        shut.append(float(max(now.left_eye, now.right_eye) <= _SHUT_BAR))
        flicker.append(_flicker(model, reader, pixels, points, number))
    rows = []
    for name in DEGREES:
        good = (np.nan_to_num(np.array(ranks[name])) >= _RANK_BAR).astype(float)
        rows.append(Row.of_mean(f"{name}: rank correlation at least 0.95", good, bar=_RANK_SHARE_BAR))
        rows.append(
            Row.of_mean(
                f"{name}: measured against requested, mean error",
                np.array(errors[name]),
                bar=_ERROR_BAR,
                lower_is_better=True,
            )
        )
    rows.append(Row.of_mean("eyes that shut on request", np.array(shut), bar=_SHUT_SHARE_BAR))
    rows.append(
        Row.of_mean(
            "eye openings by edges of the eye's region: correlation with those by landmarks",
            np.array(two_ways),
        )
    )
    rows += _identity_rows(np.array(away))
    rows.append(Row.of_mean("pixels beyond the face unchanged", np.array(outside), bar=1.0))
    worst = max(DEGREES, key=lambda name: np.mean(foreign[name]))
    rows.append(
        Row.of_mean(
            f"change of foreign regions, of 255, worst degree ({worst})",
            np.array(foreign[worst]),
            bar=_FOREIGN_BAR,
            lower_is_better=True,
        )
    )
    rows.append(
        Row.of_mean("flicker on noise over the noise's own", np.array(flicker), bar=1.0, lower_is_better=True)
    )
    return rows


def _identity_rows(away: NDArray[np.float64]) -> list[Row]:
    """Of distances (N, steps) of clips in which one degree rises; infinite where no face is found."""
    rows = []
    for name, values in (("of rising degrees' frames", away), ("of their last frames", away[:, -1])):
        finite = values[np.isfinite(values)]
        rows.append(
            Row(
                name=f"identity distance to the source, median {name}",
                measured=float(np.median(finite)) if finite.size else float("nan"),
                n=len(finite),
                bar=_IDENTITY_BAR,
                lower_is_better=True,
            )
        )
    return rows


def _agreement(face: OpenedFace, reader: FaceReader, points: NDArray[np.float64]) -> float:
    """Correlation of the two ways to measure eyes (see `eye_edges`) while they close; a shut eye has no region."""
    ways = []
    for step in _STEPS:
        frame = face.frame({"left_eye": step, "right_eye": step})
        marked = reader.points_near(frame, points)
        edges, lids = eye_openings(frame, marked), lengths_of(marked)
        ways += [(edges[name] or 0.0, getattr(lids, name)) for name in edges]
    return float(np.nan_to_num(np.corrcoef(np.array(ways).T)[0, 1]))


def _foreign(name: str, pixels: _Pixels, frame: _Pixels, points: NDArray[np.float64]) -> float:
    """Mean change, of 255, of the region closest to the degree's opposite: of eyes by mouths, of mouths by eyes."""
    is_lower = name in HALVES["lower"].degrees
    regions = HALVES["upper" if is_lower else "lower"].fine
    changes = []
    for region in regions.values():
        matrix = region_of(points, region)
        before, after = (cut(image, matrix, region.side_px).astype(float) for image in (pixels, frame))
        changes.append(float(np.abs(after - before).mean()))
    return float(np.mean(changes))


def _flicker(
    model: ProcessingModel, reader: FaceReader, pixels: _Pixels, points: NDArray[np.float64], seed: int
) -> float:
    """Mean difference of two frames with the same degrees of a source with noise, marked anew each time, over that of
    the sources.
    """
    generator = np.random.default_rng(seed)
    frames, sources = [], []
    for _ in range(2):
        noisy = np.clip(pixels + generator.normal(0, _NOISE, pixels.shape), 0, 255).round().astype(np.uint8)
        sources.append(noisy.astype(float))
        found = reader.points_near(noisy, points)
        face = opened_face(model, reader, noisy, found, Rest(lengths=lengths_of(found)))
        frames.append(face.frame({"smile": 0.6}).astype(float))
    inside = face_mask(points, pixels.shape[:2]) > 0
    noise = np.abs(sources[0] - sources[1])[inside].mean()
    return float(np.abs(frames[0] - frames[1])[inside].mean() / max(noise, 1e-9))
