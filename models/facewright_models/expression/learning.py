"""What both expression models' trainings do: from samples of a step to a checkpoint. Seeded and resumable."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from facewright_models.expression.judges import Judges
from facewright_models.expression.migration import MigrationModel
from facewright_models.expression.processing import ProcessingModel
from facewright_models.expression.regions import HALVES, Half
from facewright_models.precision import has_fast_bfloat16
from facewright_models.prepared_ahead import prepared_ahead
from facewright_models.training_run import TrainingRun, rate_share

__all__ = ["Pace", "learn"]

logger = logging.getLogger(__name__)

_REPORT_STEPS = 100
_Samples = TypeVar("_Samples")


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often the weights are adjusted, the highest learning rate, AdamW's decay, and which halves learn."""

    steps: int
    learning_rate: float
    weight_decay: float = 0.01
    halves: tuple[str, ...] = tuple(HALVES)


def learn(
    model: MigrationModel | ProcessingModel,
    samples: Callable[[np.random.Generator, int, Half], _Samples],
    loss_of: Callable[[str, _Samples], tuple[Tensor, list[float]]],
    pace: Pace,
    *,
    out: Path,
    rig_name: str,
    seed: int,
    resume: bool,
    judges: Judges | None = None,
) -> Path:
    """The checkpoint `out`; with `resume`, one that is there is continued, with what `judges` have learnt.

    `samples(generator, step, half)` are made one step ahead on a second thread; `loss_of(name of the half, samples)` is
    what is minimised, and values to report.
    """
    # Convolutions are faster so, and one that resumes adds up as one that has not stopped.
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=pace.weight_decay)
    run = TrainingRun(rig_name, model, model.config, optimiser)
    first = 0
    if resume and out.exists():
        state = run.resume(out)
        first = int(state["step"])
        if judges is not None:
            judges.load_state_dict(state["judges"])
    fast = has_fast_bfloat16(torch.device("cpu"))
    started, seen = time.monotonic(), first

    def halves(step: int) -> dict[str, _Samples]:
        generator = np.random.default_rng((seed, step))
        return {name: samples(generator, step, HALVES[name]) for name in pace.halves}

    def learnt(name: str, batch: _Samples) -> list[float]:
        # The cache of cast weights is one for all threads: one that empties it changes how another's gradients add up.
        with torch.autocast("cpu", torch.bfloat16, enabled=fast, cache_enabled=False):
            loss, values = loss_of(name, batch)
        torch.autograd.backward(loss)
        return values

    # The halves share no weights: each has a thread of its own.
    with ThreadPoolExecutor(len(pace.halves)) as pool:
        for step, prepared in prepared_ahead(halves, first, pace.steps):
            for group in optimiser.param_groups:
                group["lr"] = pace.learning_rate * rate_share(step, pace.steps)
            optimiser.zero_grad()
            told = [value for values in pool.map(learnt, prepared, prepared.values()) for value in values]
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            done = step + 1
            run.average(max(0.005, 1 / done))
            if done % _REPORT_STEPS == 0 or done == pace.steps:
                run.save(out, step=done, **({} if judges is None else {"judges": judges.state_dict()}))
                secs = (time.monotonic() - started) / (done - seen)
                shown = ", ".join(f"{value:.4f}" for value in told)
                logger.info("step %d: %s: %s; %.2f s a step", done, " and ".join(pace.halves), shown, secs)
                started, seen = time.monotonic(), done
    return out
