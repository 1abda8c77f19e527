"""Train the translator on captures: sliders, vertices and styles of characters whose parameters are known.

Seeded, resumable, by epochs. The loss counts a slider by itself and by what it does to the face's front, so
that sliders which undo each other do not have to be told apart.
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
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.rig import BakedRig, front_vertices, load_rig
from facewright_models.training_run import TrainingRun
from facewright_models.translator.dataset import AlignedCaptures
from facewright_models.translator.network import Translation, Translator, TranslatorConfig
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
    epochs: int = 16
    batch_size: int = 32
    learning_rate: float = 1.2e-3
    weight_decay: float = 0.02
    vertex_weight: float = 0.02  # per square millimetre
    style_weight: float = 0.05
    color_weight: float = 4.0


def train(
    captures: Path,
    *,
    out: Path,
    rig_name: str = "anny",
    seed: int = 0,
    resume: bool = True,
    options: TrainOptions | None = None,
) -> Path:
    """The checkpoint `out`. Raises InvalidInputError when there are too few captures."""
    options = options or TrainOptions()
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    data = _captures(captures, rig, options)
    torch.manual_seed(seed)
    network = Translator(
        TranslatorConfig(
            sliders=layout.sliders.stop,
            styles=tuple(block.stop - block.start for block in layout.styles.values()),
            colors=len(layout.colors),
            nuisance=len(layout.nuisance),
        )
    )
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, network, network.config, optimiser)
    epoch = run.resume(out)["epoch"] if resume and out.exists() else 0
    front = _front_basis(rig)
    trained = len(data) - _HELD_OUT
    steps = trained // options.batch_size
    while epoch < options.epochs:
        generator = torch.Generator().manual_seed(1000 * seed + epoch)
        order = torch.randperm(trained, generator=generator)
        network.train()
        total = 0.0
        for step in range(steps):
            progress = (epoch + step / steps) / options.epochs
            for group in optimiser.param_groups:
                group["lr"] = options.learning_rate * min(1.0, 20 * progress + 0.05) * (1.02 - progress)
            indices = order[step * options.batch_size : (step + 1) * options.batch_size].sort().values
            images, vectors = data.batch(indices, seed=1000 * seed + epoch + 1)
            seen = images.contiguous(memory_format=torch.channels_last)
            loss = _loss(network(seen), vectors, layout, rig, front, options)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            total += float(loss.detach())
            run.average(0.005 if epoch else 0.05)
        epoch += 1
        run.save(out, epoch=epoch)
        scores = held_out_scores(run.averaged, network.config, data, layout, rig, front)
        logger.info("epoch %d, loss %.4f, %s", epoch, total / steps, scores)
    return out


def measure_and_register(checkpoint: Path, captures: Path) -> dict[str, float]:
    """Score a checkpoint on the captures that it was not trained on and put it into the package."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    rig = load_rig(state["rig"])
    layout = VectorLayout(rig.schema)
    data = _captures(captures, rig, TrainOptions())
    config = translator_from_checkpoint(checkpoint).config
    scores = held_out_scores(state["averaged"], config, data, layout, rig, _front_basis(rig))
    described = json.loads((captures / "layout.json").read_text())
    register_translator(
        checkpoint,
        state["rig"],
        command="facewright-server train translator --captures DIR --out FILE --register",
        data=f"{len(data) - _HELD_OUT} captures of rig {state['rig']} {described['rig_version']}, "
        f"seed {described['seed']}",
        quality=scores,
    )
    return scores


@torch.inference_mode()
def held_out_scores(
    state: dict[str, Tensor],
    config: TranslatorConfig,
    data: AlignedCaptures,
    layout: VectorLayout,
    rig: BakedRig,
    front: Tensor,
) -> dict[str, float]:
    """Over the captures that are not trained on: mean slider and colour error, vertex error over the average's,
    styles.
    """
    network = Translator(config)
    network.load_state_dict(state)
    network.eval()
    slider, vertex, plain, right, color = [], [], [], [], []
    for start in range(len(data) - _HELD_OUT, len(data), 50):
        images, vectors = data.batch(torch.arange(start, min(start + 50, len(data))), seed=0)
        answer = network(images)
        true = vectors[:, layout.sliders]
        slider.append((answer.sliders - true).abs().mean())
        moved = _front(rig, front, true)
        vertex.append((_front(rig, front, answer.sliders) - moved).square().mean().sqrt())
        plain.append((_front(rig, front, torch.full_like(true, 0.5)) - moved).square().mean().sqrt())
        color.append((answer.colors - _colors(vectors, layout)).abs().mean())
        right += [
            (logits.argmax(1) == vectors[:, block].argmax(1)).float().mean()
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
