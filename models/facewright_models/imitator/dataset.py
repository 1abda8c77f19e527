"""Captures as training batches: shards are kept as JPEG bytes in memory and decoded at the size in use."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from facewright_models.errors import InvalidInputError
from facewright_models.foundry.capture import SHARD_SIZE, read_shards

__all__ = ["CaptureSet"]

_REDUCED = {512: cv2.IMREAD_COLOR, 256: cv2.IMREAD_REDUCED_COLOR_2, 128: cv2.IMREAD_REDUCED_COLOR_4}


class CaptureSet:
    """All captures of a folder, made from the rig `rig_name`. `refresh` takes in shards that were written since.

    Where they are `is_paired`, captures 2 i and 2 i + 1 differ in one slider.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        layout = _layout_of(folder)
        self.rig_name = str(layout["rig"])
        self.is_paired = bool(layout.get("paired", False))
        self.parameters = torch.zeros(0)  # (N, P)
        self._jpegs: list[NDArray[np.uint8]] = []
        self.refresh()
        if not self._jpegs:
            raise InvalidInputError(
                f"{folder} holds no capture shards; write some with 'facewright-server capture'",
                field="captures",
            )

    def __len__(self) -> int:
        return len(self._jpegs)

    def refresh(self) -> None:
        """Read the folder again if its number of shards has changed."""
        if len(list(self._folder.glob("shard_?????.npz"))) * SHARD_SIZE == len(self._jpegs):
            return
        parameters, jpegs = [], []
        for values, buffers, _ in read_shards(self._folder):
            parameters.append(torch.from_numpy(values))
            jpegs += [buffer.copy() for buffer in buffers]
        if parameters:
            self.parameters, self._jpegs = torch.cat(parameters), jpegs

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """(count,) random indices; pairs stay together, one behind the other."""
        if not self.is_paired:
            return torch.randint(len(self), (count,), generator=generator)
        first = 2 * torch.randint(len(self) // 2, (count // 2,), generator=generator)
        return torch.stack([first, first + 1], 1).flatten()

    def batch(self, indices: Tensor, size_px: int) -> tuple[Tensor, Tensor]:
        """Parameters (B, P) and frames (B, 3, S, S) in [0,1]."""
        frames = [self._frame(int(index), size_px) for index in indices]
        images = torch.from_numpy(np.ascontiguousarray(np.stack(frames))).permute(0, 3, 1, 2)
        return self.parameters[indices], images.float() / 255

    def _frame(self, index: int, size_px: int) -> NDArray[np.uint8]:
        pixels = cv2.imdecode(self._jpegs[index], _REDUCED[size_px])
        if pixels is None:
            raise InvalidInputError(
                f"capture {index} of {self._folder} is no image; delete its shard and capture again",
                field="captures",
            )
        return np.asarray(pixels[..., ::-1], np.uint8)


def _layout_of(folder: Path) -> dict[str, object]:
    marker = folder / "layout.json"
    if not marker.exists():
        raise InvalidInputError(
            f"{folder} holds no captures; write some with 'facewright-server capture'", field="captures"
        )
    layout: dict[str, object] = json.loads(marker.read_text())
    return layout
