"""Accepted pictures: where they lie, which of them count, and how one becomes accepted.

    FOLDER/SCENE/BACKEND-PLATFORM/PASS.png     for one backend on one platform
    FOLDER/SCENE/BACKEND/PASS.png              for one backend on every platform
    FOLDER/SCENE/common/PASS.png               for everybody

The first of these folders that has a picture of the pass counts, and only that one. Beside PASS.png further accepted
pictures lie as PASS-CHECKSUM.png. The JSON file of the same name says who accepted it, when and why, and its
checksum: a picture that was changed afterwards is an error, not a new reference.
"""

from __future__ import annotations

import contextlib
import getpass
import hashlib
import json
import os
import platform as machine
import sys
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

from facewright.testing.errors import ChangedReferenceError, GoldenError
from facewright.testing.scenes import NAME_PATTERN, Scene

__all__ = [
    "COMMON",
    "LEVELS",
    "Found",
    "ReferenceKey",
    "ReferenceStore",
    "sha256_of",
    "this_platform",
    "this_user",
    "write_atomically",
]

# From the most to the least specific.
LEVELS = ("platform", "backend", "common")
COMMON = "common"


@dataclass(frozen=True)
class ReferenceKey:
    """Who drew a frame, and on what. Raises `GoldenError` for what cannot be part of a folder's name."""

    backend: str
    platform: str

    def __post_init__(self) -> None:
        for what, name in (("backend", self.backend), ("platform", self.platform)):
            if name and (not NAME_PATTERN.fullmatch(name) or name == COMMON):
                raise GoldenError(
                    f"the {what} is {name!r}; expected letters, digits, '_', '-', '+' and '.', and not {COMMON!r}"
                )

    def folder(self, level: str) -> str:
        """The name of the folder of one of `LEVELS`."""
        return {"platform": f"{self.backend}-{self.platform}", "backend": self.backend}.get(level, COMMON)


@dataclass(frozen=True)
class Found:
    """Accepted pictures of a pass, and the level at which they lie; both are empty where there are none."""

    level: str
    paths: tuple[Path, ...]


class ReferenceStore:
    """The folder of references. Reading never writes; nothing but `accept` does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, scene: str, pass_name: str, key: ReferenceKey) -> Found:
        """The accepted pictures that count. Raises `ChangedReferenceError`."""
        for level in LEVELS:
            paths = tuple(_pictures(self.folder / scene / key.folder(level), pass_name))
            if paths:
                for path in paths:
                    _check_record(path)
                return Found(level, paths)
        return Found("", ())

    def scene_names(self) -> set[str]:
        """Scenes that have references."""
        if not self.folder.is_dir():
            return set()
        return {path.parent.parent.name for path in self.folder.glob("*/*/*.png")}

    def orphans(self, scenes: Iterable[Scene]) -> list[str]:
        """Names of scenes that have references and are not among `scenes`."""
        return sorted(self.scene_names() - {scene.name for scene in scenes})

    def accept(
        self,
        content: bytes,
        *,
        scene: str,
        pass_name: str,
        folder: str,
        message: str,
        accepted_by: str,
        replace: bool = False,
    ) -> Path:
        """Make PNG bytes a reference in the folder of a key; a picture that is accepted already stays as it is.

        With `replace` the other accepted pictures of this pass in this folder go, after the new one is there.
        """
        target_folder = self.folder / scene / folder
        checksum = sha256_of(content)
        present = list(_pictures(target_folder, pass_name))
        target = next((path for path in present if sha256_of(path.read_bytes()) == checksum), None)
        if target is None:
            plain = target_folder / f"{pass_name}.png"
            target = plain if plain not in present else target_folder / f"{pass_name}-{checksum[:12]}.png"
            record = {
                "sha256": checksum,
                "accepted_at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                "accepted_by": accepted_by,
                "message": message,
            }
            target_folder.mkdir(parents=True, exist_ok=True)
            # The record first: one without its picture does no harm, a picture without its record is not checked.
            write_atomically(_record_path(target), (json.dumps(record, indent=2) + "\n").encode())
            write_atomically(target, content)
        if replace:
            for path in present:
                if path != target:
                    path.unlink()
                    _record_path(path).unlink(missing_ok=True)
        return target


def this_platform() -> str:
    """``linux-x86_64`` and the like: what the machine calls itself."""
    system = {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform)
    return f"{system}-{machine.machine().lower() or 'unknown'}"


def this_user() -> str:
    """Who runs this, for the record of an accepted picture."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container whose user has no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "unknown"


def sha256_of(content: bytes) -> str:
    """In hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def write_atomically(path: Path, content: bytes) -> None:
    """The whole file or none of it, whatever happens in between. Makes missing folders. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _pictures(folder: Path, pass_name: str) -> Iterator[Path]:
    plain = folder / f"{pass_name}.png"
    if plain.is_file():
        yield plain
    yield from sorted(path for path in folder.glob(f"{pass_name}-*.png") if path.is_file())


def _record_path(picture: Path) -> Path:
    return picture.with_suffix(".json")


def _check_record(picture: Path) -> None:
    """Without a record a picture was put there by hand, which version control shows; with one it must match it."""
    record = _record_path(picture)
    if not record.is_file():
        return
    try:
        accepted = json.loads(record.read_text(encoding="utf-8"))["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ChangedReferenceError(
            f"{record}, the record of a reference, cannot be read ({type(error).__name__}: {error}); take it back from "
            "version control, or delete it"
        ) from error
    if sha256_of(picture.read_bytes()) != accepted:
        raise ChangedReferenceError(
            f"{picture} is not the picture that was accepted: its checksum differs from {record.name}; take both back "
            "from version control (Git LFS: run 'git lfs pull'), or accept the new picture with "
            "'facewright golden accept'"
        )
