"""Train the image-processing model on videos of preset motions, made by the migration model, and on real expressions.

Each sample is a frame of such a video: a sample object's photo, a motion and a time, and what the migration model makes
of the photo at that time. Beside these stand pairs of real shots. It starts as the migration model, whose own network
it shares the shape of. Seeded and resumable. Source: seed 000 [0067]-[0074].
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from facewright_models.expression.losses import image_loss
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.motions import MOTIONS, degrees_at
from facewright_models.expression.network import Drawn
from facewright_models.expression.pairs import PairBatch, sample_of
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.reading import FaceReader
from facewright_models.expression.regions import HALVES, Half
from facewright_models.expression.shots import Shot
from facewright_models.expression.train_migration import People, pair_loss
from facewright_models.expression.train_migration import TrainOptions as PairOptions
from facewright_models.precision import has_fast_bfloat16
from facewright_models.prepared_ahead import prepared_ahead
from facewright_models.training_run import TrainingRun, rate_share

__all__ = ["TrainOptions", "started_as", "train"]

logger = logging.getLogger(__name__)

_REPORT_STEPS = 100


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast; half of the samples are frames of made videos, half are pairs of shots."""

    steps: int = 2000
    batch_size: int = 6
    learning_rate: float = 5e-4
    weight_decay: float = 0.01


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
    """The checkpoint `out`. Who is in the part `fold` of the London people is never seen. Raises InvalidInputError."""
    options = options or TrainOptions()
    people = People(data, captures, rig_name, FaceReader(), fold, recordings)
    torch.manual_seed(seed)
    model = started_as(migration)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, model, model.config, optimiser)
    first = int(run.resume(out)["step"]) if resume and out.exists() else 0
    pairs = PairOptions(batch_size=max(1, options.batch_size // 2))
    fast = has_fast_bfloat16(torch.device("cpu"))
    started, seen = time.monotonic(), first

    def batches(number: int) -> dict[str, tuple[PairBatch, PairBatch]]:
        generator = np.random.default_rng((seed, number))
        return {
            name: (people.batch(generator, half, pairs), _film(people, generator, half, pairs))
            for name, half in HALVES.items()
        }

    for step, prepared in prepared_ahead(batches, first, options.steps):
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * rate_share(step, options.steps)
        optimiser.zero_grad()
        told = []
        for name, (real, filmed) in prepared.items():
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                with torch.no_grad():
                    wanted = migration(name, filmed)
                coarse, fine = model(name, real)
                made = model(name, filmed)
            loss, parts = pair_loss(coarse, fine, real)
            alike = _unlike(made, wanted, filmed)
            torch.autograd.backward(loss + alike)
            told += [parts[0], float(alike.detach())]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        done = step + 1
        run.average(max(0.005, 1 / done))
        if done % _REPORT_STEPS == 0 or done == options.steps:
            run.save(out, step=done)
            secs = (time.monotonic() - started) / (done - seen)
            values = ", ".join(f"{value:.4f}" for value in told)
            logger.info("step %d: pairs and videos, lower and upper: %s; %.2f s a step", done, values, secs)
            started, seen = time.monotonic(), done
    return out


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


def _film(people: People, rng: np.random.Generator, half: Half, pairs: PairOptions) -> PairBatch:
    """Photos with the degrees that they have at some time of a preset motion."""
    names = list(MOTIONS)
    often = np.array([MOTIONS[name][0] for name in names])
    samples = []
    for _ in range(pairs.batch_size):
        shot = people.shot(rng)
        if rng.random() < 0.5:
            shot = shot.mirrored()
        _, motion = MOTIONS[names[int(rng.choice(len(names), p=often / often.sum()))]]
        degrees = degrees_at(motion, shot.degrees, float(rng.uniform()))
        fine = list(half.fine.values())[int(rng.integers(len(half.fine)))]
        later = Shot(pixels=shot.pixels, points=shot.points, degrees=degrees)
        samples.append(sample_of(shot, later, half, fine, rng))
    return PairBatch.of(samples)


def _unlike(made: tuple[Drawn, Drawn], wanted: tuple[Drawn, Drawn], batch: PairBatch) -> Tensor:
    total = torch.zeros(())
    for drawn, goal, region in zip(made, wanted, (batch.coarse_a, batch.fine_a), strict=True):
        image = region[:, :3]
        total = total + image_loss(drawn.paint(image), goal.paint(image))
        total = total + (drawn.moved - goal.moved).abs().mean()
    return total
