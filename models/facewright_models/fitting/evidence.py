"""How much the 68 marks of a photo are worth: each one's standard deviation, in pixels of the frame.

Marks of a good photo err by `MARK_NOISE_PX`. What makes them err more is read from the photo: blur and few pixels,
too little light, what the parser does not see where the marks say it is, glasses, beards, and a turned head. How
many pixels each adds was measured on ten people of the training side, whose photos were disturbed on purpose.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from facewright_models.fitting.preparation import AlignedPhoto
from facewright_models.fitting.warm_start import MARK_NOISE_PX
from facewright_models.landmarks import yaw_estimate_degrees

__all__ = [
    "blur_px",
    "brows_are_hidden",
    "mark_certainty",
    "mark_noise_px",
    "missing_stops",
    "photo_weights",
    "shown_shares",
]

_SHARP_PX, _PX_PER_BLUR = 1.5, 0.45
_REBLUR_PX = 4.0
_BRIGHT, _PX_PER_STOP, _DARK_PX = 0.15, 1.2, 2.5
_HIDDEN_PX, _HIDDEN_ELSEWHERE_PX = 14.0, 12.0
_GLASSES_PX = ((slice(17, 27), 5.0), (slice(36, 48), 5.0), (slice(0, 17), 4.0))
_BEARD_PX: Mapping[str, tuple[slice, float]] = {
    "full_beard": (slice(2, 15), 7.0),
    "short_beard": (slice(2, 15), 5.0),
    "chin_strap": (slice(2, 15), 5.0),
    "goatee": (slice(6, 11), 6.0),
}
"""Beards: the jaw marks that lie on hair, and how far off the jaw."""
_ENOUGH_DEGREES = 20.0
"""The imitator shows heads that are turned so far."""
_FRONTAL_DEGREES = 6.0
"""As far off as the estimate is for heads that look straight ahead."""
_NOSE_DEPTH = 0.5
_TURN_PX = (
    (slice(6, 11), 9.0),
    (slice(17, 27), 4.0),
    (slice(27, 36), 8.0),
    (slice(36, 48), 2.5),
    (slice(48, 68), 12.0),
)
_NEAR_JAW_PX, _FAR_JAW_PX = 14.0, 4.0
"""What 20 degrees of turn add to chin, brows, nose, eyes, mouth and both sides of the jaw, on 14 random characters."""
_SEEN_WELL = 0.7
_GAMMA = 2.2

_PARTS: Mapping[str, tuple[slice, tuple[int, ...], float]] = {
    "right_brow": (slice(17, 22), (4,), 0.5),
    "left_brow": (slice(22, 27), (3,), 0.5),
    "right_eye": (slice(36, 42), (6,), 0.85),
    "left_eye": (slice(42, 48), (5,), 0.85),
    "nose": (slice(27, 36), (1, 7), 0.95),
    "mouth": (slice(48, 68), (8, 9, 10), 0.8),
    "jaw": (slice(0, 17), (1, 7, 8, 9, 10), 0.95),
}
"""Part -> its marks, the parser's classes that show it, and how much of it a good photo shows."""
_BROWS = ("right_brow", "left_brow")


def mark_noise_px(
    photos: Sequence[AlignedPhoto], probabilities: Tensor, facial_hair: Sequence[str | None]
) -> Tensor:
    """(N, 68, 2) of N photos with their class probabilities (N, 11, S, S) and kinds of facial hair; float32."""
    shown = shown_shares(probabilities, torch.tensor(np.stack([p.landmarks for p in photos])).float())
    rows = []
    for index, photo in enumerate(photos):
        extra = torch.zeros(68)  # variances
        blur = _PX_PER_BLUR * max(0.0, blur_px(photo.frame, photo.landmarks) - _SHARP_PX)
        dark = _PX_PER_STOP * missing_stops(photo.frame, photo.landmarks)
        hidden = 1 - shown[index]  # (parts,)
        extra += blur**2 + dark**2 + (_HIDDEN_ELSEWHERE_PX * float(hidden.mean())) ** 2
        for part, (marks, _, _) in enumerate(_PARTS.values()):
            extra[marks] += (_HIDDEN_PX * float(hidden[part])) ** 2
        codes = {notice.code for notice in photo.warnings}
        if "DARK" in codes:
            extra += _DARK_PX**2
        if "GLASSES" in codes:
            for marks, glasses in _GLASSES_PX:
                extra[marks] += glasses**2
        if facial_hair[index] in _BEARD_PX:
            marks, beard = _BEARD_PX[str(facial_hair[index])]
            extra[marks] += beard**2
        rows.append(extra + _turn_variances(photo.landmarks))
    return (MARK_NOISE_PX.square() + torch.stack(rows)[..., None]).sqrt()


def brows_are_hidden(certainty: Tensor, photo_subjects: Tensor) -> Tensor:
    """(S,) people of whose first photo the brows, by the certainty of their marks (N, 68), are not to be judged."""
    count = int(photo_subjects.max()) + 1
    first = [int((photo_subjects == subject).nonzero()[0]) for subject in range(count)]
    return certainty[first, 17:27].mean(1) < _SEEN_WELL


def mark_certainty(noise_px: Tensor) -> Tensor:
    """(N, 68): the noise of a good photo's marks over the noise (N, 68, 2); 1 where they are worth as much."""
    return (MARK_NOISE_PX / noise_px).mean(-1)


def photo_weights(certainty: Tensor, photo_subjects: Tensor) -> Tensor:
    """(N,): what each photo counts beside the others of its person, by the information of its marks (N, 68); their mean
    over a person's photos is 1.
    """
    information = certainty.square().mean(1)
    count = int(photo_subjects.max()) + 1
    totals = torch.zeros(count).index_add(0, photo_subjects, information)
    numbers = torch.bincount(photo_subjects, minlength=count)
    return information * (numbers / totals)[photo_subjects]


def blur_px(frame: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> float:
    """Standard deviation of the blur at the strongest edges of the face, in pixels of the frame; about 1 when sharp.

    Source: Zhuo and Sim, "Defocus map estimation from a single image" (2011): blurring once more takes the less
    of a gradient, the more the edge was blurred before.
    """
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = _hull(frame, landmarks)
    slopes = _slope(grey)
    again = _slope(cv2.GaussianBlur(grey, (0, 0), _REBLUR_PX))
    strongest = inside & (slopes >= np.quantile(slopes[inside], 0.95))
    ratio = float(np.median(slopes[strongest] / (again[strongest] + 1e-3)))
    return _REBLUR_PX / math.sqrt(max(ratio**2 - 1, 0.05))


def missing_stops(frame: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> float:
    """How many times half as much light is on the brightest parts of the face as any skin needs; 0 when enough."""
    grey = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)[_hull(frame, landmarks)] / 255.0) ** _GAMMA
    return max(0.0, math.log2(_BRIGHT / max(float(np.quantile(grey, 0.95)), 1e-3)))


def shown_shares(probabilities: Tensor, landmarks: Tensor) -> Tensor:
    """(N, 7) in [0,1]: how much of brows, eyes, nose, mouth and jaw the parser sees where the marks (N, 68, 2), in
    pixels of the 512 px frame, say they are; right before left.
    """
    size = probabilities.shape[-1]
    marks = (landmarks + 0.5) * (size / 512) - 0.5
    inward = marks.clone()
    inward[:, :17] += 0.12 * (marks[:, 30:31] - marks[:, :17])
    # The middle of an eye or lip is surer than its border; a brow is thin, and its marks lie along an edge.
    for eye in (slice(36, 42), slice(42, 48), slice(48, 68), slice(27, 36)):
        inward[:, eye] += 0.4 * (marks[:, eye].mean(1, keepdim=True) - marks[:, eye])
    ocular = float((marks[:, 36:42].mean(1) - marks[:, 42:48].mean(1)).norm(dim=-1).mean())
    reach = 2 * max(1, round(0.07 * ocular)) + 1
    columns = []
    for name, (own, classes, typical) in _PARTS.items():
        seen = probabilities[:, list(classes)].sum(1, keepdim=True)
        if name in _BROWS:
            seen = functional.max_pool2d(seen, reach, 1, reach // 2)
        grid = (inward[:, None, own] + 0.5) * (2 / size) - 1  # (N, 1, marks, 2)
        values = functional.grid_sample(seen, grid, padding_mode="border", align_corners=False)
        columns.append((values.mean((1, 2, 3)) / typical).clamp(0, 1))
    return torch.stack(columns, 1)


def _turn_variances(landmarks: NDArray[np.float64]) -> Tensor:
    """(68,): marks of a turned head err more, most of all along the near side of the jaw and at the mouth; and beyond
    the imitator's reach all are off.
    """
    yaw = yaw_estimate_degrees(landmarks)
    ocular = float(np.linalg.norm(landmarks[36:42].mean(0) - landmarks[42:48].mean(0)))
    beyond = _NOSE_DEPTH * ocular * math.sin(math.radians(max(0.0, abs(yaw) - _ENOUGH_DEGREES)))
    right, left = slice(0, 6), slice(11, 17)  # the picture's left and right
    near, far = (right, left) if yaw > 0 else (left, right)
    share = min(1.0, max(0.0, abs(yaw) - _FRONTAL_DEGREES) / (_ENOUGH_DEGREES - _FRONTAL_DEGREES)) ** 2
    result = torch.full((68,), beyond**2)
    for marks, turned in (*_TURN_PX, (near, _NEAR_JAW_PX), (far, _FAR_JAW_PX)):
        result[marks] += share * turned**2
    return result


def _hull(frame: NDArray[np.uint8], landmarks: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(H, W): inside the marks of brows, eyes, nose and mouth; never empty."""
    mask = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(landmarks[17:]).astype(np.int32)), 1)
    return mask > 0 if mask.any() else np.ones(frame.shape[:2], bool)


def _slope(grey: NDArray[np.float32]) -> NDArray[np.float32]:
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.asarray(np.hypot(across, down), np.float32)
