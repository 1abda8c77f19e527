"""Trained style readers on disk: one half-precision file per rig, in the register of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from facewright_models.described_weights import (
    as_config,
    averaged_network,
    load_described,
    register_described,
)
from facewright_models.errors import WeightsError
from facewright_models.rig import RigSchema
from facewright_models.style_reader.network import StyleReader, StyleReaderConfig
from facewright_models.weights import read_register

__all__ = ["has_style_reader", "load_style_reader", "reader_from_checkpoint", "register_style_reader"]


def has_style_reader(rig_name: str) -> bool:
    """Whether one is shipped for the rig; where there is none, a fit tries the options."""
    return _name(rig_name) in read_register()


def load_style_reader(schema: RigSchema) -> StyleReader:
    """The shipped reader of a rig, frozen, in eval mode. Raises WeightsError, also when it knows other styles."""
    values, state = load_described(_name(schema.name))
    network = StyleReader(as_config(StyleReaderConfig, values))
    known = dict(zip(network.config.slots, network.config.options, strict=True))
    expected = {slot: len(parameter.options) for slot, parameter in schema.styles.items()}
    if known != expected:
        raise WeightsError(
            f"the style reader of rig '{schema.name}' knows {known}, and the rig has {expected}; train it again"
        )
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def reader_from_checkpoint(checkpoint: Path) -> StyleReader:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    network = averaged_network(checkpoint, lambda values: StyleReader(as_config(StyleReaderConfig, values)))
    return network.requires_grad_(False)


def register_style_reader(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    register_described(
        _name(rig_name),
        checkpoint,
        licence="Apache-2.0; the labels are ours, the photos CC BY 4.0 (Face Research Lab London Set)",
        command=command,
        data=data,
        quality=quality,
    )


def _name(rig_name: str) -> str:
    return f"style_reader_{rig_name}"
