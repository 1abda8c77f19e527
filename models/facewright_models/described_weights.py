"""Networks in the register of weights: half precision, large maps as bytes where a network asks for it, with their
configuration beside the tensors as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from facewright_models.byte_tensors import pack, unpack
from facewright_models.errors import WeightsError
from facewright_models.weights import load_weights, register_weights

__all__ = ["as_config", "averaged_network", "load_described", "register_described"]

_CONFIG = "config"
_Config = TypeVar("_Config")
_Network = TypeVar("_Network", bound=nn.Module)


def load_described(name: str) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The configuration and the tensors, in single precision. Raises WeightsError."""
    state = load_weights(name)
    described = state.pop(_CONFIG, None)
    if described is None:
        raise WeightsError(f"the weights '{name}' hold no description; train them again")
    values = json.loads(bytes(described.tolist()).decode())
    return values, unpack(state)


def averaged_network(checkpoint: Path, build: Callable[[dict[str, Any]], _Network]) -> _Network:
    """The averaged weights of a training checkpoint in the network that `build` makes of its configuration, in eval
    mode.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = build(state["config"])
    network.load_state_dict(state["averaged"])
    return network.eval()


def register_described(
    name: str,
    checkpoint: Path,
    *,
    more: Mapping[str, Any] | None = None,
    in_bytes: Callable[[str], bool] = lambda _: False,
    licence: str,
    command: str,
    data: str,
    quality: Mapping[str, float | str],
) -> None:
    """Store a checkpoint's averaged weights in half precision and write their row of the register.

    `more` is kept beside the configuration; tensors whose names `in_bytes` takes are stored as `byte_tensors`.
    """
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = pack(state["averaged"], in_bytes=in_bytes)
    described = json.dumps({**state["config"], **(more or {})}).encode()
    tensors[_CONFIG] = torch.tensor(list(described), dtype=torch.uint8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.safetensors"
        save_file(tensors, path)
        register_weights(name, path, licence=licence, command=command, data=data, quality=quality)


def as_config(kind: type[_Config], values: Mapping[str, Any]) -> _Config:
    """The dataclass of a configuration that was JSON: lists are tuples again."""
    return kind(**{name: _as_tuple(value) for name, value in values.items()})


def _as_tuple(value: object) -> object:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value
