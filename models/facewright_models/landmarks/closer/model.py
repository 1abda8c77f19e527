"""Points of eyes, brows and mouth, found again in windows that show them larger than a look at the whole face does."""

from __future__ import annotations

from functools import cached_property

import cv2
import numpy as np
import torch
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.closer.network import CloserNetworks
from facewright_models.landmarks.closer.store import load_closer_networks
from facewright_models.landmarks.closer.windows import MOUTH_POINTS, WINDOW_PX, WINDOWS, window_of
from facewright_models.landmarks.crops import apply
from facewright_models.landmarks.network import LandmarkNetwork
from facewright_models.landmarks.template import POINT_MIRROR

__all__ = ["MOUTH_MIRROR", "CloserLook", "cut"]

MOUTH_MIRROR = [MOUTH_POINTS.index(int(POINT_MIRROR[point])) for point in MOUTH_POINTS]


class CloserLook:
    """Refines points that a landmark model found; safe to share between threads."""

    def __init__(self, networks: CloserNetworks | None = None, *, looks: int = 2) -> None:
        """With the shipped weights, unless `networks` are given; they are read when they are first needed."""
        self._given, self._looks = networks, looks

    @cached_property
    def _networks(self) -> CloserNetworks:
        return self._given if self._given is not None else load_closer_networks()

    def refined(
        self, pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "81 2"]
    ) -> Float64[np.ndarray, "81 2"]:
        """The points in pixels, those of brows, lids, irises, nostrils and lips anew; the others as they came.

        Raises WeightsError where the weights are missing or damaged.
        """
        found = points.copy()
        for _ in range(self._looks):
            seen = found.copy()
            for name, window in WINDOWS.items():
                matrix = window_of(seen, window)
                found[list(window.points)] = apply(
                    matrix, _looked(self._networks.of(name), cut(pixels, matrix))
                )
        return found


def cut(
    pixels: UInt8[np.ndarray, "H W 3"], photo_from_window: NDArray[np.float64], side_px: int = WINDOW_PX
) -> UInt8[np.ndarray, "h w 3"]:
    """The window's pixels (S, S, 3), the photo's border repeated outside; of a larger face each pixel is the mean of
    about as many as it covers.
    """
    step = float(np.hypot(*photo_from_window[:, 0]))
    factor = max(1, int(step))
    if factor == 1:
        return _sampled(pixels, photo_from_window, side_px)
    fine = photo_from_window.copy()
    fine[:, :2] /= factor
    fine[:, 2] += (photo_from_window[:, :2] - fine[:, :2]) @ np.full(2, -0.5)
    large = _sampled(pixels, fine, factor * side_px)
    small = cv2.resize(large, (side_px, side_px), interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8)


def _sampled(pixels: NDArray[np.uint8], matrix: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE),
        dtype=np.uint8,
    )


def _looked(network: LandmarkNetwork, window: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Points (K, 2) in pixels of the window; of mouths the mean with the mirrored look."""
    crop = torch.from_numpy(window).permute(2, 0, 1)[None].float() / 255
    is_mouth = network.config.points == len(MOUTH_POINTS)
    with torch.inference_mode():
        points = network(torch.cat([crop, crop.flip(-1)]) if is_mouth else crop)[0].double().numpy()
    if not is_mouth:
        return np.asarray(points[0])
    mirrored = points[1][MOUTH_MIRROR] * [-1, 1] + [WINDOW_PX - 1, 0]
    return np.asarray((points[0] + mirrored) / 2)
