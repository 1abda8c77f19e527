"""Tensors as bytes between the ends of their groups: how far off, in which order, and what is refused."""

import numpy as np
import pytest
import torch
from torch import Tensor

from facewright_models.byte_tensors import GROUP, pack, unpack
from facewright_models.errors import WeightsError


def there_and_back(value: Tensor) -> Tensor:
    return unpack(pack({"map": value}, in_bytes=lambda _: True))["map"]


def drawn(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("shape", [(4, 3, 16, 10), (3, 5, 7), (50, 33), (1, 64), (200,), (1,)])
def test_no_value_is_off_by_more_than_half_a_step_of_its_group(shape: tuple[int, ...]) -> None:
    value = drawn(*shape).half().float()  # of which half precision takes nothing
    back = there_and_back(value)
    assert back.shape == value.shape
    assert back.dtype == torch.float32
    assert back.is_contiguous()
    order = "F" if len(shape) == 2 else "C"  # a matrix is grouped down its columns
    flat, error = (x.numpy().ravel(order=order) for x in (value, (back - value).abs()))
    for start in range(0, len(flat), GROUP):
        group = slice(start, start + GROUP)
        assert error[group].max() <= (flat[group].max() - flat[group].min()) / 510 * 1.001 + 1e-7


def test_values_of_single_precision_lose_no_more_than_to_half_precision_beside() -> None:
    value = 3 + drawn(6, 40, 40)
    width = float(value.max() - value.min())
    assert float((there_and_back(value) - value).abs().max()) < width / 510 + float(value.abs().max()) / 2048


def test_the_ends_of_a_group_come_back_exactly_but_for_single_precision() -> None:
    value = drawn(10, 32).half().float().T  # each column a group
    back = there_and_back(value)
    torch.testing.assert_close(back.amax(0), value.amax(0), rtol=0, atol=1e-6)
    torch.testing.assert_close(back.amin(0), value.amin(0), rtol=0, atol=0)


def test_a_flat_map_stays_as_it_is() -> None:
    value = torch.full((2, 30, 30), 0.25)
    assert torch.equal(there_and_back(value), value)


def test_tiny_values_keep_their_relative_precision() -> None:
    value = 1e-3 * drawn(64, 64)
    assert float((there_and_back(value) - value).norm() / value.norm()) < 0.006


def test_a_layer_that_writes_smooth_fields_is_nearer_than_by_its_rows() -> None:
    along = torch.linspace(0, 6, 256)[:, None]
    layer = torch.sin(along + torch.arange(32))  # (outputs, codes)
    by_rows = there_and_back(layer.T).T
    assert float((there_and_back(layer) - layer).norm()) < 0.5 * float((by_rows - layer).norm())


def test_only_named_tensors_become_bytes_and_the_others_half() -> None:
    state = {"map": drawn(4, 32), "bias": drawn(4)}
    packed = pack(state, in_bytes=lambda name: name == "map")
    assert {name: value.dtype for name, value in packed.items()} == {
        "map": torch.uint8,
        "map:ends": torch.float16,
        "bias": torch.float16,
    }
    assert packed["map"].shape == (4, 32)
    assert packed["map:ends"].shape == (4, 2)
    back = unpack(packed)
    assert list(back) == ["map", "bias"]
    assert torch.equal(back["bias"], state["bias"].half().float())


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e6])
def test_values_that_half_precision_cannot_hold_are_refused(value: float) -> None:
    broken = drawn(2, 8, 8)
    broken[1, 2, 3] = value
    with pytest.raises(WeightsError, match="'map' has values that half precision cannot hold"):
        there_and_back(broken)


def test_damaged_bytes_and_ends_are_refused() -> None:
    good = pack({"map": drawn(4, 4, 8)}, in_bytes=lambda _: True)
    codes, ends = good["map"], good["map:ends"]
    for broken, match in (
        ({"map": codes}, "in bytes without 'map:ends'"),
        ({"map:ends": ends}, "'map:ends' without its bytes"),
        ({"map": codes, "map:ends": ends[:-1]}, r"expected bytes between ends \(4, 2\)"),
        ({"map": codes[:1], "map:ends": ends}, r"expected bytes between ends \(1, 2\)"),
        ({"map": codes, "map:ends": ends.float()}, "of torch.float32, expected bytes"),
        ({"map": codes.half(), "map:ends": ends}, "of torch.float16 between ends"),
        ({"map": codes, "map:ends": ends.flip(1)}, "not finite numbers in their order"),
        ({"map": codes, "map:ends": ends * torch.inf}, "not finite numbers in their order"),
    ):
        with pytest.raises(WeightsError, match=match):
            unpack(broken)
