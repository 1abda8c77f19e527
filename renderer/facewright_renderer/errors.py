"""Errors of the renderer.

RendererError
├── ImageShapeError         two images cannot be compared; carries both shapes
├── MissingDriverError      no EGL/OpenGL driver can be loaded; the message names the packages
├── UnknownBackendError     no renderer backend has that name
└── WrongThreadError        a renderer was used on another thread than the one that made it
"""

from __future__ import annotations

__all__ = [
    "ImageShapeError",
    "MissingDriverError",
    "RendererError",
    "UnknownBackendError",
    "WrongThreadError",
]


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


class UnknownBackendError(RendererError):
    """No renderer backend has that name; the message lists those that are there."""


class WrongThreadError(RendererError):
    """A GL context may be used only on the thread that made it: make a renderer per thread."""
