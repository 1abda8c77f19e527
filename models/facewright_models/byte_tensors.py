"""Large tensors as bytes, for files half as big as in half precision.

32 neighbours are a group. A group has two ends in half precision, its least and its greatest value, and each
value is the nearest of 256 that divide the way between the two: no value is off by more than 1/510 of its group's
width, beside what half precision takes from the ends. Neighbours are alike in a map and down the columns of a
layer that writes a map, so that groups are narrow there; one scale for a whole map is off by three times as much
and more.

A tensor NAME becomes two: NAME, its bytes in its own shape, and `NAME:ends` (groups, 2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from jaxtyping import Float16, UInt8
from torch import Tensor

from facewright_models.errors import WeightsError

__all__ = ["GROUP", "pack", "unpack"]

GROUP = 32
"""Values that share their ends. 64 make the imitator's file 5 % smaller and the largest error of its frames twice
as large."""
_LEVELS = 255
_ENDS = ":ends"


def pack(state: Mapping[str, Tensor], *, in_bytes: Callable[[str], bool]) -> dict[str, Tensor]:
    """The tensors as they are stored: those that `in_bytes` names as bytes with ends, the others in half precision.

    Raises WeightsError where one for bytes has values that half precision cannot hold.
    """
    packed: dict[str, Tensor] = {}
    for name, value in state.items():
        if in_bytes(name):
            packed[name], packed[name + _ENDS] = _to_bytes(name, value)
        else:
            packed[name] = value.half().contiguous()
    return packed


def unpack(packed: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `pack` was given, in single precision; tensors without ends are taken as they are.

    Raises WeightsError where bytes and ends do not belong together.
    """
    state: dict[str, Tensor] = {}
    for name, value in packed.items():
        if name.endswith(_ENDS):
            if name.removesuffix(_ENDS) not in packed:
                raise WeightsError(
                    f"the weights hold {name!r} without its bytes; install the package again or train them again"
                )
        elif name + _ENDS in packed:
            state[name] = _from_bytes(name, value, packed[name + _ENDS])
        elif value.dtype == torch.uint8:
            raise WeightsError(
                f"the weights hold {name!r} in bytes without {name + _ENDS!r}, between which they lie; "
                "install the package again or train them again"
            )
        else:
            state[name] = value.float()
    return state


def _to_bytes(name: str, values: Tensor) -> tuple[UInt8[Tensor, "..."], Float16[Tensor, "groups 2"]]:
    groups = _grouped(values.float())  # (G, GROUP)
    ends = torch.stack([groups.amin(1), groups.amax(1)], 1).half()  # (G, 2)
    if not bool(ends.isfinite().all()):
        raise WeightsError(f"{name!r} has values that half precision cannot hold; nothing was stored")
    low, high = ends.float().split(1, 1)
    width = (high - low).clamp(
        min=torch.finfo(torch.float32).tiny
    )  # of a group of equal values any byte is right
    codes = ((groups - low) / width * _LEVELS).round().clamp(0, _LEVELS).to(torch.uint8)
    return _ungrouped(codes, values.shape), ends


def _from_bytes(name: str, codes: Tensor, ends: Tensor) -> Tensor:
    expected = (-(-codes.numel() // GROUP), 2)
    if codes.dtype != torch.uint8 or ends.dtype != torch.float16 or tuple(ends.shape) != expected:
        raise WeightsError(
            f"the weights {name!r} are damaged: got {tuple(codes.shape)} of {codes.dtype} between ends "
            f"{tuple(ends.shape)} of {ends.dtype}, expected bytes between ends {expected} of torch.float16; "
            "install the package again or train them again"
        )
    low, high = ends.float().split(1, 1)
    if not bool((low <= high).all() and ends.isfinite().all()):
        raise WeightsError(
            f"the weights {name!r} are damaged: got ends that are not finite numbers in their order; "
            "install the package again or train them again"
        )
    values = _grouped(codes).float().mul_((high - low) / _LEVELS).add_(low)  # (G, GROUP)
    return _ungrouped(values, codes.shape)


def _grouped(tensor: Tensor) -> Tensor:
    """(G, GROUP) neighbours: along the last axis, of a matrix down its columns. The last group repeats its last."""
    flat = (tensor.T if tensor.ndim == 2 else tensor).flatten()
    missing = -len(flat) % GROUP
    if missing:
        flat = torch.cat([flat, flat[-1:].expand(missing)])
    return flat.view(-1, GROUP)


def _ungrouped(groups: Tensor, shape: torch.Size) -> Tensor:
    flat = groups.flatten()[: shape.numel()]
    return (flat.view(shape[::-1]).T if len(shape) == 2 else flat.view(shape)).contiguous()
