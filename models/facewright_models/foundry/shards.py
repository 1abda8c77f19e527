"""Folders of shards: made by several processes, each shard written whole or not at all, and resumed.

Beside the shards lies `layout.json` with the settings that they were made with.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, pairwise
from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.foundry.sampling import Posed
from facewright_models.look.character_renderer import PREPARED_HEADS, CharacterRenderer

__all__ = ["SHARD_SIZE", "joined", "make_shards", "prepared", "split", "write_shard"]

logger = logging.getLogger(__name__)

SHARD_SIZE = 250
_Job = TypeVar("_Job")


def make_shards(
    out_dir: Path,
    settings: Mapping[str, Any],
    *,
    count: int,
    shard_size: int,
    workers: int,
    make: Callable[[_Job], int],
    job: Callable[[int, Path], _Job],
) -> int:
    """Make the shards that are missing for `count` samples and return how many samples there are then.

    `job(index, path)` describes a shard and `make(job)` writes it and returns its index; description and `make` must be
    picklable. Each worker is a process of one thread. Raises InvalidInputError when the folder holds shards of other
    settings.
    """
    out_dir.mkdir(parents=True, exist_ok=True)
    marker = out_dir / "layout.json"
    if marker.exists() and json.loads(marker.read_text()) != settings:
        raise InvalidInputError(
            f"{out_dir} holds captures with other settings ({marker.read_text().strip()}); "
            "choose an empty folder",
            field="out",
        )
    marker.write_text(json.dumps(settings) + "\n")
    total = -(-count // shard_size)
    paths = [out_dir / f"shard_{index:05d}.npz" for index in range(total)]
    missing = [index for index, path in enumerate(paths) if not path.exists()]
    logger.info("capturing", extra={"shards": len(missing), "of": total})
    if missing:
        jobs = [job(index, paths[index]) for index in missing]
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(missing)), initializer=_one_thread) as pool:
            for done in pool.imap_unordered(make, jobs):
                logger.info("shard written", extra={"shard": done})
    return total * shard_size


def prepared(renderer: CharacterRenderer, posed: Iterable[Posed]) -> Iterator[Posed]:
    """All of them, each ready to be drawn: baked in groups."""
    waiting = iter(posed)
    while group := list(islice(waiting, PREPARED_HEADS)):
        renderer.prepare([each.character for each in group])
        yield from group


def write_shard(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """One file, whole or not at all."""
    temporary = path.with_suffix(".partial.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


def joined(files: list[NDArray[np.uint8]]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Files end to end, and where each begins and the last ends."""
    return np.concatenate(files), np.cumsum([0, *map(len, files)])


def split(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    """What `joined` put together."""
    return [data[a:b] for a, b in pairwise(offsets)]


def _one_thread() -> None:
    os.environ["LP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
