"""Folders of captures as `facewright-server capture` writes them, with pictures of a test's own."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

__all__ = ["write_shard"]


def write_shard(folder: Path, vectors: np.ndarray, jpegs: Sequence[np.ndarray], **layout: object) -> None:
    """One shard without labels: parameters (N, P) and N buffers; `layout` is what is said beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "layout.json").write_text(json.dumps(layout))
    np.savez(
        folder / "shard_00000.npz",
        parameters=vectors,
        jpegs=np.concatenate(jpegs),
        offsets=np.cumsum([0, *map(len, jpegs)]),
        labels_png=np.zeros(0, np.uint8),
        label_offsets=np.zeros(len(jpegs) + 1, np.int64),
    )
