"""The seam between scenes and graphics libraries."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol, runtime_checkable

from facewright_renderer.errors import UnknownBackendError
from facewright_renderer.scene import Backend, Frame, Pass, Preset, Scene

__all__ = ["BACKENDS", "Renderer", "create_renderer"]

BACKENDS: tuple[Backend, ...] = ("pyrender", "egl")
"""Names that `create_renderer` knows: the reference, and the fast one."""


@runtime_checkable
class Renderer(Protocol):
    """Draws scenes. An instance owns a GL context and must stay on the thread that created it."""

    def render(self, scene: Scene, *, size_px: int, passes: Set[Pass], preset: Preset = "full") -> Frame:
        """Draw the asked passes at size_px x size_px. Raises RendererError.

        `full` has smooth edges in the colour pass; `draft` may leave them out where that is faster. The other
        passes are never smoothed: a pixel has one label.
        """
        ...

    def close(self) -> None:
        """Free the context. The instance is dead afterwards."""
        ...


def create_renderer(backend: str = "pyrender") -> Renderer:
    """A renderer of one of `BACKENDS`: pyrender, the reference, or egl, several times as fast.

    Raises UnknownBackendError, and MissingDriverError when no EGL driver can be loaded.
    """
    if backend == "pyrender":
        from facewright_renderer.backends.pyrender_egl import PyrenderRenderer

        return PyrenderRenderer()
    if backend == "egl":
        from facewright_renderer.backends.moderngl_egl import ModernglRenderer

        return ModernglRenderer()
    raise UnknownBackendError(
        f"there is no renderer backend {backend!r}; expected one of {', '.join(BACKENDS)}"
    )
