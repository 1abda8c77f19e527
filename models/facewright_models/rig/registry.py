"""Rigs by name."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from facewright_models.errors import UnknownRigError
from facewright_models.rig.baked import BakedRig

__all__ = ["list_rigs", "load_rig", "rig_path"]

_WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
_FILES = {"anny": "rig_anny.safetensors"}


def list_rigs() -> tuple[str, ...]:
    """Names of the rigs that characters can be made for."""
    return tuple(_FILES)


def rig_path(name: str) -> Path:
    """Where the baked file of a rig lies. Raises UnknownRigError."""
    if name not in _FILES:
        raise UnknownRigError(
            f"there is no rig '{name}'; rigs: {', '.join(_FILES)}", field="rig", metadata={"got": name}
        )
    return _WEIGHTS / _FILES[name]


@lru_cache(maxsize=4)
def load_rig(name: str) -> BakedRig:
    """The rig, loaded once per process. Raises UnknownRigError, WeightsError."""
    return BakedRig(rig_path(name))
