"""Checks the identity network: does it agree with dlib, and does it tell people apart? `eval identity`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dlib
import numpy as np
import numpy.typing as npt
import torch

from facewright_models.errors import InvalidInputError
from facewright_models.evaluation.table import Interval, Report, Row, bootstrap_interval
from facewright_models.identity import IdentityNetwork, face_chip_from_landmarks
from facewright_models.landmarks import dlib_model_path
from facewright_models.parsing.photos import FindLandmarks, largest_face_landmarks
from facewright_models.photo import decode_photo

__all__ = ["dlib_reference", "evaluate", "roc_auc"]

_DIFFERENCE_BAR = 1e-4
_Embeddings = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Photographed:
    """One photo, embedded three ways (128,)."""

    person: str
    ours: _Embeddings  # our chip, our network
    ported: _Embeddings  # dlib's chip, our network
    reference: _Embeddings  # dlib's chip, dlib's network


def evaluate(
    data: Path,
    *,
    network: IdentityNetwork | None = None,
    find_landmarks: FindLandmarks = largest_face_landmarks,
) -> Report:
    """The table for dlib's network in torch over all photos of `data`; nobody in them has trained it.

    Raises InvalidInputError where fewer than two people have a neutral and a smiling photo.
    """
    network = network or IdentityNetwork.from_dlib()
    london = data / "faces" / "london"
    neutral = _embed_folder(london / "neutral", network, find_landmarks)
    smiling = {p.person: p for p in _embed_folder(london / "smiling", network, find_landmarks)}
    others = _embed_folder(data / "faces" / "canada", network, find_landmarks)
    paired = [(first, smiling[first.person]) for first in neutral if first.person in smiling]
    if len(paired) < 2:
        raise InvalidInputError(f"expected two or more people in both {london}/neutral and {london}/smiling")
    photos = [*neutral, *smiling.values(), *others]
    differences = np.array([np.abs(p.ported - p.reference).max() for p in photos])
    chip_distances = np.array([np.linalg.norm(p.ours - p.reference) for p in photos])
    ours = _distances([(a.ours, b.ours) for a, b in paired])
    reference = _distances([(a.reference, b.reference) for a, b in paired])
    people = len(paired)
    rows = (
        Row(
            name="largest difference to dlib",
            measured=float(differences.max()),
            n=len(photos),
            bar=_DIFFERENCE_BAR,
            lower_is_better=True,
            interval=bootstrap_interval(differences, lambda chosen: float(chosen.max())),
            note="same chips",
        ),
        Row.of_mean(
            "distance, our chip to dlib's",
            chip_distances,
            lower_is_better=True,
            note="ours samples finer when it shrinks",
        ),
        _distance_row("distance, same person smiling", ours, reference, _same),
        _distance_row("distance, different people", ours, reference, _different),
        Row(
            name="ROC AUC, neutral against smiling",
            measured=_auc(ours),
            n=people,
            interval=_people_interval(ours, _auc),
            baselines={"dlib": _auc(reference), "chance": 0.5},
        ),
        Row(
            name="nearest smile is the same person",
            measured=_top1(ours),
            n=people,
            interval=bootstrap_interval((ours.argmin(1) == np.arange(people)).astype(float)),
            baselines={"dlib": _top1(reference), "chance": 1 / people},
        ),
    )
    return Report(
        title="Identity network",
        rows=rows,
        notes=("Euclidean distance between embeddings; dlib's authors put the border at 0.6",),
    )


def dlib_reference() -> "dlib.face_recognition_model_v1":
    """dlib's own network, to compare with."""
    return dlib.face_recognition_model_v1(str(dlib_model_path("dlib_face_recognition_resnet_model_v1.dat")))


def roc_auc(same: npt.NDArray[np.float64], different: npt.NDArray[np.float64]) -> float:
    """Chance that a pair of one person is closer than a pair of two; ties count half."""
    closer = (same[:, None] < different[None]).mean() + 0.5 * (same[:, None] == different[None]).mean()
    return float(closer)


def _embed_folder(
    folder: Path, network: IdentityNetwork, find_landmarks: FindLandmarks
) -> list[_Photographed]:
    reference = dlib_reference()
    device = network.mean_rgb.device
    embedded = []
    for path in sorted(folder.glob("*.jpg")) if folder.is_dir() else []:
        pixels = decode_photo(path.read_bytes()).pixels
        points = find_landmarks(pixels)
        if points is None:
            continue
        chip = dlib.get_face_chip(np.ascontiguousarray(pixels), _detection(points), 150, 0.25)
        image = torch.from_numpy(pixels).to(device).permute(2, 0, 1)[None].float() / 255
        with torch.inference_mode():
            ours = face_chip_from_landmarks(image, torch.from_numpy(points)[None].to(device))
            theirs = torch.from_numpy(chip).to(device).permute(2, 0, 1)[None].float() / 255
            vectors = network.embed(torch.cat([ours, theirs])).double().cpu().numpy()
        embedded.append(
            _Photographed(
                person=path.stem.split("_")[0],
                ours=vectors[0],
                ported=vectors[1],
                reference=np.array(reference.compute_face_descriptor(chip)),
            )
        )
    return embedded


def _detection(points: npt.NDArray[np.float64]) -> "dlib.full_object_detection":
    left, top = points.min(0)
    right, bottom = points.max(0)
    box = dlib.rectangle(int(left), int(top), int(right), int(bottom))
    return dlib.full_object_detection(box, [dlib.point(round(x), round(y)) for x, y in points])


def _distances(pairs: list[tuple[_Embeddings, _Embeddings]]) -> npt.NDArray[np.float64]:
    """(people, people): each one's neutral photo to everybody's smiling one."""
    neutral, smiling = (np.stack(vectors) for vectors in zip(*pairs, strict=True))
    return np.asarray(np.linalg.norm(neutral[:, None] - smiling[None], axis=-1), dtype=np.float64)


def _same(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.diag(distances)


def _different(distances: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return distances[~np.eye(len(distances), dtype=bool)]


def _auc(distances: npt.NDArray[np.float64]) -> float:
    return roc_auc(_same(distances), _different(distances))


def _top1(distances: npt.NDArray[np.float64]) -> float:
    return float((distances.argmin(1) == np.arange(len(distances))).mean())


def _distance_row(
    name: str,
    ours: npt.NDArray[np.float64],
    reference: npt.NDArray[np.float64],
    select: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> Row:
    def mean(distances: npt.NDArray[np.float64]) -> float:
        return float(select(distances).mean())

    return Row(
        name=name,
        measured=mean(ours),
        n=len(ours),
        interval=_people_interval(ours, mean),
        baselines={"dlib": mean(reference)},
    )


def _people_interval(
    distances: npt.NDArray[np.float64], statistic: Callable[[npt.NDArray[np.float64]], float]
) -> Interval | None:
    """Draws people; one who is drawn twice is not compared with their own copy as if with somebody else."""

    def of_drawn(people: npt.NDArray[np.float64]) -> float:
        drawn = np.unique(people.astype(int))
        return statistic(distances[np.ix_(drawn, drawn)]) if len(drawn) > 1 else float("nan")

    return bootstrap_interval(np.arange(len(distances)), of_drawn, resamples=500)
