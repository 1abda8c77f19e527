"""Trained imitators on disk: one half-precision file per rig, in the register of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

from facewright_models.errors import WeightsError
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.imitator.geometry import RigShapes
from facewright_models.imitator.network import Imitator, ImitatorConfig
from facewright_models.rig import load_rig
from facewright_models.weights import load_weights, read_register, register_weights

__all__ = ["has_imitator", "imitator_from_checkpoint", "load_imitator", "register_imitator", "shipped"]


def has_imitator(rig_name: str) -> bool:
    """Whether one is shipped for the rig."""
    return f"imitator_{rig_name}" in read_register()


def load_imitator(rig_name: str) -> Imitator:
    """The shipped imitator of a rig, in eval mode. Raises WeightsError, also when it is of another version."""
    network, names = shipped(rig_name)
    if names != VectorLayout(load_rig(rig_name).schema).names:
        raise WeightsError(
            f"the weights 'imitator_{rig_name}' were trained with other parameters than the rig '{rig_name}' "
            "has; train the imitator again"
        )
    return network


def shipped(rig_name: str) -> tuple[Imitator, tuple[str, ...]]:
    """The shipped imitator, and the names of its inputs, which may be those of an older version of its rig.

    Raises WeightsError.
    """
    state = load_weights(f"imitator_{rig_name}")
    described = state.pop("config", None)
    if described is None:
        raise WeightsError(f"the weights 'imitator_{rig_name}' hold no description; train the imitator again")
    values = json.loads(bytes(described.tolist()).decode())
    names = tuple(values.pop("names", ()))
    network = _network(_config(values), rig_name)
    network.load_state_dict({name: value.float() for name, value in state.items()})
    return network.eval(), names


def imitator_from_checkpoint(checkpoint: Path) -> Imitator:
    """The averaged weights of a training checkpoint, in eval mode."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = _network(_config(state["config"]), state["rig"])
    network.load_state_dict(state["averaged"])
    return network.eval()


def register_imitator(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value.half().contiguous() for name, value in state["averaged"].items()}
    names = VectorLayout(load_rig(rig_name).schema).names
    described = json.dumps({**state["config"], "names": names}).encode()
    tensors["config"] = torch.tensor(list(described), dtype=torch.uint8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "imitator.safetensors"
        save_file(tensors, path)
        register_weights(
            f"imitator_{rig_name}", path, licence="Apache-2.0", command=command, data=data, quality=quality
        )


def _config(values: Mapping[str, object]) -> ImitatorConfig:
    return ImitatorConfig(**{name: _as_tuple(value) for name, value in values.items()})  # type: ignore[arg-type]


def _as_tuple(value: object) -> object:
    return tuple(map(_as_tuple, value)) if isinstance(value, list | tuple) else value


def _network(config: ImitatorConfig, rig_name: str) -> Imitator:
    """The network with the geometry code of its rig, where it was trained with one. Raises WeightsError."""
    if not config.shapes:
        return Imitator(config)
    rig = load_rig(rig_name)
    code = RigShapes(rig, VectorLayout(rig.schema))
    if code.width != config.shapes:
        raise WeightsError(
            f"the imitator was trained with {config.shapes} shapes, the rig '{rig_name}' has {code.width}; "
            "train the imitator again"
        )
    return Imitator(config, code)
