"""Trains the parser on labelled photos and, where there are any, on renders with exact labels.

One run, two parts: first the neutral photos; then the network's own labels of the training people's smiling photos
join in (their lips and teeth come from landmarks). Seeded, and resumed from its checkpoint after an interruption.
"""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.identity.network import IdentityNetwork
from facewright_models.parsing.alignment import crop_similarity
from facewright_models.parsing.augment import random_view
from facewright_models.parsing.captures import CaptureShards
from facewright_models.parsing.classes import CLASS_COUNT, IGNORE
from facewright_models.parsing.network import ParsingNetwork
from facewright_models.parsing.photos import (
    FindLandmarks,
    LabelledPhoto,
    largest_face_landmarks,
    smiling_photos,
    training_photos,
)
from facewright_models.parsing.pseudo import pseudo_labels
from facewright_models.precision import has_fast_bfloat16

__all__ = ["TrainOptions", "cross_entropy", "export_state", "overlap_loss", "train"]

_log = logging.getLogger(__name__)

# Thin classes weigh a little more. Much more would make them fat: an edge pixel goes to whoever is dearer.
_CLASS_WEIGHTS = (1.0, 1.0, 1.0, 1.25, 1.25, 1.25, 1.25, 1.1, 1.25, 1.25, 1.25)
_OVERLAP_CLASSES = (3, 4, 5, 6, 7, 8, 9, 10)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast. `render_share` counts only where captures are given."""

    steps: int = 1500
    batch_size: int = 8
    decoder_rate: float = 2e-3
    encoder_rate: float = 2e-4
    warm_up_steps: int = 100
    frozen_encoder_steps: int = 150
    smiles_from: float = 0.35  # of all steps: when the smiling photos get their labels
    smile_share: float = 0.2
    render_share: float = 0.3
    overlap_weight: float = 0.5
    plain_share: float = 0.5  # of all views: close to the canonical crop, as the fit sees faces
    plain_strength: float = 0.3
    mirrored_photos: float = (
        0.0  # the photos' outlines lie a pixel to one side: mirrored, they contradict themselves
    )
    average_decay: float = 0.997
    checkpoint_every: int = 100


def train(
    data: Path,
    captures: Path | None,
    *,
    out: Path,
    find_landmarks: FindLandmarks = largest_face_landmarks,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    options: TrainOptions | None = None,
) -> Path:
    """The trained weights, `out/parsing.safetensors`.

    `data` is a folder laid out like the project's shared data; `captures` a folder of capture shards. With `resume`,
    a checkpoint in `out` is continued; only `options.steps` may differ then. Raises InvalidInputError if there is
    nothing to train on, or if the checkpoint was made with other options.
    """
    options = options or TrainOptions()
    target = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    out.mkdir(parents=True, exist_ok=True)
    run = _Run(options=options, seed=seed, device=target)
    checkpoint = out / "checkpoint.pt"
    photos = training_photos(data, find_landmarks)
    smiles = smiling_photos(data, find_landmarks)
    shards = CaptureShards(captures) if captures is not None else None
    _log.info("training set", extra={"photos": len(photos), "smiles": len(smiles), "renders": _count(shards)})
    if resume and checkpoint.is_file():
        run.load(checkpoint)
    started = time.monotonic()
    while run.step < options.steps:
        if not run.smile_labels and run.step >= options.smiles_from * options.steps:
            run.smile_labels = [pseudo_labels(run.averaged_network(), photo) for photo in smiles]
        labelled = [replace(p, labels=m) for p, m in zip(smiles, run.smile_labels, strict=False)]
        loss = run.advance(photos, labelled, smiles, shards)
        if run.step % 20 == 0:
            rate = (time.monotonic() - started) / 20
            _log.info("step %d loss %.4f %.2f s/step", run.step, loss, rate)
            started = time.monotonic()
        if run.step % options.checkpoint_every == 0 or run.step == options.steps:
            run.save(checkpoint)
            save_file(export_state(run.averaged_network()), out / "parsing.safetensors")
    return out / "parsing.safetensors"


class _Run:
    """Everything a checkpoint holds."""

    def __init__(self, *, options: TrainOptions, seed: int, device: torch.device) -> None:
        torch.manual_seed(seed)  # initial weights only; samples draw from their own generators
        self.options = options
        self.seed = seed
        self.device = device
        self.step = 0
        self.smile_labels: list[npt.NDArray[np.uint8]] = []
        self.network = ParsingNetwork.from_identity(IdentityNetwork.from_dlib())
        self.network.to(device).train()
        self.average = {name: value.detach().clone() for name, value in self.network.state_dict().items()}
        self.optimiser = torch.optim.AdamW(
            [
                {"params": self.network.encoder_parameters(), "rate": options.encoder_rate},
                {"params": self.network.decoder_parameters(), "rate": options.decoder_rate},
            ],
            lr=1e-3,
            weight_decay=1e-4,
        )
        self.class_weights = torch.tensor(_CLASS_WEIGHTS, device=device)

    def advance(
        self,
        photos: Sequence[LabelledPhoto],
        labelled_smiles: Sequence[LabelledPhoto],
        mouths: Sequence[LabelledPhoto],
        shards: CaptureShards | None,
    ) -> float:
        """One optimiser step; returns the loss."""
        images, labels = self._batch(photos, labelled_smiles or mouths, shards)
        self._set_rates()
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_fast_bfloat16(self.device)):
            logits = self.network(images).logits
        logits = logits.float()
        loss = cross_entropy(logits, labels, self.class_weights)
        loss = loss + self.options.overlap_weight * overlap_loss(logits, labels)
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        self._update_average()
        return float(loss.detach())

    def averaged_network(self) -> ParsingNetwork:
        """A copy that holds the running average of the weights, in evaluation mode."""
        network = ParsingNetwork(normalised=True).to(self.device)
        network.load_state_dict(self.average)
        return network.eval().requires_grad_(False)

    def save(self, path: Path) -> None:
        """Write the checkpoint, whole or not at all."""
        temporary = path.with_suffix(".partial")
        torch.save(
            {
                "options": asdict(self.options),
                "seed": self.seed,
                "step": self.step,
                "network": self.network.state_dict(),
                "average": self.average,
                "optimiser": self.optimiser.state_dict(),
                "smile_labels": [torch.from_numpy(_png(labels)) for labels in self.smile_labels],
            },
            temporary,
        )
        temporary.replace(path)

    def load(self, path: Path) -> None:
        """Continue from a checkpoint."""
        state = torch.load(path, map_location=self.device, weights_only=True)
        if _fixed(state["options"]) != _fixed(asdict(self.options)) or state["seed"] != self.seed:
            raise InvalidInputError(
                f"{path} was made with other options or another seed; remove it to start again"
            )
        self.step = int(state["step"])
        self.network.load_state_dict(state["network"])
        self.average = state["average"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.smile_labels = [
            np.asarray(cv2.imdecode(p.cpu().numpy(), cv2.IMREAD_UNCHANGED)) for p in state["smile_labels"]
        ]

    def _batch(
        self, photos: Sequence[LabelledPhoto], smiles: Sequence[LabelledPhoto], shards: CaptureShards | None
    ) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng((self.seed, self.step))  # the same samples after a resume
        images, labels = [], []
        for _ in range(self.options.batch_size):
            draw = rng.random()
            strength = self.options.plain_strength if rng.random() < self.options.plain_share else 1.0
            if shards is not None and draw < self.options.render_share:
                frame = shards[int(rng.integers(shards.training_count))]
                view = random_view(
                    frame.pixels,
                    frame.training_labels,
                    frame.photo_from_crop,
                    rng,
                    opacity=frame.opacity,
                    strength=strength,
                )
            else:
                pool = smiles if smiles and rng.random() < self.options.smile_share else photos
                photo = pool[int(rng.integers(len(pool)))]
                view = random_view(
                    photo.pixels,
                    photo.labels,
                    crop_similarity(photo.landmarks_px),
                    rng,
                    opacity=photo.opacity,
                    strength=strength,
                )
            images.append(view[0])
            labels.append(view[1])
        # Channels last in memory: bfloat16 convolutions are twice as fast so.
        stacked = torch.from_numpy(np.stack(images)).to(self.device).permute(0, 3, 1, 2)  # (B, 3, 256, 256)
        return stacked, torch.from_numpy(np.stack(labels)).to(self.device).long()

    def _set_rates(self) -> None:
        options = self.options
        progress = self.step / options.steps
        cosine = 0.5 * (1 + math.cos(math.pi * progress))
        factor = min(1.0, (self.step + 1) / options.warm_up_steps) * (0.02 + 0.98 * cosine)
        encoder, decoder = self.optimiser.param_groups
        encoder["lr"] = encoder["rate"] * factor if self.step >= options.frozen_encoder_steps else 0.0
        decoder["lr"] = decoder["rate"] * factor

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.options.average_decay, self.step / (self.step + 10))
        for name, value in self.network.state_dict().items():
            if value.dtype.is_floating_point:
                self.average[name].lerp_(value, 1 - decay)
            else:
                self.average[name].copy_(value)


def cross_entropy(logits: Tensor, labels: Tensor, class_weights: Tensor) -> Tensor:
    """Weighted mean over labelled pixels. logits (B, 11, H, W), labels (B, H, W) with IGNORE, weights (11,).

    Source: patent text [0076].
    """
    known = labels != IGNORE
    losses = F.cross_entropy(logits, labels, weight=class_weights, ignore_index=IGNORE, reduction="sum")
    weight = class_weights[labels.clamp_max(CLASS_COUNT - 1)] * known
    return losses / weight.sum().clamp_min(1.0)


def overlap_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """One minus the mean soft intersection over union of the facial parts that the batch shows.

    Cross-entropy counts pixels, of which lids and lips have few; this term counts parts.
    """
    known = (labels != IGNORE)[:, None]
    parts = list(_OVERLAP_CLASSES)
    said = logits.softmax(1)[:, parts] * known
    true = torch.stack([labels == part for part in parts], 1).to(said.dtype)
    intersection = (said * true).sum((0, 2, 3))
    union = (said + true - said * true).sum((0, 2, 3))
    shown = true.sum((0, 2, 3)) > 0
    ratios = (intersection[shown] + 1.0) / (union[shown] + 1.0)
    return 1.0 - ratios.mean() if bool(shown.any()) else logits.sum() * 0.0


def export_state(network: ParsingNetwork) -> dict[str, Tensor]:
    """The weights for use, without batch normalisation, in half precision."""
    return {name: value.cpu().half().contiguous() for name, value in network.fused().state_dict().items()}


def _fixed(options: dict[str, float]) -> dict[str, float]:
    """The options that a resumed run must share; it may be longer or shorter than planned."""
    return {name: value for name, value in options.items() if name != "steps"}


def _png(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    return np.asarray(cv2.imencode(".png", labels)[1]).ravel()


def _count(shards: CaptureShards | None) -> int:
    return shards.training_count if shards is not None else 0
