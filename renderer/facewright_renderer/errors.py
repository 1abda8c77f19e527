"""Errors of the renderer.

RendererError
├── ImageShapeError         two images cannot be compared; carries both shapes
└── MissingDriverError      no EGL/OpenGL driver can be loaded; the message names the packages
"""

from __future__ import annotations

__all__ = ["ImageShapeError", "MissingDriverError", "RendererError"]


class RendererError(Exception):
    """A frame could not be drawn."""


class ImageShapeError(RendererError):
    """Two images of different shapes, or no images at all, were to be compared."""

    def __init__(self, actual: tuple[int, ...], expected: tuple[int, ...]) -> None:
        super().__init__(
            f"cannot compare an image of shape {actual} with one of shape {expected}; expected two of one "
            "shape, (H, W) or (H, W, C): draw both at the same size"
        )
        self.actual = actual
        self.expected = expected


class MissingDriverError(RendererError):
    """No EGL driver: install Debian's `libegl1` and `libgl1-mesa-dri`, or their like."""
