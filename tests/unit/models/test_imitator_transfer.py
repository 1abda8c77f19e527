"""An imitator that starts from an older version of its rig, and the windows in which styles are learnt."""

from typing import Any

import pytest
import torch

from facewright_models.imitator import Imitator, ImitatorConfig
from facewright_models.imitator.network import CANONICAL_PX
from facewright_models.imitator.transfer import carry_over
from facewright_models.imitator.windows import style_windows
from facewright_models.rig import load_rig

OLD_NAMES = ("wide", "tall", "hair=short", "hair=long", "skin.red", "skin.green", "skin.blue", "yaw", "pitch")
NEW_NAMES = (
    *("freckles", "wide", "tall", "hair=long", "hair=bun", "hair=short", "make_up=none", "make_up=vivid"),
    *("skin.red", "skin.green", "skin.blue", "yaw", "pitch"),
)
SIZES: dict[str, Any] = {"widths": (8, 8, 8, 8, 6, 4, 4), "canonical_channels": (2, 2), "linear_channels": 2}


class Codes:
    """Wide, tall and the turns, wherever they stand among the sliders."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __call__(self, sliders: torch.Tensor, nuisance: torch.Tensor) -> torch.Tensor:
        return 2 * torch.cat([sliders[:, self._first : self._first + 2], nuisance], 1) - 1


def old_imitator() -> Imitator:
    torch.manual_seed(0)
    config = ImitatorConfig(
        sliders=2, styles=(2,), colors=1, nuisance=2, shapes=4, field_rank=2, shade_rank=2, **SIZES
    )
    return Imitator(config, Codes(0)).eval()


def new_imitator(**sizes: Any) -> Imitator:
    torch.manual_seed(1)
    config = ImitatorConfig(sliders=3, styles=(3, 2), colors=1, nuisance=2, shapes=4, **{**SIZES, **sizes})
    return Imitator(config, Codes(1)).eval()


def test_what_both_know_looks_as_it_did() -> None:
    old, new = old_imitator(), new_imitator(field_rank=2, shade_rank=2, widths=(8, 8, 8, 8, 6, 4, 7))
    carry_over(old, OLD_NAMES, new, NEW_NAMES)
    vector = torch.rand(3, len(OLD_NAMES))
    vector[:, 2:4] = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    again = torch.zeros(3, len(NEW_NAMES))
    again[:, 0] = torch.tensor([0.2, 0.5, 0.9])  # freckles are new
    again[:, NEW_NAMES.index("make_up=vivid")] = 1.0
    for place, name in enumerate(OLD_NAMES):
        again[:, NEW_NAMES.index(name)] = vector[:, place]
    with torch.inference_mode():
        for size in (128, 256, 512):
            torch.testing.assert_close(
                new.exits(again, size_px=size)[-1], old.exits(vector, size_px=size)[-1], atol=1e-4, rtol=1e-4
            )


def test_a_new_option_starts_as_the_mean_of_its_slot() -> None:
    old, new = old_imitator(), new_imitator(field_rank=2, shade_rank=2)
    carry_over(old, OLD_NAMES, new, NEW_NAMES)
    for maps in (*new.styles_128[:1], *new.styles_256[:1]):
        torch.testing.assert_close(maps[1], (maps[0] + maps[2]) / 2, atol=1e-6, rtol=0)
        assert float((maps[0] - maps[2]).detach().abs().max()) > 0.1
    assert not any(maps.detach().any() for maps in (new.styles_128[1], new.styles_256[1]))


def test_what_a_field_of_higher_rank_starts_with_is_kept_beyond_the_old_rank() -> None:
    old, new = old_imitator(), new_imitator(field_rank=4, shade_rank=3)
    start = new.field.weight[:, 2:] @ new.field_code.weight[2:]
    expected = old.field.weight @ old.field_code.weight + start
    carry_over(old, OLD_NAMES, new, NEW_NAMES)
    torch.testing.assert_close(new.field.weight @ new.field_code.weight, expected.detach())


def test_imitators_with_other_codes_are_refused() -> None:
    torch.manual_seed(0)
    other = Imitator(ImitatorConfig(sliders=2, styles=(2,), colors=1, nuisance=2, **SIZES))
    with pytest.raises(ValueError, match="8 and 4 geometry codes"):
        carry_over(other, OLD_NAMES, new_imitator(), NEW_NAMES)


def test_a_style_changes_only_its_window() -> None:
    window = (60, 40, 20, 50)
    torch.manual_seed(0)
    config = ImitatorConfig(
        sliders=2, styles=(2,), colors=1, nuisance=2, shapes=4, style_windows=(window,), **SIZES
    )
    network = Imitator(config, Codes(0)).eval()
    with torch.no_grad():
        network.field.weight.zero_()
        network.flow.weight.zero_()
        network.up[0].weight.zero_()  # or the bottleneck sees the style
    vector = torch.full((2, len(OLD_NAMES)), 0.5)
    vector[:, 2:4] = torch.eye(2)
    with torch.inference_mode():
        images = network(vector, size_px=256)
    changed = (images[0] - images[1]).abs().amax(0) > 1e-6
    margin = (CANONICAL_PX - 128) // 2
    inside = torch.zeros_like(changed)
    row, column, height, width = window
    edge = 12  # four convolutions and an interpolation
    inside[
        2 * (row - margin) - edge : 2 * (row - margin + height) + edge,
        2 * (column - margin) - edge : 2 * (column - margin + width) + edge,
    ] = True
    assert changed.any()
    assert not (changed & ~inside).any()


def test_the_windows_of_a_rig_hold_its_styles() -> None:
    rig = load_rig("anny")
    windows = dict(zip(rig.schema.styles, style_windows(rig), strict=True))
    for row, column, height, width in windows.values():
        assert 0 <= row < row + height <= CANONICAL_PX
        assert 0 <= column < column + width <= CANONICAL_PX
    hair, brows, beard = windows["hair"], windows["brows"], windows["facial_hair"]
    assert hair[0] == 0  # an afro is cut by the frame's edge: it goes on in the margin
    assert hair[2] * hair[3] > 4 * brows[2] * brows[3]
    assert brows[0] + brows[2] < beard[0] + beard[2]
    assert brows[0] < beard[0]
