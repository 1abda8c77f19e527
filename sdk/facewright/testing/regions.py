"""Rectangles of a picture."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Box"]


@dataclass(frozen=True)
class Box:
    """Pixels from the left and the top edge, and how many of them."""

    x: int
    y: int
    width: int
    height: int

    @property
    def numbers(self) -> tuple[int, int, int, int]:
        """x, y, width, height."""
        return (self.x, self.y, self.width, self.height)
