"""Train the migration model on pairs of shots of the same face. Seeded and resumable.

First it is fitted where landmarks go. Then its networks see captures alone, whose every point and degree is exact, and
after these photos and clips too.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.expression.degrees import LIMITS
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.learning import Pace, learn
from facewright_models.expression.losses import image_loss, made_loss, motion_loss, plain_loss
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.network import Drawn, shown_in
from facewright_models.expression.pairs import PairBatch, sample_of
from facewright_models.expression.partly_shut import partly_shut
from facewright_models.expression.ratio_images import RatioImages
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import Half
from facewright_models.expression.shots import (
    CapturedPeople,
    Person,
    Shot,
    clip_people,
    fold_of,
    photo_people,
    recorded_person,
)
from facewright_models.expression.still_points import turn_of
from facewright_models.expression.types import DEGREES
from facewright_models.landmarks.dataset import CapturedFaces
from facewright_models.landmarks.register import load_mesh_points
from facewright_models.landmarks.template import POINT_MIRROR
from facewright_models.rig import load_rig
from facewright_models.training_run import with_buffers

__all__ = ["People", "TrainOptions", "pair_loss", "refit", "train"]

_LANDMARK_PAIRS, _FILMED_PAIRS = 3000, 400
_TRIED_PAIRS = 2
_SHARES_LEFT, _SHUTS_SHARE = (0.2, 0.9), 0.3


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions(Pace):
    """How long and how fast; before `photo_step` nothing but captures is seen. The shares are of the samples of one
    half after that, the rest are studio photos.
    """

    steps: int = 3000
    photo_step: int = 500
    batch_size: int = 6
    learning_rate: float = 2e-3
    capture_share: tuple[float, float] = (0.30, 0.55)
    clip_share: tuple[float, float] = (0.25, 0.40)
    """Of the lower and of the upper half: smiles are known of many people, shut eyes and raised brows of few."""
    expected_share: float = 0.4
    """Of the samples: those whose guide knows no more than the degrees, as it is when photos are animated."""
    partly_shut_share: float = 0.4
    """Of those that show teeth: how many show fewer of the same before, see `partly_shut`, or after."""


def train(
    data: Path,
    captures: Path,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
    fold: int = 0,
    recordings: Sequence[Path] = (),
) -> Path:
    """The checkpoint `out`, from moving captures, photos and clips; who is in the part `fold` of the London people is
    never seen. `recordings` are folders of `facewright capture`, which count among the clips. With `resume`, a
    checkpoint that is there is continued. Raises InvalidInputError.
    """
    options = options or TrainOptions()
    people = People(data, captures, rig_name, FaceReader(), fold, recordings)
    torch.manual_seed(seed)
    model = MigrationModel(MigrationConfig())
    for name, value in people.fitted(np.random.default_rng(seed)).items():
        getattr(model, name).copy_(value)
    captures_only = dataclasses.replace(options, capture_share=(1.0, 1.0))

    def samples(generator: np.random.Generator, step: int, half: Half) -> PairBatch:
        return people.batch(generator, half, captures_only if step < options.photo_step else options)

    def loss_of(half: str, batch: PairBatch) -> tuple[Tensor, list[float]]:
        coarse, fine = model(half, batch)
        with torch.autocast("cpu", enabled=False):
            return pair_loss(coarse, fine, batch)

    return learn(model, samples, loss_of, options, out=out, rig_name=rig_name, seed=seed, resume=resume)


def pair_loss(coarse: Drawn, fine: Drawn, batch: PairBatch) -> tuple[Tensor, list[float]]:
    """What is minimised, and the means of images and of motion in it."""
    images = image_loss(fine.paint(batch.fine_a[:, :3]), batch.fine_b, batch.matters, batch.known)
    images = images + 0.5 * image_loss(coarse.paint(batch.coarse_a[:, :3]), batch.coarse_b)
    motion = motion_loss(fine.moved, batch.fine_points) + 2 * motion_loss(coarse.moved, batch.coarse_points)
    light = batch.coarse_light
    closely = 1 + shown_in(light - 1, batch.coarse_from_fine, batch.fine_moved.shape[-1])
    plain = plain_loss(fine, batch.fine_moved, closely) + plain_loss(coarse, batch.coarse_moved, light)
    made = made_loss(fine, batch.fine_b, batch.matters, batch.known)
    return images + 0.5 * made + 0.3 * motion + 0.5 * plain, [float(images.detach()), float(motion.detach())]


def refit(
    data: Path,
    captures: Path,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    fold: int = 0,
    recordings: Sequence[Path] = (),
) -> Path:
    """The checkpoint `out`, which is there, with what needs no steps learnt anew: where landmarks go, and how light
    changes. Raises InvalidInputError.
    """
    people = People(data, captures, rig_name, FaceReader(), fold, recordings)
    return with_buffers(out, people.fitted(np.random.default_rng(seed)))


class People:
    """All that is learnt from; `motion` says where landmarks are expected to go, and `ratios` how light changes."""

    motion: LandmarkMotion | None = None
    ratios: RatioImages | None = None

    def __init__(
        self,
        data: Path,
        captures: Path,
        rig_name: str,
        reader: FaceReader,
        fold: int,
        recordings: Sequence[Path] = (),
    ) -> None:
        faces = CapturedFaces(captures, load_rig(rig_name))
        faces.place(load_mesh_points())
        self.captures = CapturedPeople(faces)
        self.photos = photo_people(data, reader, lambda template: fold_of(template.stem) != fold)
        self.clips = [
            *clip_people(data, reader),
            *(recorded_person(folder, reader) for folder in recordings),
        ]

    def batch(self, rng: np.random.Generator, half: Half, options: TrainOptions) -> PairBatch:
        """Random pairs, each in one of the half's fine regions; half of them mirrored."""
        samples = []
        for _ in range(options.batch_size):
            a, b = self._telling(rng, half, options)
            if rng.random() < 0.5:
                a, b = a.mirrored(), b.mirrored()
            fine = list(half.fine.values())[int(rng.integers(len(half.fine)))]
            a, b, expected = self._told(a, b, half, rng, options)
            samples.append(sample_of(a, b, half, fine, rng, expected, self.ratios))
        return PairBatch.of(samples)

    def _told(
        self, a: Shot, b: Shot, half: Half, rng: np.random.Generator, options: TrainOptions
    ) -> tuple[Shot, Shot, NDArray[np.float64] | None]:
        """Some pairs are of one shot, partly shut; of some others the guide knows no more than the degrees."""
        if self.motion is None:
            return a, b, None
        if not half.has_lids and b.teeth is not None and rng.random() < options.partly_shut_share:
            shut = partly_shut(b, self.motion, float(rng.uniform(*_SHARES_LEFT)))
            return (b, shut, None) if rng.random() < _SHUTS_SHARE else (shut, b, None)
        if rng.random() < options.expected_share:
            return a, b, self.motion.moved(a.points, a.degrees, b.degrees)
        return a, b, None

    def fitted(self, rng: np.random.Generator) -> dict[str, Tensor]:
        """What models hold that needs no steps to be learnt, by the names of their buffers."""
        motion, ratios = self.fit_motion(rng), self.fit_light()
        found = {"ways": motion.ways, "ratios": ratios.logarithms, "mean_face": ratios.mean_face}
        return {name: torch.from_numpy(value).float() for name, value in found.items()}

    def fit_light(self) -> RatioImages:
        """How smiles change the light on skin, from smiling photos."""
        pairs = [
            (calm.pixels, calm.points, smiling.pixels, smiling.points)
            for calm, smiling, *_ in (person.shots for person in self.photos)
        ]
        smile = DEGREES.index("smile")
        grown = np.array([person.shots[1].degrees[smile] for person in self.photos]) * LIMITS["smile"]
        self.ratios = RatioImages.fitted(pairs, grown)
        return self.ratios

    def fit_motion(self, rng: np.random.Generator) -> LandmarkMotion:
        """Where landmarks go, from captures, smiling photos, and jaws of clips."""
        exact = [self.captures.acted(rng) for _ in range(_LANDMARK_PAIRS)]
        smiles = [(person.shots[0].points, person.shots[1].points) for person in self.photos]
        jaws = [
            (a.points, b.points)
            for person in self.clips
            for a, b in (_alike(person, rng) for _ in range(_FILMED_PAIRS))
        ]
        self.motion = LandmarkMotion.fitted(
            exact, self.captures.actions, smiles=_both_ways_round(smiles), jaws=_both_ways_round(jaws)
        )
        return self.motion

    def shot(self, rng: np.random.Generator) -> Shot:
        """One shot of anybody: half of them photos, the others evenly from captures and clips."""
        draw = rng.random()
        if draw < 0.25:
            return self.captures.pick(rng)[0]
        if draw < 0.5 and self.clips:
            person = self.clips[int(rng.integers(len(self.clips)))]
        else:
            person = self.photos[int(rng.integers(len(self.photos)))]
        return person.shots[int(rng.integers(len(person.shots)))]

    def _telling(self, rng: np.random.Generator, half: Half, options: TrainOptions) -> tuple[Shot, Shot]:
        """A pair; of eyes, which are open nearly always, the one of some whose degrees differ most."""
        shares = options.capture_share[half.has_lids], options.clip_share[half.has_lids]
        if not half.has_lids:
            return self._pair(rng, *shares)
        own = [DEGREES.index(name) for name in half.degrees]
        pairs = [self._pair(rng, *shares) for _ in range(_TRIED_PAIRS)]
        return max(pairs, key=lambda pair: np.abs(pair[0].degrees - pair[1].degrees)[own].max())

    def _pair(self, rng: np.random.Generator, captured: float, filmed: float) -> tuple[Shot, Shot]:
        draw = rng.random()
        if draw < captured:
            return self.captures.pick(rng)
        if draw < captured + filmed and self.clips:
            return _alike(self.clips[int(rng.integers(len(self.clips)))], rng)
        person = self.photos[int(rng.integers(len(self.photos)))]
        first, second = rng.permutation(len(person.shots))[:2]
        return person.shots[first], person.shots[second]


def _both_ways_round(
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """The pairs and their mirror images."""
    turned = [tuple((points * [-1, 1])[POINT_MIRROR] for points in pair) for pair in pairs]
    return [*pairs, *((a, b) for a, b in turned)]


def _alike(person: Person, rng: np.random.Generator) -> tuple[Shot, Shot]:
    """Two frames of a clip whose heads are turned alike: of some others the one nearest in what no expression moves."""
    a = person.shots[int(rng.integers(len(person.shots)))]
    others = [person.shots[int(index)] for index in rng.integers(len(person.shots), size=12)]
    return a, min(others, key=lambda b: abs(turn_of(a.points) - turn_of(b.points)))
