"""Takes the light out of a photo of skin.

The logarithm of the light is a quadratic of the normal (nine spherical harmonics), found by least squares from two
things: the skin without light should look about as the procedural skin of the same person, and left should look as
right does, which no light from one side survives. What is still left of broad differences between the sides is halved
between them, and highlights, which the renderer makes anew, are pressed down.

Source: the nine harmonics after Ramamoorthi and Hanrahan, "An Efficient Representation for Irradiance Environment Maps"
(SIGGRAPH 2001), here of the logarithm, so that light and skin add up.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from facewright_models.photo_skin.projection import WINDOW_WIDTH

__all__ = ["averaged", "flattened_light", "harmonics", "without_shine"]

_RIDGE = (0.0, 2e-3, 2e-3, 2e-3, 8e-3, 8e-3, 8e-3, 8e-3, 8e-3)
_SYMMETRY = 2.0
_STEP = 3
_ROUNDS = 4
_OUTLIER = 0.22
_BROAD, _BROAD_PULL = 0.085, 0.4
_HIGHLIGHT = 0.010
_PATCHES, _HUE_PULL, _TOO_BLUE = (0.035, 0.012), 0.45, 0.06
_SHINE_PX = 2.0
Array = NDArray[np.float32]


def flattened_light(log_photo: Array, log_skin: Array, normals: Array, weight: Array, even: Array) -> Array:
    """(H, W, 3) the logarithm of the photo's skin without its light.

    Args:
        log_photo, log_skin: (H, W, 3) logarithms of linear colours: the photo's and the procedural skin's.
        normals: (H, W, 3) unit.
        weight: (H, W) how far the photo is believed.
        even: (H, W) where both should be alike in colour: skin, not lips.
    """
    width = log_photo.shape[1]
    ratio = log_photo - log_skin
    basis = harmonics(normals)  # (H, W, 9)
    bright, mirror = ratio.mean(-1), ratio.mean(-1)[:, ::-1]
    own = (slice(None, None, _STEP), slice(None, None, _STEP))
    half = (slice(None, None, _STEP), slice(0, width // 2, _STEP))
    both = np.minimum(weight, weight[:, ::-1])[half].ravel()
    rows = np.concatenate([basis[own].reshape(-1, 9), (basis - basis[:, ::-1])[half].reshape(-1, 9)])
    values = np.concatenate([bright[own].ravel(), (bright - mirror)[half].ravel()])
    trust = np.concatenate([(weight * even)[own].ravel(), _SYMMETRY * both])
    light = basis @ _robust(rows, values, trust)
    flat = ratio - light[..., None]
    size = width / WINDOW_WIDTH
    # What colour the light has on either side: the difference of the sides is the light's, their mean the skin's.
    sides = averaged(
        np.concatenate([flat, flat[:, ::-1]], -1), np.minimum(weight, weight[:, ::-1]), 0.5 * _BROAD * size
    )
    flat = flat - 0.5 * (sides[..., :3] - sides[..., 3:])
    hue = flat - flat.mean(-1, keepdims=True)
    trusted = weight * even
    usual = np.array(
        [np.average(hue[..., channel], weights=trusted + 1e-9) for channel in range(3)], np.float32
    )
    for patch in _PATCHES:
        patches = averaged(hue, trusted, patch * size) - usual
        # Skin turns redder and browner, not bluer: that is a reflection of the sky or of a lamp.
        pull = _HUE_PULL + (1 - _HUE_PULL) * np.clip(patches[..., 2:] / _TOO_BLUE, 0, 1)
        hue = hue - pull * patches * even[..., None]
    flat = flat.mean(-1, keepdims=True) + hue
    broad = averaged(flat.mean(-1, keepdims=True), trusted, _BROAD * size)
    middle = float(np.average(flat.mean(-1), weights=weight * even + 1e-9))
    flat = flat - _BROAD_PULL * (broad - middle)
    shine = averaged(flat.mean(-1, keepdims=True), weight, _HIGHLIGHT * size) - middle
    flat = flat - 0.5 * np.maximum(shine - 0.12, 0)
    return np.asarray(flat + log_skin, np.float32)


def without_shine(linear: Array, trusted: Array, even: Array) -> tuple[Array, Array]:
    """(H, W, 3) linear colours without the white that skin reflects at its surface, and its share (H, W) of the light.

    Skin's own colours lie on a line through black and their mean; what is off it towards white is shine (Shafer, "Using
    color to separate reflection components", 1985). `even` (H, W) is where that holds: not on lips.
    """
    mean = np.array(
        [np.average(linear[..., channel], weights=trusted + 1e-9) for channel in range(3)], np.float32
    )
    relative = linear / np.maximum(mean, 1e-4)  # skin is grey in it, white light is not
    white = (mean.mean() / np.maximum(mean, 1e-4)).astype(np.float32)
    across = white - white.mean()
    amount = (relative - relative.mean(-1, keepdims=True)) @ across / max(float(across @ across), 1e-4)
    smooth = cv2.GaussianBlur(amount.astype(np.float32), (0, 0), _SHINE_PX)
    most = 0.75 * relative.min(-1) / white.max()
    shine = np.clip(smooth, 0, np.maximum(most, 0)) * even
    matt = np.asarray((relative - shine[..., None] * white) * mean, np.float32)
    share = 1 - matt.mean(-1) / np.maximum(linear.mean(-1), 1e-4)
    return matt, np.asarray(np.clip(share, 0, 1), np.float32)


def harmonics(normals: Array) -> Array:
    """(..., 3) unit normals -> (..., 9), of order 0, 1 and 2, without their constants."""
    x, y, z = np.moveaxis(normals, -1, 0)
    return np.stack([np.ones_like(x), x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], -1)


def averaged(values: Array, weight: Array, sigma_px: float) -> Array:
    """(H, W, C) weighted means under a Gaussian; far from all weight, the nearest means."""
    shrink = max(1, int(sigma_px / 4))
    size = (max(1, values.shape[1] // shrink), max(1, values.shape[0] // shrink))
    sigma = sigma_px / shrink
    stacked = np.dstack([values * weight[..., None], weight]).astype(np.float32)
    small = np.dstack(
        [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in np.moveaxis(stacked, -1, 0)]
    )
    total, reach = np.zeros_like(small), 1.0
    for _ in range(6):
        blurred = np.dstack(
            [
                cv2.GaussianBlur(plane, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
                for plane in np.moveaxis(small, -1, 0)
            ]
        )
        total += reach * blurred
        reach *= 1e-3
        sigma = min(2 * sigma, 0.5 * max(size))
    mean = total[..., :-1] / np.maximum(total[..., -1:], 1e-20)
    full = (values.shape[1], values.shape[0])
    planes = [cv2.resize(plane, full, interpolation=cv2.INTER_LINEAR) for plane in np.moveaxis(mean, -1, 0)]
    return np.asarray(np.dstack(planes), np.float32)


def _robust(rows: Array, values: Array, trust: Array) -> Array:
    """(9,) least squares in which what lies far off counts less, round by round."""
    chosen = trust > 1e-3
    if not chosen.any():
        return np.zeros(9, np.float32)
    x, y, weight = (part[chosen].astype(np.float64) for part in (rows, values, trust))
    solution = np.zeros(9)
    share = np.ones_like(weight)
    for _ in range(_ROUNDS):
        weighted = x * (weight * share)[:, None]
        normal = weighted.T @ x / weight.sum() + np.diag(_RIDGE) + 1e-9 * np.eye(9)
        solution = np.linalg.solve(normal, weighted.T @ y / weight.sum())
        off = np.abs(y - x @ solution)
        share = _OUTLIER / np.maximum(off, _OUTLIER)
    return solution.astype(np.float32)
