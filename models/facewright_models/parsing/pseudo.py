"""A trained parser labels photos that have no labels; only what it is sure of is kept."""

import cv2
import numpy as np
import numpy.typing as npt
import torch

from facewright_models.parsing.alignment import crop_similarity, warp_crop
from facewright_models.parsing.classes import IGNORE, MIRRORED, FaceClass
from facewright_models.parsing.network import ParsingNetwork
from facewright_models.parsing.photos import LabelledPhoto

__all__ = ["pseudo_labels"]

_MOUTH = (FaceClass.UPPER_LIP, FaceClass.TEETH, FaceClass.LOWER_LIP)


def pseudo_labels(
    network: ParsingNetwork, photo: LabelledPhoto, *, certainty: float = 0.85
) -> npt.NDArray[np.uint8]:
    """Labels (H, W) of `photo`: the network's where its mean over views reaches `certainty`, else IGNORE.

    Lips and inner mouth stay as `photo.labels` has them.
    """
    device = next(network.parameters()).device
    height, width = photo.labels.shape
    total = np.zeros((height, width, len(MIRRORED)), np.float32)
    weight = np.full((height, width), 1e-6, np.float32)
    for scale in (0.8, 1.0, 1.15):
        transform = crop_similarity(photo.landmarks_px, scale=scale)
        crop = (
            torch.from_numpy(warp_crop(photo.pixels, transform)).to(device).permute(2, 0, 1)[None].float()
            / 255
        )
        with torch.inference_mode():
            both = network(torch.cat([crop, crop.flip(3)])).probabilities
        mean = (both[0] + both[1].flip(2)[list(MIRRORED)]) / 2
        size, flags = (width, height), cv2.INTER_LINEAR
        planes = mean.permute(1, 2, 0).cpu().numpy()
        total += np.dstack([_back(planes[..., c], transform, size, flags) for c in range(planes.shape[2])])
        weight += _back(np.ones(planes.shape[:2], np.float32), transform, size, flags)
    probabilities = total / weight[..., None]
    labels = probabilities.argmax(-1).astype(np.uint8)
    labels[(probabilities.max(-1) < certainty) | (weight < 0.99)] = IGNORE
    labels[np.isin(labels, _MOUTH)] = IGNORE
    near_mouth = cv2.dilate(np.isin(photo.labels, _MOUTH).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0
    labels[near_mouth] = IGNORE
    known = np.isin(photo.labels, _MOUTH)
    labels[known] = photo.labels[known]
    return np.asarray(labels)


def _back(
    plane: npt.NDArray[np.float32],
    photo_from_crop: npt.NDArray[np.float64],
    size: tuple[int, int],
    flags: int,
) -> npt.NDArray[np.float32]:
    return np.asarray(cv2.warpAffine(plane, photo_from_crop, size, flags=flags), dtype=np.float32)
