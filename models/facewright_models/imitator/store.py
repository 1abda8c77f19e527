"""Trained imitators on disk: one file per rig, in the register of weights.

Canonical maps, style maps and the layers that write fields are nine tenths of a file; they are stored as bytes (see
`byte_tensors`), the rest in half precision, as all of it was in older files, which can still be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch

from facewright_models.byte_tensors import pack, unpack
from facewright_models.described_weights import as_config, load_described, register_described
from facewright_models.errors import WeightsError
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.imitator.geometry import RigShapes
from facewright_models.imitator.network import Imitator, ImitatorConfig
from facewright_models.rig import load_rig
from facewright_models.weights import read_register

__all__ = ["has_imitator", "imitator_as_stored", "load_imitator", "register_imitator", "shipped"]

_MAPS = ("canonical_", "styles_")
_LAYERS_OF_FIELDS = ("field.weight", "linear_32.weight", "shade.weight")


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
    values, state = load_described(f"imitator_{rig_name}")
    names = tuple(values.pop("names", ()))
    network = _network(as_config(ImitatorConfig, values), rig_name)
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise WeightsError(
            f"the weights 'imitator_{rig_name}' do not fit their own description ({error}); install the package "
            "again or train the imitator again"
        ) from error
    return network.eval(), names


def imitator_as_stored(checkpoint: Path) -> Imitator:
    """The averaged weights of a training checkpoint as `register_imitator` stores them, in eval mode."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = _network(as_config(ImitatorConfig, state["config"]), state["rig"])
    network.load_state_dict(unpack(pack(state["averaged"], in_bytes=_in_bytes)))
    return network.eval()


def register_imitator(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights and write its row of the register."""
    register_described(
        f"imitator_{rig_name}",
        checkpoint,
        more={"names": VectorLayout(load_rig(rig_name).schema).names},
        in_bytes=_in_bytes,
        licence="Apache-2.0",
        command=command,
        data=data,
        quality=quality,
    )


def _in_bytes(name: str) -> bool:
    """Whether a tensor is stored as bytes. Not so `field_code`, small as it is: it moves whole faces."""
    return name.startswith(_MAPS) or name in _LAYERS_OF_FIELDS


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
