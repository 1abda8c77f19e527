"""Trained translators on disk: one half-precision file per rig, in the register of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from facewright_models.described_weights import (
    as_config,
    averaged_network,
    load_described,
    register_described,
)
from facewright_models.translator.network import Translator, TranslatorConfig
from facewright_models.weights import read_register

__all__ = ["has_translator", "load_translator", "register_translator", "translator_from_checkpoint"]


def has_translator(rig_name: str) -> bool:
    """Whether one is shipped for the rig; a fit does without where there is none."""
    return _name(rig_name) in read_register()


def load_translator(rig_name: str) -> Translator:
    """The shipped translator of a rig, frozen, in eval mode. Raises WeightsError."""
    values, state = load_described(_name(rig_name))
    network = Translator(as_config(TranslatorConfig, values))
    network.load_state_dict(state)
    return network.eval().requires_grad_(False)


def translator_from_checkpoint(checkpoint: Path) -> Translator:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    network = averaged_network(checkpoint, lambda values: Translator(as_config(TranslatorConfig, values)))
    return network.requires_grad_(False)


def register_translator(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    register_described(
        _name(rig_name),
        checkpoint,
        licence="Apache-2.0",
        command=command,
        data=data,
        quality=quality,
    )


def _name(rig_name: str) -> str:
    return f"translator_{rig_name}"
