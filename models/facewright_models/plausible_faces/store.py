"""Priors of plausible faces on disk: one small file per rig, in the register of weights."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors.torch import save_file

from facewright_models.plausible_faces.prior import PlausibleFaces
from facewright_models.weights import load_weights, read_register, register_weights

__all__ = ["has_plausible_faces", "load_plausible_faces", "register_plausible_faces"]


def has_plausible_faces(rig_name: str) -> bool:
    """Whether one is shipped for the rig; without it the prior holds every slider by itself."""
    return _name(rig_name) in read_register()


def load_plausible_faces(rig_name: str) -> PlausibleFaces:
    """The shipped one of a rig. Raises WeightsError."""
    return PlausibleFaces(**{name: value.float() for name, value in load_weights(_name(rig_name)).items()})


def register_plausible_faces(
    faces: PlausibleFaces,
    rig_name: str,
    *,
    command: str,
    data: str,
    quality: Mapping[str, float | str],
) -> None:
    """Store it in half precision and write its row of the register."""
    tensors = {name: value.half().contiguous() for name, value in vars(faces).items()}
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{_name(rig_name)}.safetensors"
        save_file(tensors, path)
        register_weights(
            _name(rig_name),
            path,
            licence="Apache-2.0; from photos under CC BY 4.0 (Face Research Lab London Set)",
            command=command,
            data=data,
            quality=quality,
        )


def _name(rig_name: str) -> str:
    return f"plausible_faces_{rig_name}"
