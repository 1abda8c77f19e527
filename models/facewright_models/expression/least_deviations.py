"""Linear regression to medians: what most samples do, and not the mean of those that do it and those that do not.

Source: Schlossmacher, "An iterative technique for absolute deviations curve fitting" (1973).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

__all__ = ["least_deviations"]

_ROUNDS = 40
_LEAST_SHARE = 0.02
"""Of the usual deviation: what deviates less counts as if it did so."""
_RIDGE, _EXACT = 1e-9, 1e-7


def least_deviations(
    inputs: Float64[np.ndarray, "N K"], outputs: Float64[np.ndarray, "N M"]
) -> Float64[np.ndarray, "K M"]:
    """The weights with the least sum of absolute deviations of `inputs @ weights` from each of the outputs."""
    weights = np.asarray(np.linalg.lstsq(inputs, outputs, rcond=None)[0])
    least = np.maximum(_LEAST_SHARE * np.abs(outputs - inputs @ weights).mean(0), _EXACT)
    for _ in range(_ROUNDS):
        share = least / np.maximum(np.abs(outputs - inputs @ weights), least)
        squares = np.einsum("nm,nk,nl->mkl", share, inputs, inputs)
        sums = np.einsum("nm,nk,nm->mk", share, inputs, outputs)
        size = np.maximum(np.trace(squares, axis1=1, axis2=2), _EXACT**2)
        ridge = _RIDGE * size[:, None, None] * np.eye(inputs.shape[1])
        weights = np.linalg.solve(squares + ridge, sums[..., None])[..., 0].T
    return np.asarray(weights)
