"""Train the closer look: moving captures show every lid and lip, photos where points belong.

Seeded and resumable. What no template marks (smiling photos, frames of clips) is marked as for the landmark network.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.landmarks.closer.network import CloserConfig, CloserNetworks
from facewright_models.landmarks.closer.views import random_window
from facewright_models.landmarks.closer.windows import WINDOWS
from facewright_models.landmarks.dataset import CapturedFaces, clip_frames, smiling_photos, training_photos
from facewright_models.landmarks.network import heat_loss
from facewright_models.landmarks.register import load_mesh_points
from facewright_models.landmarks.store import load_landmark_network
from facewright_models.landmarks.train import expression_teacher, likelihood_loss
from facewright_models.landmarks.views import MarkedFace
from facewright_models.precision import has_fast_bfloat16
from facewright_models.rig import load_rig
from facewright_models.training_run import TrainingRun, rate_share

__all__ = ["TrainOptions", "train", "with_shut_lids"]

logger = logging.getLogger(__name__)

_REPORT_STEPS = 100
_KEPT_PX = 640
_EYES = ((36, 39, (37, 41), (38, 40)), (42, 45, (43, 47), (44, 46)))
"""Corners, and the points of both lids that face each other."""
_SHUT, _SEEN_RIGHT = 0.13, 0.22
"""Opening over width with which dlib's model marks shut eyes, and from which on it is right: looked at in clips."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast; the shares are of the samples, the rest are photos with templates."""

    steps: int = 2400
    batch_size: int = 16
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    capture_share: float = 0.5
    smile_share: float = 0.15
    clip_share: float = 0.12


def train(
    data: Path,
    captures: Path,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
) -> Path:
    """The checkpoint `out`, from moving captures. With `resume`, one that is there is continued.

    Raises InvalidInputError.
    """
    options = options or TrainOptions()
    faces = _Faces(data, captures, rig_name)
    torch.manual_seed(seed)
    networks = CloserNetworks(CloserConfig())
    optimiser = torch.optim.AdamW(networks.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, networks, networks.config, optimiser)
    step = int(run.resume(out)["step"]) if resume and out.exists() else 0
    fast = has_fast_bfloat16(torch.device("cpu"))
    started, seen = time.monotonic(), step
    while step < options.steps:
        generator = np.random.default_rng((seed, step))
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * rate_share(step, options.steps)
        optimiser.zero_grad()
        off = []
        for names in (("right_eye", "left_eye"), ("mouth",)):
            network = networks.of(names[0])
            crops, points, known = faces.batch(generator, names, options)
            with torch.autocast("cpu", torch.bfloat16, enabled=fast):
                found, scales, heat = network.with_heat(crops)
            loss = likelihood_loss(found, scales.float(), points, known)
            loss = loss + heat_loss(heat, points, known, cell_px=network.config.cell_px)
            torch.autograd.backward(loss)
            off.append(float((found.detach() - points).norm(dim=-1)[known].mean()))
        torch.nn.utils.clip_grad_norm_(networks.parameters(), 5.0)
        optimiser.step()
        step += 1
        run.average(max(0.01, 1 / step))
        if step % _REPORT_STEPS == 0 or step == options.steps:
            run.save(out, step=step)
            rate = (time.monotonic() - started) / (step - seen)
            logger.info("step %d, eyes %.2f and mouths %.2f px off, %.2f s a step", step, *off, rate)
            started, seen = time.monotonic(), step
    return out


def with_shut_lids(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (81, 2), or none, whose lids meet where they are marked hardly open."""
    points = points.copy()
    if not points.size:
        return points
    for outer, inner, *lids in _EYES:
        width = float(np.hypot(*(points[outer] - points[inner])))
        opening = float(np.mean([np.hypot(*(points[upper] - points[lower])) for upper, lower in lids])) / max(
            width, 1e-6
        )
        right = float(np.interp(opening, [0, _SHUT, _SEEN_RIGHT], [0, 0, _SEEN_RIGHT]))
        share = right / opening if 0 < opening < _SEEN_RIGHT else 1.0
        for pair in lids:
            middle = points[list(pair)].mean(0)
            points[list(pair)] = middle + share * (points[list(pair)] - middle)
    return points


class _Faces:
    """All that is learnt from."""

    def __init__(self, data: Path, captures: Path, rig_name: str) -> None:
        self.captures = CapturedFaces(captures, load_rig(rig_name))
        self.captures.place(load_mesh_points())
        teacher = expression_teacher(data, load_landmark_network())

        def locate(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
            return with_shut_lids(teacher(pixels))

        self.photos = training_photos(data, _KEPT_PX)
        self.smiles = smiling_photos(data, locate, _KEPT_PX)
        self.clips = clip_frames(data, locate, _KEPT_PX)

    def batch(
        self, rng: np.random.Generator, names: tuple[str, ...], options: TrainOptions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Windows (B, 3, 96, 96) of some names, points (B, K, 2) and which of them are known (B, K)."""
        views = []
        for _ in range(options.batch_size):
            window = WINDOWS[names[int(rng.integers(len(names)))]]
            views.append(random_window(self._face(rng, options), window, rng))
        crops = torch.from_numpy(np.stack([view[0] for view in views])).permute(0, 3, 1, 2)
        points = torch.from_numpy(np.stack([view[1] for view in views])).float()
        return crops, points, torch.from_numpy(np.stack([view[2] for view in views]))

    def _face(self, rng: np.random.Generator, options: TrainOptions) -> MarkedFace:
        draw = rng.random()
        if draw < options.capture_share:
            return self.captures[int(rng.integers(self.captures.training_count))]
        if draw > 1 - options.clip_share and self.clips:
            return self.clips[int(rng.integers(len(self.clips)))]
        if draw > 1 - options.clip_share - options.smile_share and self.smiles:
            return self.smiles[int(rng.integers(len(self.smiles)))]
        return self.photos[int(rng.integers(len(self.photos)))]
