"""Scores the face parser on people that no training has seen: `eval parsing`.

Everything is scored in the canonical 256x256 crop. A score of one class is its intersection over union, summed over
people; unlabelled pixels take no part. Intervals draw whole people.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation.table import Report, Row, bootstrap_interval
from facewright_models.parsing import (
    CLASS_COUNT,
    IGNORE,
    INPUT_SIZE_PX,
    FaceClass,
    ParsingNetwork,
    crop_similarity,
    load_parser,
    warp_crop,
    warp_labels,
)
from facewright_models.parsing.autolabel import complete_labels, studio_background
from facewright_models.parsing.captures import CaptureShards
from facewright_models.parsing.network import WEIGHTS_NAME
from facewright_models.parsing.parser import parser_from_state
from facewright_models.parsing.photos import (
    FindLandmarks,
    LabelledPhoto,
    held_out_photos,
    held_out_smiles,
    largest_face_landmarks,
    training_photos,
)
from facewright_models.weights import register_weights

__all__ = ["PART_CLASSES", "evaluate", "measure_and_register"]

_log = logging.getLogger(__name__)
_Pixels = npt.NDArray[np.uint8]
_Counts = npt.NDArray[np.float64]
_Predict = Callable[[_Pixels], _Pixels]

#: The classes of the bar: face, brows, eyes, nose, lips.
PART_CLASSES = (
    FaceClass.FACE,
    FaceClass.LEFT_BROW,
    FaceClass.RIGHT_BROW,
    FaceClass.LEFT_EYE,
    FaceClass.RIGHT_EYE,
    FaceClass.NOSE,
    FaceClass.UPPER_LIP,
    FaceClass.LOWER_LIP,
)
_MEAN_BAR = 0.88
_CLASS_BAR = 0.78
_MAX_RENDERS = 200
_MIN_TEETH_PX = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sample:
    crop: _Pixels
    labels: _Pixels


def evaluate(
    data: Path,
    captures: Path | None = None,
    *,
    network: ParsingNetwork | None = None,
    find_landmarks: FindLandmarks = largest_face_landmarks,
) -> Report:
    """The table for the shipped parser, or for `network`, which is left as it was found.

    `data` is laid out like the project's shared data; `captures` adds scores on renders. Raises InvalidInputError
    if there is no labelled held-out photo.
    """
    network = network or load_parser()
    sets = held_out_photos(data, find_landmarks)
    photos = [photo for group in sets.values() for photo in group]
    if not photos:
        raise InvalidInputError(f"no labelled held-out photo under {data}/faces (london/neutral, canada)")
    predict = _predictor(network)
    average = _average_label_map(data, find_landmarks)
    samples = {name: [_sample(photo, photo.labels) for photo in group] for name, group in sets.items()}
    everyone = [sample for group in samples.values() for sample in group]
    counts = _count(everyone, predict)
    average_counts = _count(everyone, lambda _: average)
    face_counts = _count(everyone, lambda crop: np.full(crop.shape[:2], FaceClass.FACE, np.uint8))

    rows = [_mean_row("mean IoU of the parts", counts, average_counts, face_counts, bar=_MEAN_BAR)]
    rows += [
        _class_row(part.name.lower(), counts, part, average_counts, face_counts, bar=_CLASS_BAR)
        for part in PART_CLASSES
    ]
    rows += [
        _mean_row(f"mean IoU, {name} only", _count(group, predict), _count(group, lambda _: average))
        for name, group in samples.items()
        if group
    ]
    rows += _teeth_rows(data, find_landmarks, everyone, predict)
    rows += _backdrop_rows(sets, predict, average)
    if captures is not None:
        rows += _render_rows(CaptureShards(captures), predict)
    return Report(
        title="Face parsing, people that no training has seen",
        rows=tuple(rows),
        notes=(
            "intersection over union in the aligned 256x256 crop, summed over people; intervals draw people",
            "baselines: average = the training people's most frequent class at every pixel; face = face everywhere",
            "background: against the plain backdrop, found by its colour",
            "hair on photos: against labels made by colour, a hint only; those of renders are exact",
        ),
    )


_REGISTERED = {
    "mean IoU of the parts": "mean_iou_parts",
    "mean IoU, london only": "mean_iou_parts_london",
    "mean IoU, canada only": "mean_iou_parts_canada",
    "teeth, smiling": "teeth_iou_smiling",
    "background, plain backdrop": "background_iou",
    "renders: mean IoU of the parts": "mean_iou_parts_renders",
    "renders: hair": "hair_iou_renders",
}
"""Rows of the table -> their names in the register of weights."""


def measure_and_register(weights: Path, data: Path, captures: Path | None) -> Report:
    """Evaluate a trained parser file and put it into the package with what was measured."""
    report = evaluate(data, captures, network=parser_from_state(load_file(weights)))
    measured = {row.name: row.measured for row in report.rows}
    quality = {key: measured[name] for name, key in _REGISTERED.items() if name in measured}
    quality["held_out_people"] = report.rows[0].n
    renders = f" and the captures of {captures.name}" if captures is not None else ""
    register_weights(
        WEIGHTS_NAME,
        weights,
        licence="Apache-2.0; encoder starts from dlib_face_recognition_resnet_model_v1 (CC0); trained on the "
        "Face Research Lab London Set (CC BY 4.0)",
        command="facewright-server train parsing --data DIR --captures DIR --out DIR --register",
        data="54 London people (id % 4 != 0): neutral photos with their labels, smiling photos with lips and teeth "
        f"by the 68-point predictor (non-commercial data) and the rest self-labelled{renders}",
        quality={name: round(float(value), 4) for name, value in quality.items()},
    )
    return report


def _predictor(network: ParsingNetwork) -> _Predict:
    device = next(network.parameters()).device

    def predict(crop: _Pixels) -> _Pixels:
        was_training = network.training
        network.eval()
        try:
            with torch.inference_mode():
                image = torch.from_numpy(crop).to(device).permute(2, 0, 1)[None].float() / 255
                labels = network(image).logits.argmax(1)[0]
        finally:
            network.train(was_training)
        return np.asarray(labels.to(torch.uint8).cpu().numpy())

    return predict


def _sample(photo: LabelledPhoto, labels: _Pixels) -> _Sample:
    transform = crop_similarity(photo.landmarks_px)
    return _Sample(crop=warp_crop(photo.pixels, transform), labels=warp_labels(labels, transform))


def _average_label_map(data: Path, find_landmarks: FindLandmarks) -> _Pixels:
    """The most frequent class of every crop pixel over the training people."""
    votes = np.zeros((CLASS_COUNT, INPUT_SIZE_PX, INPUT_SIZE_PX), np.int32)
    for photo in training_photos(data, find_landmarks):
        labels = warp_labels(photo.labels, crop_similarity(photo.landmarks_px))
        for index in range(CLASS_COUNT):
            votes[index] += labels == index
    return np.asarray(votes.argmax(0), dtype=np.uint8)


def _count(samples: Iterable[_Sample], predict: _Predict) -> _Counts:
    """Intersections and unions, (people, 11, 2)."""
    counts = []
    for sample in samples:
        predicted, known = predict(sample.crop), sample.labels != IGNORE
        row = np.zeros((CLASS_COUNT, 2))
        for index in range(CLASS_COUNT):
            said, true = (predicted == index) & known, sample.labels == index
            row[index] = (said & true).sum(), (said | true).sum()
        counts.append(row)
    return np.array(counts).reshape(-1, CLASS_COUNT, 2)


def _iou(counts: _Counts, index: int) -> float:
    intersection, union = counts[:, index].sum(0)
    return float(intersection / union) if union else float("nan")


def _mean_iou(counts: _Counts) -> float:
    return float(np.mean([_iou(counts, part) for part in PART_CLASSES]))


def _mean_row(
    name: str, counts: _Counts, average: _Counts, face: _Counts | None = None, *, bar: float | None = None
) -> Row:
    baselines = {"average": _mean_iou(average)}
    if face is not None:
        baselines["face"] = _mean_iou(face)
    return Row(
        name=name,
        measured=_mean_iou(counts),
        n=len(counts),
        bar=bar,
        interval=bootstrap_interval(counts, _mean_iou),
        baselines=baselines,
    )


def _class_row(
    name: str,
    counts: _Counts,
    index: FaceClass,
    average: _Counts | None = None,
    face: _Counts | None = None,
    *,
    bar: float | None = None,
    note: str = "",
) -> Row:
    given = {"average": average, "face": face}
    return Row(
        name=name,
        measured=_iou(counts, index),
        n=len(counts),
        bar=bar,
        interval=bootstrap_interval(counts, lambda chosen: _iou(chosen, index)),
        baselines={label: _iou(value, index) for label, value in given.items() if value is not None},
        note=note,
    )


def _teeth_rows(
    data: Path, find_landmarks: FindLandmarks, labelled: Sequence[_Sample], predict: _Predict
) -> list[Row]:
    """Inner mouth where it shows: by hand on neutral photos, by landmarks on the smiling ones."""
    shown = [s for s in labelled if (s.labels == FaceClass.TEETH).sum() >= _MIN_TEETH_PX]
    smiles = [_sample(photo, photo.labels) for photo in held_out_smiles(data, find_landmarks)]
    open_mouths = [s for s in smiles if (s.labels == FaceClass.TEETH).sum() >= _MIN_TEETH_PX]
    return [
        _class_row("teeth, where labelled", _count(shown, predict), FaceClass.TEETH),
        _class_row(
            "teeth, smiling",
            _count(open_mouths, predict),
            FaceClass.TEETH,
            note="against landmarks, edges left out",
        ),
    ]


def _backdrop_rows(sets: dict[str, list[LabelledPhoto]], predict: _Predict, average: _Pixels) -> list[Row]:
    backdrops, hair = [], []
    for group in sets.values():
        for photo in group:
            known = photo.labels.copy()
            known[studio_background(photo.pixels, photo.labels)] = FaceClass.BACKGROUND
            backdrops.append(_sample(photo, known))
            hair.append(_sample(photo, complete_labels(photo.pixels, photo.labels)))
    background = _count(backdrops, predict), _count(backdrops, lambda _: average)
    hairs = _count(hair, predict), _count(hair, lambda _: average)
    return [
        _class_row("background, plain backdrop", background[0], FaceClass.BACKGROUND, background[1]),
        _class_row("hair, automatic labels", hairs[0], FaceClass.HAIR, hairs[1]),
    ]


def _render_rows(shards: CaptureShards, predict: _Predict) -> list[Row]:
    samples = []
    for index in list(shards.held_out)[:_MAX_RENDERS]:
        frame = shards[index]
        transform = frame.photo_from_crop
        samples.append(
            _Sample(crop=warp_crop(frame.pixels, transform), labels=warp_labels(frame.labels, transform))
        )
    counts = _count(samples, predict)
    if not len(counts):
        return []
    rows = [Row(name="renders: mean IoU of the parts", measured=_mean_iou(counts), n=len(counts))]
    return rows + [
        _class_row(f"renders: {part.name.lower()}", counts, part)
        for part in (FaceClass.BACKGROUND, FaceClass.HAIR, FaceClass.TEETH)
    ]
