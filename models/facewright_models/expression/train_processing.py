"""Train the image-processing model on videos of preset motions, made by the migration model, and on real expressions.

Each sample is a frame of such a video: a sample object's photo, a motion and a time, and what the migration model makes
of the photo at that time. Beside these stand pairs of real shots; judges ask that what is made looks real. It starts as
the migration model, whose own network it shares the shape of. Seeded and resumable. Source: seed 000 [0067]-[0074].
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facewright_models.expression.judges import Judges
from facewright_models.expression.landmark_motion import LandmarkMotion
from facewright_models.expression.learning import Pace, learn
from facewright_models.expression.losses import image_loss
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.motions import MOTIONS, degrees_at
from facewright_models.expression.network import Drawn
from facewright_models.expression.pairs import PairBatch, sample_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.ratio_images import RatioImages
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import HALVES, Half
from facewright_models.expression.train_migration import People, pair_loss
from facewright_models.expression.train_migration import TrainOptions as PairOptions
from facewright_models.training_run import with_buffers

__all__ = ["TrainOptions", "refit", "started_as", "train"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions(Pace):
    """How long and how fast; half of the samples are frames of made videos, half are pairs of shots."""

    steps: int = 1000
    batch_size: int = 6
    learning_rate: float = 5e-4
    capture_share: tuple[float, float] = (0.25, 0.45)
    clip_share: tuple[float, float] = (0.20, 0.40)
    """Of the pairs, for the lower and the upper half: more are photos than in the migration model's training."""
    judged: tuple[float, float] = (0.10, 0.15)
    """How much it counts whether what is made looks real, in the lower and in the upper half."""


def train(
    data: Path,
    captures: Path,
    migration: MigrationModel,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
    fold: int = 0,
    recordings: Sequence[Path] = (),
) -> Path:
    """The checkpoint `out`. Who is in the part `fold` of the London people is never seen. `recordings` and `resume` are
    those of the migration model's training. Raises InvalidInputError.
    """
    options = options or TrainOptions()
    people = People(data, captures, rig_name, FaceReader(), fold, recordings)
    torch.manual_seed(seed)
    model = started_as(migration)
    people.motion = LandmarkMotion(model.ways.double().numpy())
    people.ratios = RatioImages(model.ratios.double().numpy(), model.mean_face.double().numpy())
    motion = people.motion
    pairs = PairOptions(
        batch_size=max(1, options.batch_size // 2),
        capture_share=options.capture_share,
        clip_share=options.clip_share,
    )

    def samples(generator: np.random.Generator, _: int, half: Half) -> tuple[PairBatch, PairBatch]:
        return people.batch(generator, half, pairs), _film(people, motion, generator, half, pairs)

    judges = Judges()

    def loss_of(half: str, batches: tuple[PairBatch, PairBatch]) -> tuple[Tensor, list[float]]:
        real, filmed = batches
        with torch.no_grad():
            wanted = migration(half, filmed)
        coarse, fine = model(half, real)
        made = model(half, filmed)
        with torch.autocast("cpu", enabled=False):
            loss, parts = pair_loss(coarse, fine, real)
            alike = _unlike(made, wanted, filmed)
            painted, matters = fine.paint(real.fine_a[:, :3]), real.matters
            judges.learn(half, real.fine_b, painted, real.fine_drawn, matters)
            judged = judges.loss(half, painted, real.fine_drawn, matters)
            judged = judged + judges.loss(
                half, made[1].paint(filmed.fine_a[:, :3]), filmed.fine_drawn, filmed.matters
            )
        values = [parts[0], float(alike.detach()), float(judged.detach())]
        return loss + alike + options.judged[HALVES[half].has_lids] * judged, values

    return learn(
        model, samples, loss_of, options, out=out, rig_name=rig_name, seed=seed, resume=resume, judges=judges
    )


def refit(migration: MigrationModel, *, out: Path) -> Path:
    """The checkpoint `out`, which is there, with what the migration model knows without having learnt it in steps."""
    return with_buffers(out, {name: getattr(migration, name) for name in ("ways", "ratios", "mean_face")})


def started_as(migration: MigrationModel) -> ProcessingModel:
    """A processing model that does what the migration model does: it asks for differences first."""
    model = ProcessingModel(MigrationConfig(**dataclasses.asdict(migration.config)))
    state = model.state_dict()
    for name, value in migration.state_dict().items():
        if state[name].shape == value.shape:
            state[name] = value.clone()
        else:
            state[name] = torch.zeros_like(state[name])
            state[name][:, : value.shape[1]] = value
    model.load_state_dict(state)
    return model


def _film(
    people: People, motion: LandmarkMotion, rng: np.random.Generator, half: Half, pairs: PairOptions
) -> PairBatch:
    """Photos with the degrees that they have at some time of a preset motion."""
    names = list(MOTIONS)
    often = np.array([MOTIONS[name][0] for name in names])
    samples = []
    for _ in range(pairs.batch_size):
        shot = people.shot(rng)
        if rng.random() < 0.5:
            shot = shot.mirrored()
        _, leads_to = MOTIONS[names[int(rng.choice(len(names), p=often / often.sum()))]]
        degrees = degrees_at(leads_to, shot.degrees, float(rng.uniform()))
        fine = list(half.fine.values())[int(rng.integers(len(half.fine)))]
        expected = motion.moved(shot.points, shot.degrees, degrees)
        shown = motion.shown(shot.points, shot.degrees, expected)
        later = replace(shot, degrees=shown)
        samples.append(sample_of(shot, later, half, fine, rng, expected, people.ratios))
    return PairBatch.of(samples)


def _unlike(made: tuple[Drawn, Drawn], wanted: tuple[Drawn, Drawn], batch: PairBatch) -> Tensor:
    total = torch.zeros(())
    regions = ((batch.coarse_a, None), (batch.fine_a, batch.matters))
    for drawn, goal, (region, matters) in zip(made, wanted, regions, strict=True):
        image = region[:, :3]
        total = total + image_loss(drawn.paint(image), goal.paint(image), matters)
        total = total + (drawn.moved - goal.moved).abs().mean()
        if drawn.made is not None and goal.made is not None:
            total = total + 0.2 * (drawn.made - goal.made).abs().mean()
    return total
