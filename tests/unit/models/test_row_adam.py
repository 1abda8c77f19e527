"""The fit's Adam moves as torch's does, also where rows leave, and loads no compiler."""

import subprocess
import sys

import pytest
import torch

from facewright_models.fitting.row_adam import AdamGroup

BETAS = (0.85, 0.98)
SHARES = (1.0, 0.7, 0.4)


def gradients(rows: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, 5, generator=generator) for _ in SHARES]


def moved_by_torch(start: torch.Tensor, slopes: list[torch.Tensor]) -> torch.Tensor:
    weight = start.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([weight], lr=0.03, betas=BETAS)
    for share, slope in zip(SHARES, slopes, strict=True):
        optimiser.param_groups[0]["lr"] = 0.03 * share
        weight.grad = slope.clone()
        optimiser.step()
    return weight.detach()


def test_it_moves_as_torchs_adam_does() -> None:
    start, slopes = torch.rand(3, 5), gradients(3)
    weight = start.clone().requires_grad_(True)
    group = AdamGroup(rate=0.03, tensors=[weight])
    for share, slope in zip(SHARES, slopes, strict=True):
        weight.grad = slope.clone()
        group.step(share)
    torch.testing.assert_close(weight.detach(), moved_by_torch(start, slopes))


def test_rows_that_stay_go_on_as_if_alone() -> None:
    start, slopes, kept = torch.rand(3, 5), gradients(3), torch.tensor([0, 2])
    weight = start.clone().requires_grad_(True)
    group = AdamGroup(rate=0.03, tensors=[weight])
    weight.grad = slopes[0].clone()
    group.step(SHARES[0])
    rest = weight.detach()[kept].clone().requires_grad_(True)
    group = group.narrowed([rest], kept)
    assert torch.equal(rest.grad if rest.grad is not None else torch.empty(0), slopes[0][kept])
    for share, slope in zip(SHARES[1:], slopes[1:], strict=True):
        rest.grad = slope[kept].clone()
        group.step(share)
    torch.testing.assert_close(rest.detach(), moved_by_torch(start, slopes)[kept])


@pytest.mark.parametrize("tensors", [0, 1])
def test_without_gradients_nothing_moves(tensors: int) -> None:
    weights = [torch.rand(2, 3) for _ in range(tensors)]
    before = [weight.clone() for weight in weights]
    group = AdamGroup(rate=1.0, tensors=weights)
    group.forget_gradients()
    group.step(1.0)
    assert all(map(torch.equal, weights, before))


def test_the_compiler_is_not_loaded() -> None:
    code = (
        "import sys, torch; from facewright_models.fitting.row_adam import AdamGroup; w = torch.zeros(1, 2);"
        "w.grad = torch.ones(1, 2); AdamGroup(rate=1.0, tensors=[w]).step(1.0);"
        "assert float(w[0, 0]) < 0; sys.exit('torch._dynamo' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
