"""Train the landmark network: captures show every head, turn, expression and light, photos where points belong.

Seeded and resumable, in three parts. First it sees nothing but captures, which teach it what a face is. Then the photos
join in. Then smiling photos of the same people and frames of clips do, for which there is no template.
"""

from __future__ import annotations

import dataclasses
import logging
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.foundry.face_capture import FACE_PX
from facewright_models.landmarks.convention import mean_offset
from facewright_models.landmarks.crops import crop_of_points
from facewright_models.landmarks.dataset import (
    CapturedFaces,
    Locate,
    clip_frames,
    smiling_photos,
    training_photos,
    training_templates,
)
from facewright_models.landmarks.dlib_models import DlibFaceDetector, DlibLandmarkModel
from facewright_models.landmarks.mesh_points import MeshPoints, calibrated, points_of_rig
from facewright_models.landmarks.network import LandmarkNetwork, LandmarkNetworkConfig, heat_loss
from facewright_models.landmarks.network_model import LandmarkNetworkModel
from facewright_models.landmarks.store import network_from_checkpoint
from facewright_models.landmarks.template import POINT_COUNT, eye_distance
from facewright_models.landmarks.types import LANDMARK_COUNT
from facewright_models.landmarks.views import MarkedFace, random_view
from facewright_models.precision import has_fast_bfloat16
from facewright_models.rig import BakedRig, load_rig
from facewright_models.training_run import TrainingRun, rate_share

__all__ = ["TrainOptions", "expression_teacher", "likelihood_loss", "mean_of_looks", "train"]

logger = logging.getLogger(__name__)

_REPORT_STEPS = 100
_CALIBRATED_ON = 300
_LOOKS_FOR_LABELS = 4
_DISTANCE_SHARE = 0.1


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast; before `photo_step` nothing but captures is seen, and from `smile_step` on the network
    learns from smiling photos and frames of clips as well. The shares are of the samples after that.
    """

    steps: int = 9000
    photo_step: int = 500
    smile_step: int = 1800
    batch_size: int = 32
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    capture_share: float = 0.45
    smile_share: float = 0.15
    clip_share: float = 0.10


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
    """The checkpoint `out`. With `resume`, one that is there is continued. Raises InvalidInputError."""
    options = options or TrainOptions()
    rig = load_rig(rig_name)
    faces = CapturedFaces(captures, rig)
    state = _State(photos=training_photos(data), captures=faces, mesh=_mesh(data, rig, faces))
    torch.manual_seed(seed)
    network = LandmarkNetwork(LandmarkNetworkConfig(points=POINT_COUNT))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, network, network.config, optimiser)
    step = int(run.resume(out)["step"]) if resume and out.exists() else 0
    started, seen = time.monotonic(), step
    while step < options.steps:
        if step >= options.smile_step and not state.smiles:
            # After an interruption they are marked again, by the averaged network of then.
            run.save(out, step=step, **state.progress())
            state.mark_expressions(data, network_from_checkpoint(out))
        crops, points, known = state.batch(np.random.default_rng((seed, step)), step, options)
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * rate_share(step, options.steps)
        fast = has_fast_bfloat16(torch.device("cpu"))
        with torch.autocast("cpu", torch.bfloat16, enabled=fast):
            found, scales, heat = network.with_heat(crops)
        loss = likelihood_loss(found, scales.float(), points, known) + heat_loss(heat, points, known)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        step += 1
        run.average(max(0.01, 1 / step))
        if step % _REPORT_STEPS == 0 or step == options.steps:
            run.save(out, step=step, **state.progress())
            distance = (found.detach() - points).norm(dim=-1)[known].mean()
            rate = (time.monotonic() - started) / (step - seen)
            logger.info("step %d, %.2f px off, %.2f s a step", step, float(distance), rate)
            started, seen = time.monotonic(), step
    return out


def likelihood_loss(points: Tensor, logarithm: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """Minus the mean logarithm of Laplace's density, and a share of the mean distance, so that points whose scale has
    grown large are still drawn home. points and truth (B, K, 2), the scale's logarithm (B, K), known (B, K) bool.
    """
    distance = (points - truth).abs().mean(-1)
    each = distance * (-logarithm).exp() + logarithm + _DISTANCE_SHARE * distance
    return (each * known).sum() / known.sum().clamp_min(1)


def mean_of_looks(
    network: LandmarkNetwork, pixels: NDArray[np.uint8], photo_from_crop: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Points (81, 2) of one face: the mean of looks from slightly different frames."""
    points = LandmarkNetworkModel(network).mark(pixels, photo_from_crop).points_px[:LANDMARK_COUNT]
    once = LandmarkNetworkModel(network, looks=1)
    extent = float(np.ptp(points, axis=0).max())
    generator = np.random.default_rng(0)
    found = []
    for _ in range(_LOOKS_FOR_LABELS):
        moved = points * (1 + generator.normal(0, 0.02)) + generator.normal(0, 0.02, 2) * extent
        found.append(once.mark(pixels, crop_of_points(moved)).points_px)
    return np.asarray(np.mean(found, axis=0))


class _State:
    """What is learnt from, part by part, and what a checkpoint keeps of it."""

    def __init__(self, *, photos: list[MarkedFace], captures: CapturedFaces, mesh: MeshPoints) -> None:
        self.photos, self.captures = photos, captures
        self.smiles: list[MarkedFace] = []
        self.clips: list[MarkedFace] = []
        self.mesh = mesh
        captures.place(mesh)

    def progress(self) -> dict[str, Any]:
        """For the checkpoint."""
        return {
            "vertices": torch.tensor(self.mesh.vertices),
            "shares": torch.tensor(self.mesh.shares),
        }

    def mark_expressions(self, data: Path, network: LandmarkNetwork) -> None:
        """Mark smiling photos and frames of clips, for which there is no template."""
        locate = expression_teacher(data, network)
        self.smiles = smiling_photos(data, locate)
        self.clips = clip_frames(data, locate)

    def batch(
        self, rng: np.random.Generator, step: int, options: TrainOptions
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Crops (B, 3, 128, 128), points (B, 81, 2) and which of them are known (B, 81)."""
        views = [random_view(self._face(rng, step, options), rng) for _ in range(options.batch_size)]
        crops = torch.from_numpy(np.stack([view[0] for view in views])).permute(0, 3, 1, 2)
        points = torch.from_numpy(np.stack([view[1] for view in views])).float()
        return crops, points, torch.from_numpy(np.stack([view[2] for view in views]))

    def _face(self, rng: np.random.Generator, step: int, options: TrainOptions) -> MarkedFace:
        draw = rng.random()
        if step < options.photo_step or draw < options.capture_share:
            return self.captures[int(rng.integers(self.captures.training_count))]
        if draw > 1 - options.clip_share and self.clips:
            return _one_of(self.clips, rng)
        if draw > 1 - options.clip_share - options.smile_share and self.smiles:
            return _one_of(self.smiles, rng)
        return _one_of(self.photos, rng)


def expression_teacher(data: Path, network: LandmarkNetwork) -> Locate:
    """What marks expressions.

    Left to itself, a network that knows nothing but calm templates marks a laughing mouth as a calm one. The 68 points
    are therefore dlib's, moved by how far that model marks neutral photos from their templates; the others are the
    network's own.
    """
    offset = mean_offset(training_templates(data), DlibLandmarkModel())
    detector, model = DlibFaceDetector(), DlibLandmarkModel()

    def locate(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
        found = detector.detect(pixels)
        if not found:
            return np.zeros((0, 2))
        marked = model.locate(pixels, max(found, key=lambda each: each[0].area_px)[0])
        points = mean_of_looks(network, pixels, crop_of_points(marked))
        points[:LANDMARK_COUNT] = marked - offset * eye_distance(marked)
        return points

    return locate


def _mesh(data: Path, rig: BakedRig, captures: CapturedFaces) -> MeshPoints:
    """The rig's points, moved to where templates have them.

    They were calibrated to where dlib's model marks characters. How far it marks people from their templates is
    therefore how far they must be moved; hairline and irises stay.
    """
    captures.place(points_of_rig(rig))
    rows = captures.calm(_CALIBRATED_ON)
    offset = np.zeros((POINT_COUNT, 2))
    offset[:LANDMARK_COUNT] = mean_offset(training_templates(data), DlibLandmarkModel())
    wanted = captures.points[rows]
    wanted = wanted - offset * np.array([eye_distance(points) for points in wanted])[:, None, None]
    return calibrated(rig, captures.skin(rows), wanted, FACE_PX - 1)


def _one_of(faces: Sequence[MarkedFace], rng: np.random.Generator) -> MarkedFace:
    return faces[int(rng.integers(len(faces)))]
