"""How a drawn region is compared with what it should look like."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from facewright_models.expression.network import Drawn

__all__ = ["image_loss", "made_loss", "motion_loss", "plain_loss"]

_LEVELS = 4
_MATTERS = 3.0


def image_loss(
    painted: Tensor, truth: Tensor, matters: Tensor | None = None, known: Tensor | None = None
) -> Tensor:
    """Mean absolute difference of the images (B, 3, S, S) and of what each level of their Laplacian pyramids adds, so
    that edges count beside areas; where it `matters` (B, 1, S, S), four times; where it is not `known` (B, 1, S, S),
    not at all.
    """
    weight = torch.ones_like(truth[:, :1]) if matters is None else 1 + _MATTERS * matters
    weight = weight if known is None else weight * known
    total = ((painted - truth).abs() * weight).mean()
    for _ in range(_LEVELS - 1):
        coarser, coarser_truth = functional.avg_pool2d(painted, 2), functional.avg_pool2d(truth, 2)
        side = painted.shape[-1]
        detail, detail_truth = (
            each - functional.interpolate(low, size=(side, side), mode="bilinear", align_corners=False)
            for each, low in ((painted, coarser), (truth, coarser_truth))
        )
        total = total + 2 * ((detail - detail_truth).abs() * weight).mean()
        painted, truth = coarser, coarser_truth
        weight = functional.avg_pool2d(weight, 2)
    return total


def motion_loss(moved: Tensor, points: Tensor) -> Tensor:
    """How far key points are moved from where they belong. points (B, 2, 68, 2): of A and of B, in places of the
    region: what is seen at a point of B came from that of A.
    """
    a, b = points[:, 0], points[:, 1]
    there = functional.grid_sample(moved, b[:, :, None], padding_mode="zeros", align_corners=False)[..., 0]
    inside = ((a.abs() < 0.8) & (b.abs() < 0.8)).all(-1)
    off = (there.transpose(1, 2) - (a - b)).abs().sum(-1)
    return (off * inside).sum() / inside.sum().clamp_min(1)


def made_loss(drawn: Drawn, truth: Tensor, matters: Tensor, known: Tensor) -> Tensor:
    """How well the new pixels alone show the whole region (B, 3, S, S): otherwise they would be learnt only where they
    are used already. What is used of them should be all or nothing, since a mixture of both is blurred, and nothing
    where it does not matter (B, 1, S, S): skin and beards are sharper as they were. For `known` see `image_loss`.
    """
    if drawn.made is None or drawn.color is None:
        return torch.zeros(())
    mixed, beyond = drawn.made * (1 - drawn.made), drawn.made * (1 - matters)
    return image_loss(drawn.color, truth, matters, known) + 0.02 * mixed.mean() + 0.1 * beyond.mean()


def plain_loss(drawn: Drawn, guided: Tensor, light: Tensor) -> Tensor:
    """What is kept small: how unevenly things move beside the guide (B, 2, S, S), how much light changes beside what
    is known of it (B, 1, S, S), how much is made anew.
    """
    moved = drawn.moved - guided
    rough = (moved[:, :, 1:] - moved[:, :, :-1]).abs().mean() + (
        moved[..., 1:] - moved[..., :-1]
    ).abs().mean()
    total = 2 * rough * moved.shape[-1] / 96 + 0.03 * (drawn.gain - light).abs().mean()
    if drawn.made is not None:
        total = total + 0.01 * drawn.made.mean()
    return torch.as_tensor(total)
