"""Pictures whose colours are known everywhere, for videos of them."""

import numpy as np

COLORS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 150, 120], [60, 40, 30], [128] * 3],
    np.uint8,
)  # fmt: skip


def patches(size_px: int = 16) -> np.ndarray:
    """(2 S, 4 S, 3): eight colours."""
    return np.kron(COLORS.reshape(2, 4, 3), np.ones((size_px, size_px, 1), np.uint8))


def grey(level: int, size_px: tuple[int, int] = (64, 48)) -> np.ndarray:
    return np.full((size_px[1], size_px[0], 3), level, np.uint8)


def levels(count: int) -> list[np.ndarray]:
    """Frames of grey, each lighter than the one before."""
    return [grey(20 + 200 * index // max(count - 1, 1)) for index in range(count)]
