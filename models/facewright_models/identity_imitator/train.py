"""Train the identity imitator on captures: the embedding of every frame is computed once, the rest takes minutes.

Seeded, resumable, by epochs.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import torch
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.features import FeatureExtractor
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.identity import IdentityNetwork
from facewright_models.identity_imitator.network import IdentityImitator, IdentityImitatorConfig
from facewright_models.identity_imitator.store import (
    identity_imitator_from_checkpoint,
    register_identity_imitator,
)
from facewright_models.parsing import load_parser
from facewright_models.rig import load_rig
from facewright_models.training_run import TrainingRun
from facewright_models.translator.dataset import AlignedCaptures

__all__ = ["TrainOptions", "held_out_scores", "measure_and_register", "train"]

logger = logging.getLogger(__name__)

_HELD_OUT = 500
"""The last captures are never trained on."""
_GROUP = 250
_AT_ONCE = 10


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast; `captures` counts the held-out ones too."""

    captures: int = 12_000
    epochs: int = 16
    batch_size: int = 128
    learning_rate: float = 1.5e-3
    weight_decay: float = 0.3


def train(
    captures: Path,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
) -> Path:
    """The checkpoint `out`; the captures' embeddings are kept beside it. Raises InvalidInputError."""
    options = options or TrainOptions()
    vectors, embeddings = _captured(captures, rig_name, out, options)
    torch.manual_seed(seed)
    network = IdentityImitator(
        IdentityImitatorConfig(parameters=VectorLayout(load_rig(rig_name).schema).size)
    )
    trained = len(vectors) - _HELD_OUT
    network.measure(embeddings[:trained])
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, network, network.config, optimiser)
    epoch = run.resume(out)["epoch"] if resume and out.exists() else 0
    steps = max(1, trained // options.batch_size)
    while epoch < options.epochs:
        torch.manual_seed(1000 * seed + epoch)  # of the dropout
        order = torch.randperm(trained)
        network.train()
        total = 0.0
        for step in range(steps):
            progress = (epoch + step / steps) / options.epochs
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * min(1.0, 20 * progress + 0.05) * (1.02 - progress)
            rows = order[step * options.batch_size : (step + 1) * options.batch_size]
            off = (network(vectors[rows]) - embeddings[rows]) / network.spread
            loss = off.square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach())
            run.average(0.01 if epoch else 0.05)
        epoch += 1
        run.save(out, epoch=epoch)
        scores = held_out_scores(
            identity_imitator_from_checkpoint(out), vectors[trained:], embeddings[trained:]
        )
        logger.info("epoch %d, loss %.4f, %s", epoch, total / steps, scores)
    return out


def measure_and_register(checkpoint: Path, captures: Path) -> dict[str, float]:
    """Score a checkpoint on the captures that it was not trained on and put it into the package."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    vectors, embeddings = _captured(captures, state["rig"], checkpoint, TrainOptions())
    scores = held_out_scores(
        identity_imitator_from_checkpoint(checkpoint), vectors[-_HELD_OUT:], embeddings[-_HELD_OUT:]
    )
    described = json.loads((captures / "layout.json").read_text())
    register_identity_imitator(
        checkpoint,
        state["rig"],
        command="facewright-server train identity-imitator --captures DIR --out FILE --register",
        data=f"{len(vectors) - _HELD_OUT} captures of rig {state['rig']} {described['rig_version']}, "
        f"seed {described['seed']}",
        quality=scores,
    )
    return scores


@torch.inference_mode()
def held_out_scores(network: IdentityImitator, vectors: Tensor, embeddings: Tensor) -> dict[str, float]:
    """Over captures that are not trained on: the mean cosine beside that of the mean embedding, the share of the
    embeddings' variance that is explained, and how often the nearest answer is that of the same character.
    """
    found = network(vectors)
    mean = network.center.expand_as(found)
    unexplained = (found - embeddings).square().sum() / (embeddings - mean).square().sum()
    nearest = torch.cdist(embeddings, found).argmin(1)
    return {
        "cosine": round(float(torch.cosine_similarity(found, embeddings).mean()), 4),
        "cosine_of_the_mean": round(float(torch.cosine_similarity(mean, embeddings).mean()), 4),
        "explained": round(1 - float(unexplained), 4),
        "retrieved": round(float((nearest == torch.arange(len(found))).float().mean()), 4),
    }


def _captured(captures: Path, rig_name: str, out: Path, options: TrainOptions) -> tuple[Tensor, Tensor]:
    """Vectors (N, D) and embeddings (N, 128) of the captures, each aligned with one error."""
    data = AlignedCaptures(captures, load_rig(rig_name), count=options.captures)
    if len(data) < options.captures:
        raise InvalidInputError(
            f"{captures} holds {len(data)} captures; expected {options.captures}", field="captures"
        )
    cache = out.with_suffix(".seen")
    cache.mkdir(parents=True, exist_ok=True)
    extractor = FeatureExtractor(load_parser(), IdentityNetwork.from_dlib())
    groups = []
    for number, rows in enumerate(torch.arange(len(data)).split(_GROUP)):
        path = cache / f"embeddings_{number:05d}.pt"
        if not path.exists():
            parts = [_embedded(data, extractor, some) for some in rows.split(_AT_ONCE)]
            temporary = path.with_suffix(".partial")
            torch.save(torch.cat(parts), temporary)
            temporary.replace(path)
            logger.info("embedded %d of %d captures", int(rows[-1]) + 1, len(data))
        groups.append(torch.load(path, weights_only=True))
    return data.vectors, torch.cat(groups)


@torch.no_grad()
def _embedded(data: AlignedCaptures, extractor: FeatureExtractor, rows: Tensor) -> Tensor:
    images, marks, _ = data.marked_batch(rows, seed=0)
    return extractor.embed(images, marks)
