"""Writes all files of a command or none: first beside the target, then renamed."""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

from facewright.errors import InvalidInputError

__all__ = ["check_folder", "drafted", "write_folder"]


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
    """Write `files` by name into `folder`; what else is there stays. Makes missing folders. Raises `OSError`."""
    with drafted(folder) as scratch:
        for name, content in files.items():
            (scratch / name).write_bytes(content)


@contextlib.contextmanager
def drafted(folder: Path) -> Iterator[Path]:
    """A folder to write into, beside the target; its files come to `folder` at the end of the block.

    A new folder appears with all files at once; in one that exists every file is replaced at once. After an
    exception nothing appears. Raises `OSError`.
    """
    folder = folder.absolute()
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = folder.parent / f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp"
    scratch.mkdir()
    try:
        yield scratch
        if not folder.exists():
            scratch.rename(folder)
            return
        for path in sorted(scratch.rglob("*")):
            if path.is_file():
                target = folder / path.relative_to(scratch)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
