"""Train the imitator on captures ([0070], [0084]: uniform samples, pixel L1).

Coarse to fine: the 128-pixel exit first, then all exits together, the finer ones in random windows. The
parameter-to-geometry mapping is learnt where a step is cheap. Seeded, resumable, by the clock.

A fit follows the imitator's derivatives, which pixels alone pin down poorly. Paired captures show what moving one
slider changes, and the imitator learns those changes too (Sobolev training, Czarnecki et al. 2017, by differences).
"""

from __future__ import annotations

import dataclasses
import logging
import time
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from facewright_models.foundry.sampling import VectorLayout
from facewright_models.imitator.dataset import CaptureSet
from facewright_models.imitator.geometry import RigShapes, halves
from facewright_models.imitator.network import WINDOW_PX, Imitator, ImitatorConfig
from facewright_models.imitator.prior import field_priors
from facewright_models.imitator.store import shipped
from facewright_models.imitator.transfer import carry_over
from facewright_models.imitator.windows import style_windows
from facewright_models.precision import has_fast_bfloat16
from facewright_models.rig import load_rig
from facewright_models.training_run import TrainingRun

__all__ = ["TrainingSchedule", "train"]

logger = logging.getLogger(__name__)

_CHECKPOINT_SECS = 120.0
_EXITS = (128, 256, 512)
_FAINT = 2 / 255  # root mean square of a change below which it counts less


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingSchedule:
    """`coarse_share` of the run trains the 128-pixel exit alone; then all exits, the finer ones in windows.

    The rate falls by a cosine over the whole run; a displacement field that starts from a known mesh
    learns `field_rate` times as fast.
    """

    coarse_share: float = 0.3
    batch_size: int = 16
    learning_rate: float = 2e-3
    field_rate: float = 0.01
    averaging: float = 0.996
    change_weight: float = 0.04
    """Of the changes between paired captures, against the pixels."""

    def size_px(self, progress: float) -> int:
        """The finest exit trained at a progress in [0,1]."""
        return 128 if progress < self.coarse_share else 512

    def rate(self, progress: float) -> float:
        """The learning rate: a short warm-up, then a cosine to 2 %."""
        warm = min(1.0, progress / 0.01)
        return self.learning_rate * warm * (0.51 + 0.49 * float(torch.cos(torch.tensor(progress * torch.pi))))


_GOING_ON = TrainingSchedule(coarse_share=0.0, learning_rate=8e-4)


def train(
    captures: Path,
    *,
    out: Path,
    seed: int = 0,
    device: str = "auto",
    resume: bool = True,
    minutes: float | None = 60.0,
    known_mesh: bool = True,
    from_shipped: bool = False,
    schedule: TrainingSchedule | None = None,
) -> Path:
    """Train for `minutes` of computing and write `out` (a checkpoint with averaged weights).

    With `known_mesh` the displacement field starts from the rig; without, from noise, as for a game of
    which only captures are known; `from_shipped` goes on from the shipped imitator of the rig instead, or
    takes over what it knows where the rig has changed since.
    Raises InvalidInputError when there are no captures, WeightsError.
    """
    chosen = _device(device)
    schedule = schedule or (_GOING_ON if from_shipped else TrainingSchedule())
    budget = 60.0 * (minutes or 60.0)
    data = CaptureSet(captures)
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    network, known_mesh = _start(data.rig_name, known_mesh=known_mesh, from_shipped=from_shipped)
    network = network.to(chosen, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = _optimiser(network, schedule, known_mesh=known_mesh)
    run = TrainingRun(data.rig_name, network, network.config, optimiser)
    spent, step = 0.0, 0
    if resume and out.exists():
        state = run.resume(out, chosen)
        generator.set_state(state["generator"].cpu())
        spent, step = state["spent"], state["step"]
    saved = logged = time.monotonic()
    running = 0.0
    while spent < budget:
        started = time.monotonic()
        progress = spent / budget
        size = schedule.size_px(progress)
        for group in optimiser.param_groups:
            group["lr"] = schedule.rate(progress) * group["factor"]
        indices = data.draw(schedule.batch_size, generator)
        parameters, frames = data.batch(indices, size)
        corner = torch.randint(129 - WINDOW_PX, (2,), generator=generator)
        window = (int(corner[0]), int(corner[1])) if size > 128 else None
        weight = schedule.change_weight if data.is_paired else 0.0
        loss = _loss(network, parameters.to(chosen), frames.to(chosen), size, window, weight)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        step += 1
        run.average(1 - min(schedule.averaging, (1 + step) / (10 + step)))
        running = 0.98 * running + 0.02 * float(loss.detach())
        now = time.monotonic()
        spent += now - started
        if now - logged > 20:
            logger.info(
                "step %d, %d px, loss %.4f, %.0f%% of the time", step, size, running, 100 * spent / budget
            )
            logged = now
        if now - saved > _CHECKPOINT_SECS:
            run.save(out, generator=generator.get_state(), spent=spent, step=step)
            data.refresh()
            saved = now
    run.save(out, generator=generator.get_state(), spent=spent, step=step)
    return out


def _loss(
    network: Imitator,
    parameters: Tensor,
    frames: Tensor,
    size: int,
    window: tuple[int, int] | None,
    change_weight: float,
) -> Tensor:
    with torch.autocast(frames.device.type, dtype=torch.bfloat16, enabled=has_fast_bfloat16(frames.device)):
        outputs = network.exits(parameters, size_px=size, window=window)
    total = _distance(outputs[0].float(), functional.avg_pool2d(frames, size // 128), change_weight)
    for output, exit_ in zip(outputs[1:], _EXITS[1:], strict=False):
        scale = exit_ // 128
        row, column = (scale * place for place in window or (0, 0))
        side = scale * WINDOW_PX
        shown = frames if exit_ == size else functional.avg_pool2d(frames, size // exit_)
        target = shown[:, :, row : row + side, column : column + side]
        margin = 4 * scale  # the window's edge sees padding instead of the face
        inner = slice(margin, -margin)
        total = total + _distance(
            output.float()[:, :, inner, inner], target[:, :, inner, inner], change_weight
        )
    return total / len(outputs)


def _distance(imitated: Tensor, rendered: Tensor, change_weight: float) -> Tensor:
    """L1 of the images and, of pairs, the squared distance of their changes over the size of the rendered one."""
    distance = (imitated - rendered).abs().mean()
    if change_weight == 0:
        return distance
    wanted = rendered[1::2] - rendered[::2]
    missed = (imitated[1::2] - imitated[::2] - wanted).square().mean((1, 2, 3))
    size = wanted.square().mean((1, 2, 3)) + _FAINT**2
    return distance + change_weight * (missed / size).mean()


def _optimiser(network: Imitator, schedule: TrainingSchedule, *, known_mesh: bool) -> torch.optim.Adam:
    slow = [network.field_code.weight, network.field.weight, network.shade_code.weight, network.shade.weight]
    canonical = [
        *(network.canonical_128, network.canonical_256, network.canonical_512),
        *network.styles_128,
        *network.styles_256,
    ]
    special = {id(parameter) for parameter in (*slow, *canonical)}
    rest = [parameter for parameter in network.parameters() if id(parameter) not in special]
    groups = [
        {"params": rest, "factor": 1.0},
        {"params": canonical, "factor": 3.0},
        {"params": slow, "factor": schedule.field_rate if known_mesh else 1.0},
    ]
    return torch.optim.Adam(groups, lr=schedule.learning_rate, betas=(0.9, 0.98), fused=True)


def _start(rig_name: str, *, known_mesh: bool, from_shipped: bool) -> tuple[Imitator, bool]:
    """The network to train, and whether its fields start from something."""
    if not from_shipped:
        return _fresh_network(rig_name, known_mesh=known_mesh), known_mesh
    network, names = shipped(rig_name)
    own = VectorLayout(load_rig(rig_name).schema).names
    if names == own and network.config == _config(rig_name, known_mesh=network.config.shapes > 0):
        return network.train(), network.config.shapes > 0
    fresh = _fresh_network(rig_name, known_mesh=network.config.shapes > 0)
    carry_over(network, names, fresh, own)
    return fresh, network.config.shapes > 0


def _fresh_network(rig_name: str, *, known_mesh: bool) -> Imitator:
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    config = _config(rig_name, known_mesh=known_mesh)
    code = RigShapes(rig, layout) if known_mesh else None
    network = Imitator(config, code or halves)
    if known_mesh:
        with torch.no_grad():
            moves, shades = field_priors(rig, layout, rank=config.field_rank, shade_rank=config.shade_rank)
            network.field_code.weight.copy_(moves[0])
            network.field.weight.copy_(moves[1])
            network.shade_code.weight.copy_(shades[0])
            network.shade.weight.copy_(shades[1])
    return network


def _config(rig_name: str, *, known_mesh: bool) -> ImitatorConfig:
    """For a rig; what is known of its mesh includes where its styles show."""
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    return ImitatorConfig(
        sliders=len(rig.schema.continuous_names),
        styles=tuple(block.stop - block.start for block in layout.styles.values()),
        colors=len(layout.colors),
        nuisance=len(layout.nuisance),
        shapes=RigShapes(rig, layout).width if known_mesh else 0,
        style_windows=style_windows(rig) if known_mesh else (),
    )


def _device(device: str) -> torch.device:
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(device)
