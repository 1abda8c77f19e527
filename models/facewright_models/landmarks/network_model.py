"""The landmark network behind the protocol: two looks at a face, the second framed by the points of the first.

The last look is at the crop and at its mirror image: their mean errs less than either.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import repeat

import numpy as np
import torch
from jaxtyping import Float64, UInt8
from numpy.typing import NDArray

from facewright_models.landmarks.crops import apply, crop_of_box, crop_of_points, cut
from facewright_models.landmarks.network import CROP_PX, LandmarkNetwork
from facewright_models.landmarks.store import load_landmark_network
from facewright_models.landmarks.template import POINT_MIRROR
from facewright_models.landmarks.types import LANDMARK_COUNT, FaceBox

__all__ = ["LandmarkNetworkModel", "MarkedPoints"]

_LOOKS = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class MarkedPoints:
    """All points of a face (81, 2) in pixels of the picture, and how far each may be off: (81,), the mean distance of
    either coordinate from the truth, in pixels. See `template` for what they are.
    """

    points_px: NDArray[np.float64]
    scales_px: NDArray[np.float64]


class LandmarkNetworkModel:
    """Points to a fraction of a pixel, of faces in any tilt that the box tells; safe to share between threads."""

    def __init__(self, network: LandmarkNetwork | None = None, *, looks: int = _LOOKS) -> None:
        """With the shipped weights, unless a `network` is given; they are read when they are first needed.

        Raises WeightsError where they are missing or damaged, from `locate`.
        """
        self._given = network
        self._looks = looks
        self._mirror = torch.from_numpy(POINT_MIRROR)

    @cached_property
    def _network(self) -> LandmarkNetwork:
        network = self._given if self._given is not None else load_landmark_network()
        # Channels innermost: a sixth faster.
        return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def locate(self, pixels: UInt8[np.ndarray, "H W 3"], box: FaceBox) -> Float64[np.ndarray, "68 2"]:
        """Points in pixels; the same cost for every picture size (15 ms on one core)."""
        return self.mark(pixels, crop_of_box(box)).points_px[:LANDMARK_COUNT]

    def locate_again(
        self, pixels: UInt8[np.ndarray, "H W 3"], points: Float64[np.ndarray, "68 2"]
    ) -> Float64[np.ndarray, "68 2"]:
        """The same where points are known roughly, as of the frame before in a clip."""
        return self.mark(pixels, crop_of_points(points)).points_px[:LANDMARK_COUNT]

    def mark(self, pixels: UInt8[np.ndarray, "H W 3"], photo_from_crop: NDArray[np.float64]) -> MarkedPoints:
        """All points with their scales, looking first at the crop `photo_from_crop` (2, 3); see `crops`."""
        for _ in repeat(None, self._looks - 1):
            first = self._look(pixels, photo_from_crop)
            photo_from_crop = crop_of_points(first.points_px[:LANDMARK_COUNT])
        return self._look(pixels, photo_from_crop, is_last=True)

    def _look(
        self,
        pixels: UInt8[np.ndarray, "H W 3"],
        photo_from_crop: NDArray[np.float64],
        *,
        is_last: bool = False,
    ) -> MarkedPoints:
        crops = torch.from_numpy(cut(pixels, photo_from_crop)).permute(2, 0, 1)[None].float() / 255
        if is_last:
            crops = torch.cat([crops, crops.flip(-1)])
        with torch.inference_mode():
            points, scales = self._network(crops.contiguous(memory_format=torch.channels_last))
        if is_last:
            mirrored = points[1, self._mirror]
            mirrored = torch.stack([CROP_PX - 1 - mirrored[:, 0], mirrored[:, 1]], -1)
            points = (points[:1] + mirrored) / 2
            scales = (scales[:1] + scales[1, self._mirror]) / 2
        step = float(np.hypot(*photo_from_crop[:, 0]))
        return MarkedPoints(
            points_px=apply(photo_from_crop, points[0].double().numpy()),
            scales_px=scales[0].double().exp().numpy() * step,
        )
