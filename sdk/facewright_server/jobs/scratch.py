"""Folders for files that grow while a job works; a process that is killed leaves none behind for long."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from facewright_server.errors import StorageError

__all__ = ["remove_left_folders", "scratch_folder"]

_NAME = "scratch"


@contextmanager
def scratch_folder(state_dir: Path) -> Iterator[Path]:
    """An empty folder below `state_dir` that goes with the block. Raises `StorageError`.

    Its process holds a lock on it, which ends with the process however that ends: folders without a lock are those of
    processes that were killed, and are removed whenever one is made, and when a worker begins.
    """
    try:
        folder, lock = _made(state_dir / _NAME)
    except OSError as error:
        raise StorageError(
            f"the state folder does not take a new folder: {error.strerror or type(error).__name__}; make room on the "
            "server and try again"
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def remove_left_folders(state_dir: Path) -> None:
    """Those of processes that were killed. What cannot be removed now stays for the next time."""
    with suppress(OSError), _alone_in(state_dir / _NAME) as root:
        _remove_left(root)


def _made(root: Path) -> tuple[Path, int]:
    with _alone_in(root):
        _remove_left(root)
        folder = Path(tempfile.mkdtemp(dir=root))
        lock = os.open(folder, os.O_RDONLY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        return folder, lock


@contextmanager
def _alone_in(root: Path) -> Iterator[Path]:
    """Under the lock of the parent, so that nobody takes a folder for left that has just been made."""
    root.mkdir(mode=0o700, exist_ok=True)
    door = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(door, fcntl.LOCK_EX)
        yield root
    finally:
        os.close(door)


def _remove_left(root: Path) -> None:
    for folder in root.iterdir():
        _remove_if_left(folder)


def _remove_if_left(folder: Path) -> None:
    with suppress(OSError):  # locked: somebody works in it
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(lock)
