"""Trained translators on disk: one half-precision file per rig, in the register of weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from safetensors.torch import save_file

from facewright_models.errors import WeightsError
from facewright_models.translator.network import Translator, TranslatorConfig
from facewright_models.weights import load_weights, read_register, register_weights

__all__ = ["has_translator", "load_translator", "register_translator", "translator_from_checkpoint"]


def has_translator(rig_name: str) -> bool:
    """Whether one is shipped for the rig; a fit does without where there is none."""
    return _name(rig_name) in read_register()


def load_translator(rig_name: str) -> Translator:
    """The shipped translator of a rig, frozen, in eval mode. Raises WeightsError."""
    state = load_weights(_name(rig_name))
    described = state.pop("config", None)
    if described is None:
        raise WeightsError(
            f"the weights 'translator_{rig_name}' hold no description; train the translator again"
        )
    network = Translator(_config(json.loads(bytes(described.tolist()).decode())))
    network.load_state_dict({name: value.float() for name, value in state.items()})
    return network.eval().requires_grad_(False)


def translator_from_checkpoint(checkpoint: Path) -> Translator:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    network = Translator(_config(state["config"]))
    network.load_state_dict(state["averaged"])
    return network.eval().requires_grad_(False)


def register_translator(
    checkpoint: Path, rig_name: str, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write its row of the register."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)
    tensors = {name: value.half().contiguous() for name, value in state["averaged"].items()}
    tensors["config"] = torch.tensor(list(json.dumps(state["config"]).encode()), dtype=torch.uint8)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "translator.safetensors"
        save_file(tensors, path)
        register_weights(
            _name(rig_name), path, licence="Apache-2.0", command=command, data=data, quality=quality
        )


def _name(rig_name: str) -> str:
    return f"translator_{rig_name}"


def _config(values: Mapping[str, object]) -> TranslatorConfig:
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
    return TranslatorConfig(**fields)  # type: ignore[arg-type]
