"""Made-up surroundings for training: gradients, blurred shapes, noise of several sizes."""

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["random_backdrop"]

_Floats = npt.NDArray[np.float32]


def random_backdrop(side_px: int, rng: np.random.Generator) -> _Floats:
    """(side, side, 3) float32 in [0, 1]: a plain wall, a gradient, clutter, or a mix of them."""
    image = _gradient(side_px, rng)
    draw = rng.random()
    if draw < 0.25:
        return image
    if draw < 0.8:
        image = _shapes(image, rng)
        if rng.random() < 0.6:
            image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.5, 8.0))
    if rng.random() < 0.6:
        image = image + _noise(side_px, rng)
    return np.clip(image, 0, 1).astype(np.float32)


def _gradient(side: int, rng: np.random.Generator) -> _Floats:
    corners = rng.uniform(0, 1, (2, 2, 3)) * rng.uniform(0.1, 1.0)
    mixed = corners.mean((0, 1)) + (corners - corners.mean((0, 1))) * rng.uniform(0, 1)
    return np.asarray(cv2.resize(mixed.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR))


def _shapes(image: _Floats, rng: np.random.Generator) -> _Floats:
    side = image.shape[0]
    image = image.copy()
    for _ in range(int(rng.integers(3, 30))):
        color = tuple(float(v) for v in rng.uniform(0, 1, 3))
        a, b = (tuple(int(v) for v in rng.uniform(-0.1, 1.1, 2) * side) for _ in range(2))
        kind = rng.random()
        if kind < 0.4:
            cv2.rectangle(image, a, b, color, -1)
        elif kind < 0.7:
            axes = tuple(int(v) for v in rng.uniform(0.02, 0.35, 2) * side)
            cv2.ellipse(image, a, axes, float(rng.uniform(0, 180)), 0, 360, color, -1, cv2.LINE_AA)
        else:
            cv2.line(image, a, b, color, int(rng.integers(1, 14)), cv2.LINE_AA)
    return image


def _noise(side: int, rng: np.random.Generator) -> _Floats:
    total = np.zeros((side, side, 3), np.float32)
    for cells in (4, 12, 40, 128):
        coarse = rng.standard_normal((cells, cells, 3), dtype=np.float32)
        if rng.random() < 0.5:
            coarse = np.repeat(coarse.mean(-1, keepdims=True), 3, -1)
        total += cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC) * np.float32(
            rng.uniform(0, 0.12)
        )
    return total
