"""What a style reader learns from: captures, whose styles are known, and photos, for which a person chose."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.fitting.features import to_loss_size
from facewright_models.fitting.fitter import Fitter
from facewright_models.fitting.preparation import as_images, prepare
from facewright_models.fitting.types import Subject
from facewright_models.foundry.sampling import VectorLayout
from facewright_models.parsing import load_parser
from facewright_models.parsing.photos import is_held_out
from facewright_models.photo import decode_photo
from facewright_models.rig import BakedRig
from facewright_models.style_reader.labels import StyleLabels, style_labels
from facewright_models.style_reader.network import FRAME_PX, reader_inputs, reduced
from facewright_models.translator.dataset import AlignedCaptures

__all__ = ["LabelledFaces", "captured_faces", "labelled_photos", "photographed_faces"]

logger = logging.getLogger(__name__)

_AT_ONCE = 10
_GROUP = 250


@dataclass(frozen=True, kw_only=True)
class LabelledFaces:
    """N faces as `network.reduced` leaves them, as bytes; per slot which options are right, (N, options) of 0 and 1."""

    pixels: Tensor
    classes: Tensor
    bands: Tensor
    accepted: dict[str, Tensor]

    def __len__(self) -> int:
        return len(self.pixels)

    def inputs(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs of the reader for some of the faces."""
        parts = (self.pixels, self.classes, self.bands)
        pixels, classes, bands = (part[rows].float() / 255 for part in parts)
        return reader_inputs(pixels, classes, bands)

    def right(self, rows: Tensor) -> dict[str, Tensor]:
        """Slot -> (K, options)."""
        return {slot: accepted[rows] for slot, accepted in self.accepted.items()}


def labelled_photos(data: Path) -> Iterator[tuple[Path, StyleLabels, bool]]:
    """Photos with what a person would choose, and whether nothing is trained on them.

    Of London every fourth person is held out, and all of Canada. Smiling photos show the hair of the neutral ones.
    """
    labels = style_labels()
    faces = data / "faces"
    for folder in (faces / "london" / "neutral", faces / "london" / "smiling", faces / "canada"):
        for path in sorted(folder.glob("*.jpg")):
            known = labels.get(path.stem) or labels.get(f"{path.stem.split('_')[0]}_03")
            if known is not None:
                yield path, known, folder.name == "canada" or is_held_out(path)


def photographed_faces(rig: BakedRig, photos: Sequence[tuple[Path, StyleLabels]]) -> LabelledFaces:
    """Raises NoFaceError for a photo without a face."""
    reference = Fitter.load(rig.schema.name).reference_landmarks
    frames = []
    for path, _ in photos:
        subject = Subject(photos=(decode_photo(path.read_bytes()),))
        frames.append(prepare(0, subject, reference, "similarity")[0].frame)
    images = (as_images(frames[first : first + _AT_ONCE]) for first in range(0, len(frames), _AT_ONCE))
    pixels, classes, bands = _seen(images)
    accepted = {
        slot: torch.tensor(
            [[float(right.accepts(slot, option)) for option in parameter.options] for _, right in photos]
        )
        for slot, parameter in rig.schema.styles.items()
    }
    return LabelledFaces(pixels=pixels, classes=classes, bands=bands, accepted=accepted)


def captured_faces(captures: Path, rig: BakedRig, *, count: int, cache: Path) -> LabelledFaces:
    """The first `count` captures, each aligned with one error. What was seen is kept in `cache`, group by group."""
    data = AlignedCaptures(captures, rig, count=count, side_px=FRAME_PX, decoded_px=FRAME_PX)
    cache.mkdir(parents=True, exist_ok=True)
    groups = []
    for number, rows in enumerate(torch.arange(len(data)).split(_GROUP)):
        path = cache / f"captures_{number:05d}.npz"
        if not path.exists():
            _write(path, _seen(data.batch(some, seed=0)[0] for some in rows.split(_AT_ONCE)))
            logger.info("parsed %d of %d captures", int(rows[-1]) + 1, len(data))
        with np.load(path) as kept:
            groups.append([torch.from_numpy(kept[name]) for name in ("pixels", "classes", "bands")])
    pixels, classes, bands = (torch.cat(parts) for parts in zip(*groups, strict=True))
    accepted = {slot: data.vectors[:, block] for slot, block in VectorLayout(rig.schema).styles.items()}
    return LabelledFaces(pixels=pixels, classes=classes, bands=bands, accepted=accepted)


def _write(path: Path, seen: tuple[Tensor, Tensor, Tensor]) -> None:
    arrays: dict[str, NDArray[np.uint8]] = {
        name: part.numpy() for name, part in zip(("pixels", "classes", "bands"), seen, strict=True)
    }
    temporary = path.with_suffix(".partial.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


@torch.no_grad()
def _seen(images: Iterator[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Of batches of aligned frames, as bytes."""
    parser = load_parser().eval()
    parts: tuple[list[Tensor], ...] = ([], [], [])
    for batch in images:
        classes = parser(to_loss_size(batch)).probabilities
        for part, values in zip(parts, reduced(batch, classes), strict=True):
            part.append((255 * values).round().byte())
    pixels, classes, bands = (torch.cat(part) for part in parts)
    return pixels, classes, bands
