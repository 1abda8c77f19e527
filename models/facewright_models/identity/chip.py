"""Cuts the 150x150 chip that the identity network expects out of a photo or a render, differentiably.

Source: the alignment of `dlib.get_face_chip(size=150, padding=0.25)`. The target positions below were recovered
by probing that function with known landmarks; tests/unit/models/test_identity_chip.py checks that both agree.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from facewright_models.identity.network import CHIP_SIZE_PX

__all__ = ["chip_similarity", "face_chip_from_landmarks"]

# index in the 68-point scheme, x, y: where the point lies in the average chip, in chip widths from its centre.
# Jaw, brows, the lower lip's outline and most of its inner line do not take part.
_MEAN_POINTS = (
    (27, -0.006582, -0.197766), (28, -0.006582, -0.128661), (29, -0.006582, -0.060130),
    (30, -0.006582, 0.010417), (31, -0.088747, 0.058217), (32, -0.049309, 0.072897),
    (33, -0.006582, 0.085404), (34, 0.036145, 0.072897), (35, 0.075582, 0.058217),
    (36, -0.252176, -0.189052), (37, -0.208586, -0.214162), (38, -0.156117, -0.213433),
    (39, -0.110263, -0.178845), (40, -0.159388, -0.169934), (41, -0.211505, -0.170616),
    (42, 0.097098, -0.178845), (43, 0.142952, -0.213433), (44, 0.195422, -0.214162),
    (45, 0.239011, -0.189052), (46, 0.198341, -0.170616), (47, 0.146224, -0.169934),
    (48, -0.163901, 0.186822), (49, -0.106010, 0.163604), (50, -0.047428, 0.151592),
    (51, -0.006582, 0.161719), (52, 0.034263, 0.151592), (53, 0.092846, 0.163604),
    (54, 0.150736, 0.186822), (60, -0.139748, 0.189862), (61, -0.047936, 0.185831),
    (62, -0.006582, 0.190229), (63, 0.034771, 0.185831), (64, 0.126583, 0.189862),
)  # fmt: skip


def chip_similarity(landmarks: Float[Tensor, "B 68 2"]) -> Float[Tensor, "B 2 3"]:
    """`image_from_chip`: takes (x, y, 1) in chip pixels to image pixels, the least-squares similarity.

    Pixel centres have whole-number coordinates in both spaces.
    """
    indices = [index for index, _, _ in _MEAN_POINTS]
    mean = landmarks.new_tensor([(x, y) for _, x, y in _MEAN_POINTS]) * CHIP_SIZE_PX  # (33, 2)
    points = landmarks[:, indices]  # (B, 33, 2)
    mean_centre = mean.mean(0)
    points_centre = points.mean(1)
    from_mean = mean - mean_centre
    to_points = points - points_centre[:, None]
    norm = from_mean.square().sum()
    cosine = (from_mean * to_points).sum((1, 2)) / norm
    sine = (from_mean[:, 0] * to_points[..., 1] - from_mean[:, 1] * to_points[..., 0]).sum(1) / norm
    # The chip is laid over a box in the image so that the centres of their corner pixels coincide: both then span
    # one pixel less than their size.
    scale = torch.hypot(cosine, sine).clamp_min(1e-6)
    stretch = ((CHIP_SIZE_PX * scale - 1) / ((CHIP_SIZE_PX - 1) * scale))[:, None, None]
    linear = torch.stack([torch.stack([cosine, -sine], -1), torch.stack([sine, cosine], -1)], -2)  # (B, 2, 2)
    middle = points_centre - (linear @ mean_centre)
    linear = linear * stretch
    half = landmarks.new_full((2,), (CHIP_SIZE_PX - 1) / 2)
    return torch.cat([linear, (middle - linear @ half)[..., None]], -1)  # (B, 2, 3)


def face_chip_from_landmarks(
    image: Float[Tensor, "B 3 H W"], landmarks: Float[Tensor, "B 68 2"]
) -> Float[Tensor, "B 3 150 150"]:
    """Upright chips, eyes and mouth where the network expects them, in the value range of `image`.

    `landmarks` are the 68 points in image pixels. Where the face is larger than the chip, every chip pixel is the
    mean of several samples, so that nothing aliases; beyond the image's edge its last row repeats. Photos and
    renders both come through here, so the two branches of an identity loss see the same filter.
    """
    transforms = chip_similarity(landmarks.to(image.dtype))
    return torch.cat([_sample(image[i : i + 1], transforms[i]) for i in range(image.shape[0])])


def _sample(image: Tensor, image_from_chip: Tensor) -> Tensor:
    scale = float(image_from_chip[:, 0].detach().norm())
    steps = max(1, math.ceil(scale - 0.05))  # samples per chip pixel along each axis
    size = CHIP_SIZE_PX * steps
    axis = (torch.arange(size, dtype=image.dtype, device=image.device) + 0.5) / steps - 0.5
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    chip = torch.stack([x, y, torch.ones_like(x)], -1)  # (size, size, 3)
    points = chip @ image_from_chip.T  # (size, size, 2) image pixels
    extent = points.new_tensor([image.shape[3] - 1, image.shape[2] - 1]).clamp_min(1)
    grid = (2 * points / extent - 1)[None]
    samples = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=True)
    return F.avg_pool2d(samples, steps) if steps > 1 else samples
