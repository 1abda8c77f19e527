"""Writes all files of a command or none: first beside the target, then renamed."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path

from facewright.errors import InvalidInputError

__all__ = ["check_folder", "write_folder"]


def check_folder(folder: Path) -> None:
    """Fail before the work and not after it. Raises `InvalidInputError`."""
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir():
        raise InvalidInputError(f"{existing} is a file; expected a folder to write into", reason="BAD_OUTPUT")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise InvalidInputError(f"{existing} cannot be written to; choose another --out", reason="BAD_OUTPUT")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write `files` by name into `folder`; what else is there stays. Makes missing folders. Raises `OSError`.

    A new folder appears with all files at once; in one that exists every file is replaced at once.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"
    scratch.mkdir()
    try:
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        if folder.exists():
            for name in files:
                (scratch / name).replace(folder / name)
        else:
            scratch.rename(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
