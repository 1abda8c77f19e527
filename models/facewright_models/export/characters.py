"""A character as a file: the exporter's front door."""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from facewright_models.errors import ParameterRangeError
from facewright_models.export.assembly import ExportOptions, build_model
from facewright_models.export.gltf import write_glb
from facewright_models.export.obj import write_obj
from facewright_models.rig import Character, Rig

__all__ = ["checked_name", "export_glb", "export_obj"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def export_glb(
    rig: Rig,
    character: Character,
    *,
    name: str = "character",
    options: ExportOptions | None = None,
    extras: Mapping[str, Any] | None = None,
) -> bytes:
    """A binary glTF 2.0 file. `extras` is JSON that travels with the scene; the same input gives the same bytes.

    Raises what `build_model` does, and ParameterRangeError for a name that is no plain file name.
    """
    model = build_model(rig, character, name=checked_name(name), options=options or ExportOptions())
    return write_glb(replace(model, extras={**(extras or {}), **model.extras}), generator=_generator())


def export_obj(
    rig: Rig, character: Character, *, name: str = "character", options: ExportOptions | None = None
) -> dict[str, bytes]:
    """OBJ, MTL and textures by file name, the OBJ first. It has no morphs and no joints. Raises like `export_glb`."""
    still = replace(options or ExportOptions(), has_morphs=False)
    return write_obj(
        build_model(rig, character, name=checked_name(name), options=still), generator=_generator()
    )


def checked_name(name: str) -> str:
    """The name, when files and scenes can be called so. Raises ParameterRangeError."""
    if not _NAME.fullmatch(name):
        raise ParameterRangeError(
            f"the name is {name[:80]!r}; expected 1 to 64 of letters, digits, '.', '_' and '-', the first a letter or "
            "a digit",
            field="name",
            metadata={"got": name[:80]},
        )
    return name


def _generator() -> str:
    return f"Facewright {importlib.metadata.version('facewright')}"
