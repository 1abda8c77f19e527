"""Captures: (parameter vector, frame, label map) shards from the rig, for the imitator and the parser.

A shard `shard_00000.npz` holds N captures: `parameters` (N, size) float32 in the order of `VectorLayout`,
`jpegs` uint8 (quality 95, 4:4:4) with `offsets` (N+1,) int64, `labels_png` with `label_offsets` the same.
`layout.json` beside the shards names rig, version, seed and size, and whether captures are `paired`: then each
two in a row show the same character but for one slider. Shards are written atomically and depend only on
(seed, index), so a killed capture resumes where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.foundry.sampling import (
    Posed,
    VectorLayout,
    one_slider_apart,
    random_posed,
    slider_shares,
)
from facewright_models.foundry.shards import SHARD_SIZE, joined, make_shards, prepared, split, write_shard
from facewright_models.look.character_renderer import CharacterRenderer
from facewright_models.rig import BakedRig, expression_vector, load_rig
from facewright_renderer import Backend, Preset

__all__ = ["SHARD_SIZE", "capture", "read_shards"]

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
    return make_shards(
        out_dir,
        settings,
        count=count,
        shard_size=SHARD_SIZE,
        workers=workers,
        make=_capture_shard,
        job=lambda index, path: (path, index, seed, rig_name, size_px, turned, paired, backend, preset),
    )


def read_shards(
    folder: Path, *, labels: bool = False
) -> Iterator[tuple[NDArray[np.float32], list[NDArray[np.uint8]], list[NDArray[np.uint8]]]]:
    """Shard by shard: parameters (N, size), JPEG buffers, PNG buffers (empty unless `labels`)."""
    for path in sorted(folder.glob("shard_*.npz")):
        with np.load(path) as shard:
            jpegs = split(shard["jpegs"], shard["offsets"])
            pngs = split(shard["labels_png"], shard["label_offsets"]) if labels else []
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


def _capture_shard(job: tuple[Path, int, int, str, int, float, bool, Backend, Preset]) -> int:
    path, index, seed, rig_name, size_px, turned, paired, backend, preset = job
    rig = load_rig(rig_name)
    layout = VectorLayout(rig.schema)
    generator = np.random.default_rng([seed, index])
    parameters, jpegs, pngs = [], [], []
    with CharacterRenderer(rig, size_px=size_px, backend=backend, texture_px=_TEXTURE_PX) as renderer:
        for posed in prepared(renderer, _posed(rig, generator, turned=turned, paired=paired)):
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
    frames, offsets = joined(jpegs)
    labels, label_offsets = joined(pngs)
    write_shard(
        path,
        {
            "parameters": np.stack(parameters),
            "jpegs": frames,
            "offsets": offsets,
            "labels_png": labels,
            "label_offsets": label_offsets,
        },
    )
    return index
