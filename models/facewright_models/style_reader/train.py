"""Train the style reader on captures and on photos for which a person chose.

Seeded and resumable. Of a photo any accepted option is right, so its loss is that of their sum. Each step sees
renders and photos: the renders teach what the options look like, the photos where the bounds between them lie for
people, whose hair is no creator's.
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
from facewright_models.rig import BakedRig, load_rig
from facewright_models.style_reader.dataset import (
    LabelledFaces,
    captured_faces,
    labelled_photos,
    photographed_faces,
)
from facewright_models.style_reader.network import StyleReader, StyleReaderConfig
from facewright_models.style_reader.store import reader_from_checkpoint, register_style_reader
from facewright_models.training_run import TrainingRun

__all__ = ["TrainOptions", "agreement", "measure_and_register", "train"]

logger = logging.getLogger(__name__)

_HELD_OUT = 500
"""The last captures are never trained on."""
_REPORT_STEPS = 200
_PIXEL_CHANNELS = 3


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How long and how fast; `captures` counts the held-out ones too."""

    captures: int = 7000
    steps: int = 3000
    batch_captures: int = 28
    batch_photos: int = 20
    learning_rate: float = 2e-3
    weight_decay: float = 0.05


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
    """The checkpoint `out`; what the parser saw of the captures is kept beside it. Raises InvalidInputError."""
    options = options or TrainOptions()
    rig = load_rig(rig_name)
    rendered = _captured(captures, rig, out, options)
    photos = [(path, right) for path, right, held_out in labelled_photos(data) if not held_out]
    if not photos:
        raise InvalidInputError(f"{data} holds no photo with known styles", field="data")
    photographed = photographed_faces(rig, photos)
    torch.manual_seed(seed)
    network = StyleReader(
        StyleReaderConfig(
            slots=tuple(rig.schema.styles),
            options=tuple(len(parameter.options) for parameter in rig.schema.styles.values()),
        )
    )
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=options.weight_decay)
    run = TrainingRun(rig_name, network, network.config, optimiser)
    step = run.resume(out)["step"] if resume and out.exists() else 0
    held_out = torch.arange(len(rendered) - _HELD_OUT, len(rendered))
    while step < options.steps:
        generator = torch.Generator().manual_seed(1_000_003 * seed + step)
        rows = torch.randint(len(rendered) - _HELD_OUT, (options.batch_captures,), generator=generator)
        shown = torch.randint(len(photographed), (options.batch_photos,), generator=generator)
        progress = step / options.steps
        for group in optimiser.param_groups:
            group["lr"] = options.learning_rate * min(1.0, (step + 1) / 50) * (1.02 - progress)
        network.train()
        (faces, bands), (more_faces, more_bands) = rendered.inputs(rows), photographed.inputs(shown)
        faces, bands = _varied(torch.cat([faces, more_faces]), torch.cat([bands, more_bands]), generator)
        answer = network(faces, bands)
        loss = torch.zeros(())
        for slot, logits in answer.items():
            right = torch.cat([rendered.accepted[slot][rows], photographed.accepted[slot][shown]])
            loss = loss + _surprise(logits, right, len(rows))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        step += 1
        run.average(max(0.01, 1 / step))
        if step % _REPORT_STEPS == 0 or step == options.steps:
            run.save(out, step=step)
            scores = agreement(reader_from_checkpoint(out), rendered, held_out)
            logger.info("step %d, loss %.3f, of held-out captures %s", step, float(loss.detach()), scores)
    return out


def measure_and_register(checkpoint: Path, data: Path, captures: Path) -> dict[str, float]:
    """Score a checkpoint on the captures and people that it was not trained on and put it into the package."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    rig = load_rig(state["rig"])
    reader = reader_from_checkpoint(checkpoint)
    rendered = _captured(captures, rig, checkpoint, TrainOptions())
    scores = {
        f"{slot}_captures": share
        for slot, share in agreement(
            reader, rendered, torch.arange(len(rendered) - _HELD_OUT, len(rendered))
        ).items()
    }
    held_out = [
        (path, right)
        for path, right, is_held_out in labelled_photos(data)
        if is_held_out and path.parent.name != "smiling"
    ]
    if held_out:
        photographed = photographed_faces(rig, held_out)
        found = agreement(reader, photographed, torch.arange(len(photographed)))
        scores |= {f"{slot}_photos": found[slot] for slot in ("hair", "facial_hair", "brows")}
        scores["held_out_people"] = float(len(held_out))
    described = json.loads((captures / "layout.json").read_text())
    register_style_reader(
        checkpoint,
        state["rig"],
        command="facewright-server train styles --data DIR --captures DIR --out FILE --register",
        data=f"{len(rendered) - _HELD_OUT} captures of rig {state['rig']} {described['rig_version']}, seed "
        f"{described['seed']}; neutral and smiling photos of 54 London people (id % 4 != 0) with our labels",
        quality=scores,
    )
    return scores


@torch.inference_mode()
def agreement(reader: StyleReader, faces: LabelledFaces, rows: Tensor) -> dict[str, float]:
    """Slot -> the share of faces for which the likeliest option is right."""
    right: dict[str, list[Tensor]] = {slot: [] for slot in faces.accepted}
    for some in rows.split(50):
        answer = reader(*faces.inputs(some))
        for slot, accepted in faces.right(some).items():
            right[slot].append(accepted.gather(1, answer[slot].argmax(1, keepdim=True))[:, 0])
    return {slot: round(float(torch.cat(parts).mean()), 4) for slot, parts in right.items()}


def _surprise(logits: Tensor, right: Tensor, captures: int) -> Tensor:
    """Of captures and photos, each by their own mean: minus the log of the probability that falls on what is right."""
    surprise = -torch.logsumexp(logits.log_softmax(1) + right.clamp_min(1e-6).log(), 1)
    return surprise[:captures].mean() + surprise[captures:].mean()


def _captured(captures: Path, rig: BakedRig, out: Path, options: TrainOptions) -> LabelledFaces:
    faces = captured_faces(captures, rig, count=options.captures, cache=out.with_suffix(".seen"))
    if len(faces) < options.captures:
        raise InvalidInputError(
            f"{captures} holds {len(faces)} captures; expected {options.captures}", field="captures"
        )
    return faces


def _varied(faces: Tensor, bands: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both inputs, moved, mirrored, lit, blurred and noisy in the same random way; sometimes without their colours."""
    count = len(faces)

    def normal(*shape: int) -> Tensor:
        return torch.randn(count, *shape, generator=generator)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator)

    scale, turn, shift = 1 + 0.04 * normal(), 0.04 * normal(), normal(2)
    mirror = torch.where(uniform() < 0.5, -1.0, 1.0)
    gain = (0.15 * normal(1, 1, 1) + 0.1 * normal(3, 1, 1)).exp()
    offset = 0.1 * normal(3, 1, 1)
    is_soft = uniform(1, 1, 1) < 0.3
    noise = 0.06 * uniform(1, 1, 1)

    def moved(images: Tensor, reach: float) -> Tensor:
        aspect = images.shape[-2] / images.shape[-1]
        matrix = torch.zeros(count, 2, 3)
        matrix[:, 0, 0] = scale * turn.cos() * mirror
        matrix[:, 0, 1] = -scale * turn.sin() * aspect
        matrix[:, 1, 0] = scale * turn.sin() / aspect
        matrix[:, 1, 1] = scale * turn.cos()
        matrix[:, :, 2] = reach * shift
        grid = functional.affine_grid(matrix, list(images.shape), align_corners=False)
        return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)

    def photographed(colors: Tensor, dropped: float) -> Tensor:
        lit = colors * gain + offset
        lit = torch.where(is_soft, functional.avg_pool2d(lit, 3, 1, 1), lit)
        lit = lit + noise * torch.randn(lit.shape, generator=generator)
        return lit * (uniform(1, 1, 1) > dropped)

    faces, bands = moved(faces, 0.025), moved(bands, 0.04)
    pixels = photographed(faces[:, :_PIXEL_CHANNELS], 0.1)
    return torch.cat([pixels, faces[:, _PIXEL_CHANNELS:]], 1), photographed(bands, 0.05)
