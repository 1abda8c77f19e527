"""What the commands leave behind: whole files or nothing, and lines on stderr meanwhile."""

import logging
import os
import tempfile
from pathlib import Path

__all__ = ["show_progress", "write_whole"]


def write_whole(path: Path, content: bytes) -> None:
    """Write next to `path`, then rename, so that no reader ever sees half a file. Makes missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def show_progress() -> None:
    """What takes minutes says where it is: its log lines go to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
