"""Captures: (parameter vector, frame, label map) shards from the rig, for the imitator and the parser.

A shard `shard_00000.npz` holds N captures: `parameters` (N, size) float32 in the order of `VectorLayout`,
`jpegs` uint8 (quality 95, 4:4:4) with `offsets` (N+1,) int64, `labels_png` with `label_offsets` the same.
`layout.json` beside the shards names rig, version, seed and size, and whether captures are `paired`: then each
two in a row show the same character but for one slider. Shards are written atomically and depend only on
(seed, index), so a killed capture resumes where it stopped.
"""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from facewright_models.errors import InvalidInputError
from facewright_models.foundry.sampling import (
    Posed,
    VectorLayout,
    one_slider_apart,
    random_posed,
    slider_shares,
)
from facewright_models.look.character_renderer import PREPARED_HEADS, CharacterRenderer
from facewright_models.rig import BakedRig, expression_vector, load_rig
from facewright_renderer import Backend, Preset

__all__ = ["SHARD_SIZE", "capture", "read_shards"]

logger = logging.getLogger(__name__)

SHARD_SIZE = 250
_TEXTURE_PX = 512  # as fine as a frame shows it, and four times as fast to paint as 1024


def capture(
    out_dir: Path,
    *,
    count: int,
    seed: int = 0,
    workers: int = 2,
    rig_name: str = "anny",
    size_px: int = 512,
    turned: float = 0.5,
    paired: bool = False,
    backend: Backend = "pyrender",
    preset: Preset = "full",
) -> int:
    """Write `count` captures (rounded up to whole shards) and return how many there are.

    Each worker is a process with its own GL context and one rasteriser thread. `turned` is the share with
    a random head turn and expression; `paired` shows every character twice, with one slider moved. `backend`
    and `preset` are the renderer's. Raises UnknownRigError, InvalidInputError when the folder holds captures of
    other settings.
    """
    schema = load_rig(rig_name).schema
    out_dir.mkdir(parents=True, exist_ok=True)
    settings = {
        "rig": schema.name,
        "rig_version": schema.version,
        "seed": seed,
        "size_px": size_px,
        "turned": turned,
        "paired": paired,
        "parameters": VectorLayout(schema).size,
    }
    if preset != "full":  # what captures of earlier versions have; all backends draw the same frames
        settings["preset"] = preset
    marker = out_dir / "layout.json"
    if marker.exists() and json.loads(marker.read_text()) != settings:
        raise InvalidInputError(
            f"{out_dir} holds captures with other settings ({marker.read_text().strip()}); "
            "choose an empty folder",
            field="out",
        )
    marker.write_text(json.dumps(settings) + "\n")
    total = -(-count // SHARD_SIZE)
    missing = [i for i in range(total) if not _shard_path(out_dir, i).exists()]
    logger.info("capturing", extra={"shards": len(missing), "of": total})
    if missing:
        jobs = [
            (out_dir, index, seed, rig_name, size_px, turned, paired, backend, preset) for index in missing
        ]
        context = multiprocessing.get_context("spawn")
        with context.Pool(min(workers, len(missing)), initializer=_one_thread) as pool:
            for done in pool.imap_unordered(_capture_shard, jobs):
                logger.info("shard written", extra={"shard": done})
    return total * SHARD_SIZE


def read_shards(
    folder: Path, *, labels: bool = False
) -> Iterator[tuple[NDArray[np.float32], list[NDArray[np.uint8]], list[NDArray[np.uint8]]]]:
    """Shard by shard: parameters (N, size), JPEG buffers, PNG buffers (empty unless `labels`)."""
    for path in sorted(folder.glob("shard_*.npz")):
        with np.load(path) as shard:
            jpegs = _split(shard["jpegs"], shard["offsets"])
            pngs = _split(shard["labels_png"], shard["label_offsets"]) if labels else []
            yield shard["parameters"], jpegs, pngs


def _posed(rig: BakedRig, generator: np.random.Generator, *, turned: float, paired: bool) -> Iterator[Posed]:
    """The characters of one shard."""
    shares = _shares(rig.schema.name) if paired else {}
    for _ in range(SHARD_SIZE // 2 if paired else SHARD_SIZE):
        posed = random_posed(rig.schema, generator, turned=turned)
        yield from one_slider_apart(posed, shares, generator) if paired else (posed,)


@cache
def _shares(rig_name: str) -> dict[str, float]:
    """Measured once a process."""
    return slider_shares(load_rig(rig_name))


def _prepared(renderer: CharacterRenderer, posed: Iterable[Posed]) -> Iterator[Posed]:
    """All of them, each ready to be drawn: baked in groups."""
    waiting = iter(posed)
    while group := list(islice(waiting, PREPARED_HEADS)):
        renderer.prepare([each.character for each in group])
        yield from group


def _split(data: NDArray[np.uint8], offsets: NDArray[np.int64]) -> list[NDArray[np.uint8]]:
    return [data[a:b] for a, b in pairwise(offsets)]


def _shard_path(folder: Path, index: int) -> Path:
    return folder / f"shard_{index:05d}.npz"


def _one_thread() -> None:
    os.environ["LP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


def _capture_shard(job: tuple[Path, int, int, str, int, float, bool, Backend, Preset]) -> int:
    folder, index, seed, rig_name, size_px, turned, paired, backend, preset = job
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    generator = np.random.default_rng([seed, index])
    parameters, jpegs, pngs = [], [], []
    with CharacterRenderer(rig, size_px=size_px, backend=backend, texture_px=_TEXTURE_PX) as renderer:
        for posed in _prepared(renderer, _posed(rig, generator, turned=turned, paired=paired)):
            frame = renderer.draw(
                posed.character,
                expression_vector(rig.schema, posed.expression).numpy(),
                view=posed.view,
                size_px=size_px,
                passes={"color", "labels"},
                preset=preset,
            )
            if frame.color is None or frame.labels is None:
                raise RuntimeError("the renderer left out a pass that was asked for")
            parameters.append(layout.encode(posed).numpy())
            quality = [cv2.IMWRITE_JPEG_QUALITY, 95, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, 0x111111]
            jpegs.append(cv2.imencode(".jpg", frame.color[..., ::-1], quality)[1].ravel())
            pngs.append(cv2.imencode(".png", frame.labels, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].ravel())
    path = _shard_path(folder, index)
    temporary = path.with_suffix(".partial.npz")
    np.savez(
        temporary,
        parameters=np.stack(parameters),
        jpegs=np.concatenate(jpegs),
        offsets=np.cumsum([0, *map(len, jpegs)]),
        labels_png=np.concatenate(pngs),
        label_offsets=np.cumsum([0, *map(len, pngs)]),
    )
    temporary.replace(path)
    return index
