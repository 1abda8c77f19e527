"""The trained models of expressions on disk, in the register of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from facewright_models.described_weights import (
    as_config,
    averaged_network,
    load_described,
    register_described,
)
from facewright_models.expression.migration import MigrationConfig, MigrationModel
from facewright_models.expression.processing import ProcessingModel

__all__ = [
    "MIGRATION_WEIGHTS",
    "PROCESSING_WEIGHTS",
    "load_migration_model",
    "load_processing_model",
    "migration_from_checkpoint",
    "processing_from_checkpoint",
    "register_expression_weights",
]

MIGRATION_WEIGHTS, PROCESSING_WEIGHTS = "expression_migration", "expression"
_Model = TypeVar("_Model", bound=nn.Module)


def load_migration_model() -> MigrationModel:
    """The shipped one, frozen, in eval mode. Raises WeightsError."""
    return _loaded(MIGRATION_WEIGHTS, _migration)


def load_processing_model() -> ProcessingModel:
    """The shipped one, frozen, in eval mode. Raises WeightsError."""
    return _loaded(PROCESSING_WEIGHTS, _processing)


def migration_from_checkpoint(checkpoint: Path) -> MigrationModel:
    """The averaged weights of a training checkpoint, frozen, in eval mode."""
    return averaged_network(checkpoint, _migration).requires_grad_(False)


def processing_from_checkpoint(checkpoint: Path) -> ProcessingModel:
    """The same of the other model."""
    return averaged_network(checkpoint, _processing).requires_grad_(False)


def register_expression_weights(
    name: str, checkpoint: Path, *, command: str, data: str, quality: Mapping[str, float | str]
) -> None:
    """Store a checkpoint's averaged weights in half precision and write their row of the register."""
    register_described(
        name,
        checkpoint,
        licence="Apache-2.0; the photos CC BY 4.0 (Face Research Lab London Set), the driving clips MIT",
        command=command,
        data=data,
        quality=quality,
    )


def _migration(values: Mapping[str, Any]) -> MigrationModel:
    return MigrationModel(as_config(MigrationConfig, values))


def _processing(values: Mapping[str, Any]) -> ProcessingModel:
    return ProcessingModel(as_config(MigrationConfig, values))


def _loaded(name: str, build: Callable[[Mapping[str, Any]], _Model]) -> _Model:
    values, state = load_described(name)
    model = build(values)
    model.load_state_dict(state)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return model.eval().requires_grad_(False)
