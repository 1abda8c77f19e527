"""The seam between scenes and graphics libraries."""

from __future__ import annotations

from collections.abc import Set
from typing import Protocol, runtime_checkable

from facewright_renderer.scene import Frame, Pass, Scene

__all__ = ["Renderer", "create_renderer"]


@runtime_checkable
class Renderer(Protocol):
    """Draws scenes. An instance owns a GL context and must stay on the thread that created it."""

    def render(self, scene: Scene, *, size_px: int, passes: Set[Pass]) -> Frame:
        """Draw the asked passes at size_px x size_px. Raises RendererError."""
        ...

    def close(self) -> None:
        """Free the context. The instance is dead afterwards."""
        ...


def create_renderer() -> Renderer:
    """A renderer of the default backend, pyrender over EGL.

    Raises MissingDriverError when no EGL driver can be loaded.
    """
    from facewright_renderer.backends.pyrender_egl import PyrenderRenderer

    return PyrenderRenderer()
