"""Renders with exact labels, read from capture shards.

A shard is one `.npz`: `jpegs` (uint8, the frames' JPEG files end to end) with `offsets` (N + 1,), `labels_png` with
`label_offsets` likewise, and `parameters` (N, P) float32.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from facewright_models.errors import InvalidInputError
from facewright_models.parsing.alignment import similarity_from_labels
from facewright_models.parsing.classes import IGNORE, FaceClass
from facewright_models.parsing.network import INPUT_SIZE_PX

__all__ = ["CaptureShards", "LabelledFrame"]

_Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledFrame:
    """A render (H, W, 3), its label map (H, W), and `photo_from_crop` (2, 3) of its canonical crop."""

    pixels: _Pixels
    labels: _Pixels
    photo_from_crop: npt.NDArray[np.float64]

    @property
    def opacity(self) -> npt.NDArray[np.float32]:
        """(H, W): 0 where nothing was drawn, 1 on head, neck and shoulders."""
        empty = self.pixels[0, 0].astype(np.int16)
        drawn = (np.abs(self.pixels - empty).max(-1) > 10) | (self.labels != FaceClass.BACKGROUND)
        solid = cv2.morphologyEx(drawn.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        return np.asarray(cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7))

    @property
    def training_labels(self) -> _Pixels:
        """The label map with a wide unlabelled seam around the nose.

        Where a nose ends is a convention, and the mesh's is wider than that of the labelled photos; the photos
        are to decide.
        """
        size = max(3, round(self.labels.shape[0] * 0.03))
        nose = (self.labels == FaceClass.NOSE).astype(np.uint8)
        core = cv2.erode(nose, np.ones((size, size), np.uint8))
        around = cv2.dilate(nose, np.ones((size // 2, size // 2), np.uint8))
        labels = self.labels.copy()
        labels[(around > core) & np.isin(labels, (FaceClass.NOSE, FaceClass.FACE))] = IGNORE
        return labels


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shard:
    jpegs: _Pixels
    offsets: npt.NDArray[np.int64]
    labels_png: _Pixels
    label_offsets: npt.NDArray[np.int64]


class CaptureShards:
    """The captures of a folder, kept compressed in memory; frames are decoded when asked for.

    The last `held_out_share` of them is for scoring and never trained on.
    """

    def __init__(self, folder: Path, *, held_out_share: float = 0.05) -> None:
        paths = sorted(folder.glob("shard_*.npz"))
        if not paths:
            raise InvalidInputError(f"no shard_*.npz in {folder}; make some with 'facewright-server capture'")
        self._shards = [_read(path) for path in paths]
        self._index = [
            (shard, i) for shard, content in enumerate(self._shards) for i in range(len(content.offsets) - 1)
        ]
        self._train_count = max(1, round(len(self._index) * (1 - held_out_share)))

    @property
    def training_count(self) -> int:
        """How many frames may be trained on; they come first."""
        return self._train_count

    @property
    def held_out(self) -> range:
        """Indices of the frames that no training sees."""
        return range(self._train_count, len(self._index))

    def __getitem__(self, index: int) -> LabelledFrame:
        """Frame `index`, decoded."""
        which, i = self._index[index]
        shard = self._shards[which]
        pixels = cv2.imdecode(shard.jpegs[shard.offsets[i] : shard.offsets[i + 1]], cv2.IMREAD_COLOR)
        labels = cv2.imdecode(
            shard.labels_png[shard.label_offsets[i] : shard.label_offsets[i + 1]], cv2.IMREAD_UNCHANGED
        )
        if pixels is None or labels is None or labels.shape != pixels.shape[:2]:
            raise InvalidInputError(
                f"capture {index} is damaged: its frame or its label map cannot be decoded"
            )
        transform = similarity_from_labels(labels)
        if transform is None:  # eyes or lips are hidden
            side = pixels.shape[0] / INPUT_SIZE_PX
            transform = np.array([[side, 0, side / 2 - 0.5], [0, side, side / 2 - 0.5]])
        return LabelledFrame(
            pixels=np.ascontiguousarray(pixels[..., ::-1]), labels=labels, photo_from_crop=transform
        )


def _read(path: Path) -> _Shard:
    try:
        with np.load(path, allow_pickle=False) as content:
            shard = _Shard(
                jpegs=content["jpegs"],
                offsets=content["offsets"],
                labels_png=content["labels_png"],
                label_offsets=content["label_offsets"],
            )
    except (OSError, KeyError, ValueError) as error:
        raise InvalidInputError(f"{path} is no capture shard with frames and labels: {error}") from error
    if len(shard.offsets) != len(shard.label_offsets):
        raise InvalidInputError(
            f"{path} has {len(shard.offsets) - 1} frames, {len(shard.label_offsets) - 1} labels"
        )
    return shard
