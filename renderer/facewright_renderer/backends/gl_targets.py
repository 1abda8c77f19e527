"""Framebuffers of the egl backend: what is drawn into and read from."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from facewright_renderer.backends.egl import FAR_METRES, NEAR_METRES

__all__ = ["Target", "Targets"]

_COMPONENTS = {"color": (4, "f1"), "labels": (1, "f1"), "normals": (4, "f4")}
_KEPT_SAMPLES = 6 * 1024 * 1024


class Target:
    """One framebuffer with an attachment per output and a depth buffer; with `samples`, colour alone."""

    def __init__(self, context: Any, *, size_px: int, outputs: tuple[str, ...], samples: int) -> None:
        size = (size_px, size_px)
        self.size_px, self.outputs = size_px, outputs
        self.sample_count = size_px * size_px * max(1, samples) * (1 + len(outputs))
        self._context = context
        self._attachments = [
            context.renderbuffer(size, _COMPONENTS[name][0], samples=samples, dtype=_COMPONENTS[name][1])
            for name in outputs
        ]
        self._depth = context.depth_renderbuffer(size, samples=samples)
        self.drawn = context.framebuffer(self._attachments, self._depth)
        self._resolved: Any = self.drawn
        if samples:
            self._attachments.append(context.renderbuffer(size, 4))
            self._resolved = context.framebuffer(self._attachments[-1:])

    def begin(self, background: tuple[float, float, float]) -> None:
        """Make it the target of draw calls, cleared: colour to the background, the rest to zero."""
        self.drawn.use()
        if self.outputs == ("color",):
            self.drawn.clear(*background, 1.0, depth=1.0)
            return
        # Masks never meet several samples here: llvmpipe loses all that is drawn after a masked clear of those.
        whole, nothing = (True,) * 4, (False,) * 4
        is_color = [name == "color" for name in self.outputs]
        for chosen, value in ((True, (*background, 1.0)), (False, (0.0, 0.0, 0.0, 0.0))):
            self._mask([whole if flag is chosen else nothing for flag in is_color])
            self.drawn.clear(*value, depth=1.0)
        self._mask([whole for _ in is_color])

    def color(self) -> NDArray[np.uint8]:
        """(H, W, 3), the first row on top."""
        return self._read("color", np.empty((self.size_px, self.size_px, 3), np.uint8))

    def labels(self) -> NDArray[np.uint8]:
        """(H, W)."""
        return self._read("labels", np.empty((self.size_px, self.size_px), np.uint8))

    def normals(self) -> NDArray[np.float32]:
        """(H, W, 3) unit vectors, zero where nothing is."""
        normals = self._read("normals", np.empty((self.size_px, self.size_px, 3), np.float32))
        length = np.linalg.norm(normals, axis=-1, keepdims=True)
        result: NDArray[np.float32] = normals / np.maximum(length, 1e-6)
        return result

    def depth(self) -> NDArray[np.float32]:
        """(H, W) metres, 0 where nothing is."""
        stored = np.empty((self.size_px, self.size_px), np.float32)
        self.drawn.read_into(stored, attachment=-1, dtype="f4", alignment=1)
        metres = (NEAR_METRES * FAR_METRES) / (FAR_METRES - stored * np.float32(FAR_METRES - NEAR_METRES))
        metres[stored >= 1] = 0
        return _from_top(metres.astype(np.float32, copy=False))

    def release(self) -> None:
        """Free its memory."""
        if self._resolved is not self.drawn:
            self._resolved.release()
        self.drawn.release()
        for attachment in (*self._attachments, self._depth):
            attachment.release()

    def _mask(self, masks: list[tuple[bool, ...]]) -> None:
        self.drawn.color_mask = masks[0] if len(masks) == 1 else tuple(masks)

    def _read(self, name: str, pixels: NDArray[Any]) -> NDArray[Any]:
        if self._resolved is not self.drawn:
            self._context.copy_framebuffer(self._resolved, self.drawn)
        self._resolved.read_into(
            pixels,
            components=pixels.shape[2] if pixels.ndim == 3 else 1,
            attachment=self.outputs.index(name),
            dtype=_COMPONENTS[name][1],
            alignment=1,
        )
        return _from_top(pixels)


class Targets:
    """Targets by what they are for; the least recently used ones go when they are large together."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._kept: OrderedDict[tuple[int, tuple[str, ...], int], Target] = OrderedDict()

    def get(self, *, size_px: int, outputs: tuple[str, ...], samples: int) -> Target:
        """One that fits, made when there is none."""
        key = (size_px, outputs, samples)
        if key not in self._kept:
            self._kept[key] = Target(self._context, size_px=size_px, outputs=outputs, samples=samples)
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and self._sample_count() > _KEPT_SAMPLES:
            self._kept.popitem(last=False)[1].release()
        return self._kept[key]

    def _sample_count(self) -> int:
        return sum(target.sample_count for target in self._kept.values())


def _from_top(pixels: NDArray[Any]) -> NDArray[Any]:
    """OpenGL's first row is the lowest one."""
    return np.ascontiguousarray(pixels[::-1])
