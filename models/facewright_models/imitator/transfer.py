"""A new imitator that starts from one of another version of its rig: what both know is carried over by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from facewright_models.imitator.network import Imitator

__all__ = ["carry_over"]


@torch.no_grad()
def carry_over(old: Imitator, old_names: Sequence[str], new: Imitator, new_names: Sequence[str]) -> None:
    """Write the weights of `old` into `new` (in place), whose geometry codes are the same.

    Names are those of the entries of the input vector (`VectorLayout.names`). An option that `old` does not know
    starts as the mean of its slot's options, a slot or slider that it does not know without effect. Layers that
    have grown compute what they did; fields of higher rank keep what they have beyond the old rank. Raises
    ValueError when the codes differ.
    """
    if old.config.codes != new.config.codes or old.config.colors != new.config.colors:
        raise ValueError(
            f"the imitators have {old.config.codes} and {new.config.codes} geometry codes, "
            f"{old.config.colors} and {new.config.colors} colours; one cannot start from the other"
        )
    known, wanted = dict(old.state_dict()), new.state_dict()
    for name, value in wanted.items():
        if name == "up.0.weight":
            value.copy_(_read_by_name(known[name], old_names, new_names))
        elif name.startswith("up.") and value.ndim == 4:
            value.copy_(_widened(known[name].transpose(0, 1), value.transpose(0, 1)).transpose(0, 1))
        elif name in known and not name.startswith("styles_"):
            value.copy_(_widened(known[name], value))
    for level in (128, 256):
        _carry_styles(old, old_names, new, new_names, level)


def _widened(old: Tensor, new: Tensor) -> Tensor:
    """The old tensor (outputs first) in the new shape: what was added writes as it was drawn, but is not read."""
    result = new.clone()
    both = tuple(slice(0, min(a, b)) for a, b in zip(old.shape, new.shape, strict=True))
    if old.ndim == 4:
        result[both[0]] = 0
    result[both] = old[both]
    return result


def _by_name(rows: Tensor, old_names: Sequence[str], new_names: Sequence[str]) -> Tensor:
    """(len(new_names), ...): the rows of equal names; of unknown options the mean of their slot, else zeros."""
    places = {name: index for index, name in enumerate(old_names)}
    result = rows.new_zeros(len(new_names), *rows.shape[1:])
    for index, name in enumerate(new_names):
        if name in places:
            result[index] = rows[places[name]]
        elif siblings := _slot(name, old_names):
            result[index] = rows[siblings].mean(0)
    return result


def _read_by_name(rows: Tensor, old_names: Sequence[str], new_names: Sequence[str]) -> Tensor:
    """The rows of the first layer, which reads options as 1 (chosen) and -1: with more of them it reads more -1.

    A slot of two options, one of them new, cannot make up for that.
    """
    result = _by_name(rows, old_names, new_names)
    for names in _slots(new_names):
        places = [new_names.index(name) for name in names]
        before = _slot(names[0], old_names)
        if before and len(places) != 2:
            result[places] += (result[places].sum(0) - rows[before].sum(0)) / (2 - len(places))
    return result


def _slot(name: str, names: Sequence[str]) -> list[int]:
    """Where the options of the style slot of `name` stand."""
    prefix = name.partition("=")[0] + "="
    return [i for i, other in enumerate(names) if "=" in name and other.startswith(prefix)]


def _carry_styles(
    old: Imitator, old_names: Sequence[str], new: Imitator, new_names: Sequence[str], level: int
) -> None:
    """Slot by slot; outside its window a slot leaves the mean of its options to the common map."""
    common: nn.Parameter = getattr(new, f"canonical_{level}")
    scale = level // 128
    own_old = {
        _slot_name(names): maps
        for names, maps in zip(_slots(old_names), getattr(old, f"styles_{level}"), strict=True)
    }
    for names, maps, window in zip(
        _slots(new_names), getattr(new, f"styles_{level}"), new.windows, strict=True
    ):
        slot = _slot_name(names)
        if slot not in own_old:
            maps.zero_()
            continue
        mean = own_old[slot].mean(0)
        common.add_(mean)
        row, column, height, width = (scale * number for number in window)
        known = [name for name in old_names if name.partition("=")[0] == slot]
        carried = _by_name(own_old[slot] - mean, known, names)
        maps.copy_(carried[:, :, row : row + height, column : column + width])


def _slots(names: Sequence[str]) -> list[list[str]]:
    """The option names, slot by slot in their order."""
    found: dict[str, list[str]] = {}
    for name in names:
        if "=" in name:
            found.setdefault(name.partition("=")[0], []).append(name)
    return list(found.values())


def _slot_name(names: Sequence[str]) -> str:
    return names[0].partition("=")[0]
