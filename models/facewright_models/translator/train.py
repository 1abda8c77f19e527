"""Train the translator: first on captures, whose parameters are known, then also on photos, through the imitator.

Seeded, resumable, by epochs. On captures the loss counts a slider by itself and by what it does to the face's front,
so that sliders which undo each other do not have to be told apart. Of a photo the parameters are not known: there it is
the objective of a fit, between the photo and the imitated answer (self-supervised, as in "Fast and Robust
Face-to-Parameter Translation", AAAI 2021, section 3.3).
"""

from __future__ import annotations

import dataclasses
import json
import logging
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from facewright_models.errors import InvalidInputError
from facewright_models.fitting.features import FeatureExtractor
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.identity import IdentityNetwork
from facewright_models.parsing import load_parser
from facewright_models.rig import BakedRig, front_vertices, load_rig
from facewright_models.training_run import TrainingRun
from facewright_models.translator.dataset import AlignedCaptures, read_captures
from facewright_models.translator.inputs import TranslatorInputs
from facewright_models.translator.network import Translation, Translator, TranslatorConfig
from facewright_models.translator.photo_loss import PhotoLoss
from facewright_models.translator.store import register_translator, translator_from_checkpoint

__all__ = ["TrainOptions", "held_out_scores", "measure_and_register", "train"]

logger = logging.getLogger(__name__)

_HELD_OUT = 500
"""The last captures are never trained on."""
_VERTICES = 500
_MILLIMETRE = 1e-3


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast."""

    captures: int = 12_000
    epochs: int = 12
    photo_epochs: int = 10
    batch_size: int = 64
    photos_per_step: int = 4
    learning_rate: float = 1.5e-3
    photo_learning_rate: float = 2e-4
    weight_decay: float = 0.05
    vertex_weight: float = 0.02  # per square millimetre
    style_weight: float = 0.05
    color_weight: float = 4.0


def train(
    captures: Path,
    *,
    out: Path,
    data: Path | None = None,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
) -> Path:
    """The checkpoint `out`; what was read of the captures is kept beside it.

    `data` is the folder of photos (see `photo_loss`); without it the epochs with photos are left out. Raises
    InvalidInputError when there are too few captures.
    """
    options = options or TrainOptions()
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    seen = _captures(captures, rig, options)
    extractor = FeatureExtractor(load_parser(), IdentityNetwork.from_dlib())
    inputs = read_captures(seen, extractor, out.with_suffix(".seen"))
    torch.manual_seed(seed)
    network = Translator(
        TranslatorConfig(
            sliders=layout.sliders.stop,
            styles=tuple(block.stop - block.start for block in layout.styles.values()),
            colors=len(layout.colors),
            nuisance=len(layout.nuisance),
        )
    )
    trained = len(seen) - _HELD_OUT
    network.measure(inputs.at(torch.arange(min(trained, 500))))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, network, network.config, optimiser)
    epoch = run.resume(out)["epoch"] if resume and out.exists() else 0
    front = _front_basis(rig)
    photos = None if data is None else PhotoLoss(data, rig_name, extractor)
    last = options.epochs + (options.photo_epochs if photos is not None else 0)
    while epoch < last:
        torch.manual_seed(1000 * seed + epoch)  # of the dropout
        generator = torch.Generator().manual_seed(1000 * seed + epoch)
        order = torch.randperm(trained, generator=generator)
        with_photos = photos if epoch >= options.epochs else None
        steps = trained // options.batch_size
        if with_photos is not None:
            steps = -(-len(with_photos) // options.photos_per_step)
        network.train()
        total = 0.0
        for step in range(steps):
            rate = _rate(options, epoch, step / steps)
            for group in optimiser.param_groups:
                group["lr"] = rate
            rows = order[step * options.batch_size : (step + 1) * options.batch_size]
            faces = inputs.at(rows)
            loss = _loss(network(faces), seen.vectors[rows], layout, rig, front, options)
            if with_photos is not None:
                loss = loss + with_photos.loss(
                    network, count=options.photos_per_step, seed=(seed, epoch, step)
                )
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total += float(loss.detach())
            run.average(0.01 if epoch else 0.05)
        epoch += 1
        run.save(out, epoch=epoch)
        scores = held_out_scores(translator_from_checkpoint(out), inputs, seen.vectors, layout, rig, front)
        logger.info("epoch %d, loss %.4f, %s", epoch, total / steps, scores)
    return out


def _rate(options: TrainOptions, epoch: int, share: float) -> float:
    """The learning rate: up, then down to a fiftieth; low throughout the epochs with photos."""
    if epoch >= options.epochs:
        progress = (epoch - options.epochs + share) / options.photo_epochs
        return options.photo_learning_rate * (1.02 - progress)
    progress = (epoch + share) / options.epochs
    return options.learning_rate * min(1.0, 20 * progress + 0.05) * (1.02 - progress)


def measure_and_register(
    checkpoint: Path, captures: Path, *, options: TrainOptions, with_photos: bool
) -> dict[str, float]:
    """Score a checkpoint on the captures that it was not trained on and put it into the package."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    rig = load_rig(state["rig"])
    layout = VectorLayout(rig.schema)
    seen = _captures(captures, rig, options)
    extractor = FeatureExtractor(load_parser(), IdentityNetwork.from_dlib())
    inputs = read_captures(seen, extractor, checkpoint.with_suffix(".seen"))
    network = translator_from_checkpoint(checkpoint)
    scores = held_out_scores(network, inputs, seen.vectors, layout, rig, _front_basis(rig))
    described = json.loads((captures / "layout.json").read_text())
    people = "; neutral and smiling photos of the London people with id % 4 != 0, without labels"
    register_translator(
        checkpoint,
        state["rig"],
        command="facewright-server train translator --captures DIR --data DIR --out FILE --register",
        data=f"{len(seen) - _HELD_OUT} captures of rig {state['rig']} {described['rig_version']}, "
        f"seed {described['seed']}{people if with_photos else ''}",
        quality=scores,
    )
    return scores


@torch.inference_mode()
def held_out_scores(
    network: Translator,
    inputs: TranslatorInputs,
    vectors: Tensor,
    layout: VectorLayout,
    rig: BakedRig,
    front: Tensor,
) -> dict[str, float]:
    """Over the captures that are not trained on: mean slider and colour error, vertex error over the average's,
    styles.
    """
    slider, vertex, plain, right, color = [], [], [], [], []
    for rows in torch.arange(len(vectors) - _HELD_OUT, len(vectors)).split(50):
        known, answer = vectors[rows], network(inputs.at(rows))
        true = known[:, layout.sliders]
        slider.append((answer.sliders - true).abs().mean())
        moved = _front(rig, front, true)
        vertex.append((_front(rig, front, answer.sliders) - moved).square().mean().sqrt())
        plain.append((_front(rig, front, torch.full_like(true, 0.5)) - moved).square().mean().sqrt())
        color.append((answer.colors - _colors(known, layout)).abs().mean())
        right += [
            (logits.argmax(1) == known[:, block].argmax(1)).float().mean()
            for logits, block in zip(answer.styles, layout.styles.values(), strict=True)
        ]
    return {
        "slider_error": round(float(torch.stack(slider).mean()), 4),
        "vertex_of_average": round(float(torch.stack(vertex).sum() / torch.stack(plain).sum()), 4),
        "styles_found": round(float(torch.stack(right).mean()), 4),
        "color_error": round(float(torch.stack(color).mean()), 4),
    }


def _loss(
    answer: Translation,
    vectors: Tensor,
    layout: VectorLayout,
    rig: BakedRig,
    front: Tensor,
    options: TrainOptions,
) -> Tensor:
    true = vectors[:, layout.sliders]
    loss = 12 * (answer.sliders - true).square().mean()  # 1 for the average character
    moved = _front(rig, front, answer.sliders) - _front(rig, front, true)
    loss = loss + options.vertex_weight * moved.square().sum(-1).mean()
    nuisance = vectors[:, list(layout.nuisance.values())]
    loss = loss + (answer.nuisance - nuisance).square().mean()
    loss = loss + options.color_weight * (answer.colors - _colors(vectors, layout)).square().mean()
    for logits, block in zip(answer.styles, layout.styles.values(), strict=True):
        loss = loss + options.style_weight * functional.cross_entropy(logits, vectors[:, block].argmax(1))
    return loss


def _front_basis(rig: BakedRig) -> Tensor:
    """(K, n * 3): millimetres that one unit of each shape weight moves some vertices of the face's front."""
    front = front_vertices(rig)
    chosen = front[:: max(1, len(front) // _VERTICES)]
    count = rig.shape_weights(torch.full((1, len(rig.schema.continuous_names)), 0.5)).shape[1]
    with torch.inference_mode():
        rows = [rig.offsets(row[None])[0, chosen] for row in torch.eye(count)]
    return torch.stack(rows).flatten(1) / _MILLIMETRE


def _front(rig: BakedRig, basis: Tensor, sliders: Tensor) -> Tensor:
    """(B, n, 3) millimetres from the average; without the common shift, which alignment takes away."""
    moved = (rig.shape_weights(sliders.clamp(0, 1)) @ basis).view(len(sliders), -1, 3)
    return moved - moved.mean(1, keepdim=True)


def _colors(vectors: Tensor, layout: VectorLayout) -> Tensor:
    """(B, colors, 3)."""
    return torch.stack([vectors[:, block] for block in layout.colors.values()], 1)


def _captures(captures: Path, rig: BakedRig, options: TrainOptions) -> AlignedCaptures:
    data = AlignedCaptures(captures, rig, count=options.captures)
    if len(data) < options.captures:
        raise InvalidInputError(
            f"{captures} holds {len(data)} captures; expected {options.captures}", field="captures"
        )
    return data
