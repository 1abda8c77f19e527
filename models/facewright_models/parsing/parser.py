"""Parses aligned images and whole photos with the shipped network."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from facewright_models.errors import NoFaceError
from facewright_models.landmarks import detect_faces
from facewright_models.parsing.alignment import crop_similarity, warp_crop
from facewright_models.parsing.classes import CLASS_COUNT, MIRRORED, FaceClass
from facewright_models.parsing.network import WEIGHTS_NAME, ParsingNetwork, ParsingOutput
from facewright_models.photo import Photo
from facewright_models.weights import load_weights

__all__ = ["class_probabilities", "load_parser", "parse_aligned", "parse_photo", "parser_from_state"]

# The second, wider crop tells hair that hangs to the shoulders from background; parts of the face come from the
# canonical one, which shows them larger.
_WIDE_SCALE = 0.62
_STRIP_ROWS = 256


@cache
def load_parser() -> ParsingNetwork:
    """The shipped parser: float32, frozen, in evaluation mode, on the CPU. Raises WeightsError."""
    return parser_from_state(load_weights(WEIGHTS_NAME))


def parser_from_state(state: dict[str, Tensor]) -> ParsingNetwork:
    """A frozen parser in evaluation mode with the given weights, whatever their precision."""
    network = ParsingNetwork()
    network.load_state_dict({name: value.float() for name, value in state.items()})
    return network.eval().requires_grad_(False)


def parse_aligned(
    images: Float[Tensor, "B 3 256 256"], *, network: ParsingNetwork | None = None
) -> Float[Tensor, "B 11 256 256"]:
    """Class probabilities of canonical crops, sRGB in [0, 1]; differentiable with respect to the images."""
    output: ParsingOutput = (network or load_parser())(images)
    return output.probabilities


def parse_photo(
    photo: Photo,
    *,
    landmarks_px: npt.NDArray[np.float64] | None = None,
    network: ParsingNetwork | None = None,
) -> npt.NDArray[np.uint8]:
    """Label map (H, W) uint8 of the photo's largest face, at the photo's own size.

    `landmarks_px` (68, 2) chooses another face. What lies outside both crops is background.
    Raises NoFaceError where no face is found.
    """
    if landmarks_px is None:
        faces = detect_faces(photo.pixels)
        if not faces:
            height, width = photo.pixels.shape[:2]
            raise NoFaceError(
                f"found no face in the {width} x {height} photo; send one with a face seen from the front"
            )
        landmarks_px = faces[0].landmarks_px
    network = network or load_parser()
    near = class_probabilities(photo.pixels, crop_similarity(landmarks_px), network)
    wide_transform = crop_similarity(landmarks_px, scale=_WIDE_SCALE)
    wide = class_probabilities(photo.pixels, wide_transform, network)
    return _merge_into_photo(
        photo.pixels.shape[:2], near, crop_similarity(landmarks_px), wide, wide_transform
    )


def class_probabilities(
    pixels: npt.NDArray[np.uint8], photo_from_crop: npt.NDArray[np.float64], network: ParsingNetwork
) -> npt.NDArray[np.float32]:
    """Probabilities (256, 256, 11) of one crop, the mean of the crop and its mirror image."""
    device = next(network.parameters()).device
    crop = (
        torch.from_numpy(warp_crop(pixels, photo_from_crop)).to(device).permute(2, 0, 1)[None].float() / 255
    )
    with torch.inference_mode():
        both = network(torch.cat([crop, crop.flip(3)])).probabilities
    mean = (both[0] + both[1].flip(2)[list(MIRRORED)]) / 2
    return np.ascontiguousarray(mean.permute(1, 2, 0).cpu().numpy())


def _merge_into_photo(
    size: tuple[int, int],
    near: npt.NDArray[np.float32],
    near_transform: npt.NDArray[np.float64],
    wide: npt.NDArray[np.float32],
    wide_transform: npt.NDArray[np.float64],
) -> npt.NDArray[np.uint8]:
    """Probabilities back in the photo, the wide crop only where the near one fades out; strip by strip."""
    height, width = size
    labels = np.zeros((height, width), np.uint8)
    side = near.shape[0]
    inset = np.zeros((side, side), np.float32)
    inset[12:-12, 12:-12] = 1.0
    inset = cv2.GaussianBlur(inset, (0, 0), 4.0)[..., None]
    near = np.concatenate([near * inset, inset], -1)
    nothing = np.zeros(CLASS_COUNT, np.float32)
    nothing[FaceClass.BACKGROUND] = 1.0
    wide = wide - nothing  # what the warp pads with zeros is background then
    for top in range(0, height, _STRIP_ROWS):
        rows = min(_STRIP_ROWS, height - top)
        near_strip = _warp_strip(near, near_transform, top, rows, width)
        wide_strip = _warp_strip(wide, wide_transform, top, rows, width) + nothing
        merged = near_strip[..., :CLASS_COUNT] + (1 - near_strip[..., CLASS_COUNT:]) * wide_strip
        labels[top : top + rows] = merged.argmax(-1)
    return labels


def _warp_strip(
    planes: npt.NDArray[np.float32], photo_from_crop: npt.NDArray[np.float64], top: int, rows: int, width: int
) -> npt.NDArray[np.float32]:
    """The rows [top, top + rows) of the photo; OpenCV warps four channels at a time."""
    shifted = photo_from_crop.copy()
    shifted[1, 2] -= top
    parts = []
    for first in range(0, planes.shape[2], 4):
        part = cv2.warpAffine(planes[..., first : first + 4], shifted, (width, rows), flags=cv2.INTER_LINEAR)
        parts.append(part if part.ndim == 3 else part[..., None])
    return np.concatenate(parts, -1)
